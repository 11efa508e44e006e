"""Text as sequences for language models: blocks of one length in three parts."""

import functools
import hashlib
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from collapse.data.errors import DataError
from collapse.data.tables import stamp
from collapse.data.texts import TextData, load_text
from collapse.data.vocabulary import encode

LEAST_BLOCK = 8  # characters
_RARE_SHARE = 0.1  # of test positions, those with the rarest contexts
_CONTEXT = 5  # characters before a position


class TextRows(NamedTuple):
    """A text, cut into consecutive blocks of tokens.

    Attributes:
      train: [rows, block] tokens of the training text.
      validation: [rows, block], of the text that selects the best weights.
      test: [rows, block], of text that is only measured on.
      text: the text itself.
      sha256: of the files.
    """

    train: Int[np.ndarray, "rows block"]
    validation: Int[np.ndarray, "rows block"]
    test: Int[np.ndarray, "rows block"]
    text: TextData
    sha256: str


def text_rows(name: str, block: int) -> TextRows:
    """The text that `name` means, cut into blocks.

    Raises:
      DataError: if it cannot be read, or a part is shorter than one block, or a block
        than `LEAST_BLOCK`.
    """
    if block < LEAST_BLOCK:
        raise DataError(f"block: {block}; give at least {LEAST_BLOCK}")
    return _text_rows(name, block, stamp(name))


@functools.lru_cache(maxsize=4)
def _text_rows(name: str, block: int, stamp: tuple[str, int]) -> TextRows:
    del stamp
    text = load_text(name)
    rows = []
    for part in ("train", "validation", "test"):
        tokens = encode(getattr(text, part), text.vocabulary)
        count = len(tokens) // block
        if count == 0:
            raise DataError(
                f"{name}: the {part} part has {len(tokens)} characters, fewer than a "
                f"block of {block}; give more text or a smaller --block"
            )
        rows.append(tokens[: count * block].reshape(count, block))
    train, validation, test = rows
    return TextRows(train, validation, test, text, text.sha256)


def pretraining_rows(name: str, block: int, vocabulary: str) -> np.ndarray:
    """Blocks [rows, block] of a text for pretraining, as tokens of this vocabulary.

    Raises:
      DataError: if the text has a character that the vocabulary lacks, or less than a
        block.
    """
    text = load_text(name)
    strange = sorted(set(text.train) - set(vocabulary))
    if strange:
        raise DataError(
            f"pretrain: {name} has {strange[0]!r}, which the training text lacks; "
            "replace it there"
        )
    tokens = encode(text.train, vocabulary)
    count = len(tokens) // block
    if count == 0:
        raise DataError(
            f"pretrain: {name} has {len(tokens)} characters to train on, fewer than a "
            f"block of {block}; give more text or a smaller --block"
        )
    return tokens[: count * block].reshape(count, block)


def fingerprinted(data: TextRows, pretrain: str) -> TextRows:
    """The same data, with a `sha256` that depends on the text for pretraining, too.

    Raises:
      DataError: as `pretraining_rows`, before anything is run.
    """
    pretraining_rows(pretrain, data.train.shape[1], data.text.vocabulary)
    both = f"{data.sha256}{load_text(pretrain).sha256}"
    return data._replace(sha256=hashlib.sha256(both.encode()).hexdigest())


def evenly(rows: np.ndarray, most: int) -> np.ndarray:
    """At most `most` of the rows, at equal distances."""
    if len(rows) <= most:
        return rows
    return rows[np.floor(np.arange(most) * len(rows) / most).astype(int)]


def rare_positions(
    train: Int[np.ndarray, " characters"], rows: Int[np.ndarray, "rows block"]
) -> Bool[np.ndarray, "rows block"]:
    """Mask of the positions whose context is rare in the training text.

    The context of a position is the `_CONTEXT` characters before it. Positions whose
    context occurs in the training text are ranked by its count, and at most a tenth of
    them, the rarest, are chosen. Contexts of equal count are chosen together, and those
    of the lowest count always. A context that never occurs cannot be forgotten.
    """
    base = np.int64(max(train.max(), rows.max()) + 1)
    powers = base ** np.arange(_CONTEXT, dtype=np.int64)

    def contexts(tokens: np.ndarray) -> np.ndarray:
        windows = np.lib.stride_tricks.sliding_window_view(
            tokens.astype(np.int64), _CONTEXT, axis=-1
        )
        with np.errstate(over="ignore"):
            return windows @ powers

    known, counts = np.unique(contexts(train), return_counts=True)
    own = contexts(rows[:, :-1])
    index = np.minimum(np.searchsorted(known, own), len(known) - 1)
    count = np.where(known[index] == own, counts[index], 0)
    levels, sizes = np.unique(count[count > 0], return_counts=True)
    within = np.cumsum(sizes) <= _RARE_SHARE * sizes.sum()
    highest = levels[within][-1] if within.any() else min(levels, default=0)
    rare = np.zeros(rows.shape, bool)
    rare[:, _CONTEXT:] = (count > 0) & (count <= highest)
    return rare
