"""Semantic deduplication: of texts with nearly the same n-grams only the first is kept.

SemDeDup (Abbas et al. 2023, arXiv 2303.09540) clusters embeddings by k-means and looks
for pairs of high cosine similarity within each cluster alone, so that not all pairs
have to be compared. The embedding here is a random projection of hashed n-grams, which
needs no network and sees wording rather than meaning.
"""

from collections.abc import Sequence
from itertools import compress
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from collapse.data.quality import checks
from collapse.data.quality.duplicates import groups, is_first
from collapse.data.quality.grams import ORDERS, SIZE, counters, hashed

EPSILON = 0.05
DIMENSION = 128
_STEPS = 20
_PIECE = 2**15  # texts that are projected together


class TextClusters(NamedTuple):
    """What k-means found.

    Attributes:
      labels: [rows] number of each row's cluster.
      centres: [clusters, d] of length 1, or 0 where all rows are 0.
    """

    labels: Int[np.ndarray, " rows"]
    centres: Float[np.ndarray, "clusters d"]


def semantic(
    texts: Sequence[str],
    generator: np.random.Generator,
    epsilon: float = EPSILON,
    num: int | None = None,
    dimension: int = DIMENSION,
    size: int = SIZE,
    orders: Sequence[int] = ORDERS,
) -> Bool[np.ndarray, " texts"]:
    """Whether each text is kept: it is like no earlier kept one of its cluster [texts].

    Args:
      texts: any. Of equal ones the first alone is clustered.
      generator: chooses the first centres.
      epsilon: a text is dropped if its cosine similarity to an earlier kept one is
        above 1 - epsilon; from 0, which drops nothing, to 1.
      num: of clusters; None for the square root of the number of different texts. A
        pair of similar texts in different clusters is not found.
      dimension: of the random projection; errors of similarities s are of the size of
        (1 - s^2) / sqrt(dimension), so that high ones are nearly right.
      size: columns of the hashed n-grams.
      orders: of the n-grams.

    Raises:
      DataError: for an epsilon outside [0, 1], or another number below 1.
    """
    checks.share("epsilon", epsilon)
    same = groups(texts)
    if epsilon == 0 or not len(texts):
        return np.ones(len(texts), bool)
    first = np.flatnonzero(is_first(same))
    rows = projected([*compress(texts, is_first(same))], dimension, size, orders)
    num = max(round(np.sqrt(len(rows))), 1) if num is None else num
    labels = spherical(rows, num, generator).labels
    found = np.zeros(len(texts), bool)
    found[first] = distinct(rows, labels, epsilon)
    return found


def projected(
    texts: Sequence[str],
    dimension: int = DIMENSION,
    size: int = SIZE,
    orders: Sequence[int] = ORDERS,
) -> Float[np.ndarray, "texts dimension"]:
    """Projections of hashed n-grams, of length 1 [texts, dimension].

    The projection is the same everywhere: signs that are hashes of their place
    (Achlioptas 2003). The row of an empty text is 0.

    Raises:
      DataError: for a dimension, a size or an order below 1.
    """
    checks.at_least("dimension", dimension, 1)
    checks.at_least("size", size, 1)
    bits = counters(size * dimension) >> np.uint64(63)
    signs = (2 * bits.astype(float) - 1).reshape(size, dimension)
    pieces = [np.zeros((0, dimension))]
    for start in range(0, len(texts), _PIECE):
        pieces.append(hashed(texts[start : start + _PIECE], size, orders, True) @ signs)
    return _unit(np.concatenate(pieces))


def spherical(
    rows: Float[np.ndarray, "rows d"],
    num: int,
    generator: np.random.Generator,
    steps: int = _STEPS,
) -> TextClusters:
    """Clusters of rows by spherical k-means: each row is with the centre it is like.

    Centres begin as different rows that are drawn, and are then the directions of the
    sum of their rows, so that the sum of all similarities never falls. A cluster
    without rows keeps its centre.

    Args:
      rows: [rows, d] of length 1 or 0.
      num: of clusters, at most one for each row.
      generator: draws the first centres.
      steps: at most; it ends earlier where no label changes.

    Raises:
      DataError: for less than one cluster.
    """
    checks.at_least("num", num, 1)
    chosen = generator.choice(len(rows), min(num, len(rows)), replace=False)
    centres = rows[np.sort(chosen)]
    labels = np.full(len(rows), -1)
    for _ in range(steps):
        new = _nearest(rows, centres)
        if (new == labels).all():
            break
        labels = new
        order = np.argsort(labels, kind="stable")
        own, starts = np.unique(labels[order], return_index=True)
        sums = np.add.reduceat(rows[order], starts, axis=0)
        centres = centres.copy()
        centres[own] = _unit(sums)
    return TextClusters(labels, centres)


def distinct(
    rows: Float[np.ndarray, "rows d"], labels: Int[np.ndarray, " rows"], epsilon: float
) -> Bool[np.ndarray, " rows"]:
    """Whether each row is like no earlier kept row with its label [rows].

    The paper compares with all earlier rows, also dropped ones, and sorts rows by their
    distance from the centre; here they keep their order, and every dropped row has a
    kept one that it is like.

    Args:
      rows: [rows, d] of length 1 or 0.
      labels: [rows] cluster of each.
      epsilon: as in `semantic`.
    """
    found = np.ones(len(rows), bool)
    order = np.argsort(labels, kind="stable")
    edges = np.flatnonzero(np.diff(labels[order])) + 1
    for members in np.split(order, edges):
        left, positions = rows[members], members
        while len(positions) > 1:
            # rounding must not lift a similarity above 1
            alike = np.minimum(left[1:] @ left[0], 1) > 1 - epsilon
            found[positions[1:][alike]] = False
            left, positions = left[1:][~alike], positions[1:][~alike]
    return found


def _nearest(
    rows: Float[np.ndarray, "rows d"], centres: Float[np.ndarray, "clusters d"]
) -> Int[np.ndarray, " rows"]:
    """Number of the centre that each row is most like, the first of equal ones."""
    found = [np.zeros(0, np.int64)]
    for start in range(0, len(rows), _PIECE):
        found.append((rows[start : start + _PIECE] @ centres.T).argmax(axis=1))
    return np.concatenate(found)


def _unit(rows: Float[np.ndarray, "rows d"]) -> Float[np.ndarray, "rows d"]:
    """Rows divided by their length; 0 stays."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)
