"""The discriminator beside scikit-learn's, and what its odds estimate."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import X64
from curator_cases import ROUNDING, weights_of
from sklearn.linear_model import LogisticRegression

from collapse.core.curation.discriminator import (
    Training,
    log_odds,
    train,
    values_and_squares,
)
from collapse.core.curation.discriminator_filter import most_realistic
from collapse.core.curation.discriminator_weights import by_discriminator
from collapse.numerics import draws

RNG = np.random.default_rng(0)
REAL, SYNTHETIC = RNG.normal(size=(80, 2)), RNG.normal(0.4, 1.3, size=(120, 2))


def by_sklearn(real, synthetic, ridge):
    """Log-odds of the synthetic rows: equal total weights, standardised features."""
    rows = np.concatenate([real, synthetic])
    weights = np.repeat(
        [0.5 / len(real), 0.5 / len(synthetic)], [len(real), len(synthetic)]
    )
    mean = weights @ rows
    scale = np.sqrt(weights @ (rows - mean) ** 2)
    labels = np.repeat([1, 0], [len(real), len(synthetic)])
    fit = LogisticRegression(C=1 / ridge, tol=1e-12, max_iter=10_000)
    fit.fit((rows - mean) / scale, labels, weights)
    return fit.decision_function((synthetic - mean) / scale)


def features(rows):
    return np.concatenate([rows, rows**2], axis=1)


@pytest.mark.parametrize("ridge", [1e-4, 1e-2, 1.0])
def test_it_is_the_logistic_regression_of_scikit_learn(ridge):
    real, synthetic = (jnp.asarray(features(x)) for x in (REAL, SYNTHETIC))
    found = log_odds(train(real, synthetic, ridge), synthetic)
    right = by_sklearn(np.asarray(real), np.asarray(synthetic), ridge)
    allowed = 1e-5 if X64 else 1e-3 / ridge**0.25
    np.testing.assert_allclose(found, right, atol=allowed)
    early = log_odds(train(real, synthetic, ridge, 1), synthetic)
    assert abs(np.asarray(early) - right).max() > 3 * allowed  # the control: one step


@pytest.mark.parametrize("gap", [1e-3, 1.0, 1e6])
def test_sets_that_can_be_told_apart_have_finite_odds(gap):
    """Newton's own steps would run away there."""
    real, synthetic = jnp.array([[gap], [2 * gap]]), jnp.array([[-gap], [-3 * gap]])
    fit = train(real, synthetic, 1e-6, 40)
    odds = [np.asarray(log_odds(fit, x)) for x in (real, synthetic)]
    assert np.isfinite(odds).all() and odds[0].min() > 3 and odds[1].max() < -3


def test_a_feature_that_does_not_vary_says_nothing():
    ones = [np.ones((len(x), 1)) for x in (REAL, SYNTHETIC)]
    plain = train(jnp.asarray(REAL), jnp.asarray(SYNTHETIC))
    more = train(
        *(
            jnp.asarray(np.hstack(pair))
            for pair in zip((REAL, SYNTHETIC), ones, strict=True)
        )
    )
    np.testing.assert_allclose(more.slope[:2], plain.slope, rtol=1e-6, atol=1e-9)
    assert abs(float(more.slope[2])) < ROUNDING


def test_features_are_all_floating_columns_and_their_squares():
    batch = (jnp.array([[1.0, 2.0]]), jnp.array([3.0]), jnp.array([7], jnp.int32))
    assert values_and_squares(batch).tolist() == [[1, 2, 3, 1, 4, 9]]


def test_odds_of_normal_laws_are_the_ratio_of_their_densities(root):
    """For which x and squares are the right features, with rows enough."""
    keys = jax.random.split(root, 2)
    real = draws.normal(keys[0], (40_000, 1))
    synthetic = 0.5 + 0.8 * draws.normal(keys[1], (40_000, 1))
    fit = train(values_and_squares(real), values_and_squares(synthetic), 1e-9)
    at = jnp.array([[-1.0], [0.0], [1.0], [2.0]])
    x = np.asarray(at)[:, 0]
    exact = -(x**2) / 2 + np.log(0.8) + ((x - 0.5) / 0.8) ** 2 / 2
    # standard errors of four coefficients at 80 000 rows are below 0.03
    np.testing.assert_allclose(log_odds(fit, values_and_squares(at)), exact, atol=0.15)


def test_weights_move_the_moments_of_generated_rows_to_those_of_real_ones():
    real, rows = jnp.asarray(REAL), jnp.asarray(SYNTHETIC)
    moments = features(SYNTHETIC).mean(0), features(REAL).mean(0)
    weights = weights_of(by_discriminator(), rows, real)
    weighted = weights @ features(SYNTHETIC) / weights.sum()
    gaps = [abs(m - moments[1]).max() for m in (weighted, moments[0])]
    assert gaps[0] < 0.25 * gaps[1]
    size = weights.sum() ** 2 / (weights**2).sum()
    assert size < 120
    bounded = weights_of(by_discriminator(most=1.2), rows, real)
    assert bounded.max() < weights.max()
    assert bounded.sum() ** 2 / (bounded**2).sum() > size


def test_the_curators_are_those_of_scikit_learn_s_odds():
    ridge = 1e-2
    odds = by_sklearn(features(REAL), features(SYNTHETIC), ridge)
    training = Training(values_and_squares, ridge)
    rows, reference = jnp.asarray(SYNTHETIC), {"held out": jnp.asarray(REAL)}

    def real(reference):
        return reference["held out"]

    kept = weights_of(most_realistic(0.25, training, real=real), rows, reference)
    assert set(np.flatnonzero(kept)) == set(np.argsort(-odds)[:30])
    found = weights_of(
        by_discriminator(2.0, "odds", training, real=real), rows, reference
    )
    raw = np.exp(2 * odds)
    np.testing.assert_allclose(found, raw / raw.mean(), rtol=1e-4 if X64 else 1e-2)
    found = weights_of(
        by_discriminator(2.0, "probability", training, real=real), rows, reference
    )
    raw = 1 / (1 + np.exp(-odds)) ** 2
    np.testing.assert_allclose(found, raw / raw.mean(), rtol=1e-4 if X64 else 1e-2)


def test_training_without_ridge_or_steps_is_refused():
    rows = jnp.asarray(REAL)
    with pytest.raises(ValueError, match="ridge is 0"):
        train(rows, rows, 0.0)
    with pytest.raises(ValueError, match="steps is 0"):
        train(rows, rows, 1.0, 0)
