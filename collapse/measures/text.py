"""Measures of generated text: rare words, diversity, invented words and copies.

A model generates *blocks*, strings of equal length that begin and end anywhere, so that
words at their edges may be cut. Only words inside are counted, and measures that depend
on the amount of text are relative to real blocks of the same number and length.
"""

import math
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from itertools import chain
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

from collapse.data.words import MARKS, WORD, words_in
from collapse.measures import copying as text_copies
from collapse.measures.catalogue import OF_WORDS, TEXT

RARE = {"tail_mass_10pct": 0.1, "tail_mass_1pct": 0.01}  # share of the rare words
SURVIVAL = ("word_survival", "fivegram_survival")
WINDOW = 50  # characters of a passage for `copied_share`

_LEAST_LETTERS = 4  # of a rare word, see `rare_words`


class Reference(NamedTuple):
    """Statistics of real text, computed once for all generations.

    Attributes:
      text: the text that real blocks are drawn from.
      counts: word -> how often it occurs in `text`.
      rare: measure of `RARE` -> its rare words.
      rare_share: measure of `RARE` -> expected share of its rare words among the words
        inside a real block that begins anywhere in `text`.
      known: the words of this and of other real texts.
      fivegrams: distinct character 5-grams of `text`.
      windows: of `text`, to find copies.
      survival: measure of `SURVIVAL` -> expected share of the rare words or 5-grams
        that occur in as many real blocks as are measured.
      has_words: whether measures of words are taken.
    """

    text: str
    counts: Mapping[str, int]
    rare: Mapping[str, Set[str]]
    rare_share: Mapping[str, float]
    known: Set[str]
    fivegrams: frozenset[str]
    windows: text_copies.Windows
    survival: Mapping[str, float]
    has_words: bool = True


def words(text: str) -> list[str]:
    """The words of `text` in lower case, see `words_in`."""
    return [*words_in(text)]


def inner_words(block: str) -> list[str]:
    """The words of `block` without those at its edges, which may be cut.

    An apostrophe or combining mark at the edge may be inside a word, too.
    """
    first = len(block) - len(block.lstrip("'’" + MARKS))
    last = len(block.rstrip("'’" + MARKS))
    return [
        match.group().lower()
        for match in WORD.finditer(block)
        if first < match.start() and match.end() < last
    ]


def rare_words(counts: Mapping[str, int], share: float) -> frozenset[str]:
    """The rarest words that together are at most `share` of all words of a text.

    Args:
      counts: word -> how often it occurs.
      share: of the sum of counts, in [0, 1].

    Returns:
      Words in order of increasing counts, until the next would exceed the share. Only
      words of four letters or more, because random letters often make shorter words;
      words of any length if the longer ones are less than a tenth of the text, as in
      some scripts. Words of equal count are ordered by a checksum, so that no letter is
      favoured; the words of a smaller share are a subset of those of a larger one.
    """
    long = {word for word in counts if len(word) >= _LEAST_LETTERS}
    enough = sum(counts[word] for word in long) >= max(RARE.values()) * sum(
        counts.values()
    )
    order = sorted(
        long if enough else counts, key=lambda w: (counts[w], zlib.crc32(w.encode()), w)
    )
    mass = np.cumsum([counts[word] for word in order])
    # a tolerance for rounding: 0.29 of 100 words are 29
    fits = mass <= share * sum(counts.values()) * (1 + 1e-12)
    return frozenset(order[: np.count_nonzero(fits)])


def reference(
    text: str,
    others: Sequence[str],
    blocks: Sequence[str],
    num: int,
    has_words: bool = True,
) -> Reference:
    """Statistics of real text, to compare any number of generations with.

    Args:
      text: the text that real blocks are drawn from.
      others: more real texts, whose words count as known. Omit a text whose share of
        unknown words is to be the reference level of new real text.
      blocks: all real blocks, of the length that a model generates.
      num: number of blocks that will be measured, at most that of real blocks; survival
        grows with the amount of text, so the numbers must be equal.
      has_words: False for a text whose words are not known, as it is written without
        spaces: then `measure` leaves the measures of words out.

    Raises:
      ValueError: if there are fewer real blocks than are measured, or none at all.
    """
    if not any(blocks) or not 0 < num <= len(blocks):
        raise ValueError(
            f"{num} blocks cannot be compared with {len(blocks)} real ones"
        )
    counts = Counter(words_in(text) if has_words else ())
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
        rare_share={
            name: _rare_share(counts, rare[name], Counter(map(len, blocks)))
            for name in RARE
        },
        known=frozenset(chain(counts, *map(words_in, others))),
        fivegrams=fivegrams,
        windows=text_copies.windows_of([text]),
        survival={
            name: _expected_survival(*own, blocks, num) for name, own in found.items()
        },
        has_words=has_words,
    )


def measure(blocks: Sequence[str], reference: Reference) -> dict[str, float]:
    """All measures of `catalogue.TEXT`, for the blocks of one generation.

    Those of words are left out where the reference's text has none.

    A ratio with denominator 0 is 0, never NaN. Tail masses and survivals are relative
    to blocks drawn from the reference's text: a model that reproduces its distribution
    has 1. New real text has less, since it has other names. Random letters make rare
    words by chance, so do not interpret a tail mass near 1 where `hallucinated_share`
    is large. Distinct shares fall and entropies rise with the amount of text (from m
    n-grams of k kinds an entropy is about (k - 1) / (2 m ln 2) bits too small), so only
    compare equal amounts.

    Args:
      blocks: strings; there may be none, empty ones, and ones without a word.
      reference: for blocks of this number and length.
    """
    inner = [inner_words(block) for block in blocks]
    counts = Counter(chain.from_iterable(inner))
    values = _word_measures(counts, reference)
    grams = _grams(blocks, 5)
    survival = _ratio(
        len(reference.fivegrams.intersection(grams)), len(reference.fivegrams)
    )
    values["fivegram_survival"] = _ratio(
        survival, reference.survival["fivegram_survival"]
    )
    for n in (1, 2, 3):
        runs = Counter(chain.from_iterable(_runs(line, n) for line in inner))
        values[f"distinct_{n}"] = _ratio(len(runs), runs.total())
    for n in (1, 2, 3):
        values[f"entropy_{n}gram"] = _entropy(Counter(_grams(blocks, n)))
    values |= _copy_measures(blocks, reference)
    left = () if reference.has_words else OF_WORDS
    return {name: values[name] for name in TEXT if name not in left}


def _word_measures(counts: Counter[str], real: Reference) -> dict[str, float]:
    total, values = counts.total(), {}
    for name, rare in real.rare.items():
        share = _ratio(sum(counts[word] for word in rare & counts.keys()), total)
        values[name] = _ratio(share, real.rare_share[name])
    rare = real.rare["tail_mass_10pct"]
    survival = _ratio(len(rare & counts.keys()), len(rare))
    values["word_survival"] = _ratio(survival, real.survival["word_survival"])
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


def _expected_survival(
    items: Set[str],
    found_in: Callable[[str], Iterable[str]],
    blocks: Sequence[str],
    num: int,
) -> float:
    """Expected share of `items` that occur in `num` randomly drawn blocks.

    An item that is in k of N blocks occurs in none of the drawn ones with probability
    C(N - k, num) / C(N, num).
    """
    if not items:
        return 0.0
    holders = Counter(
        chain.from_iterable(items & frozenset(found_in(b)) for b in blocks)
    )
    # sorted: sets have no order, and the last bit of a sum depends on it
    k, total = np.array(sorted([*holders.values(), 0]), float), len(blocks)
    without = total - k
    can_miss = without >= num
    without = np.where(can_miss, without, num)
    log = gammaln(without + 1) - gammaln(without - num + 1)
    log -= gammaln(total + 1) - gammaln(total - num + 1)
    missed = np.where(can_miss, np.exp(log), 0.0)
    return float((1 - missed).sum() / len(items))


def _ratio(part: int | float, whole: int | float) -> float:
    return float(part / whole) if whole else 0.0


def _rare_share(
    counts: Mapping[str, int], rare: Set[str], lengths: Counter[int]
) -> float:
    """Expected share of `rare` among the words inside a block that begins anywhere.

    An edge cuts long words more often than short ones, and rare words are long: a word
    of L characters has W - L - 1 positions inside a block of W characters. Without this
    correction real blocks of 128 characters would seem to lack 2 % of rare words.
    """
    positions = {
        size: sum(num * max(length - size - 1, 0) for length, num in lengths.items())
        for size in set(map(len, counts))
    }
    mass = {word: count * positions[len(word)] for word, count in counts.items()}
    return _ratio(sum(mass[word] for word in rare), sum(mass.values()))


def _runs(items: Sequence, n: int) -> Iterable[tuple]:
    """All runs of n consecutive items."""
    return zip(*(items[k:] for k in range(n)), strict=False)


def _grams(texts: Iterable[str], n: int) -> Iterable[str]:
    """Character n-grams inside the texts."""
    return (text[i : i + n] for text in texts for i in range(len(text) - n + 1))


def _entropy(counts: Counter[str]) -> float:
    """Entropy of the empirical distribution, in bits; 0 if there are no counts."""
    total = counts.total()
    return sum(c * math.log2(total / c) for c in counts.values()) / max(total, 1)
