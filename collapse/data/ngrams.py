"""The n-grams of a text: which tokens follow which contexts, and how often."""

import functools
from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from collapse.data import vocabulary
from collapse.data.errors import DataError
from collapse.data.text.files import stamp
from collapse.data.text.split import TextData, load_text, spaced
from collapse.data.words import why_no_words, words_in

Tokens = Literal["characters", "words"]
MOST_CELLS = 10**7  # contexts x tokens, 80 MB of float64 for each seed
UNKNOWN_WORD = "<unknown>"


class NgramText(NamedTuple):
    """The n-grams of a text.

    Attributes:
      train: [C, V] how often token v follows context c in the training part, which is
        read as a ring: its last tokens are followed by its first ones, so that every
        n-gram leads to a context that occurs.
      held_out: [held, 2] context and token of each distinct n-gram in the test part;
        context C stands for all that the training part lacks.
      held_counts: [held] how often it occurs there.
      leads: [C, V] the context that an n-gram leads to; 0 where it never occurs.
      words: [V] the tokens.
      sha256: of the text's files.
      said: what was read, in a line.
      watched: [m, 2] context and token of each n-gram of the validation part, in their
        order, for a monitor: nothing else looks at them.
    """

    train: Float[np.ndarray, "contexts V"]
    held_out: Int[np.ndarray, "held 2"]
    held_counts: Float[np.ndarray, " held"]
    leads: Int[np.ndarray, "contexts V"]
    words: tuple[str, ...]
    sha256: str
    said: str = ""
    watched: Int[np.ndarray, "m 2"] | None = None

    @property
    def shares(self) -> Float[np.ndarray, " contexts"]:
        """How often each context occurs, as shares [C]."""
        totals: np.ndarray = self.train.sum(1)
        return totals / totals.sum()

    @property
    def truth(self) -> Float[np.ndarray, "contexts V"]:
        """Shares of the tokens after each context [C, V]; 0 if it never occurs."""
        totals = self.train.sum(1, keepdims=True)
        return self.train / np.where(totals > 0, totals, 1)


def load_ngrams(
    name: str,
    order: int,
    tokens: Tokens,
    vocabulary_size: int,
    every: bool = False,
    field: str = "text",
) -> NgramText:
    """The n-grams of a text.

    Args:
      name: as `texts.load_text` takes it.
      order: 2 for bigrams, 3 for trigrams.
      tokens: what a token is.
      vocabulary_size: words that are told apart, the most frequent; all others are one
        unknown word. Of characters all are.
      every: all contexts that tokens can make; else those that occur alone.
      field: of JSON lines.

    Raises:
      DataError: if the text cannot be read, is too short, has fewer than two distinct
        tokens or too many of them, or is to be cut into words and has no spaces.
    """
    how = (order, tokens, vocabulary_size if tokens == "words" else 0, every, field)
    return _load(name, how, stamp(name))


@functools.lru_cache(maxsize=4)
def _load(
    name: str,
    how: tuple[int, Tokens, int, bool, str],
    stamp: tuple[tuple[str, int, int], ...],
) -> NgramText:
    del stamp  # tells files of one name apart
    order, tokens, size, every, field = how
    text = load_text(name, "replace", field)
    names, (train, validation, test) = _tokens(name, text, tokens, size)
    for part, found in (("training", train), ("test", test)):
        if len(found) < order:
            raise DataError(
                f"{name}: the {part} part has {len(found)} {tokens}, fewer than the "
                f"order {order}; give more text"
            )
    if (train == train[0]).all():
        raise DataError(f"{name}: has fewer than two distinct {tokens}; give more text")
    ring = np.concatenate([train, train[: order - 1]])
    contexts, follows = _split(ring, order, len(names))
    total = len(names) ** (order - 1)
    known = np.arange(total) if every else np.unique(contexts)
    if len(known) * len(names) > MOST_CELLS:
        raise DataError(
            f"{name}: {spaced(len(known))} contexts of {spaced(len(names))} {tokens} "
            f"are more than {MOST_CELLS:,} cells; give a smaller --vocabulary-size, "
            "--order 2, or no smoothing"
        )
    place = np.full(total, len(known), np.int32)
    place[known] = np.arange(len(known), dtype=np.int32)
    shape = (len(known), len(names))
    cells = place[contexts] * len(names) + follows
    counts = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
    after = known[:, None] * len(names) + np.arange(len(names))
    leads = place[after % total]
    leads = np.where(leads < len(known), leads, 0).astype(np.int32)
    of_test, of_validation = (
        _pairs(part, order, len(names), place) for part in (test, validation)
    )
    held, often = counted(of_test)
    said = (
        f"{text.summary.partition(';')[0]}; {spaced(len(train))} {tokens} in the "
        f"training part, {spaced(len(names))} distinct, {spaced((counts > 0).sum())} "
        f"distinct {order}-grams"
    )
    strange = text.unknown if tokens == "characters" else ""
    said = "; ".join(filter(None, (said, text.left_out, strange)))
    own = (counts.astype(float), held, often, leads)
    return NgramText(*own, tuple(names), text.sha256, said, of_validation)


def _tokens(
    name: str, text: TextData, tokens: Tokens, size: int
) -> tuple[Sequence[str], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The vocabulary V, and the three parts of the text as indices into it.

    A token of the validation part alone has the index V: it is in no vocabulary.
    """
    parts = (text.train, text.test)
    if tokens == "characters":
        letters = vocabulary.symbols(text.train)
        if vocabulary.UNKNOWN in text.test and vocabulary.UNKNOWN not in letters:
            letters += vocabulary.UNKNOWN
        train, test = (vocabulary.encode(part, letters) for part in parts)
        more = letters + vocabulary.UNKNOWN * (vocabulary.UNKNOWN not in letters)
        validation = vocabulary.encode(text.validation, more)
        return letters, (train, validation, test)
    if why := why_no_words(text.train):
        raise DataError(
            f"{name}: {why}, so its words are not known; put spaces between words, or "
            "give --tokens characters"
        )
    every = [list(words_in(part)) for part in (*parts, text.validation)]
    counts = Counter(every[0])
    names = sorted(counts, key=lambda word: (-counts[word], word))[:size]
    number = {word: k for k, word in enumerate(names)}
    if any(word not in number for word in [*counts, *every[1]]):
        names.append(UNKNOWN_WORD)
    unknown = len(names) - (names[-1] == UNKNOWN_WORD)
    train, test, validation = (
        np.array([number.get(word, unknown) for word in part], np.int32)
        for part in every
    )
    return names, (train, validation, test)


def _split(
    tokens: Int[np.ndarray, " tokens"], order: int, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """The context and the token of each n-gram, the context as one number."""
    num = max(len(tokens) - order + 1, 0)
    context = np.zeros(num, np.int64)
    for k in range(order - 1):
        context = context * size + tokens[k : k + num]
    return context, tokens[order - 1 :]


def _pairs(
    tokens: Int[np.ndarray, " tokens"],
    order: int,
    size: int,
    place: Int[np.ndarray, " contexts"],
) -> Int[np.ndarray, "m 2"]:
    """The context's place and the token of each n-gram that is made of known tokens."""
    num = max(len(tokens) - order + 1, 0)
    known = np.ones(num, bool)
    for k in range(order):
        known &= tokens[k : k + num] < size
    contexts, follows = _split(np.minimum(tokens, size - 1), order, size)
    pairs = np.stack([place[contexts], follows], axis=1)
    return pairs[known].astype(np.int32)


def counted(pairs: Int[np.ndarray, "m 2"]) -> tuple[np.ndarray, np.ndarray]:
    """Distinct pairs of context and token, and how often each occurs."""
    found, counts = np.unique(pairs, axis=0, return_counts=True)
    return found.astype(np.int32), counts.astype(float)


def allotted(shares: Float[np.ndarray, " C"], num: int) -> Int[np.ndarray, " num"]:
    """The context of each of so many draws, in proportion to its share [num].

    By Webster's method: the k-th draw of context c is placed at (k - 1/2) / share.
    The contexts of the first draws are those of fewer draws.
    """
    scale = float(num)
    while (most := np.floor(scale * shares + 0.5).astype(int)).sum() < num:
        scale *= 1.1
    context = np.repeat(np.arange(len(shares)), most)
    number = np.arange(len(context)) - np.repeat(np.cumsum(most) - most, most)
    order = np.argsort((number + 0.5) / shares[context], kind="stable")
    return context[order][:num].astype(np.int32)


def draws_of(shares: Float[np.ndarray, " C"], num: int) -> Int[np.ndarray, " C"]:
    """How many of so many draws `allotted` gives each context [C]."""
    return np.bincount(allotted(shares, num), minlength=len(shares))
