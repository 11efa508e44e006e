"""Bits a token that smoothed n-grams need for held-out rows: lines to compare with.

References:
  Witten & Bell 1991 (IEEE Trans. Inf. Theory 37:1085), in the interpolated form of
    Chen & Goodman 1999 (Computer Speech & Language 13:359), sec. 2.
  Kneser & Ney 1995 (ICASSP), interpolated, a discount for each length by Ney, Essen &
    Kneser 1994: Chen & Goodman, sec. 2 and 3.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int

Smoothing = Literal["witten_bell", "kneser_ney"]
_USUAL_DISCOUNT = 0.5  # where no n-gram occurs once, so that none can be estimated


Rows = Int[np.ndarray, "_ _"]  # rows of one length


def ngram_bits(
    train: Rows | Sequence[Rows],
    test: Rows | Sequence[Rows],
    size: int,
    order: int,
    smoothing: Smoothing = "witten_bell",
) -> float:
    """Mean of -log2 p over all tokens of held-out rows, in bits a token.

    Rows are read as a language model reads them: each begins with a BOS token, and the
    context of a token is what precedes it in its row, at most order - 1 tokens.

    Args:
      train: tokens of the rows that n-grams are counted in, 0 to size - 1; where rows
        have several lengths, an array for those of each length.
      test: tokens of held-out rows, alike.
      size: V, number of distinct tokens.
      order: tokens of an n-gram, 1 for unigrams.
      smoothing: how a token that did not follow a context gets a share, always by the
        context without its first token, and at last by equal shares.

    Raises:
      ValueError: if `order` is below 1, or there are more n-grams than 2^63.
    """
    tables = _checked_tables(train, size, order, smoothing)
    bits = [_bits(rows, tables, size).ravel() for rows in _groups(test)]
    return float(np.concatenate(bits).mean())


def document_bits(
    train: Rows,
    test: Rows,
    size: int,
    order: int,
    end: int,
    smoothing: Smoothing = "witten_bell",
) -> Float[np.ndarray, " documents"]:
    """Mean of -log2 p over the tokens of each document, in bits a token.

    A document goes up to its first end, which is counted; what fills its row is not. In
    the rows that n-grams are counted in it is, so that the shares after an end are
    those of filling; no document has any.

    Args:
      train: as in `ngram_bits`, of one length.
      test: rows of documents, of any number.
      size: as there.
      order: as there.
      end: the token that ends documents and fills rows.
      smoothing: as there.

    Raises:
      ValueError: as there.
    """
    bits = _bits(test, _checked_tables(train, size, order, smoothing), size)
    ends = np.cumsum(test == end, axis=1) - (test == end)
    counted = ends == 0
    found: Float[np.ndarray, " documents"] = (bits * counted).sum(1) / counted.sum(1)
    return found


def _checked_tables(
    train: Rows | Sequence[Rows], size: int, order: int, smoothing: Smoothing
) -> "list[_Table]":
    """The tables of n-grams of rows, if there can be such."""
    if order < 1:
        raise ValueError(f"order must be at least 1, got {order}")
    if (size + 1) ** order > 2**63:
        raise ValueError(f"order must be lower: {size} tokens have too many n-grams")
    return _tables(_groups(train), size, order, smoothing == "kneser_ney")


def _groups(rows: Rows | Sequence[Rows]) -> Sequence[Rows]:
    """Arrays of rows of one length."""
    return [rows] if isinstance(rows, np.ndarray) else rows


def _bits(
    rows: Rows, tables: "Sequence[_Table]", size: int
) -> Float[np.ndarray, "_ _"]:
    """-log2 p of each token of rows of one length."""
    share = np.full(rows.shape, 1 / size)
    for length, table in enumerate(tables):
        held = _keys(rows, size, length)
        own = share[:, _first(length) :]
        share[:, _first(length) :] = table.share(held, own, size + 1)
    return -np.log2(share)


class _Table(NamedTuple):
    """What follows contexts of one length.

    Attributes:
      keys: sorted n-grams, as numbers whose last digit in base V + 1 is the token.
      counts: of each.
      contexts: sorted.
      totals: of the counts after each.
      distinct: n-grams after each.
      discount: taken off each count, in (0, 1]; None for Witten and Bell's.
    """

    keys: Int[np.ndarray, " ngrams"]
    counts: Int[np.ndarray, " ngrams"]
    contexts: Int[np.ndarray, " contexts"]
    totals: Int[np.ndarray, " contexts"]
    distinct: Int[np.ndarray, " contexts"]
    discount: float | None

    def share(self, held: np.ndarray, lower: np.ndarray, base: int) -> np.ndarray:
        """Shares of n-grams, from those of n-grams a token shorter."""
        count = _looked_up(self.keys, self.counts, held)
        total = _looked_up(self.contexts, self.totals, held // base)
        distinct = _looked_up(self.contexts, self.distinct, held // base)
        if self.discount is None:
            found = (count + distinct * lower) / np.maximum(total + distinct, 1)
        else:
            kept = np.maximum(count - self.discount, 0)
            found = (kept + self.discount * distinct * lower) / np.maximum(total, 1)
        return np.where(total > 0, found, lower)


def _tables(
    train: Sequence[Rows], size: int, order: int, continuations: bool
) -> list[_Table]:
    """A table for each length of a context, from 0 to order - 1.

    Kneser and Ney count of an n-gram, but of the longest, how many tokens precede it.
    One that begins with BOS is preceded by none, and keeps its count.
    """
    base, tables = size + 1, list[_Table]()
    longer = np.zeros(0, np.int64)
    for length in reversed(range(order)):
        every = np.concatenate([_keys(rows, size, length).ravel() for rows in train])
        keys, counts = np.unique(every, return_counts=True)
        if continuations and length < order - 1:
            first = keys // base**length == size  # begins with BOS
            inner, ways = np.unique(longer % base ** (length + 1), return_counts=True)
            every = np.concatenate([inner, keys[first]])
            position = np.argsort(every)
            longer, keys = keys, every[position]
            counts = np.concatenate([ways, counts[first]])[position]
        else:
            longer = keys
        contexts, position = np.unique(keys // base, return_inverse=True)
        totals = np.bincount(position, counts).astype(np.int64)
        discount = _discount(counts) if continuations else None
        own = (contexts, totals, np.bincount(position), discount)
        tables.append(_Table(keys, counts, *own))
    return tables[::-1]


def _discount(counts: np.ndarray) -> float:
    """n1 / (n1 + 2 n2), of the numbers of n-grams that occur once and twice."""
    once, twice = (counts == 1).sum(), (counts == 2).sum()
    return float(once / (once + 2 * twice)) if once else _USUAL_DISCOUNT


def _first(length: int) -> int:
    """The first position of a row before which there are so many tokens with BOS."""
    return max(length - 1, 0)


def _keys(
    rows: np.ndarray, size: int, length: int
) -> Int[np.ndarray, "rows positions"]:
    """N-grams of a context of this length, where there is one, as numbers."""
    start = np.full((len(rows), 1), size, np.int64)
    row = np.concatenate([start, rows.astype(np.int64)], axis=1)
    first = max(1 - length, 0)  # without context BOS is no n-gram
    positions = row.shape[1] - length - first
    found = np.zeros((len(rows), positions), np.int64)
    for k in range(length + 1):
        found = found * (size + 1) + row[:, first + k : first + k + positions]
    return found


def _looked_up(
    keys: np.ndarray, values: np.ndarray, wanted: np.ndarray
) -> Float[np.ndarray, "..."]:
    """The value of each wanted key, 0 of one that there is not."""
    position = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[position] == wanted, values[position], 0).astype(float)
