"""Unigrams as a family: Wright-Fisher under every workflow, extinction, real words."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_mean, assert_tells_apart
from conftest import SEED

import collapse
from collapse.data.words import load_words
from collapse.sims.discrete.experiment import Discrete

pytestmark = pytest.mark.x64
SMALL = {"num_symbols": 8, "samples_per_generation": 20, "seed": SEED}
WORKFLOWS = ["replace", "accumulate", "fixed_budget", "window 2", "replace_multiple"]
WORKFLOWS += ["mix 0.3 fresh", "mix 0.3 fixed"]


@pytest.mark.parametrize(
    "workflow",
    [
        pytest.param(w, marks=[pytest.mark.full] * (k > 2))
        for k, w in enumerate(WORKFLOWS)
    ],
)
def test_heterozygosity_has_its_exact_expectation(workflow):
    run = collapse.run(
        "discrete", workflows=workflow, num_generations=5, num_seeds=8000, **SMALL
    )
    data, at = run.dataset.isel(workflow=0), [0, 5]
    exact = data.heterozygosity_theory.values
    other = "accumulate" if workflow != "accumulate" else "replace"
    wrong = dataclasses.replace(run.experiment, workflows=(other,))
    curve = wrong.theory(next(wrong.conditions()))["heterozygosity"]
    assert_tells_apart(data.heterozygosity.values[:, at], exact[at], curve[at])
    if "support_theory" in data:
        found = data.support.values[:, at]
        assert_mean(found, data.support_theory.values[at])


def test_support_is_lost_for_ever_kept_for_ever_or_found_again():
    """Replace, accumulate, fixed budget: three invariants, seed by seed."""
    run = collapse.run("discrete", num_generations=20, num_seeds=200, **SMALL)
    steps = run.dataset.support.diff("generation")
    assert (steps.sel(workflow="replace") <= 0).all()
    assert (steps.sel(workflow="accumulate") == 0).all()
    assert (steps.sel(workflow="fixed_budget") > 0).any()
    until = run.dataset.first_extinction
    lost = run.dataset.support.isel(generation=0) < 8
    assert (until.where(lost, 0) == 0).all() and (until <= 21).all()


def test_smoothing_is_mutation():
    run = collapse.run(
        "discrete",
        workflows="replace",
        smoothing=0.5,
        num_generations=6,
        num_seeds=8000,
        **SMALL,
    )
    data = run.dataset.isel(workflow=0)
    exact = data.heterozygosity_theory.values
    plain = dataclasses.replace(run.experiment, smoothing=0.0)
    wrong = plain.theory(next(plain.conditions()))["heterozygosity"]
    found = data.heterozygosity.values[:, [1, 6]]
    assert_tells_apart(found, exact[[1, 6]], wrong[[1, 6]])


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_any_temperature_but_one_degenerates(temperature):
    run = collapse.run(
        "discrete",
        workflows="replace",
        temperature=temperature,
        num_generations=8,
        num_seeds=50,
        **SMALL | {"samples_per_generation": 5000},
    )
    entropy = run.dataset.entropy.mean("seed").values.ravel()
    end = 0 if temperature < 1 else np.log(8)
    assert abs(entropy[-1] - end) < 0.02 < abs(entropy[0] - end)


def test_words_of_a_text_are_the_symbols():
    words = load_words("shakespeare")
    assert words.words[:2] == ("the", "and")
    shares = words.train[:, 0]
    assert shares.sum() == pytest.approx(1) and (np.diff(shares) <= 0).all()
    assert len(Discrete(data="shakespeare").shares()) == len(words.words)
    run = collapse.run(
        "discrete",
        data="shakespeare",
        workflows=["replace", "accumulate"],
        samples_per_generation=500,
        num_seeds=3,
        num_generations=2,
    )
    assert run.dataset.finite.all()
    support = run.dataset.support.mean("seed")
    assert (support.sel(workflow="replace").diff("generation") < 0).all()


def test_a_text_of_one_word_is_refused(tmp_path):
    (tmp_path / "one.txt").write_text("again " * 2000)
    with pytest.raises(collapse.InputError, match="fewer than two distinct words"):
        collapse.run("discrete", data=str(tmp_path / "one.txt"))


def test_the_first_extinction_is_the_first_generation_that_misses_a_symbol():
    run = collapse.run(
        "discrete",
        workflows="replace",
        law="uniform",
        num_symbols=4,
        samples_per_generation=12,
        num_generations=9,
        num_seeds=40,
        seed=SEED,
    ).dataset.isel(workflow=0)
    expected = [
        next((t for t, alive in enumerate(seed) if alive < 4), 10)
        for seed in run.support.values
    ]
    assert len(set(expected)) > 3
    np.testing.assert_array_equal(run.first_extinction, expected)


def test_a_bias_is_of_the_temperature():
    """Temperature 0.4 with bias 0.5 is 0.2 with bias 1, and the caption says so."""
    shared = {"model": "discrete", "num_symbols": 6, "num_seeds": 2, "late": 1}
    shared |= {"num_generations": 2, "real_fraction": [0.5]}
    runs = [
        collapse.run("mixing", temperature=t, bias=[b], **shared)
        for t, b in ((0.4, 0.5), (0.2, 1.0), (0.4, 1.0))
    ]
    one, same, other = (run.dataset.total_variation.values for run in runs)
    np.testing.assert_allclose(one, same, rtol=1e-12)
    assert not np.allclose(one, other)
    caption = runs[0].experiment.caption()
    assert "0.5 times their temperature" in caption and "6 symbols" in caption


def test_a_biased_sampler_has_the_law_of_its_temperature(root):
    """That is share^(1 / (bias temperature)); real rows are not biased."""
    bias, temperature, num = 0.6, 1.5, 100_000
    experiment = Discrete(
        num_symbols=6, temperature=temperature, workflows=("replace",)
    )
    experiment = experiment.resolved(0, 0)
    own = experiment.task(next(experiment.conditions()), None)
    problem = own.biased(root, jnp.asarray(bias), None, *own.values)
    shares, truth = np.array([0.1, 0.3, 0.05, 0.2, 0.35, 0.0]), experiment.shares()
    drawn = problem.model.sample(root, jnp.asarray(shares), num)
    real = problem.draw(jax.random.fold_in(root, 1), num)
    assert drawn.shape == real.shape == (num,) and not (drawn == 5).any()

    def powered(shares, power):
        return shares**power / np.sum(shares**power)

    hot = 1 / (bias * temperature)
    for tokens, law, power, wrong in (
        (drawn, shares, hot, (1, 1 / temperature, 1 / bias, bias / temperature)),
        (real, truth, 1, (hot, 1 / temperature, 1 / bias)),
    ):
        seen = np.asarray(tokens)[:, None] == np.flatnonzero(law)
        law = law[law > 0]
        for other in wrong:
            assert_tells_apart(seen, powered(law, power), powered(law, other))


def test_mixing_takes_it_by_its_own_error():
    run = collapse.run(
        "mixing",
        model="discrete",
        num_symbols=6,
        real_fraction=[0.5, 1.0],
        num_seeds=4,
        num_generations=3,
        late=2,
    )
    assert run.experiment.error == "total_variation"
    assert run.dataset.finite.all()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"exponent": 1e300}, "exponent: with exponent 1e.300 and offset 0 rounding"),
        ({"exponent": 60.0}, "exponent: with exponent 60 and offset 0 rounding leaves"),
        ({"exponent": 2.0, "offset": 1e308}, "leaves fewer than two symbols; give a"),
        ({"smoothing": 1e300}, "smoothing: 1e.300; give a number from 0 to 1(e.0|0+)"),
    ],
)
def test_laws_that_rounding_takes_away_are_refused(fields, said):
    """They made NaN, in whose binomials a run hung."""
    with pytest.raises(collapse.InputError, match=said):
        collapse.run("discrete", **fields)


def test_the_largest_exponents_can_be_run():
    Discrete(exponent=40.0, samples_per_generation=(10,)).check()
    Discrete(exponent=2.0, offset=1e100, samples_per_generation=(10,)).check()
    Discrete(law="uniform", exponent=60.0, samples_per_generation=(10,)).check()
