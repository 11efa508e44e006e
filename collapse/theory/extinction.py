"""When symbols die: survival of a count that is drawn again from itself (replace).

A symbol that n draws contain c times on average is drawn again with its fitted share,
and once its count is 0 it stays 0. For n much larger than c the count is a branching
process with Poisson offspring, whose law of extinction is g below; for small n the
Wright-Fisher chain is solved exactly.

Curves are over the lab generation t, after k = t + 1 fits. One formula serves rare
words, grammar rules, minority groups, and rows planted to prove a memory.

Sources: Suresh, Thangaraj & Khandavally (arXiv:2412.17646, AISTATS 2025) for the rates;
arXiv:2509.20101 and Baxter et al. for the first extinction; the rest is derived here.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import scipy  # its parts are loaded when first used: `--help` does not wait for them
from numpy.typing import NDArray

from collapse.theory.checks import (
    Curve,
    Rows,
    distribution,
    not_negative,
    schedule,
    whole,
)

MOST_ROWS = 1000  # whose counts are all in the exact chain; binomials overflow at 1030
MOST_COUNTS = 2500  # of more rows, the smallest ones
_ENTRIES = 2**21  # of an array (16 MB), however many symbols and generations there are
_LEAST = 1e-18  # probability of all counts that are left out
SUMMED = 200  # terms of a mean that are summed one by one; the rest is an integral


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
    return -np.expm1(-not_negative("count", count) * survival_decay(num_generations))


def observed_survival(count: int, num_generations: int) -> Curve:
    """P(a symbol seen `count` times in the real data is still drawn by generation t).

    1 - exp(-count g_t), and 1 at t = 0, whose fit has seen it. For a symbol seen once
    (a hapax) this is `survival_decay`.
    """
    alive = poisson_survival(whole("count", count, 1), num_generations)
    return np.append(1.0, alive[:-1])


def half_life(count: float) -> int:
    """Number of fits after which a symbol is more likely lost than alive.

    For an expected count c the first k with g_k < log(2) / c: near 2 c / log 2 = 2.9 c.
    """
    goal = math.log(2) / not_negative("count", count) if count else math.inf
    decay, fits = 1.0, 1
    while decay >= goal:
        decay, fits = -math.expm1(-decay), fits + 1
    return fits


def lost(
    q: float | Sequence[float] | Curve, n: int, num_generations: int
) -> NDArray[Any]:
    """P(a symbol of true share q has share 0 at generation t) [G + 1, *q.shape].

    Exact: powers of the transition matrix of the Wright-Fisher chain,
    P_ij = P(Binomial(n, i/n) = j). Of more than 1000 rows it has the small counts
    alone: count j is lost in t fits with probability exp(-j g_t) at most, so that over
    few generations (100 and some more) the others are as good as never lost. A symbol
    seen c times in the real data is lost by generation t with the probability of share
    c / n at generation t - 1.

    Raises:
      ValueError: for more rows and generations than can be `solved`; q not in [0, 1].
    """
    n, q = _checked(n, q, num_generations)
    values, place = np.unique(q.ravel(), return_inverse=True)
    found = np.empty((whole("num_generations", num_generations, 0) + 1, len(values)))
    for generations, symbols, block in _losses(values, n, num_generations):
        found[generations, symbols] = block.T
    return found[:, place].reshape(-1, *q.shape)


def expected_support(q: Sequence[float] | Curve, n: int, num_generations: int) -> Curve:
    """Expected number of symbols with a share above 0 [G + 1]: sum_i 1 - `lost`.

    Without the probabilities of all symbols in memory at once.
    """
    n, q = _checked(n, q, num_generations)
    values, counts = np.unique(q, return_counts=True)
    found = np.zeros(whole("num_generations", num_generations, 0) + 1)
    for generations, symbols, block in _losses(values, n, num_generations):
        found[generations] += counts[symbols] @ (1 - block)
    return found


def support_bounds(
    q: Sequence[float] | Curve, n: Rows, num_generations: int
) -> tuple[Curve, Curve]:
    """Bounds of the expected number of unique symbols under replace, each [G + 1].

    Corollary 1 of Suresh et al., k = t + 1: from sum_i 1 - exp(-n q_i g_k) to
    sum_i 1 - exp(-n q_i g_k) max(1 - 3 n q_i^2 - 3 k q_i, 0). n is constant.
    """
    q, sizes = distribution("q", q), schedule(n, num_generations)
    if (sizes != sizes[0]).any():
        raise ValueError("n must be the same in all generations")
    k = np.arange(1, len(sizes) + 1)[:, None]
    dead = np.exp(-sizes[0] * q * survival_decay(num_generations)[:, None])
    factor = np.maximum(1 - 3 * sizes[0] * q**2 - 3 * k * q, 0)
    return (1 - dead).sum(1), (1 - dead * factor).sum(1)


def no_extinction(
    counts: Sequence[float] | Curve, num_generations: int, diffusion: bool = False
) -> Curve:
    """P(every symbol is still alive), prod_i (1 - exp(-c_i g_{t+1})) [G + 1].

    As if counts were independent, which Poisson counts are. The `diffusion` form of
    arXiv:2509.20101 has 2/k for g_k, right for large counts only: with 20 symbols of
    five rows each the first is lost after 2.5 fits on average, not 3.6.

    Args:
      counts: [M] expected counts c_i = n q_i in the real data, all above 0.
      num_generations: G.
      diffusion: use 2/k, the leading order at large k.
    """
    counts, decay = _counts(counts), survival_decay(num_generations)
    if diffusion:
        decay = 2 / np.arange(1.0, len(decay) + 1)
    return _all_alive(counts, decay)


def mean_first_extinction(
    counts: Sequence[float] | Curve, diffusion: bool = False
) -> float:
    """Mean number of fits T after which the first symbol is lost: sum_k P(T > k).

    From `no_extinction`, k = 0 (nothing is lost before the first fit) included. The
    first terms are summed; the rest is an integral over g, with
    dg/dk = -(g^2/2 + g^3/12 + g^4/48 + ...), the generator of g -> 1 - exp(-g), and the
    first corrections of Euler and Maclaurin. Two symbols at least: one alone stays.
    """
    counts = _counts(counts)
    if len(counts) < 2:
        raise ValueError("counts must be those of at least two symbols")
    first = no_extinction(counts, SUMMED - 1, diffusion)  # 1 <= k <= SUMMED
    last = 2 / SUMMED if diffusion else survival_decay(SUMMED - 1)[-1]
    higher = (0, 0) if diffusion else (1 / 12, 1 / 48)

    def term(log_decay: float) -> float:
        """The integrand over log g, a variable of many orders of magnitude."""
        g = math.exp(log_decay)
        speed = g / 2 + higher[0] * g**2 + higher[1] * g**3
        return float(_all_alive(counts, np.array([g]))[0]) / speed

    # Below the lower end, where the integrand is at most c_1 c_2 g, nothing is left.
    least = min(math.log(last), -math.log(counts.max())) - 40
    middle = -math.log(counts.min())  # where it bends
    bends = [middle] if least < middle < math.log(last) else None
    rest, _ = scipy.integrate.quad(
        term, least, math.log(last), limit=500, epsrel=1e-10, points=bends
    )
    edge = first[-1] / 2 - (first[-1] - first[-2]) / 12
    return float(1 + first[:-1].sum() + rest + edge)


def solved(n: int, num_generations: int) -> bool:
    """Whether the exact chain of n rows can be solved over so many generations."""
    return n <= MOST_ROWS or _largest_count(n, num_generations) <= MOST_COUNTS


def _largest_count(n: int, num_generations: int) -> int:
    """Count from which on a symbol is lost with probability below `_LEAST`; or n."""
    if n <= MOST_ROWS:
        return n
    if not num_generations:
        return 0
    decay = survival_decay(num_generations - 1)[-1]
    return min(n, math.ceil(-math.log(_LEAST) / decay))


def _checked(n: int, q: Any, num_generations: int) -> tuple[int, NDArray[Any]]:
    """Both arguments of the exact chain, if it can be solved."""
    n, q = whole("n", n, 1), np.asarray(q, np.float64)
    last = whole("num_generations", num_generations, 0)
    if not solved(n, last):
        raise ValueError(
            f"n must be at most {MOST_ROWS} in {last} generations, got {n}"
        )
    if not ((q >= 0) & (q <= 1)).all():
        raise ValueError("q must be in [0, 1]")
    return n, q


def _losses(
    q: Curve, n: int, num_generations: int
) -> Iterator[tuple[slice, slice, NDArray[Any]]]:
    """Slices of generations and of symbols, and P(lost) there [symbols, generations].

    Args:
      q: [M] true shares, ascending.
    """
    for generations, absorbed in _absorbed(n, num_generations):
        size = max(1, _ENTRIES // max(absorbed.shape))
        for start in range(0, len(q), size):
            share = q[start : start + size]
            most = min(_most_counts(n, share[-1]), len(absorbed) - 1)
            block = _binomial(n, share, most) @ absorbed[: most + 1]
            yield generations, slice(start, start + size), block


def _absorbed(n: int, num_generations: int) -> Iterator[tuple[slice, NDArray[Any]]]:
    """Slices of generations, and P(lost by then) from each count [counts, slice].

    Counts are 0 to n, or to the largest that may be lost.
    """
    most = _largest_count(n, num_generations)
    step, column = _binomial(n, np.arange(most + 1) / n, most), np.eye(most + 1)[0]
    size = max(1, _ENTRIES // (most + 1))
    for start in range(0, num_generations + 1, size):
        columns = np.empty((most + 1, min(size, num_generations + 1 - start)))
        for i in range(columns.shape[1]):
            columns[:, i] = column
            column = step @ column
        yield slice(start, start + columns.shape[1]), columns


def _most_counts(n: int, share: float) -> int:
    """Count that n draws exceed with probability below `_LEAST`; Bernstein's bound."""
    third = -math.log(_LEAST) / 3
    return min(
        n, math.ceil(n * share + third + math.sqrt(third**2 + 6 * third * n * share))
    )


def _binomial(n: int, p: NDArray[Any], most: int) -> NDArray[Any]:
    """P(Binomial(n, p) = j) for j = 0..most, along a last axis."""
    p, j = np.asarray(p)[..., None], np.arange(most + 1)
    if n > MOST_ROWS:  # by logarithms, whose coefficients lose no digits in a sum
        steps = np.log((n - j[:-1]) / (j[:-1] + 1))
        choose = np.append(0.0, np.cumsum(steps))
        others = scipy.special.xlog1py(n - j, -p)
        return np.exp(choose + scipy.special.xlogy(j, p) + others)
    return scipy.special.binom(n, j) * p**j * (1 - p) ** (n - j)


def _counts(counts: Sequence[float] | Curve) -> Curve:
    found = np.asarray(counts, np.float64)
    if found.ndim != 1 or not ((found > 0) & np.isfinite(found)).all():
        raise ValueError("counts must be a vector of finite numbers above 0")
    return found


def _all_alive(counts: Curve, decay: Curve) -> Curve:
    """prod_i (1 - exp(-c_i g)) for each g [G + 1]."""
    return np.prod(-np.expm1(-np.multiply.outer(decay, counts)), axis=-1)
