"""Task worlds as a family: what a run measures and leaves, and what it refuses."""

import dataclasses
import json
import math

import jax
import numpy as np
import pytest

from collapse.data.errors import InputError
from collapse.data.worlds import WORLDS
from collapse.experiment import results
from collapse.lab import run as runner
from collapse.measures import worlds as measures
from collapse.models.language.architecture import SIZES, Size
from collapse.sims.worlds import Worlds
from collapse.sims.worlds.experiment import OF_LEAKS
from collapse.sims.worlds.leaks import teller
from collapse.sims.worlds.model import WorldArrays
from collapse.sims.worlds.task import task

pytestmark = pytest.mark.xdist_group("worlds")
SMALL = {"num_generations": 2, "num_seeds": 2, "samples_per_generation": 16}
SMALL |= {"steps": 3, "documents": 200, "measured_rows": 16, "batch_size": 4}


@pytest.fixture(autouse=True)
def _tiny(monkeypatch):
    monkeypatch.setitem(SIZES, "nano", Size(1, 8, 1))  # quick to compile


def asked(**fields):
    own = dict(SMALL) | fields
    axes = ("samples_per_generation", "steps", "temperature", "epochs")
    own |= {k: (v,) for k, v in own.items() if k in axes}
    return Worlds(**own)


@pytest.mark.parametrize("learn", ["responses", "documents"])
def test_a_run_measures_and_leaves_its_documents(learn, tmp_path):
    line = [
        text
        for name, value in SMALL.items()
        for text in (f"--{name.replace('_', '-')}", str(value))
    ]
    line += ["--learn", learn, "--out", str(tmp_path / "run"), "--quiet"]
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        assert runner.main(Worlds, line) == 0
    data = results.read_dataset(tmp_path / "run" / "results.nc")
    made_up = learn == "documents"
    experiment = asked(learn=learn)
    assert set(experiment.possible()) == set(Worlds.catalogue) & set(data)
    assert ("skill_survival" in data) == made_up and "phi" not in data
    assert ("copied_documents" in data) == made_up  # else right answers are copies
    assert data.sizes["generation"] == 3 and np.isfinite(data["answer_loss"]).all()
    texts = sorted((tmp_path / "run" / "texts").iterdir())
    assert len(texts) == 2 * 2 * 3
    first = texts[0].read_text().split("\n----\n")
    assert len(first) == 16
    if learn == "responses":  # prompts are those of the world
        assert all("=" in text and "+" in text.partition("=")[0] for text in first)
    page = (tmp_path / "run" / "continuations.md").read_text()
    assert "Generation 2" in page and "a prompt that is asked" in page


def test_a_run_tells_the_number_of_weights_of_every_size(tmp_path):
    """Of networks that save weights, from a file that names sizes of two kinds."""
    table = {
        **SMALL,
        "size": ["nano", "2x12x1"],
        "untied": True,
        "workflows": "replace",
    }
    table |= {"embedding": "repeated", "attention": "permuted", "mlp": "shared"}
    table |= {"layer_groups": 1, "target_shift": 2, "num_generations": 1}
    text = "\n".join(f"{name} = {json.dumps(value)}" for name, value in table.items())
    (tmp_path / "saved.toml").write_text(text)
    line = [str(tmp_path / "saved.toml"), "--out", str(tmp_path / "run"), "--quiet"]
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        assert runner.main(Worlds, line) == 0
    data = results.read_dataset(tmp_path / "run" / "results.nc")
    assert list(data["size"].values) == ["nano", "2x12x1"]
    assert np.isfinite(data["answer_loss"]).all()
    v = len(runner.prepare(asked())[1].vocabulary)
    rest = [layers * 2 * w + w + 6 * w + 6 * w**2 for layers, w in ((1, 8), (2, 12))]
    whole = [n + (v + 1) * w // 4 + v * w for n, w in zip(rest, (8, 12), strict=True)]
    assert list(data.attrs["non_embedding_parameters"]) == rest
    assert list(data.attrs["parameters"]) == whole


def test_parts_that_save_weights_are_recorded_where_they_are_asked_for():
    new = {"embedding", "attention", "mlp", "layer_groups", "target_shift"}
    assert not new & set(asked().to_table())
    table = asked(mlp="shared", target_shift=2).to_table()
    assert (table["mlp"], table["target_shift"]) == ("shared", 2)


def test_answers_are_judged_by_skill():
    shares = {"easy": 0.8, "hard": 0.15, "harder": 0.05}
    judged = [("easy", True, True)] * 4 + [("hard", True, False), ("hard", True, True)]
    judged += [("harder", False, False)] * 2
    found = measures.of_answers(judged, shares, measures.rarest(shares, 0.25))
    assert found["correctness"] == pytest.approx(0.8 + 0.15 / 2)
    assert found["validity"] == pytest.approx(0.95)
    assert found["rare_correctness"] == pytest.approx(0.075 / 0.2)
    own = measures.of_answers(judged[:4], shares, frozenset({"harder"}))
    assert own["correctness"] == 1  # of the skills that were asked
    assert np.isnan(own["rare_correctness"])


def test_generated_documents_are_counted():
    shares = {"easy": 0.8, "hard": 0.2}
    texts = ["a", "a", "b", "c"]
    judged = [("easy", True, True)] * 2 + [("", False, False), ("easy", True, False)]
    found = measures.of_documents(texts, judged, shares, {"a", "z"})
    assert found == {
        "generated_correctness": 0.5,
        "skill_survival": 0.5,
        "duplicate_share": 0.25,
        "copied_documents": 0.5,
    }


def test_rare_skills_hold_at_most_so_much_and_one_at_least():
    shares = {"a": 0.5, "b": 0.3, "c": 0.15, "d": 0.05}
    assert measures.rarest(shares, 0.2) == {"c", "d"}
    assert measures.rarest(shares, 0.19) == {"d"}
    assert measures.rarest(shares, 0.01) == {"d"}


REFUSED = [
    ({"block": 5}, "block: 5, but documents of arithmetic"),
    ({"largest": 19}, "largest: 19; arithmetic has operands of 1 to 18 digits"),
    ({"exponent": float("nan")}, "exponent: nan; give a number from 0 to 10"),
    ({"world": "facts", "exponent": -1.0}, "exponent: -1.0; give a number"),
    ({"world": "tools", "exponent": float("inf")}, "exponent: inf; give a number"),
    ({"world": "tools", "largest": 51}, "largest: 51; tools has 2 to 50"),
    ({"samples_per_generation": 300}, "samples_per_generation: 300 documents"),
    ({"learn": "documents", "temperature": 0.0}, "temperature: at 0 all documents"),
    ({"precision": "float64"}, "precision: networks run in float32"),
    ({"steps": 0, "epochs": 0.0}, "epochs: 0 trains nothing"),
    ({"batch_size": 5, "model_devices": 2}, "model_devices: 2 cannot share"),
    ({"size": ("2x63x2",)}, "size: width 63 is no even multiple of 2 heads"),
    ({"size": ("2x64x2", "2x32", "nano")}, "size: unknown '2x32'; known are nano"),
    ({"size": ("micro", "4x128x4")}, "size: 'micro' and '4x128x4' are one"),
    ({"embedding": "repeated"}, "embedding: .* give --untied, too"),
    ({"attention": "permuted", "size": ("2x364x2",)}, "attention: .* at most 360"),
    ({"size": ("micro", "nano"), "layer_groups": 3}, "layer_groups: 3 groups of 1 lay"),
    ({"metrics": ("perplexity",)}, "metrics: "),
    ({"metrics": ("exposure",)}, "metrics: exposure needs a world with secrets"),
    ({"attempts": 3, "pass_k": 4}, "pass_k: 4 of 3 answers"),
    ({"attempts": 3, "temperature": 0.0}, "attempts: at temperature 0"),
    ({"operator": ("rule",)}, "operator: unknown 'rule'; .* did you mean rules"),
    ({"operator": ("none random",)}, "operator: cannot read 'none random'"),
    ({"operator": ("rules", "rules ")}, "operator: 'rules' and 'rules ' are one"),
    ({"operator": ("best_of",)}, "operator: best_of needs several answers"),
    ({"candidates": 4}, "candidates: without an operator all documents are kept"),
    (
        {"operator": ("best_of",), "candidates": 4, "judged": "all"},
        "judged: best_of judges answers to one prompt",
    ),
    (
        {"operator": ("influence",), "judged": "all"},
        "judged: influence asks the model that generated",
    ),
    ({"operator": ("enhance",), "judged": "all"}, "judged: enhance rewrites what"),
    ({"operator": ("constitution",)}, "operator: constitution needs several answers"),
    (
        {"operator": ("constitution",), "candidates": 2, "principles": ("wrong",)},
        "principles: unknown 'wrong'",
    ),
    ({"judge_bias": -0.5}, "judge_bias: -0.5; give a number from 0 to 1"),
    ({"judge_accuracy": 1.5}, "judge_accuracy: 1.5; give a number from 0 to 1"),
    ({"faults": (0.7,), "noise": 0.5}, "faults, noise: 1.2 together"),
    ({"faults": (1.5,)}, "faults: 1.5; give a number from 0 to 1"),
    ({"world": "tools", "functions": "no.json"}, "functions: no.json: No such file"),
]


@pytest.mark.parametrize("fields, said", REFUSED)
def test_what_cannot_be_run_is_refused_in_one_line(fields, said):
    with pytest.raises(InputError, match=said) as found:
        experiment, data = runner.prepare(asked(**fields))
        task(next(iter(experiment.conditions())), data)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("world", WORLDS)
def test_every_world_has_documents_for_a_quick_run(world):
    experiment, data = runner.prepare(asked(world=world).quick())
    assert data.train.shape[1] == experiment.block == data.world.longest
    assert len(data.asked) > 0
    assert data.world.name.split()[0] in experiment.caption()


def test_other_worlds_have_other_digests():
    names = {runner.prepare(asked(**fields))[1].sha256 for fields in ({}, {"seed": 1})}
    assert len(names) == 2
    one, other = (asked(exponent=x) for x in (1.0, 2.0))
    assert one.digest() != other.digest()
    assert dataclasses.replace(one).digest() == one.digest()


def test_inflation_is_of_skills_that_both_halves_ask():
    shares = {"a": 0.75, "b": 0.25}
    seen = [("a", True, True), ("a", True, False), ("b", True, True)]
    unseen = [("a", True, False), ("a", True, False)]
    leaked = [True] * 3 + [False] * 2
    found = measures.inflation([*seen, *unseen], leaked, shares)
    assert found["leaked_correctness"] == found["score_inflation"] == 0.5
    assert found["fresh_correctness"] == 0
    unseen.append(("b", True, False))
    found = measures.inflation([*seen, *unseen], [*leaked, False], shares)
    assert found["leaked_correctness"] == found["score_inflation"] == 0.625
    assert math.isnan(measures.inflation(seen, leaked[:3], shares)["score_inflation"])


def test_losses_tell_leaks_within_a_skill():
    skills = ["easy"] * 4 + ["hard"] * 4 + ["one"]
    shares = {"easy": 0.6, "hard": 0.3, "one": 0.1}
    leaked = [True, False, True, False] * 2 + [True]
    losses = np.array([1.0, 2.0, 1.5, 3.0, 8.0, 9.0, 10.0, 11.0, 0.0])
    found = measures.leak_auc(skills, leaked, losses, shares)
    assert found == pytest.approx((2 * 1 + 0.75) / 3)  # of pairs within easy and hard
    other = measures.leak_auc(skills, leaked, -losses, shares)
    assert other == pytest.approx(1 - found)
    two = {"a": 0.5, "b": 0.5}
    assert math.isnan(measures.leak_auc(["a", "b"], [True, False], losses[:2], two))


def test_a_corpus_with_leaks_is_measured_by_halves():
    clean = set(Worlds().possible())
    leaky = set(Worlds(contamination=(0.0, 0.1)).possible())
    assert leaky - clean == set(OF_LEAKS)
    experiment, _ = runner.prepare(asked(contamination=(0.0, 0.1)))
    found = [c["contamination"] for c in experiment.conditions()]
    assert sorted(set(found)) == [0.0, 0.1]


def test_who_learned_leaks_is_told():
    experiment, data = runner.prepare(asked(contamination=(0.0, 1.0), num_seeds=2))
    roots = np.array([0])
    for condition in experiment.conditions():
        made = task(condition, data)
        values = WorldArrays(*made.values)
        roots = jax.vmap(jax.random.key)(np.arange(2))
        told = teller(condition.n, data, values)(roots, np.zeros((2, len(data.asked))))
        share = told["leaked_share"]
        if condition["contamination"]:
            assert (share > 0).all()
        else:
            assert (share == 0).all()
        np.testing.assert_allclose(told["leak_auc"], 0.5)
