"""Importance weights: exact density ratios, powers of them, bounds."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_tells_apart
from curator_cases import ROUNDING, log_normal, weights_of
from jaxtyping import TypeCheckError

from collapse.core.curation.discriminator_weights import by_discriminator, log_ratio
from collapse.core.curation.importance import density_ratio, normalised
from collapse.numerics import draws

# four symbols: of the data, of the model, and a pool of both with a share of real rows
REAL, MODEL, SHARE = (
    np.array([0.5, 0.3, 0.15, 0.05]),
    np.array([0.7, 0.25, 0.05, 0]),
    0.2,
)
POOL = SHARE * REAL + (1 - SHARE) * MODEL
DETECTOR = SHARE * REAL / POOL  # probability that a row of the pool is real


def weighted_law(law, kind, exponent, probability):
    """The law of symbols drawn from one law and weighed by a detector."""
    with np.errstate(divide="ignore"):
        odds = np.log(probability) - np.log1p(-probability)
    raw = log_ratio(jnp.asarray(odds), kind)
    weights = np.asarray(normalised(raw, exponent, jnp.inf))
    return law * weights / (law @ weights)


@pytest.mark.parametrize(
    ("exponent", "right"),
    [(1.0, REAL), (2.0, [0.29, 0.27, 0.25, 0.19]), (10.0, [0, 0, 0.001, 0.999])],
)
def test_powers_of_a_calibrated_detector_of_a_pool(exponent, right):
    """b = 1 gives the law of real rows back, b = 2 and 10 what models do not write."""
    found = weighted_law(POOL, "probability", exponent, DETECTOR)
    digits = {1.0: 6, 2.0: 2, 10.0: 3}[exponent]
    np.testing.assert_allclose(found, right, atol=0.5 * 10.0**-digits)
    formula = REAL * DETECTOR ** (exponent - 1)
    np.testing.assert_allclose(found, formula / formula.sum(), rtol=ROUNDING)


def test_odds_against_the_rows_weighed_give_the_law_of_real_rows_back():
    """Of the pool, and of the model's own rows but for what it never generates."""
    equal = REAL / (REAL + POOL)
    np.testing.assert_allclose(
        weighted_law(POOL, "odds", 1.0, equal), REAL, rtol=ROUNDING
    )
    seen = MODEL > 0
    equal = REAL[seen] / (REAL[seen] + MODEL[seen])
    left = REAL[seen] / REAL[seen].sum()
    found = weighted_law(MODEL[seen], "odds", 1.0, equal)
    np.testing.assert_allclose(found, left, rtol=ROUNDING)
    other = weighted_law(MODEL[seen], "probability", 1.0, equal)
    harmonic = MODEL[seen] * equal  # p_s p_0 / (p_0 + p_s), and not p_0
    np.testing.assert_allclose(other, harmonic / harmonic.sum(), rtol=ROUNDING)
    assert abs(other - left).max() > 0.05


def slow(ratio, exponent, most):
    """Weights of mean 1, cut once, of mean 1 again; one at a time."""
    raw = [np.exp(exponent * r) for r in ratio]
    first = [w * len(raw) / sum(raw) for w in raw]
    cut = [min(w, most) for w in first]
    return [w * len(cut) / sum(cut) for w in cut]


@pytest.mark.parametrize("exponent", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("most", [1.5, np.inf])
def test_weights_are_powers_with_mean_1_cut_at_a_bound(exponent, most):
    ratio = np.random.default_rng(0).normal(size=30)
    found = np.asarray(normalised(jnp.asarray(ratio), exponent, most))
    np.testing.assert_allclose(found, slow(ratio, exponent, most), rtol=ROUNDING)
    assert found.mean() == pytest.approx(1)
    if most == 1.5:
        assert not np.allclose(found, slow(ratio, exponent, np.inf))


def test_ratios_of_any_size_give_finite_weights():
    def weights(*ratio):
        return np.asarray(normalised(jnp.array(ratio), 2.0, jnp.inf)).tolist()

    assert weights(1e4, 1e4) == weights(-1e4, -1e4) == [1, 1]
    assert weights(-np.inf, 0.0) == [0, 2]
    assert weights(np.inf, 0.0, np.inf, -np.inf) == [2, 0, 2, 0]
    assert weights(np.nan, 0.0, 0.0, -np.inf) == [0, 2, 2, 0]
    assert weights(-np.inf, np.nan) == [0, 0]


def test_the_exact_ratio_gives_means_of_real_rows(root):
    """Rows of N(0.5, 1), weighed to N(0, 1): moments of what is weighed, by seeds."""
    curator = density_ratio(
        lambda batch, reference: log_normal(batch, reference),
        lambda params, batch: log_normal(batch, params),
    )
    mean = jnp.array([0.5])

    def sums(key):
        batch = mean[None] + draws.normal(key, (50, 1))
        given = curator.context(mean, jnp.zeros(1))
        ratio = log_normal(batch, given[1]) - log_normal(batch, mean)
        weights = curator.weigh(key, batch, given)
        # the known ratios undo the normalisation, whose bias is of order 1 / rows
        scale = jnp.mean(jnp.exp(ratio))
        return jnp.mean(scale * weights * batch[:, 0])

    found = jax.jit(jax.vmap(sums))(jax.random.split(root, 4000))
    assert_tells_apart(found, 0.0, 0.5)


def test_the_reference_and_the_model_are_both_seen():
    curator = density_ratio(
        lambda batch, reference: reference * batch, lambda params, batch: params * batch
    )
    batch = jnp.array([0.0, 1.0])
    found = weights_of(curator, batch, jnp.array(3.0), params=jnp.array(1.0))
    np.testing.assert_allclose(found[1] / found[0], np.exp(2))


def exact(**own):
    def log_density(*arguments):
        return jnp.zeros(3)

    return density_ratio(log_density, log_density, **own)


@pytest.mark.parametrize("make", [by_discriminator, exact])
def test_numbers_that_are_not_positive_are_refused(make):
    for wrong, message in (
        ({"exponent": 0.0}, "exponent is 0"),
        ({"most": -1.0}, "most is -1"),
    ):
        with pytest.raises(ValueError, match=message + "; give a number above 0"):
            make(**wrong)


def test_an_unknown_kind_is_refused():
    with pytest.raises((ValueError, TypeCheckError), match="kind"):
        by_discriminator(kind="odd")
