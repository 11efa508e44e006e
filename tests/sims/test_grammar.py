"""Grammars as a family: exact with fixed non-terminals, which die where free."""

import dataclasses

import numpy as np
import pytest
from calibrated import assert_mean, assert_tells_apart, detectable
from conftest import SEED
from grammar_cases import CHILDREN, TOY, USES, Q

import collapse
from collapse.data.ngrams import draws_of
from collapse.lab.run import main
from collapse.sims.grammar import Grammar
from collapse.theory import extinction, grammar

pytestmark = pytest.mark.x64
WORKFLOWS = ["replace", "accumulate", "fixed_budget", "window 2", "replace_multiple"]
WORKFLOWS += ["mix 0.3 fresh", "mix 0.3 fixed"]
N, LAST = 8, 4  # sentences, which use 27 non-terminals


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    path = tmp_path_factory.mktemp("grammar") / "toy.cfg"
    path.write_text(TOY)
    return str(path)


def run(data, **fields):
    small = {"samples_per_generation": N, "seed": SEED, "num_generations": LAST}
    return collapse.run("grammar", data=data, **small | fields)


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_fixed_nonterminals_have_their_exact_expectations(toy, workflow):
    found = run(toy, workflows=workflow, nonterminals="fixed", num_seeds=4000)
    data, at = found.dataset.isel(workflow=0).squeeze(drop=True), [0, LAST]
    other = "accumulate" if workflow != "accumulate" else "replace"
    wrong = dataclasses.replace(found.experiment, workflows=(other,))
    wrong = wrong.theory(next(wrong.conditions()))
    for name in ("heterozygosity", "chi_square"):
        right = data[f"{name}_theory"].values[at]
        assert_tells_apart(data[name].values[:, at], right, wrong[name][at])
    for name in ("support", "pairs_right", "pairs_learnable"):
        assert (f"{name}_theory" in data) == (workflow in ("replace", "accumulate"))
        if f"{name}_theory" in data:
            right = data[f"{name}_theory"].values[at]
            assert_tells_apart(data[name].values[:, at], right, wrong[name][at])


def test_smoothing_is_mutation_of_each_nonterminal(toy):
    fields = {"workflows": "replace", "nonterminals": "fixed", "num_seeds": 4000}
    found = run(toy, add=0.2, **fields)
    data = found.dataset.squeeze(drop=True)
    plain = dataclasses.replace(found.experiment, add=0.0)
    wrong = plain.theory(next(plain.conditions()))["heterozygosity"]
    right = data.heterozygosity_theory.values
    assert_tells_apart(data.heterozygosity.values[:, LAST], right[LAST], wrong[LAST])
    assert "support_theory" not in data


def test_the_first_extinction_has_its_exact_law(toy):
    """No rule is lost by t: all alternatives of all non-terminals are alive."""
    fields = {"samples_per_generation": 100, "metrics": ["support"]}
    fields |= {"workflows": "replace", "nonterminals": "fixed", "num_seeds": 4000}
    first = run(toy, **fields).dataset.first_extinction.values.ravel()
    draws = draws_of(USES / USES.sum(), round(100 * USES.sum()))
    every = [tuple(rule) for rule in np.argwhere(Q > 0)]
    right = grammar.all_alive(Q, draws, [every], grammar.gone_replace(LAST))
    counts = (draws[:, None] * Q)[Q > 0]
    early = extinction.no_extinction(counts, LAST, diffusion=True)
    assert_tells_apart(first[:, None] > np.arange(LAST + 1), right, early)


def test_nonterminals_die_where_they_are_free_and_pairs_with_them(toy):
    fields = {"num_generations": 10, "num_seeds": 300}
    data = run(toy, workflows=["replace", "accumulate"], **fields).dataset
    lost = data.nonterminals_left.squeeze(drop=True).diff("generation")
    assert (lost.sel(nonterminals="fixed") == 0).all()
    assert (lost.sel(nonterminals="free", workflow="replace") < 0).any()
    assert (lost.sel(workflow="accumulate") == 0).all()
    ends = data.isel(generation=-1).sel(workflow="replace").squeeze(drop=True)
    fixed, free = ends.sel(nonterminals="fixed"), ends.sel(nonterminals="free")
    exact = float(fixed.support_theory)
    assert_tells_apart(fixed.support, exact, float(free.support.mean()))
    assert exact - float(free.support.mean()) > detectable(free.support)
    first = data.isel(generation=0).sel(nonterminals="free", workflow="replace")
    expected = grammar.first_support(Q, CHILDREN, 0, N)
    assert_mean(first.support.squeeze(drop=True), expected)


def test_sentences_are_left_with_snapshots(toy, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    given = ["--data", toy, "--workflows", "replace", "--num-generations", "3"]
    given += ["--snapshots", "0", "3", "--num-seeds", "2", "--nonterminals", "free"]
    assert main(Grammar, [*given, "--samples-per-generation", "9", "--out", "o"]) == 0
    page = (tmp_path / "o" / "sentences.md").read_text()
    assert "## replace\n\nGeneration 0: " in page and "Generation 3: " in page
    lines = (tmp_path / "o/sentences/replace-3.txt").read_text().splitlines()
    assert len(lines) == 9 and {w for s in lines for w in s.split()} <= set(
        "abcxyuvw"
    ) | {"and"}


def test_mixing_takes_it_by_chi_square(toy):
    found = collapse.run(
        "mixing",
        model="grammar",
        data=toy,
        real_fraction=[0.5, 1.0],
        bias=[0.5, 1.0],
        samples_per_generation=12,
        num_seeds=4,
        num_generations=3,
        late=2,
    )
    assert found.experiment.error == "chi_square"
    assert found.dataset.finite.all()
    assert "free non-terminals" in found.experiment.caption()


def test_a_grammar_without_pairs_has_no_measure_of_them(tmp_path, capsys):
    path = tmp_path / "plain.cfg"
    path.write_text("S -> 'a' 'b' | 'c'\n")
    names = Grammar(data=str(path)).measured()
    assert names and "pairs_right" not in names
    asked = ["--data", str(path), "--metrics", "pairs_right", "--out", "runs"]
    assert main(Grammar, asked) == 2
    assert "pairs_right, but" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "no.cfg"], "no.cfg: no such file; give a grammar as a file, or"),
        (
            ["--data", "bad.cfg"],
            "bad.cfg: S: its shares sum to 1.2; make them sum to 1",
        ),
        (["--num-pairs", "0"], "num_pairs: 0; give a number from 1 to"),
        (
            ["--nonterminals", "fixed", "--length", "0"],
            "length: 0; give a number from 1 to",
        ),
    ],
)
def test_bad_input_is_one_line(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.cfg").write_text("S -> 'a' [0.7] | 'b' [0.5]")
    assert main(Grammar, arguments) == 2
    error = capsys.readouterr().err
    assert said in error and "Traceback" not in error
    assert not (tmp_path / "results").exists()
