"""MinHash: signatures of sets of n-grams, and the pairs of texts that share a band.

Two sets agree in an entry of their signatures with a probability equal to their Jaccard
similarity s, intersection over union (Broder 1997). Of `bands` bands of `rows` entries
each they share one at least with probability 1 - (1 - s^rows)^bands.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import scipy.sparse
from jaxtyping import Float, Int, UInt32, UInt64

from collapse.data.quality import checks
from collapse.data.quality.grams import (
    Characters,
    characters,
    counters,
    mixed,
    shingles,
)

BANDS, ROWS = 14, 8  # of FineWeb (arXiv 2406.17557), there of 5-grams of words
ORDER = 5
_PIECE = 2**16  # n-grams that are hashed together: they stay in the cache
_EMPTY = np.uint32(2**32 - 1)

Pairs = Int[np.ndarray, "pairs 2"]


def signatures(
    texts: Sequence[str],
    order: int = ORDER,
    num: int = BANDS * ROWS,
    stream: int = 0,
) -> UInt32[np.ndarray, "texts num"]:
    """Signatures [texts, num] of the sets of character n-grams of texts.

    A text shorter than an n-gram has itself as its only one; all entries of an empty
    text are the largest number. Entry i is the least a_i h + b_i modulo 2^32 over the
    hashes h of the n-grams, with a_i odd.

    Args:
      texts: any.
      order: characters of an n-gram.
      num: entries of a signature.
      stream: chooses a_i and b_i; texts are compared within one stream.

    Raises:
      DataError: for an order or a number below 1.
    """
    checks.at_least("num", num, 1)
    found = shingles(characters(texts), order)
    hashes = (found.hashes >> np.uint64(32)).astype(np.uint32)
    drawn = (counters(2 * num, stream) >> np.uint64(32)).astype(np.uint32)
    factors, offsets = drawn[:num] | np.uint32(1), drawn[num:]
    lengths = np.bincount(found.rows, minlength=len(texts))
    own = np.flatnonzero(lengths)
    starts = np.append(0, np.cumsum(lengths[own]))
    made = np.full((num, len(texts)), _EMPTY)
    first = 0
    while first < len(own):  # texts whose n-grams make up a piece, one at least
        last = int(np.searchsorted(starts, starts[first] + _PIECE, "right")) - 1
        last = max(last, first + 1)
        piece = hashes[starts[first] : starts[last]]
        begins = starts[first:last] - starts[first]
        values = np.empty_like(piece)
        for entry, factor, offset in zip(made, factors, offsets, strict=True):
            np.multiply(piece, factor, out=values)
            np.add(values, offset, out=values)
            entry[own[first:last]] = np.minimum.reduceat(values, begins)
        first = last
    return np.ascontiguousarray(made.T)


def similarity(
    made: UInt32[np.ndarray, "texts num"], pairs: Pairs
) -> Float[np.ndarray, " pairs"]:
    """Estimated Jaccard similarity of pairs of texts: the share of equal entries.

    Without bias; its standard error is sqrt(s (1 - s) / num).

    Args:
      made: [texts, num] signatures.
      pairs: [pairs, 2] numbers of texts.
    """
    return (made[pairs[:, 0]] == made[pairs[:, 1]]).mean(axis=1)


def jaccard(
    texts: Sequence[str], pairs: Pairs, order: int = ORDER
) -> Float[np.ndarray, " pairs"]:
    """True Jaccard similarity of the sets of n-grams of pairs of texts [pairs].

    That of two empty texts is 1. N-grams are compared by 64-bit hashes.

    Args:
      texts: any.
      pairs: [pairs, 2] numbers of texts.
      order: characters of an n-gram.
    """
    return overlap(incidence(characters(texts), order), pairs)


def incidence(read: Characters, order: int) -> scipy.sparse.csr_array:
    """Which text has which n-gram [texts, 2^63 - 1], sparse, with entries 1."""
    found = shingles(read, order)
    columns = (found.hashes >> np.uint64(1)).astype(np.int64)
    columns = np.minimum(columns, 2**63 - 2)
    there = scipy.sparse.csr_array(
        (np.ones(len(columns), np.int32), (found.rows, columns)),
        shape=(len(read.lengths), 2**63 - 1),
    )
    there.sum_duplicates()
    there.data[:] = 1
    return there


def overlap(there: scipy.sparse.csr_array, pairs: Pairs) -> Float[np.ndarray, " pairs"]:
    """Intersection over union of the rows of pairs; 1 if both are empty.

    Args:
      there: [texts, n-grams] entries 1, sorted in each row.
      pairs: [pairs, 2] numbers of rows.
    """
    first, second = there[pairs[:, 0]], there[pairs[:, 1]]
    both = np.diff(first.multiply(second).tocsr().indptr)
    either = np.diff(first.indptr) + np.diff(second.indptr) - both
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)


def bands(
    made: UInt32[np.ndarray, "texts num"], num: int = BANDS
) -> UInt64[np.ndarray, "bands texts"]:
    """A hash of each band of the signatures [bands, texts].

    Different bands have the same hash with a probability of about 2^-64.

    Args:
      made: [texts, num] signatures.
      num: of bands; entries that are left over after the last are not used.

    Raises:
      DataError: for less than one band, or more of them than entries.
    """
    checks.at_least("bands", num, 1)
    checks.at_least("entries of a signature", made.shape[1], num)
    rows = made.shape[1] // num
    found = np.empty((num, len(made)), np.uint64)
    for band in range(num):
        total = np.zeros(len(made), np.uint64)
        for entry in made[:, band * rows : (band + 1) * rows].T:
            total = mixed(total + entry) + np.uint64(1)
        found[band] = total
    return found


def pairs_within(keys: UInt64[np.ndarray, " texts"]) -> Iterator[Pairs]:
    """All pairs of texts with equal keys, in parts [pairs, 2]; the lower number first.

    The first part has the neighbours in each group of equal keys, which connect it, the
    second those with one text between them, and so on.
    """
    order = np.argsort(keys, kind="stable")
    same = keys[order]
    positions = np.arange(len(order) - 1)
    for gap in range(1, len(order)):
        positions = positions[positions < len(order) - gap]
        positions = positions[same[positions] == same[positions + gap]]
        if not len(positions):
            return
        yield np.stack([order[positions], order[positions + gap]], axis=1)


def neighbours(keys: UInt64[np.ndarray, " texts"]) -> Pairs:
    """Pairs [pairs, 2] of texts with equal keys, as many as connect them."""
    return next(pairs_within(keys), np.zeros((0, 2), np.int64))


def candidates(keys: UInt64[np.ndarray, "bands texts"]) -> Pairs:
    """All pairs of texts that share a band [pairs, 2], sorted, each once.

    Many texts that are alike have very many pairs: m of them m (m - 1) / 2.

    Args:
      keys: of `bands`.
    """
    num = keys.shape[1]
    found = [np.zeros(0, np.int64)]
    for band in keys:
        for part in pairs_within(band):
            found.append(part[:, 0] * num + part[:, 1])
    codes = np.unique(np.concatenate(found))
    return np.stack([codes // max(num, 1), codes % max(num, 1)], axis=1)


def chance(
    similar: Float[np.ndarray, " pairs"], num: int = BANDS, rows: int = ROWS
) -> Float[np.ndarray, " pairs"]:
    """Probability that texts of this Jaccard similarity share a band.

    Args:
      similar: from 0 to 1.
      num: of bands.
      rows: entries of each.
    """
    return 1 - (1 - similar**rows) ** num
