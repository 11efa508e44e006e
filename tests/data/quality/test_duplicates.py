"""Duplicates: equal texts and near ones go, but the first; different ones stay."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import texts

from collapse.data.errors import DataError
from collapse.data.quality import duplicates, minhash

_LETTERS = [*"abcdefghijklmnopqrstuvwxyz "]


def drawn(num, length=100):
    generator = np.random.default_rng(2)
    return ["".join(generator.choice(_LETTERS, length)) for _ in range(num)]


def components(num, pairs):
    """Number of the first text that each is connected to, by a loop."""
    first = [*range(num)]
    for a, b in pairs:
        one, other = sorted((first[a], first[b]))
        first = [one if k == other else k for k in first]
    return first


@given(texts())
def test_the_first_of_equal_texts_is_kept(written):
    expected = [text not in written[:k] for k, text in enumerate(written)]
    assert duplicates.exact(written).tolist() == expected


@given(texts(), st.integers(1, 5), st.none() | st.floats(0, 1))
def test_equal_texts_are_near_and_no_text_raises(written, order, threshold):
    found = duplicates.near(written, order, threshold=threshold)
    assert found.shape == (len(written),) and found[:1].all()
    assert (found <= duplicates.exact(written)).all()


def test_different_texts_are_kept_and_copies_are_not():
    first = drawn(300)
    copies = [text[:50] + "#" + text[50:] for text in first[:100]]  # .91 similar
    changed = [text.replace("a", "b").replace("e", "f") for text in first[:100]]
    assert duplicates.near(first).all()
    found = duplicates.near([*first, *copies, *changed])
    assert found[:300].all() and not found[300:400].any()
    assert found[400:].mean() > 0.5  # a third of their 5-grams have changed


@given(st.integers(0, 2**16), st.none() | st.sampled_from([0.0, 0.3, 0.6, 0.9, 1.0]))
def test_clusters_are_what_pairs_connect(seed, threshold):
    generator = np.random.default_rng(seed)
    base = "".join(generator.choice(_LETTERS, 60))
    written = []
    for _ in range(12):
        changed = [*base]
        for place in generator.integers(0, 60, generator.integers(0, 12)):
            changed[place] = "#"
        written.append("".join(changed))
    bands, rows = 6, 2
    made = minhash.signatures(written, 3, bands * rows)
    pairs = minhash.candidates(minhash.bands(made, bands))
    similar = minhash.jaccard(written, pairs, 3)
    pairs = [p for p, s in zip(pairs, similar, strict=True) if s >= (threshold or 0)]
    labels = duplicates.clusters(written, 3, bands, rows, threshold)
    first = [labels.tolist().index(label) for label in labels]
    assert first == components(12, pairs)
    kept = duplicates.near(written, 3, bands, rows, threshold)
    assert np.flatnonzero(kept).tolist() == sorted(set(first))


def test_a_threshold_leaves_texts_that_are_not_similar():
    """One entry a band: nearly all texts that share an n-gram are candidates."""
    written = [text[:90] + "the same end" for text in drawn(20)]
    options = {"bands": 200, "rows": 1}
    assert duplicates.near(written, **options).sum() == 1
    assert duplicates.near(written, **options, threshold=0.5).all()
    assert duplicates.near(written, **options, threshold=0.0).sum() == 1


def test_a_chain_is_one_cluster():
    base = "".join(drawn(1, 300))
    chain = [base[k : k + 200] for k in range(0, 100, 4)]
    ends = minhash.jaccard(chain, np.array([[0, 24]]))
    assert ends < 0.4 and duplicates.near(chain, threshold=0.8).sum() == 1


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=12))
def test_open_groups_have_several_clusters(rows):
    band = np.array([key for key, _ in rows], np.uint64)
    labels = np.array([label for _, label in rows], np.int64)
    expected = [any(k == key and x != y for k, y in rows) for key, x in rows]
    assert duplicates._is_open(band, labels).tolist() == expected


def test_many_copies_do_not_take_the_time_of_all_pairs(monkeypatch):
    base = "".join(drawn(1, 400))
    written = [f"{base[:k]}#{base[k + 1 :]}" for k in range(400)]
    asked = []
    real = minhash.overlap
    monkeypatch.setattr(
        minhash, "overlap", lambda x, pairs: asked.append(len(pairs)) or real(x, pairs)
    )
    assert duplicates.near(written, threshold=0.9).sum() == 1
    assert sum(asked) < 4 * 400 < len([*itertools.combinations(range(400), 2)]) / 10


def test_numbers_that_make_no_sense_are_refused():
    for options, field in (
        ({"threshold": 1.5}, "threshold: 1.5"),
        ({"threshold": -0.1}, "threshold: -0.1"),
        ({"threshold": float("nan")}, "threshold: nan"),
        ({"bands": 0}, "bands: 0"),
        ({"rows": 0}, "rows: 0"),
        ({"order": 0}, "order: 0"),
    ):
        with pytest.raises(DataError, match=field):
            duplicates.near(["a", "b"], **options)
    with pytest.raises(DataError, match="texts: a single text"):
        duplicates.exact("abc")
