"""Models that share a pool of rows: closed forms against simulations of every row."""

import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED

from collapse import theory
from collapse.theory import several_models
from collapse.theory.several_models import FORMS

N, G, NUM_SEEDS = 12, 3, 40_000
close = np.testing.assert_allclose


def simulate(models, ddof=0, private=0, grows=False, seeds=NUM_SEEDS):
    """Moments of Gaussians [S, 4, G + 1]: own variance and error, then pooled ones."""
    rng, found = np.random.default_rng([SEED, 12]), []
    pool = rng.standard_normal((seeds, N))
    kept = rng.standard_normal((seeds, models, private))
    for _ in range(G + 1):
        part = rng.permuted(pool, axis=1).reshape(seeds, models, -1)
        rows = np.concatenate([part, kept], 2)
        mean, variance = rows.mean(2), rows.var(2, ddof=ddof)
        whole = mean.mean(1)
        second = (variance + mean**2).mean(1)
        own = [variance.mean(1), (mean**2).mean(1)]
        found.append([*own, second - whole**2, whole**2])
        noise = rng.standard_normal((seeds, models, N // models))
        new = mean[..., None] + np.sqrt(variance)[..., None] * noise
        new = new.reshape(seeds, N)
        pool = np.concatenate([pool, new], 1) if grows else new
    return np.moveaxis(np.array(found), 2, 0).transpose(0, 2, 1)


def curves(form, models, ddof=0, private=0):
    found = form(N, models, G, ddof, private)
    return np.array([*found.own, *found.pooled])


@pytest.mark.parametrize(
    "name, models, ddof, private, wrong",
    [
        ("replace", 4, 0, 0, ("replace", 3, 0, 0)),
        ("replace", 4, 1, 0, ("replace", 4, 0, 0)),
        ("replace", 1, 0, 3, ("replace", 1, 0, 0)),
        ("replace", 3, 1, 2, ("replace", 3, 1, 1)),
        ("accumulate", 4, 0, 0, ("replace", 4, 0, 0)),
        ("accumulate", 3, 1, 2, ("replace", 3, 1, 2)),
        ("accumulate", 12, 0, 1, ("accumulate", 6, 0, 1)),
    ],
)
def test_moments_are_those_of_every_row(name, models, ddof, private, wrong):
    draws = simulate(models, ddof, private, name == "accumulate")[..., [0, G]]
    right, other = (
        curves(FORMS[name], models, ddof, private),
        curves(FORMS[wrong[0]], *wrong[1:]),
    )
    assert_tells_apart(draws, right[:, [0, G]], other[:, [0, G]])


def test_heterozygosity_of_unigrams_is_the_variance():
    """Tokens, dealt out and counted one by one; the control takes each model alone."""
    models, q, seeds = 4, np.array([0.5, 0.3, 0.15, 0.05]), 20_000
    rng, found = np.random.default_rng([SEED, 13]), []
    pool = rng.choice(len(q), (seeds, N), p=q)
    for _ in range(G + 1):
        part = rng.permuted(pool, axis=1).reshape(seeds, models, -1)
        shares = (part[..., None] == np.arange(len(q))).mean(2)
        mixed = shares.mean(1)
        both = [1 - (mixed**2).sum(-1), 1 - (shares**2).sum(-1).mean(1)]
        found.append(np.stack(both, 1))
        below = rng.random((seeds, models, N // models, 1))
        pool = (below > shares.cumsum(-1)[:, :, None]).sum(-1).reshape(seeds, N)
    draws = np.stack(found, 2) / (1 - q @ q)
    right = several_models.replace(N, models, G, 0)
    alone = theory.replace(N // models, G, 0).variance
    assert_tells_apart(
        draws, np.stack([right.pooled.variance, right.own.variance]), [alone, alone]
    )


@pytest.mark.parametrize("models", [1, 16, 24, 48])
def test_drift_is_slower_by_a_factor_and_each_model_knows_less(models):
    found = several_models.replace(48, models, 12, 0)
    factor = 1 - (48 - models) / (48 * 47)
    close(found.pooled.variance, (1 - 1 / 48) * factor ** np.arange(13))
    less = (48 - models) / 47
    close(found.own.variance, less * found.pooled.variance, atol=1e-15)
    close(found.own.mean_error[0], models / 48)
    close(found.pooled.variance + found.pooled.mean_error, 1)


@pytest.mark.parametrize("name", ["replace", "accumulate"])
@pytest.mark.parametrize("ddof", [0, 1])
def test_one_model_without_private_rows_is_the_usual_one(name, ddof):
    usual = getattr(theory, name)(N, G, ddof)
    for found in FORMS[name](N, 1, G, ddof):
        close(found.variance, usual.variance)
        close(found.mean_error, usual.mean_error)


def test_unbiased_fits_of_parts_widen_the_pool():
    """By the factor 1 + (M - 1) / (n - 1) a generation, which is 1 for one model."""
    pooled = several_models.replace(N, 4, 5, 1).pooled
    rows = pooled.variance + pooled.mean_error  # second moments, which the pool has
    assert (np.diff(rows) > 0).all()
    own = several_models.replace(N, 4, 5, 1).own.variance
    close(own[1:] / own[:-1], 1 + 3 / 11)


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"num_models": 5}, "n must be a multiple of num_models = 5, got 12"),
        ({"num_models": 0}, "num_models must be whole and at least 1"),
        ({"private": -1}, "private must be whole and at least 0"),
        ({"num_models": 12, "ddof": 1}, "n must be whole and at least 2, got 1"),
        ({"num_generations": -1}, "num_generations must be whole"),
    ],
)
def test_bad_arguments_are_refused(wrong, said):
    usual = {"n": N, "num_models": 4, "num_generations": G, "ddof": 0}
    with pytest.raises(ValueError, match=said):
        several_models.replace(**usual | wrong)
