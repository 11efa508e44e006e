"""What holds for every curator: form, keys, maps over seeds, runs, keep rates."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from curator_cases import KEEPING, all_curators, plane

from collapse.core import curation, loop, streams, workflows
from collapse.core.curation import keeping, tally
from collapse.core.types import Actions, Controller
from collapse.numerics import draws

NAMES = list(all_curators())
EACH = pytest.mark.parametrize("name", NAMES)
N, G = 12, 2


def given(curator, key):
    """Candidates, what the curator sees beside them, and the key to weigh with."""
    batch = draws.normal(key, (N * curator.candidates, 2))
    seen = keeping.seen(curator, jnp.ones(2), plane().reference)
    if curator.correct is not None:
        batch = curator.correct(jax.random.fold_in(key, 1), batch, seen)
    return jax.random.fold_in(key, 2), batch, seen


@EACH
def test_weights_are_one_number_for_each_row(name):
    curator = all_curators()[name]
    key, batch, seen = given(curator, jax.random.key(0))
    weights = np.asarray(curator.weigh(key, batch, seen))
    assert batch.shape == (N * curator.candidates, 2)
    assert weights.shape == (len(batch),)
    assert np.isfinite(weights).all() and (weights >= 0).all()
    assert (weights > 0).all() == (name in KEEPING), (
        "it keeps all rows, or rejects none"
    )
    again = np.asarray(curator.weigh(key, batch, seen))
    np.testing.assert_array_equal(weights, again)


@EACH
def test_compiled_for_many_seeds_it_gives_what_it_gives_alone(name):
    curator = all_curators()[name]

    def weights(key):
        return curator.weigh(*given(curator, key))

    keys = jax.random.split(jax.random.key(1), 3)
    both = jax.jit(jax.vmap(weights))(keys)
    for key, row in zip(keys, both, strict=True):
        np.testing.assert_allclose(weights(key), row, rtol=1e-5, atol=1e-7)
    assert len({tuple(row) for row in np.asarray(both).tolist()}) > 1 or name in (
        "towards",
        "replaced",
    )


@functools.cache
def ran(name, rate=None):
    """State and trace of a few seeds under accumulate."""

    def act(state, metrics):
        return state, Actions(keep_rate=jnp.array(rate))

    seats = {} if rate is None else {"controller": Controller(lambda: (), act)}
    return loop.run_seeds(
        streams.seeds(0, 2), lambda root: plane(), workflows.accumulate(G), N, G,
        curator=all_curators()[name], **seats,
    )  # fmt: skip


@EACH
def test_a_run_trains_on_the_rows_that_it_keeps_and_on_no_others(name):
    state, trace = ran(name)
    assert bool(np.asarray(trace.finite).all())
    origin, weight = (np.asarray(x) for x in (state.store.origin, state.store.weight))
    assert ((weight > 0) == (origin >= 0)).all()
    assert (np.asarray(state.store.data)[origin < 0] == 0).all()
    there = (origin >= 0).sum(2)  # [seeds, slots]
    fitted = np.cumsum(there, 1)
    np.testing.assert_array_equal(trace.info["rows"], fitted)
    np.testing.assert_allclose(
        trace.info["total"], np.cumsum(weight.sum(2), 1), rtol=1e-5
    )
    kept = np.asarray(trace.info[tally.KEPT])
    assert (kept[:, 0] == 1).all()
    assert (kept[:, 1:] == 1).all() == (name in KEEPING)


@pytest.mark.parametrize("name", ["points", "best of 3", "top share", "odds", "labels"])
def test_a_controller_s_keep_rate_leaves_so_many_candidates(name):
    """Of 12 positions a third of the candidates, or fewer if fewer are accepted."""
    curator = all_curators()[name]
    alone, kept = (np.asarray(ran(name, r)[1].info[tally.KEPT]) for r in (None, 0.25))
    assert (kept[:, 0] == 1).all()
    assert (kept[:, 1:] <= 0.25 + 1e-12).all()
    most = np.floor(0.25 * N * curator.candidates + 0.5) / (N * curator.candidates)
    # generation 1 of both runs has the same candidates
    np.testing.assert_allclose(kept[:, 1], np.minimum(alone[:, 1], most))


def test_the_curator_that_keeps_all_is_known_by_its_fields():
    assert curation.keeps_all(curation.keep_all())
    for curator in all_curators().values():
        assert not curation.keeps_all(curator)
    for field in ("correct", "context", "rank"):
        other = curation.keep_all()._replace(**{field: lambda *arguments: arguments[1]})
        assert not curation.keeps_all(other)
