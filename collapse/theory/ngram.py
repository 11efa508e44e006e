"""N-gram models refitted to own draws: each context is a categorical model of its own.

There are C contexts and V tokens. q [C, V] are the true shares of what follows each
context, w [C] how often each context occurs. If the number of draws N_c of a context is
the same in every generation (a fixed design), each context is a Wright-Fisher chain by
itself and all that `discrete` knows holds for it. If text is generated as a chain,
contexts die with the tokens that lead to them, and only the first fit is exact.

Sources: the formulas are derived here, from those of `moments`, `discrete` and
`extinction`.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from collapse.theory import discrete
from collapse.theory.checks import Curve, distribution, whole
from collapse.theory.extinction import expected_support, solved

Table = NDArray[np.float64]  # [C, V], rows that sum to 1 or, of unknown contexts, to 0
Draws = NDArray[np.int64]  # [C] of each context in a generation


def heterozygosity(
    q: Table, w: Curve, draws: Draws, variance: Callable[[int], Curve]
) -> Curve:
    """E sum_c w_c H_c(t), relative to the truth's, in a fixed design [G + 1].

    H_c = 1 - sum_v p(v | c)^2 of a maximum likelihood fit has the expectation
    (1 - sum_v q(v | c)^2) times the variance of a fit to N_c rows with ddof 0, see
    `discrete.heterozygosity`: (1 - 1 / N_c)^(t + 1) under replace, the product of
    1 - 1 / (N_c k^2) over k <= t + 1 under accumulate. A context that is never drawn
    has none.

    Args:
      q: shares of tokens.
      w: [C] weights of contexts, which sum to 1.
      draws: N_c.
      variance: N_c -> [G + 1], `Moments.variance` of the workflow, ddof 0. Any other
        number that is above 0 where a context is drawn may stand for N_c in both.
    """
    level = _levels(q, w)
    sizes = np.unique(draws[draws > 0])
    curves = [level[draws == size].sum() * variance(int(size)) for size in sizes]
    return np.sum(curves, axis=0) / level.sum()


def smoothed_heterozygosity(
    q: Table, w: Curve, draws: Draws, pseudo: float, num_generations: int
) -> Curve:
    """The same if b is added to every count, under replace: see `discrete`.

    A context without draws has equal shares.
    """
    found = np.zeros(whole("num_generations", num_generations, 0) + 1)
    symbols = q.shape[1]
    for shares, weight, size in zip(q, w, draws, strict=True):
        if weight and size:
            own = discrete.smoothed_homozygosity(shares, size, pseudo, num_generations)
            found += weight * (1 - own)
        elif weight and pseudo:
            found += weight * (1 - 1 / symbols)
    return found / _levels(q, w).sum()


def support(q: Table, draws: Draws, num_generations: int) -> Curve:
    """Expected number of distinct n-grams under accumulate in a fixed design [G + 1].

    sum_c sum_v 1 - (1 - q(v | c))^N_c in every generation: none is lost, none is new.
    """
    with np.errstate(divide="ignore"):  # log 0 of a token that always follows
        seen = -np.expm1(draws[:, None] * np.log1p(-np.where(draws[:, None], q, 0)))
    return np.full(whole("num_generations", num_generations, 0) + 1, seen.sum())


def support_replace(q: Table, draws: Draws, num_generations: int) -> Curve | None:
    """The same under replace, by the exact chain of each n-gram; None if not `solved`.

    Contexts of the same number of draws share a chain.
    """
    sizes = np.unique(draws[draws > 0])
    if not all(solved(int(size), num_generations) for size in sizes):
        return None
    found = np.zeros(whole("num_generations", num_generations, 0) + 1)
    for size in sizes:
        shares = q[draws == size]
        found += expected_support(shares[shares > 0], int(size), num_generations)
    return found


def first_support(
    q: Table,
    w: Curve,
    leads: NDArray[np.int32],
    lengths: Sequence[int],
) -> tuple[float, float]:
    """Expected numbers of distinct n-grams and contexts in the first sample of chains.

    Sequences begin at contexts drawn from w, which has to be the chain's stationary
    law. A sequence of T tokens misses an n-gram with the probability that the chain
    without it survives T steps: T products of a vector and a matrix, exact.

    Args:
      q: shares of tokens; rows of contexts with w > 0 sum to 1.
      w: [C] stationary shares of contexts.
      leads: [C, V] the context that each n-gram leads to.
      lengths: T of every sequence.
    """
    w, real = distribution("w", w), np.flatnonzero(np.ravel(q) > 0)
    rows, tokens = np.divmod(real, q.shape[1])
    step = np.zeros((len(w), len(w)))
    np.add.at(step, (rows, leads[rows, tokens]), q[rows, tokens])
    alive = np.flatnonzero(w > 0)
    every = np.arange(len(real))
    grams, contexts = np.tile(w, (len(real), 1)), np.tile(w, (len(alive), 1))
    missed, unseen = np.ones(len(real)), np.ones(len(alive))
    for length in range(1, max(lengths) + 1):
        contexts[np.arange(len(alive)), alive] = 0
        lost = grams[every, rows] * q[rows, tokens]
        grams, contexts = grams @ step, contexts @ step
        grams[every, leads[rows, tokens]] -= lost
        often = sum(one == length for one in lengths)
        missed *= grams.sum(1) ** often
        unseen *= contexts.sum(1) ** often
    return float((1 - missed).sum()), float((1 - unseen).sum())


def _levels(q: Table, w: Curve) -> Curve:
    """Each context's part of the truth's mean heterozygosity [C]."""
    return distribution("w", w) * (1 - (q**2).sum(1))
