"""Random selection and shuffled weights: the controls see no row."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_tells_apart
from curator_cases import ROUNDING, all_curators, weights_of

from collapse.core.curation.at_random import at_random
from collapse.core.curation.shuffled import shuffled
from collapse.numerics import draws

BATCH = jnp.arange(10.0)


def kept(curator, root, seeds=4000):
    """[S, rows] weights of many keys."""
    keys = jax.random.split(root, seeds)
    return np.asarray(jax.vmap(lambda key: curator.weigh(key, BATCH, None))(keys))


def test_every_row_is_kept_with_the_rate(root):
    weights = kept(at_random(0.3), root)
    assert set(np.unique(weights)) == {0, 1}
    assert_tells_apart(weights, np.full(10, 0.3), np.full(10, 0.4))
    pairs = weights[:, 0] * weights[:, 1]  # rows are independent of one another
    assert_tells_apart(pairs, 0.09, 0.3)


def test_an_exact_rate_keeps_the_same_number_each_time(root):
    weights = kept(at_random(0.3, exact=True), root, 12_000)
    assert (weights.sum(1) == 3).all()
    assert_tells_apart(weights, np.full(10, 0.3), np.arange(10) < 3)
    assert_tells_apart(weights[:, 0] * weights[:, 1], 3 * 2 / 90, 0.09)


@pytest.mark.parametrize("exact", [False, True])
def test_rates_0_and_1_keep_nothing_and_all(exact):
    for rate in (0.0, 1.0):
        assert (weights_of(at_random(rate, exact=exact), BATCH) == rate).all()


def test_what_is_no_probability_is_refused():
    for rate in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match=r"keep_rate is .*from 0 to 1"):
            at_random(rate)


def test_shuffled_weights_are_the_same_numbers_on_other_rows(root):
    ratio = all_curators()["density ratio"]
    batch = draws.normal(root, (500, 2))
    args = (batch, batch[:50]), {"params": jnp.ones(2), "key": root}
    own, control = (
        weights_of(c, *args[0], **args[1]) for c in (ratio, shuffled(ratio))
    )
    np.testing.assert_allclose(np.sort(control), np.sort(own), rtol=ROUNDING)
    apart = -np.asarray(batch).sum(1)  # the truth's mean is nearer 0 than the model's
    bound = 6 / np.sqrt(500)
    assert np.corrcoef(own, apart)[0, 1] > bound
    assert abs(np.corrcoef(control, apart)[0, 1]) < bound


def test_each_place_is_as_likely_for_a_shuffled_weight(root):
    first = at_random(1.0)._replace(
        weigh=lambda key, batch, reference: (batch == 0).astype(float)
    )
    weights = kept(shuffled(first), root)
    assert (weights.sum(1) == 1).all()
    assert_tells_apart(weights, np.full(10, 0.1), np.arange(10) == 0)


def test_a_shuffled_curator_has_no_rank_and_keeps_its_correction():
    for curator in all_curators().values():
        control = shuffled(curator)
        assert control.rank is None
        assert control.correct is curator.correct
        assert control.candidates == curator.candidates
