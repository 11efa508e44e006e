"""Test error of linear regressors under most workflows, and where it comes from.

The setting of Gerstgrasser et al. (arXiv:2404.01413, sec. 3): real labels are
y = x'w* + e, rows x ~ N(0, Sigma), and each later generation labels n rows with the
model before it and fresh noise. The error is |w - w*|^2 in the norm of Sigma, the noise
of the test label left out. Its unit is B = sigma^2 d / (n - d - 1), the error of the
first fit, since E tr (X'X)^-1 Sigma = d / (n - d - 1) for every Sigma.

Two designs, which must not be confused. "fixed": every generation labels the same X, as
in the theorem. "fresh": each draws new rows; then `replace` has the same error, while
`accumulate` and `replace_multiple` have less.

Beyond the interpolation threshold (n < d - 1) the fit of minimum norm is meant, Sigma
is the identity, and `signal` is E|w*|^2. There is no finite mean for d - 1 <= n <=
d + 1: the curves are infinite then, or refused where they have no other form.

Sources: fixed designs, 2404.01413 (theorems 1 and 2, eq. 4 and 11; the dashed `replace`
lines of the published plots start one fit too late). All else is derived here.
"""

import math
from typing import NamedTuple

import numpy as np

from collapse.theory.checks import Curve, in_unit, not_negative, whole


class ErrorParts(NamedTuple):
    """Expected squared error, in two parts that add up to the test error.

    `bias` is what the same recursion leaves if no label is noisy; `variance` is what
    noise adds. Their cross term has mean zero.
    """

    bias: Curve  # [G + 1]
    variance: Curve  # [G + 1]

    @property
    def total(self) -> Curve:
        """The expected test error."""
        return self.bias + self.variance


class Noise(NamedTuple):
    """Variance of labels about x'w: of real ones, and of those that models generate."""

    real: float = 1.0
    synthetic: float = 1.0

    def schedule(self, num_generations: int) -> Curve:
        """Noise variance of each generation's labels, [G + 1]."""
        real, synthetic = (not_negative("noise", variance) for variance in self)
        later = [synthetic] * whole("num_generations", num_generations, 0)
        return np.array([real, *later], np.float64)


def first_error(n: int, d: int) -> float:
    """E tr of Sigma (X'X)^+, the error of one fit to labels of noise variance 1.

    d / (n - d - 1) for n > d + 1; n / (d - n - 1) for n < d - 1, where Sigma must be
    the identity; infinite between. It is B for noise variance 1.
    """
    n, d = whole("n", n, 1), whole("d", d, 1)
    if d - 1 <= n <= d + 1:
        return math.inf
    return d / (n - d - 1) if n > d else n / (d - n - 1)


def replace(
    n: int,
    d: int,
    num_generations: int,
    noise: Noise,
    design: str = "fixed",
    signal: float = 0.0,
) -> ErrorParts:
    """Error of fits to n rows of the generation before: variance B (t + 1).

    For n < d - 1 the share n / d of w* that the first fit sees is kept for ever if X is
    fixed; if it is fresh, each generation keeps only n / d of what the last one had.
    """
    fresh = _is_fresh(design)
    steps = _steps(noise.schedule(num_generations), first_error(n, d))
    bias = _lost(n, d, signal, steps.size)
    memory = min(n / d, 1.0) if fresh else 1.0
    if fresh:
        bias = signal * (1 - np.power(memory, np.arange(1.0, steps.size + 1)))
    variance = np.empty_like(steps)
    level = 0.0
    for t, step in enumerate(steps):
        variance[t] = level = memory * level + step
    return ErrorParts(bias, variance)


def replace_multiple(
    n: int,
    d: int,
    num_generations: int,
    noise: Noise,
    design: str = "fixed",
    signal: float = 0.0,
) -> ErrorParts:
    """Error of fits to (t + 1) n rows of the newest model: B sum 1/k if X is fixed.

    See arXiv:2404.01413, Appendix E. If X is fresh sum_k d / (k n - d - 1), which is
    less, for n > d + 1 alone.
    """
    return _growing(n, d, num_generations, noise, design, signal, 0)


def accumulate(
    n: int,
    d: int,
    num_generations: int,
    noise: Noise,
    design: str = "fixed",
    signal: float = 0.0,
) -> ErrorParts:
    """Error of fits to all rows so far: B sum 1/k^2 < B pi^2/6 if X is fixed.

    If X is fresh, sum_k d / (k (k n - d - 1)), for n > d + 1 alone: with P the Gram
    matrix of all k batches, the error moves by P^-1 X'e alone, and given P each of the
    k batches has, in expectation, the Gram matrix P / k.
    """
    return _growing(n, d, num_generations, noise, design, signal, 1)


def window(n: int, d: int, size: int, num_generations: int, noise: Noise) -> ErrorParts:
    """Error of fits to the last `size` generations of rows; X is fixed, n > d + 1.

    A fit is the mean of the labels' own fits, w_{i-1} + noise, over the window: the
    second moments of all pairs in the window obey a linear recursion.
    """
    _above(n, d)
    size, unit = whole("size", size, 1), first_error(n, d)
    pairs, cross = np.zeros((0, 0)), np.zeros(0)
    level, variance = 0.0, []
    for own in noise.schedule(num_generations) * unit:
        pairs = np.block([[pairs, cross[:, None]], [cross, level + own]])
        pairs = pairs[-size:, -size:]
        cross = pairs.mean(1)
        level = cross.mean()
        variance.append(level)
    return ErrorParts(np.zeros(len(variance)), np.array(variance))


def mix(
    n: int,
    d: int,
    real: int,
    num_generations: int,
    noise: Noise,
    synthetic_bias: float = 0.0,
) -> ErrorParts:
    """Error of fits to `real` new real rows and n - real of the newest model; fresh X.

    Labels that models generate err by a fixed vector delta, whose squared length in the
    norm of Sigma is `synthetic_bias`: e_t = M (e_{t-1} + delta) + noise, where M, the
    synthetic share of the Gram matrix, is independent of e_{t-1}, E M = (1 - real/n) I
    and E M'Sigma M = c Sigma (see `contraction`). Generation 0 is fitted to n real
    rows. n > d + 1.
    """
    _above(n, d)
    not_negative("synthetic_bias", synthetic_bias)
    sizes = noise.schedule(num_generations)
    real = whole("real", real, 0)
    if real > n:
        raise ValueError(f"real must be at most n = {n}, got {real}")
    share, c = 1 - real / n, contraction(n, n - real, d)
    unit = first_error(n, d)
    added = (noise.real * real + noise.synthetic * (n - real)) / n * unit
    towards = bias = 0.0  # mean error along delta, E of the noise-free error
    variance = noise.real * unit
    found = ErrorParts(*np.empty((2, sizes.size)))
    found.bias[0], found.variance[0] = bias, variance
    for t in range(1, sizes.size):
        bias = c * (bias + 2 * towards * synthetic_bias + synthetic_bias)
        towards = share * (towards + 1)
        variance = c * variance + added
        found.bias[t], found.variance[t] = bias, variance
    return found


def contraction(n: int, synthetic: int, d: int) -> float:
    """E |M v|^2 / |v|^2 for M = S^-1 S_s: n rows have the Gram matrix S, s of them S_s.

    With U = S^-1/2 S_s S^-1/2, a matrix-variate Beta independent of S,
    |M|_F^2 = tr(U S^-1 U S). The moments of U follow from its diagonal (a Beta), the
    determinant of its 2 x 2 block (a product of two) and rotational invariance, and
    E tr S tr S^-1 = d (n d - 2) / (n - d - 1). It tends to (s/n)^2 for n >> d.
    """
    _above(n, d)
    s = whole("synthetic", synthetic, 0)
    if (r := n - s) < 0:
        raise ValueError(f"synthetic must be at most n = {n}, got {s}")
    diagonal = s * (s + 2) / (n * (n + 2))  # E U_11^2
    beside = s * r / (n * (n + 2) * (n - 1))  # E U_12^2
    return diagonal + beside * (d - 1) * (n + 1) / (n - d - 1)


def strong_collapse(share: float, synthetic_bias: float) -> float:
    """Error that a share p of biased rows leaves, however many there are: p^2 delta^2.

    Core of "Strong Model Collapse" (Dohmatob et al., arXiv:2410.04840): the limit of
    `mix` at t = 1, where the labels are those of the fit to real rows, off by delta.
    """
    return in_unit("share", share) ** 2 * not_negative("synthetic_bias", synthetic_bias)


def _growing(
    n: int,
    d: int,
    num_generations: int,
    noise: Noise,
    design: str,
    signal: float,
    power: int,
) -> ErrorParts:
    """Errors if fit k has k n rows and new noise has the further weight k^-power."""
    sizes = noise.schedule(num_generations)
    k = np.arange(1, num_generations + 2)
    if _is_fresh(design):
        _above(n, d)
        units = d / (k * n - d - 1)
    else:
        units = first_error(n, d) / k
    variance = np.cumsum(_steps(sizes, units / k**power))
    return ErrorParts(_lost(n, d, signal, k.size), variance)


def _is_fresh(design: str) -> bool:
    if design not in ("fixed", "fresh"):
        raise ValueError(f"design must be 'fixed' or 'fresh', got {design!r}")
    return design == "fresh"


def _lost(n: int, d: int, signal: float, size: int) -> Curve:
    """Error in the directions that n < d rows do not span, equal in all generations."""
    return np.full(size, not_negative("signal", signal) * (1 - min(n / d, 1.0)))


def _steps(sizes: Curve, unit: Curve | float) -> Curve:
    """Variance added by labels of these noise variances: 0 without noise, never NaN."""
    return np.multiply(sizes, unit, out=np.zeros_like(sizes), where=sizes > 0)


def _above(n: int, d: int) -> None:
    if whole("n", n, 1) <= whole("d", d, 1) + 1:
        raise ValueError(f"n must be above d + 1 = {d + 1}, got {n}")
