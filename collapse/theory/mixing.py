"""How much real data is enough: exact costs of training on real and synthetic rows.

Every generation is fitted to r real and s synthetic rows, whose losses weigh w and
1 - w, whatever their shares: w = r / (r + s) is plain pooling. Generation 0 is fitted
to r real rows alone. The anchor is "fresh", new real rows in each generation, or
"fixed", the same ones for ever. A sampler with `bias` b generates with b times the
variance of its model (b < 1 is a low temperature).

Variances are in units of the variance of one row. "Location" is the mean of a
population whose variance is known; a linear regressor's coefficients with given inputs
follow the same law. There is no best share of real rows before it is said what is held
fixed: the number of all rows (`budget_limit`: as much as there is), the number of real
rows (`best_weight`), or what they cost (`best_share_at_price`).

References:
  He, Xu & Cheng (arXiv:2502.18049): the weight and the golden ratio. Alemohammad et al.
  2024 (arXiv:2307.01850): fresh and fixed real rows, biased samplers. The formulas are
  derived here.
"""

import math

import numpy as np
import scipy  # its parts are loaded when first used

from collapse.theory.checks import Curve, in_unit, not_negative, whole
from collapse.theory.moments import Moments


def location(
    real: int,
    synthetic: int,
    weight: float,
    num_generations: int,
    anchor: str,
    bias: float = 1.0,
) -> Curve:
    """E |mu_t - mu|^2 with the variance known [G + 1].

    V_0 = 1 / r. Fresh: V_t = w^2 / r + (1-w)^2 (V_{t-1} + b/s). Fixed: the error of the
    pool stays, and V_t = 1/r + D_t with D_t = (1-w)^2 (D_{t-1} + b/s), D_0 = 0.
    """
    r, s, w, fixed, b = _setting(real, synthetic, weight, anchor, bias)
    found = np.empty(whole("num_generations", num_generations, 0) + 1)
    found[0] = drift = 0.0 if fixed else 1 / r
    new = 0.0 if fixed else w**2 / r
    for t in range(1, len(found)):
        drift = new + (1 - w) ** 2 * (drift + (b / s if s else 0.0))
        found[t] = drift
    return found + (1 / r if fixed else 0.0)


def location_limit(
    real: int, synthetic: int, weight: float, anchor: str, bias: float = 1.0
) -> float:
    """Limit of `location` as t grows; inf for w = 0.

    Fresh, in units of the real rows' own 1/r and with k = b r / s:
    f(w) = [w^2 + k (1-w)^2] / [w (2-w)]. Fixed: 1 + k (1-w)^2 / [w (2-w)], least at
    w = 1: where the same real rows come again, synthetic ones never help.
    """
    r, s, w, fixed, b = _setting(real, synthetic, weight, anchor, bias)
    noise = (1 - w) ** 2 * b / s if s else 0.0
    if w == 0:
        return math.inf if noise else 1 / r
    new = 0.0 if fixed else w**2 / r
    return (new + noise) / (w * (2 - w)) + (1 / r if fixed else 0.0)


def best_weight(ratio: float) -> float:
    """The w that minimises the fresh `location_limit`; it is also f(w).

    w* = (sqrt(k^2 + 4k) - k) / 2 for k = b r / s: one over the golden ratio at k = 1,
    and near sqrt k if synthetic rows abound. So is what remains of the error of real
    rows alone: f(w*) = w*, since f' = 0 says w^2 = k (1 - w).
    """
    k = not_negative("ratio", ratio)
    # the stable form of the root: no difference of nearly equal numbers at large k
    return 2 / (1 + math.sqrt(1 + 4 / k)) if k else 0.0


def budget_limit(n: int, share: float, anchor: str) -> float:
    """`location_limit` where n rows are pooled, of which a share a is real.

    Fresh 1 / [n a (2-a)], fixed (1/a + (1-a) / [a (2-a)]) / n. Both fall all the way to
    a = 1: with the budget alone held fixed there is no best mixture.
    """
    whole("n", n, 1)
    a, fixed = in_unit("share", share), _is_fixed(anchor)
    if a == 0:
        return math.inf
    kept = 1 / a + (1 - a) / (a * (2 - a))
    return (kept if fixed else 1 / (a * (2 - a))) / n


def best_share_at_price(price: float) -> float:
    """The share a of fresh real rows that minimises 1 / [a (2-a)] + price * a.

    `price` is what n real rows cost, in units of the variance of a fit to n real rows.
    The root of 2 (1-a) / [a (2-a)]^2 = price, 1 if real rows are free.
    """
    price = not_negative("price", price)

    def gain(a: float) -> float:
        """Minus the derivative of the cost in a, times [a (2-a)]^2; falls with a."""
        return 2 * (1 - a) - price * (a * (2 - a)) ** 2

    tiny = np.finfo(np.float64).tiny  # a root near 0 is found to all digits, too
    return scipy.optimize.brentq(gain, 0, 1, xtol=tiny, rtol=1e-15, maxiter=10_000)


def least_anchor(drift: float, noise: float) -> float:
    """Least constant share of real rows that holds the drift variance for ever.

    a = 1 - sqrt(D / (D + s)), near s / (2 D), where each generation adds s and the
    anchor pulls the model back to its share: V_t = (1-a)^2 (V_{t-1} + s).
    """
    d, s = not_negative("drift", drift), not_negative("noise", noise)
    if s == 0:
        return 0.0
    return s / (d + s) / (1 + math.sqrt(d / (d + s)))


def anchored_drift(shares: Curve, noise: float) -> Curve:
    """V_t = (1 - a_t)^2 (V_{t-1} + s) for given shares a_1 ... a_G [G + 1], V_0 = 0.

    With a_t = c / t it ends near s t / (1 + 2c): no schedule whose shares go to 0
    holds the drift where the noise stays.
    """
    s = not_negative("noise", noise)
    shares = np.asarray(shares, np.float64)
    if shares.ndim != 1 or not ((shares >= 0) & (shares <= 1)).all():
        raise ValueError("shares must be a vector of numbers in [0, 1]")
    found = np.zeros(len(shares) + 1)
    for t, a in enumerate(shares, 1):
        found[t] = (1 - a) ** 2 * (found[t - 1] + s)
    return found


def state_variance(q: float, real: int, synthetic: int, num_generations: int) -> Curve:
    """Var p_t of a state's share, given its share q of a fixed real pool [G + 1].

    A Wright-Fisher chain with an anchor: s draws of the newest shares are pooled with
    the r real ones, of which q have the state. With a = s / (r + s),
    V_t = a^2 [q (1-q) / s + (1 - 1/s) V_{t-1}], which ends at
    a^2 q (1-q) / s / [1 - a^2 (1 - 1/s)].
    """
    q, r = in_unit("q", q), whole("real", real, 0)
    s = whole("synthetic", synthetic, 1)
    a = s / (r + s)
    found = np.zeros(whole("num_generations", num_generations, 0) + 1)
    for t in range(1, len(found)):
        found[t] = a**2 * (q * (1 - q) / s + (1 - 1 / s) * found[t - 1])
    return found


def moments(
    real: int,
    synthetic: int,
    weight: float,
    num_generations: int,
    ddof: int,
    anchor: str,
    bias: float = 1.0,
) -> Moments:
    """Exact variance and mean error if the variance is learned, too.

    A fit has the weighted mean m and variance c (sum of weighted squares about it),
    c = N / (N - ddof), N the rows fitted to. Given a model the rows of a generation are
    independent with its mean and b times its variance, which is all that is used: see
    `moments.Moments` for what else qualifies. With w = r / (r + s) and b = 1 this is
    `theory.mix`, but for generation 0.
    """
    r, s, w, fixed, b = _setting(real, synthetic, weight, anchor, bias)
    if ddof not in (0, 1) or r <= ddof:
        raise ValueError(f"ddof must be 0 or 1 and below real = {r}, got {ddof}")
    found = Moments(*np.empty((2, whole("num_generations", num_generations, 0) + 1)))
    variance, error = (r - 1) / (r - ddof), 1 / r
    cross = fixed / r  # E (mu_t - mu).(mean of the fixed rows - mu)
    scale = (r + s) / (r + s - ddof)
    for t in range(num_generations + 1):
        found.variance[t], found.mean_error[t] = variance, error
        squares = w + (1 - w) * (b * variance + error)
        noise = b * variance / s if s else 0.0
        error = w**2 / r + (1 - w) ** 2 * (error + noise) + 2 * w * (1 - w) * cross
        variance = scale * (squares - error)
        cross = fixed * (w / r + (1 - w) * cross)
    return found


def plateau(weight: float, bias: float) -> float:
    """Limit of the variance under a biased sampler with infinitely many rows.

    v = w + (1-w) b v, so v = w / (1 - (1-w) b): 1 for an unbiased sampler whatever the
    weight, 0 without real rows if b < 1, inf if (1-w) b lets it grow. What it lacks of
    1 is why synthetic rows that help at first do harm beyond some number.
    """
    w, b = in_unit("weight", weight), not_negative("bias", bias)
    if b == 1:
        return 1.0
    kept = (1 - w) * b
    return math.inf if kept >= 1 else w / (1 - kept)


def _setting(
    real: int, synthetic: int, weight: float, anchor: str, bias: float
) -> tuple[int, int, float, bool, float]:
    """The arguments that all mixtures share, checked."""
    r, s = whole("real", real, 1), whole("synthetic", synthetic, 0)
    w = in_unit("weight", weight)
    if s == 0 and w < 1:
        raise ValueError(f"weight must be 1 without synthetic rows, got {weight}")
    return r, s, w, _is_fixed(anchor), not_negative("bias", bias)


def _is_fixed(anchor: str) -> bool:
    if anchor not in ("fresh", "fixed"):
        raise ValueError(f"anchor must be 'fresh' or 'fixed', got {anchor!r}")
    return anchor == "fixed"
