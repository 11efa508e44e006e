"""Text as sequences for language models: blocks of one length in three parts."""

import functools
import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from collapse.data import byte_pairs
from collapse.data.byte_pairs import BytePairs
from collapse.data.errors import DataError
from collapse.data.text.apart import set_apart
from collapse.data.text.files import stamp
from collapse.data.text.split import TextData, Unknown, load_text
from collapse.data.vocabulary import UNKNOWN, decode, encode, symbols
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
      sha256: of the files; if they were not read as usual, of this and of how; of byte
        pairs, of this and of the pairs.
      said: what was read, in a line.
      decided: the phrases of it that a user may not expect.
      wordless: why measures of words are left out; empty where they are not.
      uncut: options of which nothing was cut off, whatever their values.
      pairs: byte-pair tokens; None where each character is a token.
      watched: [rows, block], of a monitor, in neither of the others; None for none.
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
    pairs: BytePairs | None = None
    watched: Int[np.ndarray, "rows block"] | None = None

    def with_watched(self) -> "TextRows":
        """The data with test rows set apart for a monitor, as `apart.set_apart`.

        Raises:
          DataError: if there are too few.
        """
        watched, test = set_apart(self.train, self.validation, self.test)
        return self._replace(watched=watched, test=test)

    @property
    def vocabulary(self) -> Sequence[str]:
        """What each token stands for: a character, or several."""
        return self.text.vocabulary if self.pairs is None else self.pairs.strings

    def lengths(self, rows: Int[np.ndarray, "..."]) -> Int[np.ndarray, "..."]:
        """Number of characters of each token of these rows."""
        return byte_pairs.lengths_of(rows, self.vocabulary)

    def characters(self, rows: Int[np.ndarray, "..."]) -> Int[np.ndarray, " all"]:
        """All characters of these rows, each a number, one row after the other."""
        if self.pairs is None:
            return rows.ravel()
        return encode(decode(rows.ravel(), self.vocabulary), self.text.vocabulary)


def text_rows(
    name: str,
    block: int,
    unknown: Unknown = "error",
    field: str = "text",
    characters: int = 0,
    size: int = 0,
) -> TextRows:
    """The text that `name` means, cut into blocks.

    Args:
      name: as for `texts.load_text`, like all that follows.
      block: tokens of a block.
      unknown: what is done with characters that only the held-out parts have.
      field: of JSON lines.
      characters: that are used; 0 for all.
      size: of a vocabulary of byte pairs, learned from the training part; 0 for
        characters as tokens.

    Raises:
      DataError: if it cannot be read, or a part is shorter than one block, or a block
        than `LEAST_BLOCK`, or there are no such byte pairs.
    """
    if block < LEAST_BLOCK:
        raise DataError(f"block: {block}; give at least {LEAST_BLOCK}")
    if characters and characters < LEAST_CHARACTERS:
        raise DataError(
            f"characters: {characters}; give 0, or at least {LEAST_CHARACTERS}"
        )
    return _text_rows(name, block, (unknown, field, characters), size, stamp(name))


@functools.lru_cache(maxsize=4)
def _text_rows(
    name: str,
    block: int,
    how: tuple[Unknown, str, int],
    size: int,
    stamp: tuple[object, ...],
) -> TextRows:
    del stamp  # tells files of one name apart
    text = load_text(name, *how)
    letters, pairs = text.vocabulary, None
    if size:
        pairs = byte_pairs.learned(text.train, letters, size, name)
    rows = []
    for part in ("train", "validation", "test"):
        tokens = _tokens(getattr(text, part), letters, pairs)
        count = len(tokens) // block
        if count == 0:
            unit = "characters" if pairs is None else "byte-pair tokens"
            raise DataError(
                f"{name}: the {part} part has {len(tokens)} {unit}, fewer than a "
                f"block of {block}; give more text or a smaller --block"
            )
        rows.append(tokens[: count * block].reshape(count, block))
    sha256, decided = text.sha256, list[str]()
    if how != ("error", "text", 0):
        sha256 = hashlib.sha256(f"{sha256} {how}".encode()).hexdigest()
    if pairs is not None:
        sha256 = hashlib.sha256(f"{sha256} {pairs.merges}".encode()).hexdigest()
    decided += filter(None, (text.left_out, text.unknown))
    if wordless := why_no_words(text.train):
        decided.append(f"{wordless}: measures of words are left out")
    told = [text.summary, *_told(pairs, rows), *decided]
    train, validation, test = rows
    uncut = ("characters",) if text.is_whole else ()
    own = (text, sha256, "; ".join(told), tuple(decided), wordless, uncut, pairs)
    return TextRows(train, validation, test, *own)


def _tokens(text: str, vocabulary: str, pairs: BytePairs | None) -> np.ndarray:
    """The tokens of a text: its characters, or byte pairs."""
    if pairs is None:
        return encode(text, vocabulary)
    return byte_pairs.tokens_of(text, pairs)


def _told(pairs: BytePairs | None, rows: Sequence[np.ndarray]) -> list[str]:
    """What a user should know of byte pairs, in words; nothing of characters."""
    if pairs is None:
        return []
    mean = byte_pairs.lengths_of(rows[0], pairs.strings).mean()
    tokens = (
        f"{len(pairs.strings)} byte-pair tokens, of {mean:.2f} characters on average"
    )
    return [f"{tokens} in the training part"]


def pretraining_rows(
    name: str,
    block: int,
    vocabulary: str,
    unknown: Unknown = "error",
    field: str = "text",
    characters: int = 0,
    pairs: BytePairs | None = None,
) -> np.ndarray:
    """Blocks [rows, block] of a text for pretraining, as tokens of this vocabulary.

    Args:
      name: as for `texts.load_text`.
      block: tokens of a block.
      vocabulary: characters of the text that is trained on afterwards.
      unknown: what is done with characters that the vocabulary lacks.
      field: of JSON lines.
      characters: that are used; 0 for all.
      pairs: byte-pair tokens of that text; None for characters as tokens.

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
    tokens = _tokens(text, vocabulary, pairs)
    count = len(tokens) // block
    if count == 0:
        unit = "characters" if pairs is None else "byte-pair tokens"
        raise DataError(
            f"pretrain: {name} has {len(tokens)} {unit} to train on, fewer than a "
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
    pretraining_rows(pretrain, block, letters, unknown, field, pairs=data.pairs)
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

    Args:
      train: characters of the training text, each a number.
      rows: of characters.
    """
    return rare_tokens(train, rows.ravel(), np.ones_like(rows))


def rare_tokens(
    train: Int[np.ndarray, " characters"],
    text: Int[np.ndarray, " own"],
    lengths: Int[np.ndarray, "rows block"],
) -> Bool[np.ndarray, "rows block"]:
    """Mask of the tokens whose context is rare in the training text.

    The context of a token is the `_CONTEXT` characters before it. Tokens whose context
    occurs in the training text are ranked by its count, and at most a tenth of them,
    the rarest, are chosen. Contexts of equal count are chosen together, and those of
    the lowest count always. A context that never occurs cannot be forgotten.

    Args:
      train: characters of the training text, each a number.
      text: characters of the rows, one row after the other.
      lengths: characters of each token of the rows.
    """
    base = np.int64(max(train.max(), text.max()) + 1)
    powers = base ** np.arange(_CONTEXT, dtype=np.int64)

    def contexts(tokens: np.ndarray) -> np.ndarray:
        found = np.zeros(len(tokens) - _CONTEXT + 1, np.int64)
        with np.errstate(over="ignore"):
            for k, power in enumerate(powers):
                found += power * tokens[k : k + len(found)]
        return found

    starts = (np.cumsum(lengths) - lengths.ravel()).reshape(lengths.shape)
    inside = starts - starts[:, :1] >= _CONTEXT
    of_tokens = contexts(text)[starts[inside] - _CONTEXT]
    own, place = np.unique(of_tokens, return_inverse=True)
    counts = np.zeros(len(own), np.int64)
    for start in range(0, len(train) - _CONTEXT + 1, _PIECE):
        found = contexts(train[start : start + _PIECE + _CONTEXT - 1])
        index = np.minimum(np.searchsorted(own, found), len(own) - 1)
        counts += np.bincount(index[own[index] == found], minlength=len(own))
    count = counts[place]
    levels, sizes = np.unique(count[count > 0], return_counts=True)
    within = np.cumsum(sizes) <= _RARE_SHARE * sizes.sum()
    highest = levels[within][-1] if within.any() else min(levels, default=0)
    rare = np.zeros(lengths.shape, bool)
    rare[inside] = (count > 0) & (count <= highest)
    return rare
