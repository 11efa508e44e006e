"""Which texts to keep so that none is there twice, or nearly."""

from collections.abc import Sequence
from itertools import compress

import numpy as np
import scipy.sparse
from jaxtyping import Bool, Int
from scipy.sparse.csgraph import connected_components

from collapse.data.quality import checks, minhash
from collapse.data.quality.grams import characters


def exact(texts: Sequence[str]) -> Bool[np.ndarray, " texts"]:
    """Whether each text is the first of all that are equal to it [texts].

    Raises:
      DataError: for a single text in place of a list.
    """
    return is_first(groups(texts))


def groups(texts: Sequence[str]) -> Int[np.ndarray, " texts"]:
    """A number for each text [texts], from 0: the same for equal ones alone."""
    checks.several("texts", texts)
    number: dict[str, int] = {}
    own = (number.setdefault(text, len(number)) for text in texts)
    return np.fromiter(own, np.int64, len(texts))


def is_first(labels: Int[np.ndarray, " texts"]) -> Bool[np.ndarray, " texts"]:
    """Whether each entry is the first one with its label [texts]."""
    found = np.zeros(len(labels), bool)
    found[np.unique(labels, return_index=True)[1]] = True
    return found


def near(
    texts: Sequence[str],
    order: int = minhash.ORDER,
    bands: int = minhash.BANDS,
    rows: int = minhash.ROWS,
    threshold: float | None = None,
    stream: int = 0,
) -> Bool[np.ndarray, " texts"]:
    """Whether each text is the first of its cluster of near duplicates [texts].

    A cluster is what a chain of pairs connects, each of which shares a band of its
    signatures (see `minhash`) and, with a threshold, is as similar as that. Texts at
    the ends of a chain need not be alike. Equal texts are always of one cluster. Texts
    that are made from templates have long chains: of 6949 different documents of the
    world `tools` 810 are kept, and with a threshold of 0.8 5617.

    Args:
      texts: any.
      order: characters of an n-gram.
      bands: of a signature, which has `bands` x `rows` entries.
      rows: entries of a band.
      threshold: least Jaccard similarity, from 0 to 1; None to believe the bands. The
        time of the check grows with the number of pairs that share a band and are not
        connected otherwise.
      stream: of the hash functions.

    Raises:
      DataError: for a threshold outside [0, 1], or another number below 1.
    """
    return is_first(clusters(texts, order, bands, rows, threshold, stream))


def clusters(
    texts: Sequence[str],
    order: int = minhash.ORDER,
    bands: int = minhash.BANDS,
    rows: int = minhash.ROWS,
    threshold: float | None = None,
    stream: int = 0,
) -> Int[np.ndarray, " texts"]:
    """The number of each text's cluster [texts]; arguments are those of `near`."""
    checks.at_least("bands", bands, 1)
    checks.at_least("rows", rows, 1)
    if threshold is not None:
        checks.share("threshold", threshold)
    same = groups(texts)
    distinct = [*compress(texts, is_first(same))]
    made = minhash.signatures(distinct, order, bands * rows, stream)
    keys = minhash.bands(made, bands)
    del made
    if threshold is None:
        return _linked(keys)[same]
    return _checked(distinct, keys, order, threshold)[same]


def _linked(keys: np.ndarray) -> Int[np.ndarray, " texts"]:
    """Components of the texts that share bands.

    It is enough to connect the neighbours in the order of each band's keys.
    """
    labels = np.arange(keys.shape[1])
    for band in keys:
        labels = _joined(labels, minhash.neighbours(band))
    return labels


def _checked(
    texts: Sequence[str], keys: np.ndarray, order: int, threshold: float
) -> Int[np.ndarray, " texts"]:
    """Components of the texts that share bands and are similar enough.

    Pairs that are connected already are not compared again.
    """
    there = minhash.incidence(characters(texts), order)
    labels = np.arange(len(texts))

    def joined(labels: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        pairs = pairs[labels[pairs[:, 0]] != labels[pairs[:, 1]]]
        alike = minhash.overlap(there, pairs) >= threshold
        return _joined(labels, pairs[alike])

    for band in keys:
        labels = joined(labels, minhash.neighbours(band))  # most groups are whole then
        rest = np.flatnonzero(_is_open(band, labels))
        for pairs in minhash.pairs_within(band[rest]):
            labels = joined(labels, rest[pairs])
    return labels


def _is_open(band: np.ndarray, labels: np.ndarray) -> Bool[np.ndarray, " texts"]:
    """Whether a text shares the band with one that it is not connected to."""
    order = np.lexsort((labels, band))
    starts = np.flatnonzero(np.diff(band[order], prepend=~band[order[:1]]) != 0)
    if not len(starts):
        return np.zeros(len(band), bool)
    ends = np.append(starts[1:], len(order)) - 1
    several = labels[order[starts]] != labels[order[ends]]
    found = np.empty(len(order), bool)
    found[order] = np.repeat(several, ends - starts + 1)
    return found


def _joined(
    labels: Int[np.ndarray, " texts"], pairs: np.ndarray
) -> Int[np.ndarray, " texts"]:
    """Labels of texts after the pairs have been connected, too."""
    if not len(pairs):
        return labels
    num = len(labels)
    edges = labels[pairs]
    graph = scipy.sparse.coo_array(
        (np.ones(len(edges), bool), (edges[:, 0], edges[:, 1])), shape=(num, num)
    )
    return connected_components(graph, directed=False)[1][labels].astype(np.int64)
