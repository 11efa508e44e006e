"""N-grams as a family: exact where contexts are fixed, lost where they are free."""

import dataclasses

import numpy as np
import pytest
from calibrated import assert_mean, assert_tells_apart, detectable
from conftest import SEED

import collapse
from collapse.experiment.remarks import remarks
from collapse.lab.run import main, prepare
from collapse.sims.ngram import Ngram

pytestmark = pytest.mark.x64
TEXT = "a bad cab had a bed; a dead bee aced a dab; " * 40
WORKFLOWS = ["replace", "accumulate", "fixed_budget", "window 2", "replace_multiple"]
WORKFLOWS += ["mix 0.3 fresh", "mix 0.3 fixed"]


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text(TEXT)
    return str(path)


def run(text, **fields):
    small = {
        "samples_per_generation": 60,
        "seed": SEED,
        "num_generations": 4,
        "order": 2,
    }
    return collapse.run("ngram", data=text, **small | fields)


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_a_fixed_design_has_its_exact_expectation(text, workflow):
    found = run(text, workflows=workflow, contexts="fixed", num_seeds=4000)
    data, at = found.dataset.isel(workflow=0).squeeze(drop=True), [0, 4]
    other = "accumulate" if workflow != "accumulate" else "replace"
    wrong = dataclasses.replace(found.experiment, workflows=(other,))
    curve = wrong.theory(next(wrong.conditions()))["heterozygosity"]
    right = data.heterozygosity_theory.values
    assert_tells_apart(data.heterozygosity.values[:, at], right[at], curve[at])
    assert (data.contexts_left == data.contexts_left_theory).all()
    if "support_theory" in data:
        assert_mean(data.support.values[:, at], data.support_theory.values[at])


def test_a_budget_by_context_is_no_budget_of_all_rows(text):
    """One budget of all rows would leave contexts out: its expectation is lower."""
    experiment, data = prepare(
        Ngram(data=text, workflows=("fixed_budget",), samples_per_generation=(60,))
    )
    fixed, free = experiment.conditions()
    assert experiment.task(fixed, data).workflow is not None
    assert experiment.task(free, data).workflow is None


def test_smoothing_is_mutation_after_each_context(text):
    found = run(text, workflows="replace", contexts="fixed", add=0.2, num_seeds=4000)
    data = found.dataset.isel(workflow=0).squeeze(drop=True)
    plain = dataclasses.replace(found.experiment, add=0.0)
    wrong = plain.theory(next(plain.conditions()))["heterozygosity"]
    right = data.heterozygosity_theory.values
    assert_tells_apart(data.heterozygosity.values[:, 4], right[4], wrong[4])
    assert "support_theory" not in data


def test_contexts_die_where_they_are_free_and_ngrams_with_them(text):
    data = run(text, workflows=["replace", "accumulate"], num_seeds=200).dataset
    left = data.contexts_left.squeeze(drop=True)
    lost = left.diff("generation")
    assert (lost.sel(contexts="fixed") == 0).all()
    assert (lost.sel(contexts="free") <= 0).all()
    assert (lost.sel(contexts="free", workflow="replace") < 0).any()
    assert (lost.sel(contexts="free", workflow="accumulate") == 0).all()
    # n-grams fall faster than theory says of fixed contexts, which those obey
    ends = data.isel(generation=-1).sel(workflow="replace").squeeze(drop=True)
    fixed, free = ends.sel(contexts="fixed"), ends.sel(contexts="free")
    exact = float(fixed.support_theory)
    assert_tells_apart(fixed.support, exact, float(free.support.mean()))
    assert exact - float(free.support.mean()) > detectable(free.support)


def test_the_floor_bounds_the_loss_of_a_model_that_has_lost_ngrams(text):
    more = {"num_generations": 15, "num_seeds": 4, "snapshots": [15]}
    found = run(text, workflows="replace", contexts="free", **more)
    data = found.dataset
    assert data.finite.all()
    assert "1 % equal shares" in data.bits_per_token_floored.attrs["long_name"]
    size = len(set(TEXT))
    assert (data.bits_per_token_floored < np.log2(size / 0.01)).all()
    context, token = data.samples.values.reshape(-1, 2).T
    assert len(set(zip(context, token, strict=True))) <= data.support.max()
    assert context.max() < size and token.max() < size


def test_trigrams_of_words_with_kneser_ney_are_all_possible():
    data = collapse.run(
        "ngram",
        order=3,
        tokens="words",
        vocabulary_size=9,
        smoothing="kneser_ney",
        samples_per_generation=500,
        workflows="replace",
        num_generations=2,
        num_seeds=2,
    ).dataset
    assert data.finite.all() and (data.support == 10**3).all()


@pytest.mark.parametrize("contexts", ["free", "fixed"])
def test_mixing_takes_it_by_the_loss_on_held_out_text(text, contexts):
    found = collapse.run(
        "mixing",
        model="ngram",
        order=2,
        data=text,
        **({} if contexts == "free" else {"contexts": contexts}),
        real_fraction=[0.5, 1.0],
        bias=[0.5, 1.0],
        samples_per_generation=30,
        num_seeds=4,
        num_generations=3,
        late=2,
    )
    assert found.experiment.error == "bits_per_token_floored"
    assert found.dataset.finite.all()
    caption = found.experiment.caption()
    assert "bigrams of characters" in caption and f"{contexts} contexts" in caption


def test_a_length_has_no_effect_where_contexts_are_fixed_alone():
    assert remarks(Ngram(length=10)) == ()
    (said,) = remarks(Ngram(length=10, contexts=("fixed",)))
    assert said == "length: has no effect here, only with --contexts free"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "no.txt"], "no.txt: no such file or folder; give a .txt file"),
        (["--data", "short.txt"], "short.txt: 3 characters are too few; give at least"),
        (["--data", "one.txt", "--tokens", "words"], "fewer than the order 3; give"),
        (["--discount", "0"], "discount: 0; give a number above 0 and at most 1"),
        (["--order", "4"], "order"),
        (["--tokens=words", "--vocabulary-size=999"], "give a smaller"),
    ],
)
def test_bad_input_is_one_line(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "short.txt").write_text("abc")
    (tmp_path / "one.txt").write_text("one" + " " * 2000)
    assert main(Ngram, arguments) == 2
    error = capsys.readouterr().err
    assert said in error and "Traceback" not in error
    assert not (tmp_path / "runs").exists()
