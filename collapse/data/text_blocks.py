"""Text as sequences for language models: blocks of one length in three parts."""

import functools
import hashlib
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from collapse.data.errors import DataError
from collapse.data.text_files import stamp
from collapse.data.texts import TextData, Unknown, load_text
from collapse.data.vocabulary import UNKNOWN, encode, symbols
from collapse.data.words import why_no_words

LEAST_BLOCK, LEAST_CHARACTERS = 8, 1000
_RARE_SHARE = 0.1  # of test positions, those with the rarest contexts
_CONTEXT = 5  # characters before a position
_PIECE = 2**22  # characters that are looked at together: a large text is not copied


class TextRows(NamedTuple):
    """A text, cut into consecutive blocks of tokens.

    Attributes:
      train: [rows, block] tokens of the training text.
      validation: [rows, block], of the text that selects the best weights.
      test: [rows, block], of text that is only measured on.
      text: the text itself.
      sha256: of the files; if they were not read as usual, of this and of how.
      said: what was read, in a line.
      decided: the phrases of it that a user may not expect.
      wordless: why measures of words are left out; empty where they are not.
      uncut: options of which nothing was cut off, whatever their values.
    """

    train: Int[np.ndarray, "rows block"]
    validation: Int[np.ndarray, "rows block"]
    test: Int[np.ndarray, "rows block"]
    text: TextData
    sha256: str
    said: str = ""
    decided: tuple[str, ...] = ()
    wordless: str = ""
    uncut: tuple[str, ...] = ()


def text_rows(
    name: str,
    block: int,
    unknown: Unknown = "error",
    field: str = "text",
    characters: int = 0,
) -> TextRows:
    """The text that `name` means, cut into blocks.

    Args:
      name: as for `texts.load_text`, like all that follows.
      block: characters of a block.
      unknown: what is done with characters that only the held-out parts have.
      field: of JSON lines.
      characters: that are used; 0 for all.

    Raises:
      DataError: if it cannot be read, or a part is shorter than one block, or a block
        than `LEAST_BLOCK`.
    """
    if block < LEAST_BLOCK:
        raise DataError(f"block: {block}; give at least {LEAST_BLOCK}")
    if characters and characters < LEAST_CHARACTERS:
        raise DataError(
            f"characters: {characters}; give 0, or at least {LEAST_CHARACTERS}"
        )
    return _text_rows(name, block, (unknown, field, characters), stamp(name))


@functools.lru_cache(maxsize=4)
def _text_rows(
    name: str, block: int, how: tuple[Unknown, str, int], stamp: tuple[object, ...]
) -> TextRows:
    del stamp  # tells files of one name apart
    text = load_text(name, *how)
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
    sha256, decided = text.sha256, list[str]()
    if how != ("error", "text", 0):
        sha256 = hashlib.sha256(f"{sha256} {how}".encode()).hexdigest()
    decided += filter(None, (text.left_out, text.unknown))
    if wordless := why_no_words(text.train):
        decided.append(f"{wordless}: measures of words are left out")
    said = "; ".join([text.summary, *decided])
    train, validation, test = rows
    uncut = ("characters",) if text.is_whole else ()
    own = (text, sha256, said, tuple(decided), wordless, uncut)
    return TextRows(train, validation, test, *own)


def pretraining_rows(
    name: str,
    block: int,
    vocabulary: str,
    unknown: Unknown = "error",
    field: str = "text",
    characters: int = 0,
) -> np.ndarray:
    """Blocks [rows, block] of a text for pretraining, as tokens of this vocabulary.

    Args:
      name: as for `texts.load_text`.
      block: characters of a block.
      vocabulary: of the text that is trained on afterwards.
      unknown: what is done with characters that the vocabulary lacks.
      field: of JSON lines.
      characters: that are used; 0 for all.

    Raises:
      DataError: if the text has a character that the vocabulary lacks, or less than a
        block.
    """
    text = load_text(name, "replace", field, characters).train
    strange = set(symbols(text)) - set(vocabulary)
    if strange and unknown == "error":
        raise DataError(
            f"pretrain: {name} has {min(strange)!r}, which the training text lacks; "
            "replace it there, or give --unknown replace"
        )
    if strange:
        text = text.translate(dict.fromkeys(map(ord, strange), UNKNOWN))
    tokens = encode(text, vocabulary)
    count = len(tokens) // block
    if count == 0:
        raise DataError(
            f"pretrain: {name} has {len(tokens)} characters to train on, fewer than a "
            f"block of {block}; give more text or a smaller --block"
        )
    return tokens[: count * block].reshape(count, block)


def fingerprinted(
    data: TextRows, pretrain: str, unknown: Unknown = "error", field: str = "text"
) -> TextRows:
    """The same data, with a `sha256` that depends on the text for pretraining, too.

    Args:
      data: that is trained on afterwards.
      pretrain: the text for pretraining, as for `texts.load_text`.
      unknown: what is done with characters of it that the data lack.
      field: of JSON lines.

    Raises:
      DataError: as `pretraining_rows`, before anything is run.
    """
    block, letters = data.train.shape[1], data.text.vocabulary
    pretraining_rows(pretrain, block, letters, unknown, field)
    both = f"{data.sha256}{load_text(pretrain, 'replace', field).sha256}"
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
        num = tokens.shape[-1] - _CONTEXT + 1
        found = np.zeros((*tokens.shape[:-1], num), np.int64)
        with np.errstate(over="ignore"):
            for k, power in enumerate(powers):
                found += power * tokens[..., k : k + num]
        return found

    own, place = np.unique(contexts(rows[:, :-1]), return_inverse=True)
    counts = np.zeros(len(own), np.int64)
    for start in range(0, len(train) - _CONTEXT + 1, _PIECE):
        found = contexts(train[start : start + _PIECE + _CONTEXT - 1])
        index = np.minimum(np.searchsorted(own, found), len(own) - 1)
        counts += np.bincount(index[own[index] == found], minlength=len(own))
    count = counts[place].reshape(len(rows), -1)
    levels, sizes = np.unique(count[count > 0], return_counts=True)
    within = np.cumsum(sizes) <= _RARE_SHARE * sizes.sum()
    highest = levels[within][-1] if within.any() else min(levels, default=0)
    rare = np.zeros(rows.shape, bool)
    rare[:, _CONTEXT:] = (count > 0) & (count <= highest)
    return rare
