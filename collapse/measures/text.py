"""What is measured on written text: rare words, variety, invented words and copies.

A model writes *blocks*, strings of equal length that begin and end anywhere, so the
words at their edges may be cut. Counted are the words inside, and what depends on how
much is written is compared with real blocks of the same number and length.
"""

import math
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from itertools import chain
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

from collapse.measures import copying as text_copies

RARE = {"tail_mass_10pct": 0.1, "tail_mass_1pct": 0.01}  # mass of the rare words
SURVIVAL = ("word_survival", "fivegram_survival")
WINDOW = 50  # characters of a passage that counts as copied

# name -> (long name, unit)
DESCRIPTIONS = {
    "tail_mass_10pct": ("use of rare words (10 % of real text)", "ratio to real"),
    "tail_mass_1pct": ("use of the rarest words (1 % of real text)", "ratio to real"),
    "word_survival": ("rare words that are still written", "ratio to real"),
    "fivegram_survival": ("character 5-grams that are still written", "ratio to real"),
    "hallucinated_share": (
        "words unknown to training and validation text",
        "share of words",
    ),
    "distinct_1": ("distinct words", "share of words"),
    "distinct_2": ("distinct word pairs", "share of word pairs"),
    "distinct_3": ("distinct word triples", "share of word triples"),
    "entropy_1gram": ("entropy of characters", "bits"),
    "entropy_2gram": ("entropy of character pairs", "bits"),
    "entropy_3gram": ("entropy of character triples", "bits"),
    "longest_copy": ("longest passage copied from real text", "characters"),
    "copied_share": ("50-character passages copied from real text", "share"),
}

# Python's \w leaves out the marks that Devanagari, Thai and others write vowels with.
_MARKS = "".join(
    chr(code)
    for code in range(0x300, 0x1F000)
    if unicodedata.category(chr(code)).startswith("M")
)
_LETTERS = rf"(?:[^\W\d_]+[{_MARKS}]*)+"
_WORD = re.compile(rf"{_LETTERS}(?:['’]{_LETTERS})*")
_LEAST_LETTERS = 4  # of a rare word


class Reference(NamedTuple):
    """Real text, counted once for all generations.

    Attributes:
      text: the text that real blocks are drawn from.
      counts: of its words.
      rare: measure of `RARE` -> the rare words it looks for.
      seen: measure of `RARE` -> their share of the words inside real blocks, expected
        over all places where a block may begin in `text`.
      known: the words of this and of other real texts.
      fivegrams: distinct character 5-grams of `text`.
      windows: of `text`, to find copies.
      alive: measure of `SURVIVAL` -> its share in as many real blocks as are measured,
        expected over their draw.
    """

    text: str
    counts: Mapping[str, int]
    rare: Mapping[str, Set[str]]
    seen: Mapping[str, float]
    known: Set[str]
    fivegrams: frozenset[str]
    windows: text_copies.Windows
    alive: Mapping[str, float]


def words(text: str) -> list[str]:
    """The words of `text` in lower case: letters of any script, inner apostrophes.

    Digits and underscores belong to no word. Scripts without spaces between words give
    long ones: whatever stands between two signs.
    """
    return [match.group().lower() for match in _WORD.finditer(text)]


def inner_words(block: str) -> list[str]:
    """The words of `block` but for those that touch its edges and may be cut.

    An apostrophe or mark at the edge may be the inside of a word, too.
    """
    first = len(block) - len(block.lstrip("'’" + _MARKS))
    last = len(block.rstrip("'’" + _MARKS))
    return [
        match.group().lower()
        for match in _WORD.finditer(block)
        if first < match.start() and match.end() < last
    ]


def rare_words(counts: Mapping[str, int], share: float) -> frozenset[str]:
    """The rarest words that together are at most `share` of all that is written.

    Args:
      counts: word -> how often it occurs.
      share: of the sum of counts, in [0, 1].

    Returns:
      Words in order of rising counts until the next would pass the share, of four
      letters and more: letters at random make shorter rare words, too. (Of any length
      if the longer ones are less than a tenth of the text, as in some scripts.) Many
      occur once; equal counts go by a checksum, so that no letter is favoured and a
      smaller share is a subset of a larger one.
    """
    long = {word for word in counts if len(word) >= _LEAST_LETTERS}
    enough = sum(counts[word] for word in long) >= max(RARE.values()) * sum(
        counts.values()
    )
    order = sorted(
        long if enough else counts, key=lambda w: (counts[w], zlib.crc32(w.encode()), w)
    )
    mass = np.cumsum([counts[word] for word in order])
    # the tolerance: 0.29 of 100 words are 29, whatever the rounding
    fits = mass <= share * sum(counts.values()) * (1 + 1e-12)
    return frozenset(order[: np.count_nonzero(fits)])


def reference(
    text: str, others: Sequence[str], blocks: Sequence[str], num: int
) -> Reference:
    """Count real text once, to measure any number of generations against.

    Args:
      text: what real blocks are drawn from.
      others: more real texts, whose words count as known. Leave out a text whose share
        of unknown words is to be the level of new real text.
      blocks: all real blocks, of the length that a model writes.
      num: blocks that will be measured, at most as many: survival grows with how much
        is written, so only equals compare.

    Raises:
      ValueError: if there are fewer real blocks than are measured, or none at all.
    """
    if not any(blocks) or not 0 < num <= len(blocks):
        raise ValueError(
            f"{num} blocks cannot be compared with {len(blocks)} real ones"
        )
    counts = Counter(words(text))
    rare = {name: rare_words(counts, share) for name, share in RARE.items()}
    fivegrams = frozenset(_grams([text], 5))
    found = {
        "word_survival": (rare["tail_mass_10pct"], inner_words),
        "fivegram_survival": (fivegrams, lambda block: _grams([block], 5)),
    }
    return Reference(
        text=text,
        counts=counts,
        rare=rare,
        seen={
            name: _seen(counts, rare[name], Counter(map(len, blocks))) for name in RARE
        },
        known=frozenset(chain(counts, *map(words, others))),
        fivegrams=fivegrams,
        windows=text_copies.windows_of([text]),
        alive={name: _alive(*own, blocks, num) for name, own in found.items()},
    )


def measure(blocks: Sequence[str], reference: Reference) -> dict[str, float]:
    """All measures of `DESCRIPTIONS` for blocks that one generation wrote.

    A ratio is 0 if nothing is written or there is nothing to compare with, never NaN.
    Tail masses and survivals are ratios to blocks drawn from the reference's text: a
    model that writes like it has 1. New real text has less, since it has other names.
    Letters at random make short rare words, so a tail mass near 1 means little where
    `hallucinated_share` is large. Distinct shares fall and entropies rise with the
    amount of text (over m n-grams of k kinds an entropy is about (k - 1) / (2 m ln 2)
    bits too small), so only equal amounts compare.

    Args:
      blocks: strings; none, empty ones and ones without a word will do.
      reference: counted for blocks of this number and length.
    """
    written = [inner_words(block) for block in blocks]
    counts = Counter(chain.from_iterable(written))
    values = _word_measures(counts, reference)
    grams = _grams(blocks, 5)
    alive = _ratio(
        len(reference.fivegrams.intersection(grams)), len(reference.fivegrams)
    )
    values["fivegram_survival"] = _ratio(alive, reference.alive["fivegram_survival"])
    for n in (1, 2, 3):
        runs = Counter(chain.from_iterable(_runs(line, n) for line in written))
        values[f"distinct_{n}"] = _ratio(len(runs), runs.total())
    for n in (1, 2, 3):
        values[f"entropy_{n}gram"] = _entropy(Counter(_grams(blocks, n)))
    values |= _copy_measures(blocks, reference)
    return {name: values[name] for name in DESCRIPTIONS}


def _word_measures(counts: Counter[str], real: Reference) -> dict[str, float]:
    total, values = counts.total(), {}
    for name, rare in real.rare.items():
        share = _ratio(sum(counts[word] for word in rare & counts.keys()), total)
        values[name] = _ratio(share, real.seen[name])
    rare = real.rare["tail_mass_10pct"]
    alive = _ratio(len(rare & counts.keys()), len(rare))
    values["word_survival"] = _ratio(alive, real.alive["word_survival"])
    invented = sum(counts[word] for word in counts.keys() - real.known)
    values["hallucinated_share"] = _ratio(invented, total)
    return values


def _copy_measures(blocks: Sequence[str], real: Reference) -> dict[str, float]:
    windows, theirs = text_copies.windows_of(blocks), real.windows
    longest = text_copies.longest_copy("".join(blocks), windows, real.text, theirs)
    enough = longest >= WINDOW
    copied = len(text_copies.copies(windows, theirs, WINDOW)) if enough else 0
    share = _ratio(copied, int(np.sum(windows.room >= WINDOW)))
    return {"longest_copy": float(longest), "copied_share": share}


def _alive(
    items: Set[str],
    found_in: Callable[[str], Iterable[str]],
    blocks: Sequence[str],
    num: int,
) -> float:
    """Share of `items` in `num` of the blocks, expected over their draw.

    An item that k of N blocks hold is missed by all of them with the probability
    C(N - k, num) / C(N, num).
    """
    if not items:
        return 0.0
    holders = Counter(
        chain.from_iterable(items & frozenset(found_in(b)) for b in blocks)
    )
    k, total = np.array([*holders.values(), 0], float), len(blocks)
    left = total - k
    enough = left >= num
    left = np.where(enough, left, num)
    log = gammaln(left + 1) - gammaln(left - num + 1)
    log -= gammaln(total + 1) - gammaln(total - num + 1)
    missed = np.where(enough, np.exp(log), 0.0)
    return float((1 - missed).sum() / len(items))


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0


def _seen(counts: Mapping[str, int], rare: Set[str], lengths: Counter[int]) -> float:
    """Share of `rare` in the words inside blocks that begin anywhere in a text.

    An edge cuts long words more often than short ones, and rare words are long: a word
    of L characters is inside a block of W, off its edges, at W - L - 1 places of it.
    Without this, real blocks of 128 characters would seem to lack 2 % of rare words.
    """
    places = {
        size: sum(num * max(length - size - 1, 0) for length, num in lengths.items())
        for size in set(map(len, counts))
    }
    mass = {word: count * places[len(word)] for word, count in counts.items()}
    return _ratio(sum(mass[word] for word in rare), sum(mass.values()))


def _runs(items: Sequence, n: int) -> Iterable[tuple]:
    """All n items in a row."""
    return zip(*(items[k:] for k in range(n)), strict=False)


def _grams(texts: Iterable[str], n: int) -> Iterable[str]:
    """Character n-grams inside the texts."""
    return (text[i : i + n] for text in texts for i in range(len(text) - n + 1))


def _entropy(counts: Counter[str]) -> float:
    """Of the empirical distribution, in bits; 0 of nothing."""
    total = counts.total()
    return sum(c * math.log2(total / c) for c in counts.values()) / max(total, 1)
