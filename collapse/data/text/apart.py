"""Blocks of text that a monitor may look at: those that occur in no other part."""

import numpy as np
from jaxtyping import Bool, Int

from collapse.data.errors import DataError

# odd, so that it has an inverse modulo 2^64, in which the hashes are computed
_BASE = 0x9E3779B97F4A7C15
_PIECE = 2**22  # tokens of a large text that are looked at together

Rows = Int[np.ndarray, "rows block"]


def set_apart(train: Rows, validation: Rows, test: Rows) -> tuple[Rows, Rows]:
    """Blocks for a monitor, and the test blocks that are left.

    The monitor has the first half of the test part, but for blocks that also occur,
    token for token, in the training or validation part or in the rest of the test part,
    wherever they begin there: a text may repeat itself.

    Args:
      train: [rows, block] consecutive blocks of the training part.
      validation: [rows, block] those of the validation part, by which a fit may choose
        among its steps.
      test: [rows, block] those of the test part.

    Raises:
      DataError: if one of them would have less than two blocks.
    """
    own, rest = test[: len(test) // 2], test[len(test) // 2 :]
    elsewhere = (repeated(own, part.ravel()) for part in (train, validation, rest))
    new = own[~np.logical_or.reduce([*elsewhere])]
    if len(new) < 2 or len(rest) < 2:
        raise DataError(
            f"data: of {len(own)} test rows for a monitor {len(new)} occur in no other "
            "part of the text; give more text, or one that repeats itself less"
        )
    return new, rest


def repeated(rows: Rows, text: Int[np.ndarray, " tokens"]) -> Bool[np.ndarray, " rows"]:
    """Which of the rows occur in a text, wherever they begin there.

    They are compared by hash: two different ones are taken for equal with a probability
    of about 2^-64.
    """
    block = rows.shape[1]
    own = _terms(rows.ravel()).reshape(rows.shape) @ _powers(_BASE, block)
    found = np.zeros(len(rows), bool)
    for start in range(0, len(text) - block + 1, _PIECE):
        piece = _terms(text[start : start + _PIECE + block - 1])
        sums = np.zeros(len(piece) + 1, np.uint64)
        np.cumsum(piece * _powers(_BASE, len(piece)), out=sums[1:])
        shift = _powers(pow(_BASE, -1, 2**64), len(piece) - block + 1)
        found |= np.isin(own, (sums[block:] - sums[:-block]) * shift)
    return found


def _terms(tokens: Int[np.ndarray, " tokens"]) -> np.ndarray:
    """The tokens as numbers from 1."""
    return tokens.astype(np.uint64) + np.uint64(1)


def _powers(base: int, num: int) -> np.ndarray:
    """base^0 to base^(num - 1) modulo 2^64."""
    found = np.full(num, base, np.uint64)
    found[:1] = 1
    return np.cumprod(found, out=found)
