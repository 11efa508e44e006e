"""Byte-pair tokens: strings of characters that are frequent in a text.

The library `tokenizers` learns them and encodes with them; it is an optional extra,
loaded only where these tokens are asked for. Everything else works on the strings.

References:
  Sennrich, Haddow & Birch 2016 (arXiv:1508.07909): pairs of characters, within words.
  Radford et al. 2019 (GPT-2): a word is kept with the space before it. Deviation: they
    merge bytes; here characters are merged, so that every token is a string.
"""

import contextlib
import functools
import json
import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from collapse.data.errors import DataError
from collapse.data.vocabulary import decode, encode

MOST = 65535  # tokens of a vocabulary: each fits into two bytes
_LEAST_COUNT = 2  # of a pair that is merged, as Sennrich et al. stop at pairs seen once
# Words of letters and marks, with inner apostrophes, numbers, and runs of other
# characters, each with the space before it; line ends; what is left of other spaces.
# Line ends are in no piece with what follows, so that a text may be cut after them.
_WORDS = (
    r" ?[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*| ?\p{N}+| ?[^\s\p{L}\p{M}\p{N}]+"
    r"|\n+|[^\S\n]+(?!\S)|\s"
)
_PIECE = 2**16  # characters that are handed over together, or a little more


class BytePairs(NamedTuple):
    """A vocabulary of byte-pair tokens.

    Attributes:
      strings: what each token stands for. The first are the characters of the text, in
        the order of their code points, so that a text can always be encoded.
      merges: pairs of strings that are joined, in the order in which they were learned.
    """

    strings: tuple[str, ...]
    merges: tuple[tuple[str, str], ...]


@functools.lru_cache(maxsize=4)
def learned(text: str, vocabulary: str, size: int, name: str = "the text") -> BytePairs:
    """The byte pairs of a text: again and again the most frequent pair is joined.

    Pairs of equal count are joined in a fixed order, so that one text always gives the
    same tokens.

    Args:
      text: that they are learned from.
      vocabulary: its characters, and others that may have to be encoded, sorted.
      size: of the vocabulary of tokens.
      name: of the text, for messages.

    Raises:
      DataError: if the library is missing, or the text has no such number of tokens.
    """
    least, library = len(vocabulary) + 1, _library()
    if not least <= size <= MOST:
        raise DataError(
            f"vocabulary: {size}; {name} has {least - 1} distinct characters, so give "
            f"a number from {least} to {MOST}"
        )
    made = _tokenizer(library, library.models.BPE())
    trainer = library.trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=_LEAST_COUNT,
        initial_alphabet=list(vocabulary),
        show_progress=False,
    )
    with _one_thread():
        made.train_from_iterator(_pieces(text), trainer)
    model = json.loads(made.to_str())["model"]
    strings = tuple(sorted(model["vocab"], key=model["vocab"].get))
    if len(strings) < size:
        some = f"give at most {len(strings)}"
        fix = some if model["merges"] else "use --tokens characters"
        raise DataError(
            f"vocabulary: {size}; the training part of {name} has {len(strings)} "
            f"byte-pair tokens, as no further pair occurs twice; {fix}, or more text"
        )
    return BytePairs(strings, tuple((a, b) for a, b in model["merges"]))


def tokens_of(text: str, pairs: BytePairs) -> Int[np.ndarray, " tokens"]:
    """Tokens of `text`, as int32: characters, then pairs joined in the learned order.

    Raises:
      ValueError: if a character of the text is not in the vocabulary.
    """
    made = _encoder(pairs)
    with _one_thread():
        found = [np.array(made.encode(piece).ids, np.int32) for piece in _pieces(text)]
    tokens = np.concatenate([np.zeros(0, np.int32), *found])
    # the library leaves out characters that it does not know
    if lengths_of(tokens, pairs.strings).sum() != len(text):
        encode(text, "".join(s for s in pairs.strings if len(s) == 1))  # names it
        raise ValueError("the tokens do not make up the text")
    return tokens


def lengths_of(
    tokens: Int[np.ndarray, "..."], strings: Sequence[str]
) -> Int[np.ndarray, "..."]:
    """Number of characters of each token."""
    if isinstance(strings, str):
        return np.ones(np.shape(tokens), np.int64)
    return np.array([*map(len, strings)], np.int64)[tokens]


def rows_of_characters(
    rows: Int[np.ndarray, "rows block"], strings: Sequence[str], vocabulary: str
) -> list[Int[np.ndarray, "_ _"]]:
    """The rows as tokens of single characters, those of equal length together.

    Args:
      rows: of tokens.
      strings: what each token stands for.
      vocabulary: distinct characters.
    """
    if strings == vocabulary:
        return [rows]
    texts = sorted((decode(row, strings) for row in rows), key=len)
    groups = groupby(texts, key=len)
    return [
        np.stack([encode(text, vocabulary) for text in group]) for _, group in groups
    ]


@functools.lru_cache(maxsize=4)
def _encoder(pairs: BytePairs) -> Any:
    """The library's object that encodes with these tokens."""
    library = _library()
    numbers = {string: token for token, string in enumerate(pairs.strings)}
    return _tokenizer(library, library.models.BPE(numbers, list(pairs.merges)))


def _tokenizer(library: ModuleType, model: Any) -> Any:
    """The library's tokenizer, which joins nothing across two words."""
    made = library.Tokenizer(model)
    words = library.Regex(_WORDS)
    made.pre_tokenizer = library.pre_tokenizers.Split(words, "isolated")
    return made


def _library() -> ModuleType:
    """The library that learns and encodes."""
    try:
        import tokenizers  # an optional dependency, and --help need not wait for it
    except ImportError:
        raise DataError(
            "tokens: byte_pairs needs the library tokenizers: "
            "pip install 'model-collapse-lab[tokens]'; or use --tokens characters"
        ) from None
    return tokenizers


def _pieces(text: str) -> Iterator[str]:
    """The parts of a text in order, cut after line ends only, which no pair crosses."""
    start = 0
    while start < len(text):
        end = text.find("\n", start + _PIECE) + 1
        while 0 < end < len(text) and text[end] == "\n":
            end += 1
        end = end or len(text)
        yield text[start:end]
        start = end


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """A context in which the library starts no threads.

    It warns of a later fork of a process in which it did.
    """
    name = "TOKENIZERS_PARALLELISM"
    before = os.environ.get(name)
    os.environ[name] = "false"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
