"""The operator influence asks each seed's own model what a step is worth to it."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from collapse.core import streams
from collapse.data.worlds import arithmetic
from collapse.data.worlds.planted import Defects
from collapse.data.worlds.rows import unasked, with_defects, world_rows
from collapse.models.language.architecture import SIZES, Size
from collapse.models.language.influence import document_losses, first_order, one_step
from collapse.models.language.model import Blocks, LanguageParams
from collapse.models.language.network import network
from collapse.sims.worlds import Worlds
from collapse.sims.worlds.judges import corpus_judgement, host_curator, judge_of
from collapse.sims.worlds.operators import read
from collapse.sims.worlds.task import design_of

pytestmark = pytest.mark.xdist_group("worlds")
WORLD = arithmetic(largest=1)
DATA = with_defects(world_rows(WORLD, WORLD.longest, 200, 20), Defects(faults=0.3), 1)
SEEDS, ROWS = 2, 32


@pytest.fixture(autouse=True)
def _tiny(monkeypatch):
    monkeypatch.setitem(SIZES, "nano", Size(1, 8, 1))
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        yield


def setting(operator="influence", **fields):
    e = Worlds(operator=(operator,), keep_rate=0.25, num_seeds=SEEDS, **fields)
    e = e.resolved(200, 0)
    design = design_of(next(iter(e.conditions())), DATA)
    weights = jax.jit(jax.vmap(network(design.network).init))(streams.seeds(5, SEEDS))
    weights = jax.tree.map(lambda leaf: 3 * leaf, weights)
    return e, design, weights


@pytest.mark.parametrize("gains", ["one_step", "first_order"])
def test_each_seed_keeps_what_helps_its_own_model_most(gains):
    e, design, weights = setting(gains=gains)
    judge = judge_of(read("influence"), DATA, e, design)
    curator = host_curator(judge, DATA, e)
    rows = jnp.asarray(np.stack([DATA.train[:ROWS]] * SEEDS))
    states = SimpleNamespace(generation=np.int32(0), params=LanguageParams(weights))
    spans = np.array([[0, ROWS]] * SEEDS)
    own = (streams.seeds(5, SEEDS), states, Blocks(rows), spans)
    found = curator.weigh(*own)
    kept, told = found.weights, found.told
    assert found.batch is None  # nothing was rewritten
    assert kept.sum(1).tolist() == [ROWS // 4] * SEEDS
    assert told["judge_calls"].tolist() == [4] * SEEDS
    way = {"one_step": one_step, "first_order": first_order}[gains]
    losses = document_losses(network(design.network), design.form)
    gain = jax.jit(lambda *own: way(losses, *own, e.learning_rate))
    clean = unasked(WORLD, np.random.default_rng([e.seed, 5]), 32)
    probes = np.stack([_row(d.prompt + d.response) for d in clean])
    for seed in range(SEEDS):
        mine = jax.tree.map(lambda leaf, seed=seed: leaf[seed], weights)
        scores = np.asarray(gain(mine, rows[0], jnp.asarray(probes)))
        least = scores[kept[seed] > 0].min()
        assert least >= scores[kept[seed] == 0].max() - 1e-6
    assert (kept[0] != kept[1]).any()  # other weights, other documents


def _row(text):
    row = np.zeros(DATA.train.shape[1], np.int32)
    row[: len(text)] = [DATA.vocabulary.index(letter) for letter in text]
    return row


def test_a_base_model_judges_the_corpus_and_a_control_asks_none():
    e, design, weights = setting(pretrain_steps=5)
    judge = judge_of(read("influence"), DATA, e, design)
    mine = jax.tree.map(lambda leaf: leaf[0], weights)
    found = corpus_judgement(judge, DATA, e.seed, lambda: mine)
    assert found.kept.sum() == 50 and len({*found.opinion.scores}) > 50
    control = judge_of(read("influence random"), DATA, e, design)
    found = corpus_judgement(control, DATA, e.seed)  # without any weights
    assert found.kept.sum() == 50 and found.opinion.calls == 0
