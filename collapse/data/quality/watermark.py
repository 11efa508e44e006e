"""Whether texts carry a watermark of green lists, and how surely.

A table of green lists says, for each context of one token, which `num_green` of the V
tokens are green; a marked model prefers these. A detector that knows the table counts
green tokens. Its null hypothesis is that the text does not depend on the table, so that
the table is as good as drawn anew: in each context a uniform subset of the tokens.

In this law the successors of one context are drawn without replacement. The number of
green ones among its T_c distinct successors is hypergeometric, independently of other
contexts, with variance T_c g (1 - g) (V - T_c) / (V - 1) where g is the green share.
The binomial variance T g (1 - g) of Kirchenbauer et al. lacks the last factor. It is
that of a hash of the whole pair, and too large here: a test by it rejects too rarely,
and sees nothing where most tokens follow most others.

References:
  Kirchenbauer et al. 2023 (arXiv:2301.10226); Sander et al. 2024 (arXiv:2402.14904) on
  models that were trained on marked text, and on leaving out repeated pairs.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from collapse.data.errors import DataError

_ROUNDING = 1e-12  # relative spread of weights that counts as none


class Detection(NamedTuple):
    """What distinct pairs of a context and a token say of a watermark.

    Attributes:
      pairs: T, distinct pairs.
      green: how many of them are green.
      z: deviation of this number from its mean, in standard deviations of the law
        without replacement; NaN if it cannot vary.
      p_value: exact chance of so many green pairs or more, in that law.
      binomial_z: the z of Kirchenbauer et al., with the binomial variance.
    """

    pairs: int
    green: int
    z: float
    p_value: float
    binomial_z: float


def num_green(vocabulary: int, share: float) -> int:
    """Green tokens of each context: the share of the vocabulary, rounded."""
    return round(share * vocabulary)


def pair_counts(
    tokens: Int[np.ndarray, "rows block"],
    counted: Bool[np.ndarray, "rows block"],
    vocabulary: int,
) -> Int[np.ndarray, "contexts v"]:
    """How often each token follows each context, [V + 1, V].

    Args:
      tokens: of texts, one a row.
      counted: positions whose token was generated; prompts and padding are not.
      vocabulary: V; the context of the first token of a row is the BOS token V.
    """
    contexts = np.pad(tokens[:, :-1], ((0, 0), (1, 0)), constant_values=vocabulary)
    pairs = contexts[counted].astype(np.int64) * vocabulary + tokens[counted]
    counts = np.bincount(pairs, minlength=(vocabulary + 1) * vocabulary)
    return counts.reshape(vocabulary + 1, vocabulary)


def detect(
    counts: Int[np.ndarray, "contexts v"], green: Bool[np.ndarray, "contexts v"]
) -> Detection:
    """What the distinct pairs of texts say; each counts once, however often it occurs.

    Args:
      counts: of `pair_counts`.
      green: [contexts, V] table of green lists.
    """
    green = _checked(green, counts)
    seen = counts > 0
    pairs, found = int(seen.sum()), int((seen & green).sum())
    sizes = green.sum(1) / green.shape[1]
    mean = float(seen.sum(1) @ sizes)
    variance = float(seen.sum(1) @ (sizes * (1 - sizes)))
    binomial_z = (found - mean) / math.sqrt(variance) if variance else math.nan
    tail = float(_law(seen, green)[found:].sum())
    return Detection(pairs, found, z_of(seen, green), min(tail, 1.0), binomial_z)


def z_of(
    weights: Float[np.ndarray, "contexts v"] | Bool[np.ndarray, "contexts v"],
    green: Bool[np.ndarray, "contexts v"],
) -> float:
    """Deviation of the weight of green pairs from its mean, in standard deviations.

    Mean and variance are over tables of green lists with the same number of green
    tokens in each context, and exact for any weights that do not depend on the table:
    with k of V green, the sum of k weights drawn without replacement has mean k times
    that of the V weights, and variance k (V - k) / (V (V - 1)) times the sum of their
    squared deviations. Repeated pairs need no other care. NaN if nothing can vary.
    """
    weights = np.asarray(weights, np.float64)
    green = _checked(green, weights)
    v, sizes = green.shape[1], green.sum(1)
    deviations = weights - weights.mean(1, keepdims=True)
    factors = sizes * (v - sizes) / (v * (v - 1))
    variance = float(factors @ np.sum(deviations**2, 1))
    if variance <= _ROUNDING**2 * np.sum(weights**2):
        return math.nan
    return float(np.sum(deviations[green])) / math.sqrt(variance)


def z_beside(
    counts: Int[np.ndarray, "contexts v"],
    reference: Int[np.ndarray, "contexts v"],
    green: Bool[np.ndarray, "contexts v"],
) -> float:
    """`z_of` the frequencies of pairs in texts less those in a reference.

    The reference is text of the same kind that cannot carry the mark, such as what the
    first model learned from. What is frequent in both, and happens to be green, then
    cancels. Once texts are long, z no longer grows with their length: the table alone
    is random, and z is at most sqrt(contexts (V - 1)), by Cauchy and Schwarz.

    Args:
      counts: of `pair_counts`, of texts in question.
      reference: of other texts.
      green: [contexts, V] table of green lists.
    """
    return z_of(_frequencies(counts) - _frequencies(reference), green)


def _checked(
    green: Bool[np.ndarray, "contexts v"], counts: np.ndarray
) -> Bool[np.ndarray, "contexts v"]:
    """A table of green lists as truth values [contexts, V].

    Raises:
      DataError: if it is none for these counts.
    """
    table = np.asarray(green)
    if table.shape != np.shape(counts) or table.ndim != 2:
        raise DataError(
            f"green: shape {table.shape}, but counts have {np.shape(counts)}; give "
            "both [contexts, V]"
        )
    if not np.isin(table, (0, 1)).all():
        raise DataError("green: has values other than 0 and 1; give truth values")
    if len(set(table.sum(1).tolist())) > 1:
        raise DataError(
            "green: contexts have different numbers of green tokens; give lists of one "
            "size, as `green_lists` makes them"
        )
    return table.astype(bool)


def _frequencies(counts: Int[np.ndarray, "contexts v"]) -> Float[np.ndarray, "c v"]:
    """Share of each pair among all; zeros if there is none."""
    return counts / max(counts.sum(), 1)


def _law(
    seen: Bool[np.ndarray, "contexts v"], green: Bool[np.ndarray, "contexts v"]
) -> Float[np.ndarray, " num"]:
    """Chance of 0, 1, ... green ones among distinct pairs, over tables."""
    law, v = np.ones(1), green.shape[1]
    for drawn, size in zip(seen.sum(1).tolist(), green.sum(1).tolist(), strict=True):
        ways = [
            math.comb(size, j) * math.comb(v - size, drawn - j)
            for j in range(drawn + 1)
        ]
        own = [one / math.comb(v, drawn) for one in ways]
        law = np.convolve(law, own)
    return law
