"""Several models that share rows, in the commands of the families."""

import dataclasses

import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED

import collapse
from collapse.experiment import registry
from collapse.lab.run import main, prepare
from collapse.sims.discrete import Discrete
from collapse.sims.gaussian import Gaussian
from collapse.sims.mixing import Mixing

pytestmark = pytest.mark.x64
SMALL = {"num_symbols": 8, "samples_per_generation": 24, "seed": SEED}


def test_heterozygosity_of_the_pool_and_of_each_model_has_its_expectation():
    """The control is the law of one model, and that of each model by itself."""
    run = collapse.run(
        "discrete",
        workflows=["replace", "accumulate"],
        models=[1, 6],
        num_generations=4,
        num_seeds=4000,
        metrics=["heterozygosity", "pooled_heterozygosity"],
        **SMALL,
    )
    data = run.dataset.isel(generation=[0, 4])
    for workflow in ("replace", "accumulate"):
        one, six = (data.sel(models=m, workflow=workflow) for m in (1, 6))
        for name in ("heterozygosity", "pooled_heterozygosity"):
            wrong = (
                one if workflow == "replace" else data.sel(models=6).isel(workflow=0)
            )
            assert_tells_apart(
                six[name].values, six[f"{name}_theory"], wrong[f"{name}_theory"]
            )
        np.testing.assert_array_equal(one.pooled_heterozygosity, one.heterozygosity)


def test_moments_of_gaussians_with_private_rows_have_their_expectation():
    run = collapse.run(
        "gaussian",
        workflows="replace",
        models=3,
        private_rows=2,
        ddof=[0, 1],
        samples_per_generation=12,
        num_generations=3,
        num_seeds=8000,
        seed=SEED,
        metrics=[
            *("variance_ratio", "pooled_variance_ratio"),
            *("mean_error", "pooled_mean_error"),
        ],
    )
    data = run.dataset.isel(workflow=0, generation=[0, 3])
    for ddof, other in ((0, 1), (1, 0)):
        for name in ("variance_ratio", "pooled_variance_ratio"):
            exact = data[f"{name}_theory"]
            right, wrong = exact.sel(ddof=ddof), exact.sel(ddof=other)
            assert_tells_apart(data[name].sel(ddof=ddof).values, right, wrong)
    right = data.mean_error_theory.isel(ddof=0)
    wrong = data.pooled_mean_error_theory.isel(ddof=0)  # each errs more than all do
    assert_tells_apart(data.mean_error.isel(ddof=0).values, right, wrong)


@pytest.mark.parametrize("name", ["discrete", "gaussian"])
def test_one_model_is_the_plain_run_bit_for_bit_beside_others_too(name):
    """Also where one model keeps counts of whole batches and several keep tokens."""
    fields = {"num_generations": 3, "num_seeds": 4, "seed": SEED}
    fields |= {"samples_per_generation": 24, "snapshots": [3], "workflows": "replace"}
    if name == "gaussian":
        fields["metrics"] = ["variance_ratio", "mean_error"]
    plain = collapse.run(name, **fields).dataset
    beside = collapse.run(name, models=[1, 4], **fields).dataset
    for metric in plain.data_vars:
        found = beside[metric]
        found = found.sel(models=1) if "models" in found.dims else found
        np.testing.assert_array_equal(found, plain[metric], err_msg=str(metric))
    assert beside.models.long_name == "Models M that share the rows of a generation"
    assert not {"pooled_heterozygosity", "models"} & {*plain.variables}


OTHERS = {
    "kde": {"samples_per_generation": 12},
    "gmm": {"samples_per_generation": 40, "num_components": 2, "max_iter": 5},
    "linear": {"design": "fresh", "dimension": 2, "samples_per_generation": 40},
    "ngram": {"contexts": "free", "order": 2, "samples_per_generation": 200},
    "grammar": {"nonterminals": "free", "samples_per_generation": 40, "num_pairs": 2},
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.full) for n in OTHERS]
)
def test_families_of_single_rows_take_several_models(name):
    run = collapse.run(
        name,
        workflows=["replace", "fixed_budget", "mix 0.3 fixed"],
        models=[2, 4],
        private_rows=2,
        num_generations=2,
        num_seeds=3,
        snapshots=[2],
        seed=SEED,
        **OTHERS[name],
    )
    data = run.dataset
    assert data.finite.all() and dict(data.sizes)["models"] == 2
    assert data.samples.sizes["row"] == OTHERS[name]["samples_per_generation"]
    assert "M = 2, 4 models that share the rows" in run.experiment.caption()
    assert "2 private real rows a model" in run.experiment.caption()


def test_real_rows_of_a_table_are_dealt_out_and_kept_private():
    fields = {"data": "faithful", "models": 4, "num_generations": 2, "num_seeds": 3}
    fields |= {"workflows": "replace", "metrics": ["variance_ratio"]}
    run = collapse.run("gaussian", samples_per_generation=40, private_rows=10, **fields)
    assert run.dataset.finite.all()
    with pytest.raises(
        collapse.InputError, match="private_rows: 400 for 4 models, but"
    ):
        collapse.run("gaussian", samples_per_generation=40, private_rows=100, **fields)


REFUSED = [
    ("discrete", {"models": (5,)}, "models: 5 cannot generate 24 rows in equal shares"),
    ("discrete", {"models": (0,)}, "models: 0; give a number from 1"),
    ("discrete", {"models": (2, 2)}, "models: a value is repeated"),
    ("gaussian", {"models": (24,)}, "models: 24 leave each 1 of 24 rows, too few for"),
    ("gaussian", {"models": (2,), "rows": "law"}, "models: rows = law keeps whole"),
    ("gaussian", {"private_rows": -1}, "private_rows: -1; give a number"),
    ("gaussian", {"private_rows": 1, "rows": "law"}, "private_rows: rows = law keeps"),
    (
        "linear",
        {"models": (2,)},
        "models: fixed inputs cannot be dealt out; give --des",
    ),
    ("ngram", {"models": (2,)}, "models: fixed contexts cannot be dealt out; give --c"),
    ("grammar", {"models": (2,)}, "models: fixed non-terminals cannot be dealt out"),
    ("charlm", {"models": (2,)}, "models: charlm measures the text of one model"),
]


@pytest.mark.parametrize("name, fields, said", REFUSED)
def test_what_models_cannot_share_is_refused_in_one_line(name, fields, said):
    fields = {"samples_per_generation": (24,)} | fields
    with pytest.raises(collapse.InputError) as error:
        prepare(registry.experiment(name)(**fields))
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_task_of_whole_batches_is_refused():
    """That of a user's own family, which says nothing of several models."""
    experiment, data = prepare(Gaussian(rows="statistics", workflows=("replace",)))
    shared = dataclasses.replace(experiment, models=(2,))
    with pytest.raises(
        collapse.InputError, match="models: gaussian keeps whole batches"
    ):
        shared.task_of(next(shared.conditions()), data)


def test_a_quick_run_has_rows_that_all_models_can_share():
    fields = {"models": (3, 16), "samples_per_generation": (4800,)}
    small, _ = prepare(Discrete(**fields), quick=True)
    assert small.models == (3, 16) and small.samples_per_generation == (96,)
    small, _ = prepare(Discrete(**fields | {"models": (1,)}), quick=True)
    assert small.samples_per_generation == (100,)


def test_a_study_asks_one_model():
    study = Mixing(family=Gaussian(models=(2,), samples_per_generation=(24,)))
    with pytest.raises(collapse.InputError, match="models: mixing is of one model"):
        prepare(study)
    assert "models" not in study.learner.own_fields()


def test_what_was_run_before_is_the_same_experiment():
    """Its table has no models, so that its digest is what it was."""
    assert not {"models", "private_rows"} & {*Discrete().to_table()}
    assert Discrete(models=(2,)).to_table()["models"] == (2,)
    assert Discrete().digest() != Discrete(models=(2,)).digest()


def test_a_command_draws_both_and_names_the_models(tmp_path, capfd, monkeypatch):
    arguments = (
        "--models 1 4 --workflows replace --samples-per-generation 8 --num-seeds"
    )
    arguments += " 3 --num-generations 2 --num-symbols 4 --snapshots 2"
    out = tmp_path / "out"
    assert main(Discrete, [*arguments.split(), "--out", str(out)]) == 0
    said = capfd.readouterr().out
    assert "models workflow pooled_heterozygosity" in said
    assert "2 x 3 seeds x 3 generations" in said
    assert (out / "figure.png").stat().st_size > 0
    assert "models = [1, 4]" in (out / "experiment.toml").read_text()
