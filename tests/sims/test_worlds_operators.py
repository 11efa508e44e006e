"""Text operators in a run of a world: what they keep, and what is told of it."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from collapse.core import streams
from collapse.data.errors import InputError
from collapse.data.worlds import arithmetic, facts
from collapse.data.worlds.planted import Defects
from collapse.data.worlds.rows import tokens_of, unasked, with_defects, world_rows
from collapse.experiment import results
from collapse.experiment.text.documents import read as read_row
from collapse.lab import run as runner
from collapse.models.language.architecture import SIZES, Size
from collapse.models.language.model import Blocks
from collapse.sims.worlds import Worlds
from collapse.sims.worlds.judges import (
    corpus_judgement,
    host_curator,
    judge_of,
    told,
)
from collapse.sims.worlds.model import WorldArrays, real_documents
from collapse.sims.worlds.operators import NONE, RULES, read
from collapse.sims.worlds.task import task

pytestmark = pytest.mark.xdist_group("worlds")
SMALL = {"num_generations": 2, "num_seeds": 2, "samples_per_generation": 16}
SMALL |= {"steps": 3, "documents": 200, "measured_rows": 16, "batch_size": 4}
CLEAN = world_rows(facts(), facts().longest, 1000, 100)
DIRTY = with_defects(CLEAN, Defects(faults=0.3, noise=0.1, duplicates=0.2), 1)
SEED = 3
SPECIAL = (
    NONE,
    "best_of",
    "constitution",
    "influence",
    "enhance",
)  # tested by themselves


def judged(operator, data=DIRTY, rate=0.6, **fields):
    own = Worlds(operator=(operator,), keep_rate=rate, seed=SEED, **fields)
    found = corpus_judgement(judge_of(read(operator), data, own), data, SEED)
    return found, told(found, [read_row(data, row) for row in data.train])


def test_planted_defects_are_those_that_are_found():
    right = [read_row(DIRTY, row).verdict.correct for row in DIRTY.train]
    assert 600 <= sum(right) <= 610  # noise may leave an answer right
    asked = {CLEAN.text(row)[0] for row in CLEAN.asked}
    assert asked.isdisjoint(DIRTY.text(row)[0] for row in DIRTY.train)
    leaked = with_defects(CLEAN, Defects(contamination=0.05))
    seen = [leaked.text(row)[0] in asked for row in leaked.train]
    assert sum(seen) == 50


def test_no_operator_and_an_answer_check_are_the_ends():
    assert judged("none")[1] == pytest.approx(
        {"phi": 1, "psi": 1, "operator_auc": 0.5, "lost_skills": 0}
        | {"documents_per_kept": 1, "judge_calls": 0}
        | dict.fromkeys(("judge_reward", "true_reward"), np.nan)
        | {"rewritten_share": 0},
        nan_ok=True,
    )
    found = judged("answers")[1]
    assert (found["phi"], found["psi"], found["operator_auc"]) == (1, 0, 1)


@pytest.mark.parametrize("name", [name for name in RULES if name not in SPECIAL])
def test_random_controls_keep_as_many_and_know_nothing(name):
    own, control = judged(name), judged(f"{name} random")
    assert own[0].kept.sum() == control[0].kept.sum() < 1000
    right = 600 / 1000
    error = np.sqrt(1 / (1000 * right * (1 - right)) / 12)  # of an AUC of noise
    assert abs(control[1]["operator_auc"] - 0.5) < 4 * error
    oracle = judged(f"{name} oracle")
    assert oracle[0].kept.sum() == own[0].kept.sum()
    assert oracle[1]["phi"] >= own[1]["phi"] - 1e-12
    assert oracle[1]["operator_auc"] == 1


@pytest.mark.parametrize("name", ["rules", "classifier", "perplexity"])
def test_operators_find_faults_that_random_ones_do_not(name):
    """The control is `random`, whose AUC is a half."""
    found, control = judged(name)[1], judged(f"{name} random")[1]
    assert found["operator_auc"] > 0.6 > control["operator_auc"]
    assert found["psi"] < control["psi"] and found["phi"] > control["phi"]


def test_the_best_answer_to_each_prompt_is_kept():
    """One in four; a judge that is right half of the time knows nothing."""
    world = arithmetic()
    clean = world_rows(world, world.longest, 400, 20)
    prompts = [clean.text(row)[0] for row in clean.train[:100]]
    generator = np.random.default_rng(0)
    said = [[f"{generator.integers(20)}" for _ in range(4)] for _ in prompts]
    pairs = [p + s for p, own in zip(prompts, said, strict=True) for s in own]
    every = clean._replace(
        train=tokens_of(pairs, world.longest, clean.vocabulary),
    )
    found = {
        name: judged(name, every, candidates=4, judge_accuracy=accuracy)
        for name, accuracy in (("best_of", 1.0), ("best_of random", 1.0))
    }
    kept = found["best_of"][0].kept
    assert kept.sum() == found["best_of random"][0].kept.sum()
    right = np.array([read_row(every, row).verdict.correct for row in every.train])
    asked = np.array([every.text(row)[0] for row in every.train])
    for prompt in {*prompts}:
        own = asked == prompt
        assert kept[own].sum() == own.sum() / 4
        assert right[own & kept].sum() == min(right[own].sum(), own.sum() / 4)
    worse = judged("best_of", every, candidates=4, judge_accuracy=0.0)[0].kept
    assert right[worse].sum() < right[kept].sum()


def test_duplicates_are_left_out_once():
    kept = judged("exact")[0].kept
    texts = ["".join(DIRTY.text(row)) for row in DIRTY.train]
    assert len({*texts}) == kept.sum() == len({t for t, k in zip(texts, kept) if k})  # noqa: B905


def test_what_operators_know_has_no_prompt_that_is_asked():
    made = unasked(CLEAN.world, np.random.default_rng(0), 3000)
    assert len(made) == 3000
    asked = {CLEAN.text(row)[0] for row in CLEAN.asked}
    assert asked.isdisjoint(d.prompt for d in made)
    plain = CLEAN.world.make(np.random.default_rng(0), 3000)
    assert not asked.isdisjoint(d.prompt for d in plain)  # the control


def test_only_candidates_of_the_span_are_judged_and_as_many_kept_as_have_room():
    e = Worlds(operator=("none", "answers"), candidates=2)
    curator = host_curator(judge_of(read("answers"), DIRTY, e), DIRTY, e)
    rows = jnp.asarray(DIRTY.train[None, :40])
    states = SimpleNamespace(generation=np.int32(0))
    spans = np.array([[8, 40]])
    weights, found, rewritten = curator.weigh(
        streams.seeds(0, 1), states, Blocks(rows), spans
    )
    assert rewritten is None
    right = [read_row(DIRTY, row).verdict.correct for row in DIRTY.train[:40]]
    inside = np.flatnonzero(right)
    inside = inside[inside >= 8][:16]
    np.testing.assert_array_equal(np.flatnonzero(weights[0]), inside)
    assert found["phi"] == pytest.approx(len(inside) / sum(right[8:]))


def test_without_an_operator_one_answer_to_each_prompt_is_kept():
    world = arithmetic()
    clean = world_rows(world, world.longest, 400, 20)
    rows = np.repeat(clean.train[:30], 4, 0)
    data = clean._replace(train=rows)
    kept = judged("none", data, candidates=4)[0].kept
    assert kept.sum() == 30
    assert sorted({*map(tuple, rows[kept])}) == sorted({*map(tuple, rows)})


def test_real_documents_of_a_seed_are_those_that_are_kept():
    kept = judged("answers")[0].kept
    none = jnp.zeros(0)
    values = WorldArrays(DIRTY.train, kept, DIRTY.asked, jnp.float32(1), none, None)
    root = streams.root(5)
    rows = np.asarray(real_documents(root, jax.tree.map(jnp.asarray, values), 200))
    assert len(rows) == 200
    assert all(read_row(DIRTY, row).verdict.correct for row in rows)
    few = values._replace(kept=np.arange(1000) < 30)
    rows = np.asarray(real_documents(root, jax.tree.map(jnp.asarray, few), 70))
    np.testing.assert_array_equal(rows[30:60], rows[:30])  # and again from the first
    own = sorted(map(tuple, rows[:30]))
    assert own == sorted(map(tuple, DIRTY.train[:30]))  # each of them once


def test_a_run_tells_what_operators_keep(monkeypatch, tmp_path):
    monkeypatch.setitem(SIZES, "nano", Size(1, 8, 1))
    line = [
        text
        for name, value in SMALL.items()
        for text in (f"--{name.replace('_', '-')}", str(value))
    ]
    names = ["none", "rules", "answers", "classifier"]
    line += ["--operator", *names, "--faults", "0.4", "--judged", "all"]
    line += ["--workflows", "replace", "--keep-rate", "0.25", "--quiet"]
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        assert runner.main(Worlds, [*line, "--out", str(tmp_path / "run")]) == 0
    data = results.read_dataset(tmp_path / "run" / "results.nc").squeeze("workflow")
    dirty = data.isel(seed=0, generation=0)
    assert dirty["phi"].sel(operator="none") == dirty["psi"].sel(operator="none") == 1
    assert dirty["phi"].sel(operator="answers") == 1
    assert dirty["psi"].sel(operator="answers") == 0
    assert dirty["operator_auc"].sel(operator="classifier") > 0.5
    kept = data["fit_kept_share"].isel(generation=slice(1, None))
    assert (kept.sel(operator="none") == 1).all()
    assert (kept.sel(operator="classifier") == 0.25).all()
    assert (kept.sel(operator="rules") < 1).all()


def test_a_run_with_operators_that_prefer_or_ask_or_rewrite(monkeypatch, tmp_path):
    monkeypatch.setitem(SIZES, "nano", Size(1, 8, 1))
    small = SMALL | {"num_generations": 1}
    line = [
        text
        for name, value in small.items()
        for text in (f"--{name.replace('_', '-')}", str(value))
    ]
    names = ["none", "constitution", "influence", "enhance", "enhance random"]
    line += ["--operator", *names, "--candidates", "2", "--workflows", "replace"]
    line += ["--judge-accuracy", "0.8", "--quiet", "--principles", "right", "ends"]
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        assert runner.main(Worlds, [*line, "--out", str(tmp_path / "run")]) == 0
    data = results.read_dataset(tmp_path / "run" / "results.nc")
    data = data.squeeze("workflow").isel(generation=1)
    assert (data["fit_kept_share"] == 0.5).all()
    assert (data["documents_per_kept"] == 2).all()
    calls = data["judge_calls"].mean("seed")
    assert calls.sel(operator=names[:3]).values.tolist() == [0, 4, 2]
    has = {
        name: bool(x.notnull().all())
        for name, x in data["true_reward"].groupby("operator")
    }
    assert has == {name: name == "constitution" for name in names}
    # a network of a few steps is wrong everywhere
    rewritten = data["rewritten_share"].sel(operator=["none", "enhance"])
    assert rewritten.mean("seed").values.tolist() == [0, 1]
    assert calls.sel(operator="enhance") == 4 and calls.sel(operator="none") == 0


def test_an_operator_that_leaves_nothing_is_refused():
    experiment, data = runner.prepare(
        Worlds(
            **SMALL | {"samples_per_generation": (16,), "steps": (3,)},
            operator=("answers",),
            judged="all",
            faults=(1.0,),
        )
    )
    with pytest.raises(InputError, match="operator: answers keeps no real document"):
        task(next(iter(experiment.conditions())), data)


@pytest.mark.parametrize("workflow", ["mix 0.5 fresh", "mix 0.5 fixed"])
def test_candidates_are_refused_where_not_each_prompt_has_all_of_them(workflow):
    experiment, data = runner.prepare(
        Worlds(
            **SMALL | {"samples_per_generation": (16,), "steps": (3,)},
            operator=("best_of",),
            candidates=4,
            workflows=(workflow,),
        )
    )
    with pytest.raises(InputError, match="^workflows: mix 0.5 .* --candidates"):
        task(next(iter(experiment.conditions())), data)


def test_a_principle_that_says_nothing_is_refused():
    own = {"operator": ("constitution",), "candidates": 4, "principles": ("discreet",)}
    Worlds(**own, world="facts").resolved(0, 0).check()
    with pytest.raises(InputError, match="^principles: discreet says nothing of arit"):
        Worlds(**own).resolved(0, 0).check()
