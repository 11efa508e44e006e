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
from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import chain
from typing import NamedTuple

import numpy as np

RARE = {"tail_mass_10pct": 0.1, "tail_mass_1pct": 0.01}  # mass of the rare words
SURVIVAL = ("word_survival", "fivegram_survival")
WINDOW = 50  # characters of a passage that counts as copied

# name -> (long name, unit)
DESCRIPTIONS = {
    "tail_mass_10pct": ("use of rare words (10 % of real text)", "ratio to real"),
    "tail_mass_1pct": ("use of the rarest words (1 % of real text)", "ratio to real"),
    "word_survival": ("rare words that are still written", "ratio to real"),
    "fivegram_survival": ("character 5-grams that are still written", "ratio to real"),
    "hallucinated_share": ("words that no real text has", "share of words"),
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
_BASE = 0x9E3779B97F4A7C15  # of the hashes; odd, so it has an inverse modulo 2^64
_TABLE_BITS = 22  # 4 million places, of which a generation fills a few per cent
_LEAST_LETTERS = 4  # of a rare word


class Windows(NamedTuple):
    """Running sums from which the hash of any window of some blocks follows."""

    sums: np.ndarray  # [characters + 1], of code point j times base^j, over all before
    shift: np.ndarray  # [characters], base^-i: the same hash wherever a window begins
    room: np.ndarray  # [characters], how many are left in the block


class Reference(NamedTuple):
    """Real text, counted once for all generations.

    Attributes:
      train: the text that the first generation was trained on.
      counts: of its words.
      rare: measure of `RARE` -> the rare words it looks for.
      seen: measure of `RARE` -> their share of the words inside real blocks, expected
        over all places where a block may begin in `train`.
      known: the words of all real texts.
      fivegrams: distinct character 5-grams of `train`.
      windows: of `train`, to find copies.
      held_out: what `measure` gives for the held-out blocks, with the measures of
        `SURVIVAL` as plain shares: the level of new real text.
    """

    train: str
    counts: Mapping[str, int]
    rare: Mapping[str, Set[str]]
    seen: Mapping[str, float]
    known: Set[str]
    fivegrams: frozenset[str]
    windows: Windows
    held_out: Mapping[str, float]


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
    train: str, others: Sequence[str], held_out_blocks: Sequence[str]
) -> Reference:
    """Count real text once, to measure any number of generations against.

    Args:
      train: the text that the first generation was trained on.
      others: real texts that no model sees; their words count as real, too.
      held_out_blocks: pieces of them, in number and length like what a model will
        write: survival grows with how much is written, so only equals compare.

    Raises:
      ValueError: if there are no held-out blocks.
    """
    if not any(held_out_blocks):
        raise ValueError("no held-out blocks: nothing to compare survival with")
    counts = Counter(words(train))
    rare = {name: rare_words(counts, share) for name, share in RARE.items()}
    lengths = Counter(map(len, held_out_blocks))
    real = Reference(
        train=train,
        counts=counts,
        rare=rare,
        seen={name: _seen(counts, rare[name], lengths) for name in RARE},
        known=frozenset(chain(counts, *map(words, others))),
        fivegrams=frozenset(_grams([train], 5)),
        windows=_windows([train]),
        held_out={},
    )
    return real._replace(held_out=_measure(held_out_blocks, real))


def measure(blocks: Sequence[str], reference: Reference) -> dict[str, float]:
    """All measures of `DESCRIPTIONS` for blocks that one generation wrote.

    A ratio is 0 if nothing is written or there is nothing to compare with, never NaN.
    Tail masses are ratios to the training text, survivals to the held-out blocks, which
    are of other texts: a model that learned the training text by heart has a survival
    above 1, and new real text has a tail mass other than 1 (in `reference.held_out`).
    Letters at random make short rare words, so a tail mass near 1 means little where
    `hallucinated_share` is large. Distinct shares fall and entropies rise with the
    amount of text (over m n-grams of k kinds an entropy is about (k - 1) / (2 m ln 2)
    bits too small), so only equal amounts compare.

    Args:
      blocks: strings; none, empty ones and ones without a word will do.
      reference: counted with held-out blocks of this number and length.
    """
    values = _measure(blocks, reference)
    for name in SURVIVAL:
        values[name] = _ratio(values[name], reference.held_out[name])
    return values


def _measure(blocks: Sequence[str], real: Reference) -> dict[str, float]:
    """The measures, those of `SURVIVAL` not yet divided by the held-out blocks'."""
    written = [inner_words(block) for block in blocks]
    counts = Counter(chain.from_iterable(written))
    total, values = counts.total(), {}
    for name, rare in real.rare.items():
        share = _ratio(sum(counts[word] for word in rare & counts.keys()), total)
        values[name] = _ratio(share, real.seen[name])
    rare = real.rare["tail_mass_10pct"]
    values["word_survival"] = _ratio(len(rare & counts.keys()), len(rare))
    alive = real.fivegrams.intersection(_grams(blocks, 5))
    values["fivegram_survival"] = _ratio(len(alive), len(real.fivegrams))
    invented = sum(counts[word] for word in counts.keys() - real.known)
    values["hallucinated_share"] = _ratio(invented, total)
    for n in (1, 2, 3):
        grams = Counter(chain.from_iterable(_runs(line, n) for line in written))
        values[f"distinct_{n}"] = _ratio(len(grams), grams.total())
    for n in (1, 2, 3):
        values[f"entropy_{n}gram"] = _entropy(Counter(_grams(blocks, n)))
    windows = _windows(blocks)
    longest = _longest_copy("".join(blocks), windows, real)
    values["longest_copy"] = float(longest)
    copied = len(_copies(windows, real.windows, WINDOW)) if longest >= WINDOW else 0
    values["copied_share"] = _ratio(copied, int(np.sum(windows.room >= WINDOW)))
    return values


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


def _windows(blocks: Sequence[str]) -> Windows:
    """Of all blocks, one after the other; arithmetic is modulo 2^64."""
    codes = np.frombuffer("".join(blocks).encode("utf-32-le"), "<u4")
    lengths = np.array([len(block) for block in blocks], dtype=np.int64)
    ends = np.repeat(np.cumsum(lengths), lengths)
    terms = codes * _powers(_BASE, len(codes))
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms)])
    shift = _powers(pow(_BASE, -1, 2**64), len(codes))
    return Windows(sums, shift, ends - np.arange(len(codes)))


def _powers(base: int, num: int) -> np.ndarray:
    """base^1 to base^num modulo 2^64."""
    return np.cumprod(np.full(num, base, np.uint64))


def _hashes(windows: Windows, length: int) -> np.ndarray:
    """Hash of the window of `length` characters at each place, block or not."""
    sums = windows.sums
    num = max(len(sums) - length, 0)
    return (sums[length:] - sums[:num]) * windows.shift[:num]


def _copies(ours: Windows, theirs: Windows, length: int) -> np.ndarray:
    """Where those of our windows begin, inside a block, that are also theirs.

    Theirs are one block. By hashes: two windows in about 2^64 are mistaken for equal.
    """
    starts = np.flatnonzero(ours.room >= length)
    written, real = _hashes(ours, length)[starts], _hashes(theirs, length)
    # a look-up by the highest bits leaves a few of a million windows to sort
    table = np.zeros(2**_TABLE_BITS, bool)
    place = np.uint64(64 - _TABLE_BITS)
    table[written >> place] = True
    return starts[np.isin(written, real[table[real >> place]])]


def _longest_copy(text: str, windows: Windows, real: Reference) -> int:
    """Characters of the longest window, inside a block, that `real.train` has.

    Whatever is copied has copied parts, so a binary search over the length finds it.
    The hashes only propose: what is returned was found in the text itself.
    """
    known, unknown = 0, min(max(windows.room, default=0), len(real.train)) + 1
    while unknown - known > 1:
        length = (known + unknown) // 2
        if len(_copies(windows, real.windows, length)):
            known = length
        else:
            unknown = length
    while known:
        starts = _copies(windows, real.windows, known)
        if any(text[start : start + known] in real.train for start in starts):
            break
        known -= 1
    return known
