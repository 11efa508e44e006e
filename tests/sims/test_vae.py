"""Autoencoders as a family: the linear one meets its theory; networks; bad input."""

import dataclasses

import numpy as np
import pytest
from calibrated import assert_mean, assert_tells_apart
from conftest import SEED

import collapse
from collapse.lab.run import main, prepare
from collapse.sims.vae import Vae

LINEAR = {
    "network": "linear",
    "precision": "float64",
    "latents": 2,
    "num_generations": 4,
    "measured_rows": 20,
    "seed": SEED,
}
FACTORS = {"truth": "factors", "side": 3, "factors": 2}
WORKFLOWS = ["replace", "accumulate", "fixed_budget", "window 2", "mix 0.3 fresh"]


def run(**fields):
    return collapse.run("vae", **LINEAR | fields)


@pytest.mark.x64
@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_the_linear_model_has_its_exact_expectation(workflow):
    metrics = ["variance_ratio", "mean_error"]
    more = {"samples_per_generation": 12, "num_seeds": 4000, "metrics": metrics}
    found = run(workflows=workflow, **FACTORS, **more)
    data, at = found.dataset.squeeze(drop=True), [1, 4]
    other = "replace" if workflow in ("accumulate", "mix 0.3 fresh") else "accumulate"
    wrong = dataclasses.replace(found.experiment, workflows=(other,))
    curves = wrong.theory(next(wrong.conditions()))
    for name in metrics:
        right = data[f"{name}_theory"].values
        seen = data[name].values
        assert_tells_apart(seen[:, at], right[at], curves[name][at])


@pytest.mark.x64
def test_on_all_digits_the_first_fit_is_certain_and_later_ones_follow():
    """Of rows 30 of the digits it is not, and theory knows."""
    more = {"workflows": ["replace"], "num_seeds": 400, "metrics": ["variance_ratio"]}
    digits = {"num_generations": 2, **more}
    whole = run(**digits | {"num_seeds": 2}).dataset.squeeze(drop=True)
    theory = whole.variance_ratio_theory.values
    np.testing.assert_allclose(whole.variance_ratio.values[:, 0], 1, rtol=1e-9)
    np.testing.assert_allclose(theory, (1 - 1 / 1348) ** np.arange(3), rtol=1e-12)
    few = run(**digits, samples_per_generation=30).dataset.squeeze(drop=True)
    right = few.variance_ratio_theory.values
    assert_tells_apart(few.variance_ratio.values, right, theory)


@pytest.mark.x64
def test_decoder_means_of_digits_fall_as_theory_says_and_real_images_are_lost():
    more = {"generate": "mean", "latents": 8, "num_seeds": 40}
    metrics = ["variance_ratio", "negative_elbo"]
    data = run(**more, workflows=["replace", "accumulate"], metrics=metrics).dataset
    replaced = data.sel(workflow="replace").squeeze(drop=True)
    right = replaced.variance_ratio_theory.values
    np.testing.assert_allclose(
        replaced.variance_ratio.values[:, 0], right[0], rtol=1e-9
    )
    assert 0.4 < right[0] < 0.7  # what eight latents explain of the digits
    assert_mean(replaced.variance_ratio.values[:, 1:], right[1:])
    with pytest.raises(AssertionError):
        assert_mean(replaced.variance_ratio.values[:, 1:], right[1:] / right[0])
    kept = data.sel(workflow="accumulate").squeeze(drop=True)
    assert np.isnan(kept.variance_ratio_theory).all()
    loss = data.negative_elbo.mean("seed").squeeze(drop=True)
    assert (loss.diff("generation").sel(workflow="accumulate") > 0).all()


@pytest.mark.filterwarnings("ignore:data")
def test_a_network_runs_with_every_metric_and_its_images_are_drawn():
    small = {"width": 8, "latents": 2, "steps": 20, "measured_rows": 30}
    found = collapse.run(
        "vae",
        **small,
        samples_per_generation=60,
        num_generations=1,
        num_seeds=1,
        generate="mean",
        workflows="replace",
        imbalance=5.0,
        snapshots=[0, 1],
    )
    data = found.dataset
    assert data.finite.all()
    assert set(found.experiment.measured()) <= set(data)
    assert data.sizes["dimension"] == 64
    picture = found.draw(kind="images")
    assert len(picture.axes) == 2
    shown = picture.axes[0].images[0].get_array()
    first = data.samples.squeeze(drop=True).values[0, 0].reshape(8, 8)
    np.testing.assert_allclose(shown[:8, :8], first)


def test_mixing_takes_it():
    found = collapse.run(
        "mixing",
        model="vae",
        network="linear",
        real_fraction=[0.5, 1.0],
        bias=[0.5, 1.0],
        samples_per_generation=30,
        num_seeds=2,
        num_generations=2,
        late=1,
    )
    assert found.experiment.error == "negative_elbo"
    assert found.dataset.finite.all()
    assert "probabilistic PCA with 8 latents" in found.experiment.caption()


def test_captions_say_what_decoder_means_do():
    means, samples = (
        prepare(Vae(network=n, generate=(g,)))[0].caption()
        for n, g in (("mlp", "mean"), ("mlp", "sample"))
    )
    assert "Decoder means lack what latents do not explain" in means
    assert "images rises under accumulate as well" in samples
    assert "Gaussian pixels" in samples
    conv, _ = prepare(Vae(network="conv"))
    assert "Bernoulli pixels" in conv.caption()
    assert "test_error" not in conv.known_metrics()
    assert "test_error" in Vae(truth="factors").known_metrics()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "no.npy"], "no.npy: no such file; give an IDX file"),
        (["--data", "odd.npy", "--network", "conv"], "sides that 4 divides"),
        (["--data", "odd.npy", "--metrics", "class_distance"], "has no labels; give"),
        (["--data", "odd.npy", "--imbalance", "3"], "imbalance: odd.npy has no labels"),
        (["--data", "alike.npy"], "alike.npy: all images are alike; give images"),
        (["--data", "digits", "--imbalance", "0"], "imbalance: 0; give a number from"),
        (["--data", "range.npy"], "range.npy: pixels from -1 to 0; give 0 to 1"),
        (["--precision", "float64"], "precision: networks run in float32"),
        (["--network", "linear", "--latents", "64"], "latents: 64 of 64 pixels"),
        (["--truth", "factors", "--likelihood", "bernoulli"], "likelihood: factors"),
        (["--truth", "factors", "--factors", "64"], "factors: 64 of 64 pixels"),
        (["--samples-per-generation", "2000"], "2000 images are needed but digits"),
    ],
)
def test_bad_input_is_one_line(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    np.save("odd.npy", np.linspace(0, 1, 40 * 36).reshape(40, 6, 6))
    np.save("alike.npy", np.full((40, 6, 6), 0.5))
    np.save("range.npy", np.linspace(-1, 0, 4000).reshape(40, 10, 10))
    assert main(Vae, arguments) == 2
    error = capsys.readouterr().err
    assert said in error and "Traceback" not in error
    assert not (tmp_path / "runs").exists()


def test_a_quick_run_has_narrow_convolutions():
    assert Vae(network="conv").quick().width == 16
    assert Vae().quick().width == Vae().width == 128
