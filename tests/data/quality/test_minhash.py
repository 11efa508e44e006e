"""MinHash: signatures agree as often as sets do, bands as often as theory says."""

import itertools

import numpy as np
import pytest
from calibrated import assert_mean, assert_tells_apart
from datasketch import MinHash, MinHashLSH
from hypothesis import given
from hypothesis import strategies as st
from strategies import texts

from collapse.data.errors import DataError
from collapse.data.quality import minhash

ORDER = 5
STREAMS = 1000
PEER_SEEDS = 1000
# a text, and others that keep so much of its beginning
_LETTERS = np.array([*"abcdefghijklmnopqrstuvwxyz "])
_BASE = "".join(np.random.default_rng(0).choice(_LETTERS, 120))
_OTHER = "".join(np.random.default_rng(1).choice(_LETTERS, 120))
SIMILAR = [_BASE] + [_BASE[:k] + _OTHER[k:] for k in (91, 95, 99, 103)]
PAIRS = np.array([(0, k) for k in range(1, len(SIMILAR))])


def shingles(text, order):
    if len(text) < order:
        return {text} - {""}
    return {text[k : k + order] for k in range(len(text) - order + 1)}


def similarity(a, b, order=ORDER):
    a, b = shingles(a, order), shingles(b, order)
    return len(a & b) / len(a | b) if a | b else 1.0


TRUE = np.array([similarity(SIMILAR[0], text) for text in SIMILAR[1:]])


@pytest.fixture(scope="module")
def made():
    """Signatures by many independent families of hash functions."""
    return [minhash.signatures(SIMILAR, ORDER, stream=k) for k in range(STREAMS)]


@given(texts(), st.integers(1, 5))
def test_the_true_similarity_is_that_of_sets(written, order):
    pairs = np.array([*itertools.product(range(len(written)), repeat=2)]).reshape(-1, 2)
    expected = [similarity(written[a], written[b], order) for a, b in pairs]
    found = minhash.jaccard(written, pairs, order)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_signatures_agree_as_often_as_sets_do(made):
    draws = np.array([minhash.similarity(m, PAIRS) for m in made])
    assert_tells_apart(draws, TRUE, wrong=2 * TRUE / (1 + TRUE))  # Dice's coefficient
    spread = np.sqrt(TRUE * (1 - TRUE) / (minhash.BANDS * minhash.ROWS))
    squares = (draws - TRUE) ** 2  # entries are as good as independent
    assert_tells_apart(squares, spread**2, wrong=2 * spread**2)


def test_pairs_share_a_band_as_often_as_theory_says(made):
    shared = []
    for m in made:
        found = {tuple(p) for p in minhash.candidates(minhash.bands(m)).tolist()}
        shared.append([tuple(pair) in found for pair in PAIRS.tolist()])
    right = minhash.chance(TRUE)
    assert right.min() > 0.2 and right.max() < 0.8  # else means are not normal
    assert_tells_apart(np.array(shared, float), right, minhash.chance(TRUE, 8, 14))


def test_another_library_says_the_same():
    """Estimates of datasketch, and the pairs that its index finds."""
    estimates, shared = [], []
    for seed in range(PEER_SEEDS):
        index, sets = MinHashLSH(params=(minhash.BANDS, minhash.ROWS), num_perm=112), []
        for k, text in enumerate(SIMILAR):
            sets.append(MinHash(num_perm=112, seed=seed))
            sets[-1].update_batch([s.encode() for s in shingles(text, ORDER)])
            index.insert(k, sets[-1])
        found = index.query(sets[0])
        estimates.append([sets[0].jaccard(other) for other in sets[1:]])
        shared.append([k in found for k in range(1, len(SIMILAR))])
    assert_tells_apart(estimates, TRUE, wrong=2 * TRUE / (1 + TRUE))
    assert_mean(np.array(shared, float), minhash.chance(TRUE))


def test_signatures_follow_the_set_alone():
    found = minhash.signatures(["ababab", "bababab", "abab", "ab", "ab", "", ""], 2)
    np.testing.assert_array_equal(found[0], found[1])  # ab and ba
    assert (found[3] >= found[0]).all() and (found[3] != found[0]).any()
    np.testing.assert_array_equal(found[3], found[4])
    np.testing.assert_array_equal(found[5:], 2**32 - 1)
    assert minhash.signatures([]).shape == (0, 112)


def test_signatures_do_not_depend_on_the_pieces(monkeypatch):
    written = [*SIMILAR, "", "a", "abcdef", *SIMILAR]
    whole = minhash.signatures(written)
    monkeypatch.setattr(minhash, "_PIECE", 130)
    np.testing.assert_array_equal(minhash.signatures(written), whole)


KEYS = st.lists(st.lists(st.integers(0, 3), min_size=7, max_size=7), min_size=1)


@given(KEYS)
def test_candidates_are_all_pairs_that_share_a_key(bands):
    keys = np.array(bands, np.uint64)
    expected = [
        [a, b]
        for a, b in itertools.combinations(range(7), 2)
        if (keys[:, a] == keys[:, b]).any()
    ]
    assert minhash.candidates(keys).tolist() == expected
    for band in keys:
        every = [p for part in minhash.pairs_within(band) for p in part.tolist()]
        assert len(every) == len({tuple(p) for p in every})
        near = minhash.neighbours(band)
        assert len(near) == 7 - len(set(band.tolist()))


def test_bands_are_equal_where_all_their_entries_are():
    first = np.arange(112, dtype=np.uint32)
    for k in (0, 7, 8, 111):
        other = first.copy()
        other[k] += 1
        found = minhash.bands(np.stack([first, other]))
        assert (found[:, 0] == found[:, 1]).tolist() == [b != k // 8 for b in range(14)]
    swapped = first.reshape(14, 8)[:, ::-1].reshape(-1)
    found = minhash.bands(np.stack([first, swapped]))
    assert (found[:, 0] != found[:, 1]).all()  # order within a band matters


def test_numbers_that_make_no_sense_are_refused():
    made = minhash.signatures(["abc"])
    for wrong, field in (
        (lambda: minhash.signatures(["a"], 0), "order: 0"),
        (lambda: minhash.signatures(["a"], num=0), "num: 0"),
        (lambda: minhash.bands(made, 0), "bands: 0"),
        (lambda: minhash.bands(made, 113), "entries of a signature: 112"),
        (lambda: minhash.signatures("abc"), "texts: a single text"),
    ):
        with pytest.raises(DataError, match=field):
            wrong()
