"""Probabilistic PCA: its exact and first-order laws, by a simulation in plain NumPy."""

import itertools

import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED

from collapse import theory
from collapse.theory import ppca

SPECTRUM = np.array([4.0, 2.0, 0.6, 0.5, 0.4, 0.3])  # more directions than latents
K, N, LAST, SEEDS = 2, 25, 4, 4000
D = len(SPECTRUM)


def draw(rng, num, noise=SPECTRUM):
    return np.sqrt(noise) * rng.standard_normal((SEEDS, num, D))


def fit(rows, known=False):
    """Mean, covariance and decoder covariance [S, d, d] of fits to rows [S, n, d]."""
    mean = rows.mean(1)
    centred = rows - mean[:, None]
    cov = np.swapaxes(centred, 1, 2) @ centred / rows.shape[1]
    if known:  # the first K axes are given
        values = np.linalg.eigvalsh(cov[:, :K, :K])
        noise = np.trace(cov[:, K:, K:], axis1=1, axis2=2) / (D - K)
        cov = cov.copy()
        cov[:, K:], cov[:, :, K:] = 0, 0
        cov[:, range(K, D), range(K, D)] = noise[:, None]
        return mean, cov, None, values[:, ::-1], noise
    values, vectors = np.linalg.eigh(cov)
    noise = values[:, : D - K].mean(1)
    top, own = values[:, D - K :], vectors[:, :, D - K :]
    decoder = (own * (top - noise[:, None])[:, None]) @ np.swapaxes(own, 1, 2)
    whole = decoder + noise[:, None, None] * np.eye(D)
    return mean, whole, decoder, top[:, ::-1], noise


def rows_of(rng, mean, cov, num):
    values, vectors = np.linalg.eigh(cov)
    root = vectors * np.sqrt(np.maximum(values, 0))[:, None]
    z = rng.standard_normal((len(mean), num, D))
    return mean[:, None] + z @ np.swapaxes(root, 1, 2)


def simulated(n=N, accumulates=False, known=False, means=False, spectrum=SPECTRUM):
    """Total variance, |mean|^2, leading eigenvalues and noise, by generation."""
    rng = np.random.default_rng(SEED)
    pool = draw(rng, n, spectrum)
    found = []
    for _ in range(LAST + 1):
        mean, cov, decoder, top, noise = fit(pool, known)
        used = decoder if means else cov
        trace = np.trace(used, axis1=1, axis2=2)
        found.append((trace, (mean**2).sum(1), top, noise))
        new = rows_of(rng, mean, used, n)
        pool = np.concatenate([pool, new], 1) if accumulates else new
    return [np.stack(part, 1) for part in zip(*found, strict=True)]


@pytest.mark.parametrize("way", ["replace", "accumulate"])
def test_the_total_variance_and_the_mean_are_those_of_any_fit_of_moments(way):
    trace, error, *_ = simulated(accumulates=way == "accumulate")
    forms = {"replace": theory.replace, "accumulate": theory.accumulate}
    right, wrong = (form(N, LAST, 0) for form in (forms[way], theory.fixed_budget))
    if way == "accumulate":
        wrong = theory.replace(N, LAST, 0)
    whole, late = SPECTRUM.sum(), slice(1, None)
    for seen, name in ((trace, "variance"), (error, "mean_error")):
        curves = (getattr(m, name)[late] for m in (right, wrong))
        assert_tells_apart(seen[:, late] / whole, *curves)


def test_decoder_means_lose_their_noise_at_once_and_then_are_gaussian():
    """Given generation 0; a law with its noise would begin at the whole variance."""
    trace, _, _, noise = simulated(means=True)
    assert (noise[:, 1:] < 1e-12).all() and (noise[:, 0] > 0.1).all()
    right = ppca.means(N, LAST, 1.0).variance[1:]
    whole = theory.replace(N, LAST, 0).variance[1:]
    assert_tells_apart(trace[:, 1:] / trace[:, :1], right, whole)


def test_known_directions_have_exact_laws():
    *_, top, noise = simulated(known=True)
    found = ppca.known_subspace(SPECTRUM, K, N, LAST)
    fitted = ppca.split(SPECTRUM, K, N, LAST)
    assert_tells_apart(noise, found.noise, fitted.noise)
    assert_tells_apart(top.sum(2), found.leading.sum(1), fitted.leading.sum(1))
    logs = np.log(noise / ppca.leading(SPECTRUM, K)[1])
    right = ppca.log_noise(D, K, N, LAST)
    # that of a variance of its own falls faster than that of several
    assert_tells_apart(logs[:, 1:], right[1:], ppca.log_noise(K + 1, K, N, LAST)[1:])


def test_fitted_directions_take_from_the_noise_to_first_order():
    """With so many rows that higher orders are below what could be seen."""
    n, flat = 400, np.array([4.0, 2.0, *[0.5] * (D - K)])
    *_, noise = simulated(n, spectrum=flat)
    found, known = ppca.split(flat, K, n, LAST), ppca.known_subspace(flat, K, n, LAST)
    assert_tells_apart(noise, found.noise, known.noise)
    traces = found.leading.sum(1) + (D - K) * found.noise
    exact = flat.sum() * theory.replace(n, LAST, 0).variance
    np.testing.assert_allclose(traces, exact, rtol=1e-12)


def test_the_first_fit_cuts_at_k_and_a_second_one_finds_it_again():
    values, noise = ppca.leading(SPECTRUM[::-1], K)
    np.testing.assert_allclose(values, [4, 2])
    np.testing.assert_allclose(noise, 0.45)
    again = ppca.leading([*values, *[noise] * (D - K)], K)
    np.testing.assert_allclose(again[0], values)
    np.testing.assert_allclose(again[1], noise)
    with pytest.raises(ValueError, match="from 1 to 5"):
        ppca.leading(SPECTRUM, D)


def test_of_a_whole_population_the_first_fit_is_certain():
    """And of fewer rows it has the moments of draws without replacement."""
    moments = theory.accumulate(N, LAST, 0)
    all_of_them = ppca.total(moments, N, N)
    np.testing.assert_allclose(all_of_them.variance[0], 1)
    assert all_of_them.mean_error[0] == 0
    sums = all_of_them.variance + all_of_them.mean_error
    np.testing.assert_allclose(sums, 1)  # law of total variance
    assert ppca.total(moments, N) is moments
    few = np.array([0.0, 1, 5, 6, 2])
    few = (few - few.mean()) / few.std()
    every = few[list(itertools.combinations(range(5), 3))]  # equally likely
    drawn = ppca.total(theory.accumulate(3, 0, 0), 3, 5)
    np.testing.assert_allclose(drawn.variance[0], every.var(1).mean())
    np.testing.assert_allclose(drawn.mean_error[0], (every.mean(1) ** 2).mean())


def test_accumulated_decoder_means_thin_the_noise_out():
    """By eigenvalues of pooled covariances, for infinitely many rows."""
    found = ppca.accumulated_means(SPECTRUM, K, LAST)
    pool = np.diag(SPECTRUM)
    for t in range(LAST + 1):
        values, vectors = np.linalg.eigh(pool)
        noise = values[: D - K].mean()
        np.testing.assert_allclose(noise, found.noise[t], rtol=1e-12)
        np.testing.assert_allclose(
            values[: D - K - 1 : -1], found.leading[t], rtol=1e-12
        )
        own = vectors[:, D - K :]
        means = (own * (values[D - K :] - noise)) @ own.T
        pool = (pool * (t + 1) + means) / (t + 2)
    replaced = ppca.leading(SPECTRUM, K)
    np.testing.assert_allclose(np.diag(means)[:K], replaced[0] - replaced[1])
