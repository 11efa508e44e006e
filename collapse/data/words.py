"""The words of a text as a distribution over symbols, the most frequent first."""

import functools
import re
from collections import Counter
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from collapse.data.errors import DataError
from collapse.data.tables import stamp
from collapse.data.texts import load_text

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


class WordLaw(NamedTuple):
    """How often each word occurs.

    Attributes:
      train: [words, 1] shares of distinct words, falling, sum 1.
      held_out: empty; the distribution is known.
      words: in the same order.
      sha256: of the text's files.
    """

    train: Float[np.ndarray, "words 1"]
    held_out: Float[np.ndarray, "none 1"]
    words: tuple[str, ...]
    sha256: str


def load_words(name: str) -> WordLaw:
    """Shares of the lower-cased words in the training part of a text.

    Args:
      name: as `texts.load_text` takes it.

    Raises:
      DataError: if the text cannot be read or has fewer than two distinct words.
    """
    return _load(name, stamp(name))


@functools.lru_cache(maxsize=4)
def _load(name: str, stamp: tuple[str, int]) -> WordLaw:
    del stamp  # tells files of one name apart
    text = load_text(name)
    counts = Counter(_WORD.findall(text.train.lower()))
    if len(counts) < 2:
        raise DataError(f"{name}: has fewer than two distinct words; give more text")
    words = sorted(counts, key=lambda word: (-counts[word], word))
    shares = np.array([counts[word] for word in words], float)
    law = (shares / shares.sum())[:, None]
    return WordLaw(law, law[:0], tuple(words), text.sha256)
