"""Characters as tokens: the tokens of a text are places in a string of characters."""

import numpy as np
from jaxtyping import Int


def symbols(text: str) -> str:
    """The distinct characters of `text`, sorted by code point: a vocabulary."""
    return "".join(sorted(set(text)))


def encode(text: str, vocabulary: str) -> Int[np.ndarray, " characters"]:
    """Place of each character of `text` in `vocabulary`, as int32.

    Args:
      text: of characters that the vocabulary has.
      vocabulary: distinct characters, in any order.

    Raises:
      ValueError: if a character of the text is not in the vocabulary; it is never
        dropped in silence.
    """
    codes, letters = code_points(text), code_points(vocabulary)
    table = np.full(max(codes.max(initial=0), letters.max(initial=0)) + 1, -1, np.int32)
    table[letters] = np.arange(len(letters), dtype=np.int32)
    tokens = table[codes]
    unknown = np.flatnonzero(tokens < 0)
    if len(unknown):
        place = int(unknown[0])
        raise ValueError(
            f"character {place} of the text, {text[place]!r}, is not in the vocabulary"
        )
    return tokens


def decode(tokens: Int[np.ndarray, " characters"], vocabulary: str) -> str:
    """The text of some tokens: the inverse of `encode`.

    Args:
      tokens: [characters], places in the vocabulary; any kind of integer array.
      vocabulary: the one that the tokens were made with.

    Raises:
      ValueError: if a token is negative (NumPy would count it from the end) or has no
        character.
    """
    tokens = np.asarray(tokens)
    outside = np.flatnonzero((tokens < 0) | (tokens >= len(vocabulary)))
    if len(outside):
        raise ValueError(
            f"token {tokens[outside[0]]} is no place in a vocabulary of "
            f"{len(vocabulary)} characters"
        )
    return code_points(vocabulary)[tokens].tobytes().decode("utf-32-le")


def code_points(text: str) -> Int[np.ndarray, " characters"]:
    """Unicode's number of each character, as unsigned 32-bit integers."""
    return np.frombuffer(text.encode("utf-32-le"), "<u4")
