"""Character n-grams of many texts at once, as hashes and as rows of counts.

An n-gram is hashed by a polynomial of its code points modulo 2^64, the bits of which
are then mixed by a bijection. There is no seed: hashes are the same in every process
and on every machine.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.sparse
from jaxtyping import Int, UInt64

from collapse.data.errors import DataError
from collapse.data.quality import checks

SIZE = 2**14
ORDERS = (1, 2, 3)
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd: no code point is lost modulo 2^64
_STEP = np.uint64(0xD1342543DE82EF95)
_PIECE = 2048  # texts that are counted together: their n-grams stay in the cache
_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


class Characters(NamedTuple):
    """The characters of texts, one text after the other.

    Attributes:
      points: [num] Unicode code points.
      rows: [num] the text that each belongs to; never falls.
      lengths: [texts] number of characters.
    """

    points: UInt64[np.ndarray, " num"]
    rows: Int[np.ndarray, " num"]
    lengths: Int[np.ndarray, " texts"]


class Grams(NamedTuple):
    """The n-grams of texts, with repetitions, in the order in which they stand.

    Attributes:
      hashes: [num].
      rows: [num] the text that each belongs to; never falls.
    """

    hashes: UInt64[np.ndarray, " num"]
    rows: Int[np.ndarray, " num"]


def characters(texts: Sequence[str]) -> Characters:
    """The code points of texts, surrogates among them.

    Raises:
      DataError: for a single text in place of a list.
    """
    checks.several("texts", texts)
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), "<u4")
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    rows = np.repeat(np.arange(len(texts)), lengths)
    return Characters(points.astype(np.uint64), rows, lengths)


def grams(read: Characters, order: int) -> Grams:
    """The n-grams of one order; none crosses from a text into the next.

    A text of m characters has max(m - order + 1, 0) of them.

    Args:
      read: of `characters`.
      order: characters of an n-gram, at least 1.

    Raises:
      DataError: for an order below 1.
    """
    checks.at_least("order", order, 1)
    num = len(read.points) - order + 1
    if num <= 0:
        return Grams(np.zeros(0, np.uint64), np.zeros(0, np.int64))
    total: np.ndarray = np.zeros(num, np.uint64)
    for k in range(order):  # code points from 1, so that no character counts as none
        total = total * _BASE + (read.points[k : k + num] + np.uint64(1))
    inside = read.rows[:num] == read.rows[order - 1 :]
    return Grams(mixed(total[inside]), read.rows[:num][inside])


def shingles(read: Characters, order: int) -> Grams:
    """The n-grams of one order, and of shorter texts the whole text.

    Only an empty text has none. Those of one text stand together.

    Args:
      read: of `characters`.
      order: characters of an n-gram, at least 1.

    Raises:
      DataError: for an order below 1.
    """
    found = [grams(read, order)]
    for length in np.unique(read.lengths[read.lengths < order]):
        if length:
            every = grams(read, int(length))
            whole = read.lengths[every.rows] == length
            found.append(Grams(every.hashes[whole], every.rows[whole]))
    hashes, rows = (np.concatenate(parts) for parts in zip(*found, strict=True))
    if len(found) == 1:
        return Grams(hashes, rows)
    in_order = np.argsort(rows, kind="stable")
    return Grams(hashes[in_order], rows[in_order])


def hashed(
    texts: Sequence[str],
    size: int = SIZE,
    orders: Sequence[int] = ORDERS,
    normalised: bool = False,
) -> scipy.sparse.csr_array:
    """Counts of character n-grams, [texts, size], sparse.

    Different n-grams may share a column (hashing trick, Weinberger et al. 2009, arXiv
    0902.2206).

    Args:
      texts: any, also empty ones, which have a row of zeros.
      size: number of columns.
      orders: characters of an n-gram; all orders share the columns.
      normalised: whether rows are divided by their Euclidean length; zeros stay.

    Raises:
      DataError: for a size or an order below 1, or no order.
    """
    checks.at_least("size", size, 1)
    if not len(orders):
        raise DataError("orders: there is none; give one at least, such as 3")
    checks.several("texts", texts)
    counts = scipy.sparse.vstack(
        [
            _counts(texts[start : start + _PIECE], size, orders)
            for start in range(0, max(len(texts), 1), _PIECE)
        ],
        format="csr",
    )
    if normalised:
        entries = np.diff(counts.indptr)
        rows = np.repeat(np.arange(len(texts)), entries)
        lengths = np.sqrt(np.bincount(rows, counts.data**2, len(texts)))
        counts.data /= np.repeat(lengths, entries)
    return counts


def _counts(
    texts: Sequence[str], size: int, orders: Sequence[int]
) -> scipy.sparse.csr_array:
    """Counts of the n-grams of some texts [texts, size]."""
    read = characters(texts)
    every = [grams(read, order) for order in orders]
    rows = np.concatenate([found.rows for found in every])
    columns = np.concatenate([found.hashes % np.uint64(size) for found in every])
    kind = np.int32 if size < 2**31 else np.int64  # half the memory, nearly the time
    positions = (rows.astype(kind), columns.astype(kind))
    counts = scipy.sparse.csr_array(
        (np.ones(len(rows)), positions), shape=(len(texts), size)
    )
    counts.sum_duplicates()
    return counts


def counters(num: int, stream: int = 0) -> UInt64[np.ndarray, " num"]:
    """Pseudo-random 64-bit numbers [num], the same for one stream everywhere.

    Args:
      stream: whole number from 0; different ones give different numbers.
    """
    start = mixed(np.array([stream + 1], np.uint64) * _STEP)
    return mixed(start + np.arange(num, dtype=np.uint64) * _BASE)


def mixed(numbers: UInt64[np.ndarray, " num"]) -> UInt64[np.ndarray, " num"]:
    """The numbers with their bits mixed, a bijection of 64-bit numbers.

    References:
      Steele, Lea & Flood 2014 (OOPSLA), the finaliser of splitmix64.
    """
    for shift, factor in _MIX:
        numbers = (numbers ^ (numbers >> np.uint64(shift))) * np.uint64(factor)
    return numbers ^ (numbers >> np.uint64(31))
