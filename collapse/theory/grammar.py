"""Grammars refitted to their own sentences: rules, sentences and minimal pairs.

There are A non-terminals with at most W alternatives, whose true shares are q [A, W].
A non-terminal that is used N_a times in every generation (a fixed design) is a model of
symbols by itself: what `ngram` says of contexts and tokens holds for non-terminals and
alternatives. If sentences are generated from the start, non-terminals die with the
rules that lead to them, and only the first fit is exact.

Sources: arXiv:2602.16601 for chi-square and fresh data; the rest is derived here.
"""

import functools
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from collapse.theory import discrete
from collapse.theory.checks import Curve, in_unit, not_negative, whole
from collapse.theory.extinction import lost, solved, survival_decay
from collapse.theory.ngram import Draws, Table

Rule = tuple[int, int]  # number of a non-terminal and of its alternative
Children = NDArray[np.int32]  # [A, W, K] non-terminals of an alternative; A for none
_ROUNDS, _NEAR = 10**5, 1e-14  # of a fixed point, until it changes no more


def uses(q: Table, children: Children, start: int) -> Curve:
    """How often a sentence uses each non-terminal, on average [A].

    The total progeny of a branching process: e = (1 - M')^-1 e_start, where M_ab is the
    mean number of b in an alternative of a. Finite where M has no eigenvalue of size 1.
    """
    size = len(q)
    mean = np.zeros((size, size + 1))
    for a, w in np.argwhere(q > 0):
        np.add.at(mean[a], children[a, w], q[a, w])
    return np.linalg.solve(np.eye(size) - mean[:, :size].T, np.eye(size)[start])


def without(q: Table, children: Children, start: int, rules: Iterable[Rule]) -> float:
    """P(a sentence uses none of these rules).

    The least solution of y_a = sum_w q_aw prod_k y_child over the other rules, y of the
    start: the chance that a derivation ends and has none of them.
    """
    kept = np.array(q, np.float64)
    for a, w in rules:
        kept[a, w] = 0
    y = np.zeros(len(q))
    for _ in range(_ROUNDS):
        after = (kept * np.append(y, 1.0)[children].prod(-1)).sum(1)
        if abs(after - y).max() <= _NEAR:
            break
        y = after
    return float(after[start])


def first_support(
    q: Table, children: Children, start: int, num_sentences: int
) -> float:
    """Expected number of distinct rules in so many independent sentences."""
    unused = [without(q, children, start, [(a, w)]) for a, w in np.argwhere(q > 0)]
    return float((1 - np.power(unused, num_sentences)).sum())


def smoothed_heterozygosity(
    q: Table, w: Curve, draws: Draws, pseudo: float, num_generations: int
) -> Curve:
    """E sum_a w_a H_a(t) under replace, b added to the count of each rule [G + 1].

    Relative to the truth's. As `ngram.smoothed_heterozygosity`, but non-terminals have
    as many alternatives as q has above 0. One that is never drawn has equal shares.
    """
    found = np.zeros(whole("num_generations", num_generations, 0) + 1)
    for shares, weight, size in zip(q, w, draws, strict=True):
        known = shares[shares > 0]
        own: float | Curve = 1 / len(known)
        if size:
            own = discrete.smoothed_homozygosity(known, size, pseudo, num_generations)
        found += weight * (1 - own)
    return found / (w @ (1 - (q**2).sum(1)))


def chi_square(
    q: Table, w: Curve, draws: Draws, variance: Callable[[int], Curve]
) -> Curve:
    """E sum_a w_a chi2(p_a || q_a) in a fixed design [G + 1].

    chi2 = sum_i (p_i - q_i)^2 / q_i. Fits are unbiased, and the variance of a share is
    q_i (1 - q_i) (1 - v_t), see `discrete.heterozygosity`: each non-terminal with m
    alternatives has (m - 1) (1 - v_t(N_a)). One that is never drawn has 1.

    Args:
      q: shares of alternatives.
      w: [A] weights of non-terminals.
      draws: N_a.
      variance: N_a -> [G + 1], `Moments.variance` of the workflow, ddof 0. Any other
        number that is above 0 where one is drawn may stand for N_a in both.
    """
    freedom, drawn = (q > 0).sum(1) - 1, draws > 0
    found = sum(
        (w[draws == size] @ freedom[draws == size]) * (1 - variance(int(size)))
        for size in np.unique(draws[drawn])
    )
    return np.asarray(found + w[~drawn].sum())


def fresh_chi_square(symbols: int, n: int, real: int, num_generations: int) -> Curve:
    """E chi2(p_t || q) where `real` of the n rows of a fit are new real ones [G + 1].

    Exactly, chi2(a q + (1 - a) p || q) = (1 - a)^2 chi2(p || q). A fit to n rows of the
    mixture adds its variance, so that with x_0 = (m - 1) / n and s = n - real

      x_{t+1} = x_t ((s / n)^2 - s / n^2) + (m - 1) / n.
    """
    n, real = whole("n", n, 1), whole("real", real, 0)
    synthetic = not_negative("n - real", n - real)
    start = (whole("symbols", symbols, 1) - 1) / n
    found = np.full(whole("num_generations", num_generations, 0) + 1, start)
    for t in range(num_generations):
        kept = (synthetic / n) ** 2 - synthetic / n**2
        found[t + 1] = found[t] * kept + start
    return found


def mixed_chi_square(chi_square: float, real_fraction: float) -> float:
    """chi2(a q + (1 - a) p || q) of the mixture with a share a of the truth itself."""
    return (1 - in_unit("real_fraction", real_fraction)) ** 2 * chi_square


def all_alive(
    q: Table,
    draws: Draws,
    needed: Sequence[Iterable[Rule]],
    gone: Callable[[float, int], Curve],
) -> Curve:
    """P(all rules of a set are alive), mean over sets, in a fixed design [G + 1].

    A minimal pair is judged right as long as the rules of the right sentence are alive.
    Non-terminals are independent. Within one, P(all are alive) is the sum over subsets
    of (-1)^size P(all of the subset are lost), and a subset is lost like one symbol
    that has the sum of its shares.

    Args:
      q: shares of alternatives.
      draws: N_a.
      needed: the rules of each set.
      gone: (share, N_a) -> P(such a symbol has no share) [G + 1], as `gone_replace`.
    """

    def alive(a: int, own: frozenset[int]) -> Curve:
        total = np.asarray(0.0)
        for size in range(len(own) + 1):
            for subset in itertools.combinations(sorted(own), size):
                share = min(float(q[a, list(subset)].sum()), 1.0)
                total = total + (-1) ** size * gone(share, int(draws[a]))
        return total

    return _mean_product(needed, alive)


def any_alive(
    q: Table,
    draws: Draws,
    telling: Sequence[Iterable[Rule]],
    gone: Callable[[float, int], Curve],
) -> Curve:
    """P(some rule of a set is alive), mean over sets, in a fixed design [G + 1].

    A minimal pair can be learned as long as a rule is alive that tells the right
    sentence from the wrong one. The rules of a non-terminal are all lost like one
    symbol that has the sum of their shares.

    Args:
      q: shares of alternatives.
      draws: N_a.
      telling: the rules of each set.
      gone: as of `all_alive`.
    """

    def dead(a: int, own: frozenset[int]) -> Curve:
        return gone(min(float(q[a, sorted(own)].sum()), 1.0), int(draws[a]))

    return 1 - _mean_product(telling, dead)


def _mean_product(
    sets: Sequence[Iterable[Rule]], curve: Callable[[int, frozenset[int]], Curve]
) -> Curve:
    """Mean over sets of the product over non-terminals of what their rules give."""
    known = functools.cache(curve)
    curves = []
    for rules in sets:
        of = defaultdict(set)
        for a, w in rules:
            of[a].add(w)
        own = (known(a, frozenset(alternatives)) for a, alternatives in of.items())
        curves.append(functools.reduce(np.multiply, own))
    return np.asarray(np.mean(curves, axis=0))


def gone_replace(num_generations: int) -> Callable[[float, int], Curve]:
    """P(a symbol is lost) under replace, for `all_alive`: the exact chain.

    Of nothing, an empty subset, it is 1; of a non-terminal that is never drawn, too.
    """
    length = whole("num_generations", num_generations, 0) + 1

    def gone(share: float, n: int) -> Curve:
        if not share or not n:
            return np.ones(length)
        return np.asarray(lost(share, n, num_generations))

    return gone


def gone_poisson(num_generations: int) -> Callable[[float, int], Curve]:
    """The same by the law of rare symbols, exp(-N_a q g_{t+1})."""
    decay = survival_decay(num_generations)
    return lambda share, n: np.exp(-share * n * decay)


def gone_accumulate(num_generations: int) -> Callable[[float, int], Curve]:
    """The same under accumulate: (1 - q)^N_a in every generation."""
    length = whole("num_generations", num_generations, 0) + 1
    return lambda share, n: np.full(length, (1 - share) ** n)


def solvable(draws: Draws, num_generations: int) -> bool:
    """Whether `gone_replace` knows every non-terminal over so many generations."""
    return all(solved(int(n), num_generations) for n in draws if n)
