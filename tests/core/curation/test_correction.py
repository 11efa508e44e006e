"""Corrections: where rows go, that origins stay, and what a loop makes of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_tells_apart
from curator_cases import line
from exact_cases import WORKFLOWS, G, N, whole_numbers

from collapse.core import curation, loop, streams, workflows
from collapse.core.curation.at_random import at_random
from collapse.core.curation.correction import corrected, nearest_of, replaced, towards
from collapse.core.types import Curator
from collapse.numerics import draws


def test_a_row_moves_part_of_the_way_to_its_projection():
    centres = jnp.array([[0.0, 0.0], [4.0, 0.0]])
    rows = jnp.array([[1.0, 2.0], [3.0, -2.0]])
    for gamma, right in (
        (0.0, rows),
        (1.0, [[0.5, 1.0], [3.5, -1.0]]),
        (3.0, [[0.25, 0.5], [3.75, -0.5]]),
        (float("inf"), centres),
    ):
        moved = towards(nearest_of(centres), gamma)(jax.random.key(0), rows, None)
        np.testing.assert_allclose(moved, right, atol=1e-12)


def test_the_nearest_centre_is_that_of_the_smallest_distance():
    rng = np.random.default_rng(0)
    centres, rows = rng.normal(size=(5, 3)), 10 + rng.normal(size=(40, 3))
    found = nearest_of(jnp.asarray(centres))(jnp.asarray(rows), None)
    gaps = np.linalg.norm(rows[:, None] - centres[None], axis=2)
    np.testing.assert_allclose(found, centres[gaps.argmin(1)], rtol=1e-6)


def ideal(key, num, reference):
    return 100 + draws.normal(key, (num,))


def test_rows_are_replaced_with_the_probability_of_the_mixture(root):
    rows = jnp.zeros(20)
    correct = replaced(ideal, 3.0)
    keys = jax.random.split(root, 2000)
    found = np.asarray(jax.vmap(lambda key: correct(key, rows, None))(keys))
    new = found > 50
    assert (found[~new] == 0).all()
    assert_tells_apart(new.mean(1), 0.75, 0.5)
    assert_tells_apart(found.sum(1) - 100 * new.sum(1), 0, 1)
    assert not (np.diff(found[new]) == 0).any()  # each one is drawn anew
    for gamma, share in ((0.0, 0), (float("inf"), 1)):
        moved = np.asarray(replaced(ideal, gamma)(root, rows, None))
        assert ((moved > 50) == share).all()


def test_a_negative_gamma_is_refused():
    for make in (towards, replaced):
        with pytest.raises(ValueError, match="gamma is -1; give a number at least 0"):
            make(lambda *arguments: arguments[0], -1.0)


# In the loop


def ran(workflow, curator):
    run = jax.jit(
        lambda key: loop.run(key, whole_numbers(), workflow, N, G, curator=curator)
    )
    return run(jax.random.key(0))


def everything(key, batch, reference):
    return jnp.ones(len(batch.value))


@pytest.mark.parametrize(
    "name", ["replace", "accumulate", "replace_multiple", "mix fresh"]
)
def test_a_correction_that_changes_nothing_changes_no_bit(name):
    """Of rows, weights, fits and metrics; the key of the curator is the same, too."""

    def third(key, batch, reference):
        coin = draws.uniform(key, batch.value.shape) < 0.7
        return jnp.where(coin, jnp.mod(batch.value, 3), 0)

    plain, same = (
        ran(WORKFLOWS[name], c)
        for c in (
            Curator(1, third),
            corrected(lambda key, batch, reference: batch, Curator(1, third)),
        )
    )
    assert jax.tree.structure(plain) == jax.tree.structure(same)
    for a, b in zip(jax.tree.leaves(plain), jax.tree.leaves(same), strict=True):
        np.testing.assert_array_equal(a, b)
    other = ran(
        WORKFLOWS[name],
        corrected(lambda key, b, r: b._replace(value=b.value + 1), Curator(1, third)),
    )
    assert (np.asarray(plain[1].info["rows"]) != other[1].info["rows"]).any()


@pytest.mark.parametrize("name", ["accumulate", "mix fresh", "anchored fixed"])
def test_generated_rows_are_corrected_real_ones_are_not_and_origins_stay(name):
    """Numbers of this problem are below 1100; a correction adds 10 000."""
    correct = corrected(lambda key, b, r: b._replace(value=b.value + 10_000))
    state, trace = ran(WORKFLOWS[name], correct)
    origin, rows = np.asarray(state.store.origin), np.asarray(state.store.data.value)
    assert (rows[origin > 0] >= 10_000).all() and (rows[origin == 0] < 10_000).all()
    assert (origin > 0).any() and (origin == 0).any()
    plain = ran(WORKFLOWS[name], Curator(1, everything))[0]
    np.testing.assert_array_equal(origin, plain.store.origin)
    assert (np.asarray(trace.info["kept_share"]) == 1).all()


def test_rows_are_weighed_after_they_are_corrected():
    def odd(key, batch, reference):
        return jnp.mod(batch.value, 2)

    def doubled(key, batch, reference):
        return batch._replace(value=2 * batch.value)

    trace = ran(WORKFLOWS["replace"], corrected(doubled, Curator(1, odd)))[1]
    assert (np.asarray(trace.info["kept_share"])[1:] == 0).all()


def test_a_correction_alone_is_no_curator_that_keeps_all():
    assert not curation.keeps_all(corrected(lambda key, batch, reference: batch))


def test_a_deviation_shrinks_by_one_plus_gamma_in_each_generation():
    """The law (p + gamma p_0) / (1 + gamma): here all rows begin at a mean of 1."""
    gamma, generations = 0.5, 4
    problem = line(1.0)
    shifted = problem._replace(draw=lambda key, num: 1 + problem.draw(key, num))
    fresh = replaced(lambda key, num, reference: problem.draw(key, num), gamma)

    def means(curator):
        trace = loop.run_seeds(
            streams.seeds(0, 800), lambda root: shifted, workflows.replace(), 20,
            generations, curator=curator,
        )[1]  # fmt: skip
        return np.asarray(trace.metrics["mean"])

    steps = np.arange(generations + 1)
    right = (1 + gamma) ** -steps.astype(float)
    assert_tells_apart(means(corrected(fresh)), right, (1 + gamma / 2) ** -steps)
    # the control: without a correction the mean stays where it is
    assert_tells_apart(means(at_random(1.0)), np.ones(generations + 1), right)
