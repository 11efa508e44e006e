"""Characters as tokens: a token is an index into a string of characters."""

import numpy as np
from jaxtyping import Int


def symbols(text: str) -> str:
    """The vocabulary of `text`: its distinct characters, sorted by code point."""
    return "".join(sorted(set(text)))


def encode(text: str, vocabulary: str) -> Int[np.ndarray, " characters"]:
    """Tokens of `text`: the index of each character in `vocabulary`, as int32.

    Args:
      text: made of characters of the vocabulary.
      vocabulary: distinct characters, in any order.

    Raises:
      ValueError: if a character of the text is not in the vocabulary.
    """
    codes, letters = code_points(text), code_points(vocabulary)
    table = np.full(max(codes.max(initial=0), letters.max(initial=0)) + 1, -1, np.int32)
    table[letters] = np.arange(len(letters), dtype=np.int32)
    tokens = table[codes]
    unknown = np.flatnonzero(tokens < 0)
    if len(unknown):
        position = int(unknown[0])
        raise ValueError(
            f"character {position} of the text, {text[position]!r}, is not in the "
            "vocabulary"
        )
    return tokens


def decode(tokens: Int[np.ndarray, " characters"], vocabulary: str) -> str:
    """The text of some tokens: the inverse of `encode`.

    Args:
      tokens: [characters], indices into the vocabulary, of any integer type.
      vocabulary: the one that the text was encoded with.

    Raises:
      ValueError: if a token is negative (NumPy would count it from the end) or has no
        character.
    """
    tokens = np.asarray(tokens)
    outside = np.flatnonzero((tokens < 0) | (tokens >= len(vocabulary)))
    if len(outside):
        raise ValueError(
            f"token {tokens[outside[0]]} is outside a vocabulary of "
            f"{len(vocabulary)} characters"
        )
    return code_points(vocabulary)[tokens].tobytes().decode("utf-32-le")


def code_points(text: str) -> Int[np.ndarray, " characters"]:
    """Unicode code point of each character, as unsigned 32-bit integers."""
    return np.frombuffer(text.encode("utf-32-le"), "<u4")
