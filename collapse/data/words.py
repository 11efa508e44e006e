"""The words of a text, whether it has any, and how often each occurs."""

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from collapse.data.errors import DataError
from collapse.data.text.files import stamp
from collapse.data.text.split import load_text, spaced

# Python's \w lacks the combining marks that are vowels in Devanagari, Thai and others
MARKS = "".join(
    chr(code)
    for code in range(0x300, 0x1F000)
    if unicodedata.category(chr(code)).startswith("M")
)
_LETTERS = rf"(?:[^\W\d_]+[{MARKS}]*)+"
WORD = re.compile(rf"{_LETTERS}(?:['’]{_LETTERS})*")

# Scripts written without spaces, and the mean length of their words with spaces put
# between them, which only runs of several words exceed.
_CHINESE = re.compile(
    "[\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]"
)
_THAI = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")  # Lao, Burmese, Khmer
_LONGEST = ((_CHINESE, 3), (_THAI, 8))
_LONGEST_OF_ANY = 20  # letters, in whatever script
_PIECES, _PIECE = 50, 4000  # of a long text that are looked at, and their characters


class WordLaw(NamedTuple):
    """How often each word occurs.

    Attributes:
      train: [words, 1] shares of distinct words, falling, sum 1.
      held_out: empty; the distribution is known.
      words: in the same order.
      sha256: of the text's files.
      said: what was read, in a line.
    """

    train: Float[np.ndarray, "words 1"]
    held_out: Float[np.ndarray, "none 1"]
    words: tuple[str, ...]
    sha256: str
    said: str = ""


def words_in(text: str) -> Iterator[str]:
    """The words of `text` in lower case: letters of any script, with inner apostrophes.

    Digits and underscores are not part of words. In scripts without spaces everything
    between two punctuation marks is one word.
    """
    return (match.group().lower() for match in WORD.finditer(text))


def why_no_words(text: str) -> str:
    """Why the words of a text are not known, in a few words; "" where they are.

    They are not where more than half of the letters are Chinese or Japanese and what
    stands between spaces and punctuation has more than 3 letters on average; or are
    Thai, Lao, Burmese or Khmer, and it has more than 8; or, in any script, where it has
    more than 20. Of a long text 50 passages of 4000 characters are looked at.
    """
    step = len(text) / _PIECES
    if step > _PIECE:
        starts = [int(step * k) for k in range(_PIECES)]
        text = "\n".join(text[start : start + _PIECE] for start in starts)
    lengths = [match.end() - match.start() for match in WORD.finditer(text)]
    letters = sum(lengths)
    mean = letters / max(len(lengths), 1)
    for script, longest in _LONGEST:
        share = len(script.findall(text)) / max(letters, 1)
        if share > 0.5 and mean > longest:
            share = min(share, 1.0)
            return f"{share:.0%} of the letters are of scripts without spaces"
    if mean > _LONGEST_OF_ANY:
        return f"letters stand {mean:.0f} in a row on average, without spaces"
    return ""


def load_words(name: str, field: str = "text") -> WordLaw:
    """Shares of the lower-cased words in the training part of a text.

    Args:
      name: as `texts.load_text` takes it.
      field: of JSON lines that holds the text.

    Raises:
      DataError: if the text cannot be read, is written without spaces, or has fewer
        than two distinct words.
    """
    return _load(name, field, stamp(name))


@functools.lru_cache(maxsize=4)
def _load(name: str, field: str, stamp: tuple[tuple[str, int, int], ...]) -> WordLaw:
    del stamp  # tells files of one name apart
    # held-out parts are not used: what only they have does no harm
    text = load_text(name, "replace", field)
    if why := why_no_words(text.train):
        raise DataError(
            f"{name}: {why}, so its words are not known; put spaces between words, or "
            "use charlm"
        )
    counts = Counter(words_in(text.train))
    if len(counts) < 2:
        raise DataError(f"{name}: has fewer than two distinct words; give more text")
    words = sorted(counts, key=lambda word: (-counts[word], word))
    shares = np.array([counts[word] for word in words], float)
    law = (shares / shares.sum())[:, None]
    files = text.summary.partition(";")[0]
    total, distinct = spaced(counts.total()), spaced(len(words))
    said = f"{files}; {total} words in the training part, {distinct} distinct"
    return WordLaw(law, law[:0], tuple(words), text.sha256, said)
