"""Categorical models (unigrams, one context of an n-gram) refitted to own draws.

There are M symbols, with true shares q. A generation generates n symbols and the next
is fitted to their counts: by maximum likelihood, which under replace is the Wright-
Fisher chain of population genetics, or with pseudo-counts, which act as mutation.
What becomes of a single symbol is in `extinction`.

Sources: Shumailov et al. (Nature 631:755, 2024, discrete distributions), Marchi et al.
(arXiv:2404.02325, temperature); the formulas are derived here.
"""

from collections.abc import Sequence

import numpy as np

from collapse.theory.checks import (
    Curve,
    Rows,
    distribution,
    in_unit,
    not_negative,
    schedule,
    whole,
)
from collapse.theory.extinction import expected_support

Shares = Sequence[float] | Curve


def heterozygosity(q: Shares, variance: Curve) -> Curve:
    """E H_t [G + 1], H_t = 1 - sum_i p_i^2 the chance that two draws differ.

    (1 - sum_i q_i^2) times the `Moments.variance` of the workflow with ddof 0, exactly
    and for every workflow:

      heterozygosity(q, theory.accumulate(n, num_generations, ddof=0).variance)

    Proof. Write symbol i as the unit vector e_i. The mean of n such rows is their
    histogram p, and the trace of their covariance (ddof 0) is the mean of |e|^2 minus
    |p|^2, that is 1 - |p|^2 = H. A row drawn from the histogram has mean p and the
    same covariance. So a histogram is a fit of mean and covariance in the sense of
    `Moments`, tr S_t is H_t, and tr Sigma is 1 - |q|^2. Since E p_t = q for every
    symbol, the same recursion in one coordinate gives the variance of a share,
    E (p_i - q_i)^2 = q_i (1 - q_i) mean_error_t.

    Args:
      q: [M] true shares.
      variance: [G + 1] relative variance of a maximum likelihood fit.

    Raises:
      ValueError: q are no shares, or the variance is no curve in [0, 1] (that of an
        unbiased fit, ddof 1, is meaningless here, yet looks the same).
    """
    q, variance = distribution("q", q), np.asarray(variance, np.float64)
    if variance.ndim != 1 or not ((variance >= 0) & (variance <= 1)).all():
        raise ValueError("variance must be a vector of numbers in [0, 1]")
    return (1 - q @ q) * variance


def support(q: Shares, n: Rows, num_generations: int) -> Curve:
    """Expected number of symbols with a share above 0 under accumulate [G + 1].

    sum_i 1 - (1 - q_i)^n at every generation: later rows bring no new symbol, and the
    real rows stay, so that no symbol is lost. Under all other workflows this is what
    generation 0 has. Under fixed_budget symbols come back, since the pool keeps them.
    """
    q, sizes = distribution("q", q), schedule(n, num_generations)
    with np.errstate(divide="ignore"):  # log 0 of a symbol that is always seen
        seen = -np.expm1(sizes[0] * np.log1p(-q))
    return np.full(len(sizes), seen.sum())


def support_replace(q: Shares, n: int, num_generations: int) -> Curve:
    """Expected number of symbols with a share above 0 under replace [G + 1].

    Exact, where `extinction.solved`: each symbol against all others is a chain of two
    states.
    """
    return expected_support(distribution("q", q), n, num_generations)


def smoothed_share(
    q: float, n: Rows, pseudo: float, symbols: int, num_generations: int
) -> Curve:
    """E p_t of a symbol of true share q, if b is added to every count; replace [G + 1].

    p = (count + b) / (n + b M) moves the mean towards 1 / M at the rate
    u = b M / (n + b M), which is mutation: E p_t - 1/M = (1 - u) (E p_{t-1} - 1/M).
    """
    sizes, b, m = _smoothing(n, pseudo, symbols, num_generations)
    kept = np.cumprod(sizes / (sizes + b * m), dtype=np.float64)
    return 1 / m + (in_unit("q", q) - 1 / m) * kept


def smoothed_homozygosity(
    q: Shares, n: Rows, pseudo: float, num_generations: int
) -> Curve:
    """E sum_i p_i^2 of the fitted shares, if b is added to every count; replace.

    F_t = [n + 2 n b + b^2 M + n (n - 1) F_{t-1}] / (n + b M)^2, from the second moment
    of a binomial count, n p + n (n - 1) p^2. F starts from sum_i q_i^2.
    """
    q = distribution("q", q)
    sizes, b, m = _smoothing(n, pseudo, len(q), num_generations)
    found, level = np.empty(len(sizes)), q @ q
    for t, rows in enumerate(sizes):
        new = rows + 2 * rows * b + b**2 * m
        found[t] = level = (new + rows * (rows - 1) * level) / (rows + b * m) ** 2
    return found


def smoothed_homozygosity_limit(n: int, pseudo: float, symbols: int) -> float:
    """Limit of `smoothed_homozygosity` at constant n, whatever the true shares.

    (n + 2 n b + b^2 M) / [(n + b M)^2 - n (n - 1)]; 1, one symbol alone, for b = 0.
    """
    _, b, m = _smoothing(n, pseudo, symbols, 0)
    return (n + 2 * n * b + b**2 * m) / ((n + b * m) ** 2 - n * (n - 1))


def tempered(
    q: Shares, temperature: float, num_generations: int, fresh: float = 0.0
) -> Curve:
    """Shares of each generation if symbols are generated at a temperature [G + 1, M].

    No counting noise (n infinite). p_0 = q, and with a share `fresh` = a of real rows
    p_t = a q + (1 - a) p_{t-1}^(1/T) / Z. Without them log odds are divided by T in
    each generation, log(p_i / p_j) = log(q_i / q_j) / T^t: one symbol remains if T < 1
    and the shares become equal if T > 1.

    Raises:
      ValueError: q are no shares, T is not above 0, or `fresh` is not in [0, 1].
    """
    q, a = distribution("q", q), in_unit("fresh", fresh)
    power = 1 / _temperature(temperature)
    found = np.tile(q, (whole("num_generations", num_generations, 0) + 1, 1))
    for t in range(1, len(found)):
        odds = (found[t - 1] / found[t - 1].max()) ** power  # does not overflow
        found[t] = a * q + (1 - a) * odds / odds.sum()
    return found


def least_fresh_share(temperature: float) -> float:
    """Share of real rows above which equal shares are stable under `tempered`: 1 - T.

    0 for T >= 1. Near equal shares 1/M, the map multiplies a small deviation by
    (1 - a) / T, for any number of symbols M. At smaller shares of real rows a model of
    M equally likely symbols comes to prefer some of them for ever.
    """
    return max(1 - _temperature(temperature), 0.0)


def _temperature(value: float) -> float:
    if not not_negative("temperature", value):
        raise ValueError(f"temperature must be above 0, got {value}")
    return float(value)


def _smoothing(
    n: Rows, pseudo: float, symbols: int, num_generations: int
) -> tuple[Curve, float, int]:
    """The arguments that all smoothed models share, checked."""
    sizes, b = schedule(n, num_generations), not_negative("pseudo", pseudo)
    return sizes, b, whole("symbols", symbols, 1)
