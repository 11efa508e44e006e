"""Kernel density estimates that are refitted to rows they generated.

The density is a mean of normal kernels, one on each row fitted to, so a generated row
is a picked row plus h times normal noise: refitting is the bootstrap with noise. With
c the variance of the rows (squares divided by their number), the density has variance
v = c + h^2, whatever the truth. That is all that the recursions need, so every workflow
has an exact law. Whether a density collapses or explodes is a matter of its bandwidth:

* h fixed in units of the truth (scikit-learn's `KernelDensity`, whose "scott" and
  "silverman" depend on the number of rows and not on the data's scale):
  under replace the variance tends to n h^2 while the mean walks without end, and under
  accumulate it grows like h^2 log t.
* h proportional to the rows' standard deviation s, with divisor n - 1 (Silverman's rule
  of thumb, and SciPy's `gaussian_kde`): under replace each generation multiplies the
  variance by 1 - 1/n + h^2, more than 1 for these rules, less for a small h.

Units: variances are relative to the truth's, tr Sigma in d dimensions. A fixed h is
given relative to the truth's standard deviation, (tr Sigma / d)^(1/2), since d kernel
coordinates add d h^2. A relative one is a multiple of s: kernels of covariance
h^2 tr(S) I / d, h^2 diag(S) and h^2 S all add h^2 tr S.

Settings: Kazdan et al. (arXiv:2410.16713), Borji (2410.12954); derived here.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from collapse.theory import recursions
from collapse.theory.checks import Curve, Rows, not_negative, schedule, whole
from collapse.theory.moments import check_mix
from collapse.theory.recursions import Moments, Widening

Bandwidth = float | Sequence[float] | Curve  # one, or one a generation [G + 1]
RULES = ("fixed", "scott", "silverman", "std")


def bandwidth(rule: str, n: Rows, dimension: int) -> Curve:
    """Factor of the user's bandwidth that a rule gives for n rows, in n's shape.

    "fixed" 1, "scott" n^(-1/(d+4)) and "silverman" (n (d+2) / 4)^(-1/(d+4)): these
    are scikit-learn's, without the data's scale. "std" is silverman's factor, a
    multiple of the rows' standard deviation (`relative=True`): 1.06 n^(-1/5) in one
    dimension, Silverman's rule of thumb.
    """
    d, rows = whole("dimension", dimension, 1), np.asarray(n, np.float64)
    if not (rows >= 1).all():
        raise ValueError(f"n must be at least 1, got {n!r}")
    if rule not in RULES:
        raise ValueError(f"rule must be one of {RULES}, got {rule!r}")
    if rule == "fixed":
        return np.ones_like(rows)
    return (rows if rule == "scott" else rows * (d + 2) / 4) ** (-1 / (d + 4))


def replace(
    n: Rows, num_generations: int, bandwidth: Bandwidth, relative: bool = False
) -> Moments:
    """Moments [G + 1] of densities that are each fitted to n rows of the last one.

    Fixed: v_t = (1 - 1/n) v_{t-1} + h^2. Relative: v_t = (1 - 1/n + h^2) v_{t-1}.
    The mean error grows by v_{t-1} / n in each generation.

    Args:
      n: rows a generation, or a schedule [G + 1].
      num_generations: G.
      bandwidth: h, or [G + 1] one a generation, for a rule that depends on the number
        of rows fitted to (`bandwidth`).
      relative: whether h is a multiple of the standard deviation of the rows.

    Returns:
      Variance of the density, kernels included, and squared error of its mean.

    Raises:
      ValueError: an argument is out of range; a relative bandwidth needs two rows.
    """
    return window(n, 1, num_generations, bandwidth, relative)


def replace_multiple(
    n: int, num_generations: int, bandwidth: Bandwidth, relative: bool = False
) -> Moments:
    """Moments [G + 1] of densities fitted as under `replace`, to (t + 1) n rows."""
    sizes = n * np.arange(1, num_generations + 2)
    return replace(sizes, num_generations, bandwidth, relative)


def accumulate(
    n: Rows, num_generations: int, bandwidth: Bandwidth, relative: bool = False
) -> Moments:
    """Moments [G + 1] of densities that are each fitted to all rows so far.

    At constant n and k = t + 1 fits, c_k = (1 - 1/(k^2 n)) c_{k-1} +
    h^2 [1/k - 1/(k^2 n)]: for a fixed h the variance grows like h^2 log t. If a rule
    makes h_k smaller as rows accumulate it is bounded, since sum h_k^2 / k is.
    """
    sizes = schedule(n, num_generations)
    widening = _kernels(np.cumsum(sizes), bandwidth, relative)
    return recursions.accumulate(sizes, widening)


def fixed_budget(
    n: int, num_generations: int, bandwidth: Bandwidth, relative: bool = False
) -> Moments:
    """Moments [G + 1] of densities fitted to n of all rows so far.

    The n rows are drawn without replacement.
    """
    sizes = schedule(whole("n", n, 2), num_generations)
    return recursions.fixed_budget(n, _kernels(sizes, bandwidth, relative))


def window(
    n: Rows,
    size: int,
    num_generations: int,
    bandwidth: Bandwidth,
    relative: bool = False,
) -> Moments:
    """Moments [G + 1] of densities fitted to rows of the last `size` generations."""
    sizes, size = schedule(n, num_generations), whole("size", size, 1)
    rows = recursions.rows_in_window(sizes, size)
    return recursions.window(sizes, size, _kernels(rows, bandwidth, relative))


def mix(
    n: int,
    real: int,
    synthetic: int,
    num_generations: int,
    bandwidth: Bandwidth,
    relative: bool = False,
    anchor: str = "fresh",
) -> Moments:
    """Moments [G + 1] of densities fitted to real and synthetic rows.

    Generation 0 is fitted to n real ones.

    The real rows are new in each generation ("fresh") or the same of the first n
    ("fixed"). Either bounds the variance for a fixed bandwidth; one relative to the
    rows' own may outgrow the real rows.
    """
    sizes = schedule(whole("n", n, 1), num_generations).copy()
    fixed = check_mix(n, real, synthetic, 1, anchor)
    sizes[1:] = real + synthetic
    widening = _kernels(sizes, bandwidth, relative)
    return recursions.mix(n, real, synthetic, fixed, widening)


# workflow -> its recursion
FORMS: dict[str, Callable[..., Moments]] = {
    form.__name__: form
    for form in (replace, replace_multiple, accumulate, fixed_budget, window, mix)
}


def replace_limit(n: int, bandwidth: float) -> float:
    """Variance of the density in the end under replace, fixed bandwidth: n h^2.

    That of the rows is (n - 1) h^2. Smaller than the truth's if n h^2 < 1.
    """
    return whole("n", n, 1) * not_negative("bandwidth", bandwidth) ** 2


def growth(n: int, bandwidth: float) -> float:
    """Factor a generation of the variance under replace, relative h: 1 - 1/n + h^2.

    From (1 - 1/n) (1 + h^2 n / (n - 1)). Above 1 where h^2 > 1/n, as for Silverman's
    rule of thumb, and below 1 for smaller bandwidths.
    """
    return 1 - 1 / whole("n", n, 2) + not_negative("bandwidth", bandwidth) ** 2


def _kernels(rows: Curve, bandwidth: Bandwidth, relative: bool) -> Widening:
    """What kernels add to the variance of the `rows` [G + 1] that they sit on."""
    h = np.asarray(bandwidth, np.float64)
    if h.shape not in ((), rows.shape):
        raise ValueError(
            f"bandwidth must be one number or {rows.shape}, got shape {h.shape}"
        )
    if not ((h >= 0) & (h < math.inf)).all():
        raise ValueError(f"bandwidth must be finite and not negative, got {bandwidth}")
    added = np.broadcast_to(h**2, rows.shape)
    if not relative:
        return Widening(np.ones_like(rows), added)
    if (rows < 2).any():
        raise ValueError("n must be at least 2 for a relative bandwidth")
    return Widening(1 + added * rows / (rows - 1), np.zeros_like(rows))
