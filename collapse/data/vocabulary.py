"""Characters as tokens: a token is an index into a string of characters."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int

UNKNOWN = "\ufffd"  # what stands for characters that a vocabulary lacks
_PIECE = 2**22  # characters that are looked at together: a large text is not copied
_NUM_CODES = 0x110000  # code points of Unicode


def symbols(text: str) -> str:
    """The vocabulary of `text`: its distinct characters, sorted by code point."""
    return "".join(map(chr, np.flatnonzero(counts(text))))


def counts(text: str) -> Int[np.ndarray, " codes"]:
    """How often each code point occurs in `text`, from 0 to the last of Unicode."""
    total = np.zeros(_NUM_CODES, np.int64)
    for _, piece in _pieces(text):
        found = np.bincount(code_points(piece))
        total[: len(found)] += found
    return total


def encode(text: str, vocabulary: str) -> Int[np.ndarray, " characters"]:
    """Tokens of `text`: the index of each character in `vocabulary`, as int32.

    Args:
      text: made of characters of the vocabulary.
      vocabulary: distinct characters, in any order.

    Raises:
      ValueError: if a character of the text is not in the vocabulary.
    """
    letters = code_points(vocabulary)
    table = np.full(_NUM_CODES, -1, np.int32)
    table[letters] = np.arange(len(letters), dtype=np.int32)
    tokens = np.empty(len(text), np.int32)
    for start, piece in _pieces(text):
        own = tokens[start : start + len(piece)]
        own[:] = table[code_points(piece)]
        unknown = np.flatnonzero(own < 0)
        if len(unknown):
            position = start + int(unknown[0])
            raise ValueError(
                f"character {position} of the text, {text[position]!r}, is not in the "
                "vocabulary"
            )
    return tokens


def decode(tokens: Int[np.ndarray, " tokens"], vocabulary: Sequence[str]) -> str:
    """The text of some tokens: the inverse of `encode`, or of `byte_pairs.tokens_of`.

    Args:
      tokens: [tokens], indices into the vocabulary, of any integer type.
      vocabulary: the one that the text was encoded with: a string of characters, or
        strings.

    Raises:
      ValueError: if a token is negative (NumPy would count it from the end) or has no
        string.
    """
    tokens, one_each = np.asarray(tokens), isinstance(vocabulary, str)
    outside = np.flatnonzero((tokens < 0) | (tokens >= len(vocabulary)))
    if len(outside):
        raise ValueError(
            f"token {tokens[outside[0]]} is outside a vocabulary of "
            f"{len(vocabulary)} {'characters' if one_each else 'tokens'}"
        )
    if not isinstance(vocabulary, str):
        return "".join([vocabulary[token] for token in tokens.tolist()])
    return code_points(vocabulary)[tokens].tobytes().decode("utf-32-le")


def code_points(text: str) -> Int[np.ndarray, " characters"]:
    """Unicode code point of each character, as unsigned 32-bit integers."""
    return np.frombuffer(text.encode("utf-32-le"), "<u4")


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """The parts of a text in order, each with its start."""
    return (
        (start, text[start : start + _PIECE]) for start in range(0, len(text), _PIECE)
    )
