"""Diffusion as a family: exact scores meet theory, networks run, bad input is told."""

import dataclasses

import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED

import collapse
from collapse.lab.run import main
from collapse.sims.diffusion import Diffusion

EXACT = {"score": "exact", "samples_per_generation": 30, "measured_rows": 30}
SMALL = {"steps": 3, "width": 8, "sample_steps": 3, "measured_rows": 20, "num_seeds": 2}
SMALL |= {"num_generations": 2, "samples_per_generation": 20, "workflows": "replace"}
CASES = [
    ("line", "mode_4", "replace", "accumulate"),
    ("circle", "mode_2", "mix 0.3 fresh", "replace"),
    ("mixture", "mode_4", "accumulate", "replace"),
    ("torus", "mode_1", "window 2", "replace"),
    ("butane", "mode_3", "fixed_budget", "replace"),
    ("line", "mode_4", "mix 0.3 fixed", "replace"),
]


@pytest.mark.x64
@pytest.mark.parametrize(("truth", "mode", "workflow", "other"), CASES)
def test_an_exact_score_has_its_expected_modes(truth, mode, workflow, other):
    run = collapse.run(
        "diffusion",
        truth=truth,
        workflows=workflow,
        delta=0.08,
        num_generations=3,
        num_seeds=1500,
        metrics=mode,
        seed=SEED,
        precision="float64",
        **EXACT,
    )
    data, at = run.dataset.isel(workflow=0).squeeze(drop=True), [0, 3]
    wrong = dataclasses.replace(run.experiment, workflows=(other,), delta=(0.04,))
    curve = wrong.theory(next(wrong.conditions()))[mode]
    right = data[f"{mode}_theory"].values
    assert_tells_apart(data[mode].values[:, at], right[at], curve[at])


@pytest.mark.x64
def test_the_loss_of_an_exact_score_is_that_of_its_kernels():
    """Early stopping widens; without it held-out rows have no density."""
    run = collapse.run(
        "diffusion",
        truth="line",
        workflows="replace",
        delta=[0.002, 0.05],
        num_generations=4,
        num_seeds=20,
        metrics=["test_error", "generalisation_score"],
        precision="float64",
        **EXACT,
    )
    ends = run.dataset.isel(generation=-1, workflow=0).mean("seed").squeeze(drop=True)
    assert np.isfinite(run.dataset.test_error).all() and (ends.test_error > 0).all()
    near, far = ends.generalisation_score.values
    assert 0 < near < far


def test_theory_is_of_exact_scores_alone():
    for fields in ({}, {"score": ("rows",)}, {"score": ("exact",), "truth": "moons"}):
        experiment = Diffusion(**fields, workflows=("replace",)).resolved(0, 0)
        assert experiment.theory(next(experiment.conditions())) == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"truth": "ring", "sampler": "ddim", "snapshots": [0, 2]},
        {"truth": "moons", "score": "rows"},
        {"truth": "mixture", "labelled": True, "guidance": [1.0, 2.0]},
        {"data": "alanine-dipeptide", "score": "exact"},
        {"truth": "butane", "torsions": 2, "start": "previous", "schedule": "linear"},
    ],
)
def test_networks_and_scores_run_on_every_kind_of_truth(fields):
    run = collapse.run("diffusion", **SMALL | fields)
    assert run.dataset.finite.all()
    for name in run.experiment.measured():
        assert np.isfinite(run.dataset[name]).all(), name
    if "snapshots" in fields:
        assert run.dataset.samples.shape[-2:] == (20, 2)


def test_a_table_and_angles_in_degrees_are_learned(tmp_path):
    rng = np.random.default_rng(SEED)
    np.save(tmp_path / "angles.npy", rng.uniform(-180, 180, (60, 2)))
    own = {"data": str(tmp_path / "angles.npy"), "space": "torus", "unit": "degrees"}
    run = collapse.run("diffusion", **SMALL | own, snapshots=[1])
    assert abs(run.dataset.samples).max() <= np.pi + 1e-6
    assert "in radians" in run.experiment.caption()
    table = np.column_stack([rng.normal(size=(60, 2)), np.arange(60) % 2])
    np.savetxt(
        tmp_path / "classes.csv", table, delimiter=",", header="a,b,kind", comments=""
    )
    classes = {"data": str(tmp_path / "classes.csv"), "label": "kind"}
    found = collapse.run("diffusion", **SMALL | classes, guidance=[2.0])
    assert np.isfinite(found.dataset.within_class).all()
    words = np.array(["no", "yes"])[table[:, 2].astype(int)]
    lines = [f"{kind},{a},{b}" for kind, (a, b, _) in zip(words, table, strict=True)]
    (tmp_path / "words.csv").write_text("\n".join(["kind,a,b", *lines]) + "\n")
    named = classes | {"data": str(tmp_path / "words.csv")}
    told = collapse.run("diffusion", **SMALL | named, guidance=[2.0], snapshots=[1])
    # the same rows, whatever their classes are called and wherever these stand
    assert told.dataset.samples.sizes["dimension"] == 2
    assert told.dataset.within_class.equals(found.dataset.within_class)
    found = collapse.run("diffusion", data="faithful", **SMALL, snapshots=[2])
    assert found.dataset.finite.all()
    # snapshots are in units of the data: minutes between 40 and 100, about
    waiting = found.dataset.samples.isel(dimension=1)
    assert 40 < float(waiting.median()) < 100


def test_mixing_takes_it_by_its_energy_distance():
    own = {"steps": 3, "width": 8, "sample_steps": 3, "measured_rows": 20}
    run = collapse.run(
        "mixing",
        model="diffusion",
        **own,
        samples_per_generation=20,
        real_fraction=[0.5, 1.0],
        bias=[0.5, 1.0],
        num_seeds=2,
        num_generations=2,
        late=1,
    )
    assert run.experiment.error == "energy_distance"
    assert run.dataset.finite.all()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "turns.npy", "--space", "torus"], "give --unit degrees"),
        (["--data", "turns.npy", "--unit", "degrees"], "for angles give --space torus"),
        (
            ["--data", "turns.npy", "--samples-per-generation", "99"],
            "99 rows are needed",
        ),
        (["--data", "no.csv"], "no.csv"),
        (["--labelled", "--truth", "ring"], "labelled: ring has no components"),
        (["--labelled", "--score", "exact"], "labelled: an exact score"),
        (["--data", "faithful", "--labelled"], "labelled: not of data; drop it"),
        (["--delta", "9"], "delta: 9; give a number from 0 to 5"),
        (["--guidance", "-1"], "guidance"),
        (["--guidance", "2"], "guidance: rows have no classes"),
        (["--data", "faithful", "--label", "kind"], "label: unknown 'kind'"),
        (["--data", "faithful", "--label", "eruptions"], "training rows; a column of"),
        (["--sample-steps", "0"], "sample_steps"),
    ],
)
def test_bad_input_is_one_line(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    np.save("turns.npy", np.random.default_rng(0).uniform(-180, 180, (40, 2)))
    assert main(Diffusion, arguments) == 2
    error = capsys.readouterr().err
    assert said in error and "Traceback" not in error
    assert not (tmp_path / "results").exists()
