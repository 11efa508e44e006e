"""Means and covariances of fits under every workflow, and what follows from them.

`n` rows are written by one generation. The fit divides squares by rows - `ddof`, 0
(maximum likelihood) or 1 (unbiased); this decides what happens in the limit, so it has
no default. Settings: Shumailov et al. (arXiv:2305.17493; Nature 631:755, 2024),
Gerstgrasser et al. (2404.01413), Kazdan et al. (2410.16713).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from collapse.theory.checks import Curve, Rows, schedule, whole

_BERNOULLI = np.array([1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730])
_EVEN = np.arange(2.0, 13.0, 2.0)  # their indices


class Moments(NamedTuple):
    """What a workflow does to mean and covariance; real rows have mean mu, cov Sigma.

    Holds in any dimension and for any model, normal or not, if three things are true.
    Given a model its rows are independent with that model's mean and covariance; which
    rows are trained on does not depend on their values; the fit has the mean and the
    covariance of its rows. With ddof 0 a mixture fitted by EM qualifies: after an M
    step, whatever the responsibilities, sum_k pi_k m_k is the mean of the rows and
    sum_k pi_k (S_k + m_k m_k') their second moment (a ridge on S_k breaks this).

    With ddof 0 the two sum to 1: by the law of total variance, a row drawn from a
    fitted model has the second moment of a row of its training set.
    """

    variance: Curve  # [G + 1] E tr S_t / tr Sigma
    mean_error: Curve  # [G + 1] E |mu_t - mu|^2 / tr Sigma


def replace(n: Rows, num_generations: int, ddof: int) -> Moments:
    """Each generation is fitted to n rows of the one before it, alone.

    For ddof 0 the variance is (1 - 1/n)^(t+1) and the mean error 1 minus that. For
    ddof 1 they are 1 and (t+1)/n, though almost every run collapses: look at medians.
    Schedules give prod_i (n_i - 1) / (n_i - ddof) and sum_i variance_{i-1} / n_i.
    """
    sizes = schedule(n, num_generations, ddof)
    variance = np.cumprod((sizes - 1) / (sizes - ddof), dtype=np.float64)
    return Moments(variance, np.cumsum(np.append(1.0, variance[:-1]) / sizes))


def replace_multiple(n: int, num_generations: int, ddof: int) -> Moments:
    """As `replace`, from (t + 1) n rows: it collapses still (2404.01413, App. E).

    For ddof 0 the variance is prod_{k<=t+1} (1 - 1/(k n)), like (t+1)^(-1/n); for ddof
    1 the mean error is sum_{k<=t+1} 1 / (k n), like log(t) / n.
    """
    return replace(n * np.arange(1, num_generations + 2), num_generations, ddof)


def accumulate(n: Rows, num_generations: int, ddof: int) -> Moments:
    """Each generation is fitted to all rows so far, the real ones included.

    At constant n the variance is prod_{k<=t+1} (1 - 1/(k^2 n)) for ddof 0 and
    prod_{2<=k<=t+1} (1 - 1/(k (k n - 1))) for ddof 1. With N_t rows in all, step t of
    the mean error is variance_{t-1} n_t / N_t^2, so it stays below pi^2 / (6 n).
    """
    sizes = schedule(n, num_generations, ddof)
    pool = np.cumsum(sizes)
    factors = 1 - sizes / (pool * np.maximum(pool - ddof, 1))
    factors[0] = (sizes[0] - 1) / (sizes[0] - ddof)
    variance = np.cumprod(factors, dtype=np.float64)
    return Moments(variance, np.cumsum(np.append(1.0, variance[:-1]) * sizes / pool**2))


def accumulate_limit(n: int, ddof: int) -> float:
    """Variance under accumulate after infinitely many generations, at constant n.

    For ddof 0 sin(x) / x with x = pi / sqrt n. For ddof 1 the factors of `accumulate`
    are (k - a)(k - b) / (k (k - 1/n)), with a, b the roots of n r^2 = r + 1, and the
    limit is Gamma(2 - 1/n) / (Gamma(2 - a) Gamma(2 - b)).
    """
    schedule(n, 0, ddof)
    if ddof == 0:
        return math.sin(math.pi / math.sqrt(n)) / (math.pi / math.sqrt(n))
    a, b = np.roots([n, -1, -1])
    return math.gamma(2 - 1 / n) / (math.gamma(2 - a) * math.gamma(2 - b))


def fixed_budget(n: int, num_generations: int, ddof: int) -> Moments:
    """Each fit sees n rows drawn from all rows so far, without replacement; n >= 2.

    Exact, by a recursion in the pool's moments (Accumulate-Subsample of 2410.16713).
    """
    schedule(whole("n", n, 2), num_generations, ddof)
    moments = Moments(*np.empty((2, num_generations + 1)))
    spread, error = 1 - 1 / n, 1 / n  # of the pool: variance (ddof 0), mean error
    for t in range(num_generations + 1):
        pool = (t + 1) * n
        miss = spread * (pool - n) / (n * (pool - 1))  # subset mean about pool mean
        variance = (spread - miss) * n / (n - ddof)
        moments.variance[t], moments.mean_error[t] = variance, error + miss
        gap = miss + variance / n  # mean of the new rows about the pool mean
        within = pool * spread + (n - 1) * variance
        spread = (within + gap * pool * n / (pool + n)) / (pool + n)
        error += gap * (n / (pool + n)) ** 2
    return moments


def fixed_budget_limit(n: int) -> float:
    """Leading order in 1/n of the final mean error: (pi^2/2 - 2) / n, for either ddof.

    1.784 times that of accumulate, pi^2 / (6 n). Not exact: 12 % too high at n = 10.
    """
    return (math.pi**2 / 2 - 2) / whole("n", n, 1)


def window(n: Rows, size: int, num_generations: int, ddof: int) -> Moments:
    """Each fit sees the rows of the last `size` generations.

    Exact: the second moments of all pairs of batch means obey a linear recursion, since
    a new batch has the mean of the model that writes it plus independent noise. Size 1
    is replace, a size above `num_generations` is accumulate.
    """
    sizes, size = schedule(n, num_generations, ddof), whole("size", size, 1)
    moments = Moments(*np.empty((2, num_generations + 1)))
    pairs = np.zeros((0, 0))  # E (b_i - mu).(b_j - mu) of the batches in the window
    within = np.zeros(0)  # their sums of squares about their own means
    variance, error, cross = 1.0, 0.0, np.zeros(0)
    for t, rows in enumerate(sizes):
        pairs = np.block([[pairs, cross[:, None]], [cross, error + variance / rows]])
        pairs = pairs[-size:, -size:]
        within = np.append(within, (rows - 1) * variance)[-size:]
        seen = sizes[max(0, t + 1 - size) : t + 1]
        cross, total = pairs @ seen / seen.sum(), seen.sum()
        moments.mean_error[t] = error = cross @ seen / total
        squares = within.sum() + seen @ np.diag(pairs)
        moments.variance[t] = variance = (squares - total * error) / (total - ddof)
    return moments


def mix(
    n: int, real: int, synthetic: int, num_generations: int, ddof: int, anchor: str
) -> Moments:
    """Each fit pools r real rows with s synthetic rows of the newest model.

    Generation 0 is fitted to n real rows. The real rows of later ones are new each time
    if `anchor` is "fresh", and the same r of the first n if it is "fixed". Exact; to
    first order in 1/n, at r = a n and s = (1-a) n, the mean error ends at
    1 / (n a (2-a)) if fresh and (1/a + (1-a) / (a (2-a))) / n if fixed.
    """
    schedule(whole("n", n, 1), num_generations, ddof)
    r, s = whole("real", real, 0), whole("synthetic", synthetic, 0)
    total = whole("real + synthetic", r + s, 1 + ddof)
    if anchor not in ("fresh", "fixed"):
        raise ValueError(f"anchor must be 'fresh' or 'fixed', got {anchor!r}")
    if (fixed := anchor == "fixed") and r > n:
        raise ValueError(f"real must be at most n = {n} if fixed, got {r}")
    moments = Moments(*np.empty((2, num_generations + 1)))
    variance, error = (n - 1) / (n - ddof), 1 / n
    cross = fixed / n  # E (mu_t - mu).(mean of the fixed rows - mu)
    for t in range(num_generations + 1):
        moments.variance[t], moments.mean_error[t] = variance, error
        between = r * s * (error - 2 * cross) / total
        within = r - r / total + variance * (s - s / total) + between
        error = (r + s * variance + s * s * error + 2 * r * s * cross) / total**2
        variance = within / (total - ddof)
        cross = fixed * (1 + s * cross) / total
    return moments


def log_det_mean(n: Rows, num_generations: int, ddof: int, dimension: int) -> Curve:
    """E log(det S_t / det Sigma) of normal rows in `dimension` d under replace; n > d.

    By Bartlett's decomposition each fit adds sum_{i=1..d} [psi((n-i)/2) + log 2]
    - d log(n - ddof): a drift to -inf of about -d (d+1+2 [ddof = 0]) / (2n) a step.
    """
    return _log_det(n, num_generations, ddof, dimension)[0]


def log_det_variance(n: Rows, num_generations: int, dimension: int) -> Curve:
    """Var log det S_t for either ddof: each fit adds sum_{i<=d} psi_1((n-i)/2)."""
    return _log_det(n, num_generations, 0, dimension)[1]


def log_sigma_mean(n: Rows, num_generations: int, ddof: int) -> Curve:
    """E log sigma_t, d = 1: each fit adds [psi((n-1)/2) - log((n - ddof)/2)] / 2.

    About -1/n for ddof 0, and -1/(2n) for ddof 1 although E sigma^2 does not move.
    """
    return log_det_mean(n, num_generations, ddof, 1) / 2


def log_sigma_variance(n: Rows, num_generations: int) -> Curve:
    """Var log sigma_t, d = 1: each fit adds psi_1((n-1)/2) / 4 ~ 1 / (2n)."""
    return log_det_variance(n, num_generations, 1) / 4


def median_sigma(n: Rows, num_generations: int, ddof: int) -> Curve:
    """Median of sigma_t, approximately: exp(E log sigma_t), as if log-normal."""
    return np.exp(log_sigma_mean(n, num_generations, ddof))


def expected_sigma(n: Rows, num_generations: int, ddof: int) -> Curve:
    """E sigma_t of normal rows in d = 1 under replace; n at least 2.

    prod_i c4(n_i) sqrt((n_i - 1) / (n_i - ddof)), where c4(n) = sqrt(2 / (n-1))
    Gamma(n/2) / Gamma((n-1)/2) is the mean of an unbiased fit's sigma.
    """
    sizes = schedule(n, num_generations, ddof, 2)
    x = (sizes - 1) / 2
    # log c4(n) = log Gamma(x + 1/2) - log Gamma(x) - log(x) / 2 by its own Stirling
    # series, ten steps up: a difference of log Gammas loses digits at large n.
    terms = _BERNOULLI * (2 ** (1 - _EVEN) - 2) / (_EVEN * (_EVEN - 1))
    series = (terms / (x[:, None] + 10) ** (_EVEN - 1)).sum(1)
    steps = np.log1p(-0.5 / (x[:, None] + np.arange(10) + 0.5)).sum(1)
    log_c4 = series + steps + np.log1p(10 / x) / 2
    return np.exp(np.cumsum(log_c4 + np.log((sizes - 1) / (sizes - ddof)) / 2))


def w2_squared(n: Rows, num_generations: int, ddof: int) -> Curve:
    """E W2^2 of fit and truth in sigma^2: normal rows, d = 1, replace, n at least 2.

    W2^2 = (mu_t - mu)^2 + (sigma_t - sigma)^2. At constant n it diverges for ddof 1
    (Theorem 3.1 of Nature 631:755) but tends to 2 for ddof 0. For ddof 1 and t > 2n the
    mean sits on rare runs: use medians.
    """
    variance, mean_error = replace(n, num_generations, ddof)
    return mean_error + variance + 1 - 2 * expected_sigma(n, num_generations, ddof)


def w2_squared_leading(n: Rows, num_generations: int) -> Curve:
    """Leading order of `w2_squared` for either ddof: 3/2 sum_{i<=t} 1 / n_i.

    Eq. 6 of the supplement of Nature 631:755. Bounded if n_i grows superlinearly.
    """
    return 1.5 * np.cumsum(1 / schedule(n, num_generations))


def heterozygosity(q: Sequence[float] | Curve, n: Rows, num_generations: int) -> Curve:
    """E[1 - sum_i p_i^2] of a histogram refitted to n of its own draws (replace).

    (1 - sum_i q_i^2) (1 - 1/n)^(t+1) for the true shares q (the Wright-Fisher chain).
    """
    q = np.asarray(q, dtype=np.float64)
    if q.ndim != 1 or not (q >= 0).all() or not math.isclose(q.sum(), 1):
        raise ValueError("q must be a vector of shares that sum to 1")
    return (1 - q @ q) * np.cumprod(1 - 1 / schedule(n, num_generations))


def survival_decay(num_generations: int) -> Curve:
    """Factor g_{t+1} by which refitting wears down the count of a rare state.

    g_1 = 1 and g_{k+1} = 1 - exp(-g_k), near 2/k (Suresh et al., arXiv:2412.17646).
    """
    decay = np.ones(whole("num_generations", num_generations, 0) + 1)
    for t in range(num_generations):
        decay[t + 1] = -math.expm1(-decay[t])
    return decay


def poisson_survival(count: int | float, num_generations: int) -> Curve:
    """P(a Poisson model refitted to its own draws is not yet 0): 1 - exp(-c g_{t+1}).

    `count` c is the expected total in the real data, n lambda_0. Exact (Theorem 2 of
    arXiv:2412.17646), and close for a rare word expected c times in a corpus.
    """
    if not 0 <= count < math.inf:
        raise ValueError(f"count must be finite and not negative, got {count}")
    return -np.expm1(-count * survival_decay(num_generations))


def _log_det(n: Rows, num_generations: int, ddof: int, dimension: int) -> Curve:
    """Mean and variance of log det S_t [2, G + 1]; det S is a product of Gammas."""
    d = whole("dimension", dimension, 1)
    sizes = schedule(n, num_generations, ddof, d + 1)
    digamma, trigamma = _digamma_trigamma((sizes[:, None] - np.arange(1, d + 1)) / 2)
    drift = (digamma + math.log(2)).sum(1) - d * np.log(sizes - ddof)
    return np.cumsum([drift, trigamma.sum(1)], axis=1)


def _digamma_trigamma(x: Curve) -> tuple[Curve, Curve]:
    """First two derivatives of log Gamma at x > 0: ten steps up, Stirling's series."""
    near, far, top = x[..., None] + np.arange(10), x + 10, x[..., None] + 10
    digamma = np.log(far) - 1 / (2 * far) - (1 / near).sum(-1)
    digamma -= (_BERNOULLI / (_EVEN * top**_EVEN)).sum(-1)
    trigamma = 1 / far + 1 / (2 * far**2) + (1 / near**2).sum(-1)
    return digamma, trigamma + (_BERNOULLI / top ** (_EVEN + 1)).sum(-1)
