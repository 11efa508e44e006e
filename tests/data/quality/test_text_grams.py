"""Hashed n-grams: those of each text alone, the same everywhere, spread evenly."""

import itertools

import numpy as np
import pytest
from calibrated import Z, count
from hypothesis import given
from hypothesis import strategies as st
from strategies import texts

from collapse.data.errors import DataError
from collapse.data.quality import grams as ng

GOLDEN = ["1c18c53c67c048d3", "aefb7a0923eb5fe5"]
GOLDEN_COLUMN = 16223
ORDERS = st.sets(st.integers(1, 4), min_size=1).map(sorted)


@given(texts(), ORDERS)
def test_a_row_is_the_sum_of_those_of_its_ngrams(written, orders):
    size = 2**16
    found = ng.hashed(written, size, orders)
    assert found.shape == (len(written), size)
    for i, text in enumerate(written):
        total = np.zeros((1, size))
        for order in orders:
            pieces = [text[k : k + order] for k in range(len(text) - order + 1)]
            total += ng.hashed(pieces, size, [order]).sum(axis=0)
        np.testing.assert_array_equal(found[[i]].toarray(), total)
        num = sum(max(len(text) - order + 1, 0) for order in orders)
        assert total.sum() == num


@given(texts(), st.integers(1, 5))
def test_shingles_of_a_text_are_its_ngrams_or_itself(written, order):
    found = ng.shingles(ng.characters(written), order)
    assert (np.diff(found.rows) >= 0).all()
    for i, text in enumerate(written):
        if len(text) >= order:
            pieces = [text[k : k + order] for k in range(len(text) - order + 1)]
        else:
            pieces = [text] * bool(text)
        alone = [ng.grams(ng.characters([p]), len(p)).hashes[0] for p in pieces]
        assert found.hashes[found.rows == i].tolist() == alone


@given(texts(), ORDERS)
def test_normalised_rows_have_length_1(written, orders):
    plain = ng.hashed(written, 64, orders).toarray()
    found = ng.hashed(written, 64, orders, normalised=True).toarray()
    lengths = np.linalg.norm(plain, axis=1, keepdims=True)
    np.testing.assert_allclose(found * lengths, plain, rtol=1e-12)
    own = np.linalg.norm(found, axis=1)
    np.testing.assert_allclose(own, (lengths[:, 0] > 0).astype(float), rtol=1e-12)


def test_many_texts_are_counted_in_pieces(monkeypatch):
    written = [f"{k} times {k}" for k in range(50)] + ["", "x"]
    whole = ng.hashed(written, 100)
    monkeypatch.setattr(ng, "_PIECE", 7)
    parts = ng.hashed(written, 100)
    np.testing.assert_array_equal(whole.toarray(), parts.toarray())


def test_hashes_are_the_same_in_every_process():
    """Written down once. Stored classifiers are useless after a change."""
    found = ng.grams(ng.characters(["abc", "\ud800"]), 2).hashes
    assert [f"{value:016x}" for value in found.tolist()] == GOLDEN
    assert ng.hashed(["a"], 2**14, [1]).indices.tolist() == [GOLDEN_COLUMN]


def test_no_two_ngrams_have_one_hash():
    letters = [chr(k) for k in range(32, 132)] + [chr(k) for k in range(20000, 20100)]
    pairs = ["".join(p) for p in itertools.product(letters, repeat=2)]
    digits = [f"{k:05d}" for k in range(100_000)]
    found = [ng.grams(ng.characters(letters), 1).hashes]
    found.append(ng.grams(ng.characters(pairs), 2).hashes)
    found.append(ng.grams(ng.characters(digits), 5).hashes)
    assert len(np.unique(np.concatenate(found))) == 200 + 40_000 + 100_000


@pytest.mark.parametrize("size", [512, 1000, 1021])
def test_ngrams_are_spread_evenly_over_columns(size):
    """Of n balls in c cells the number of empty cells has a known mean and variance."""
    num = 1000
    hashes = ng.grams(ng.characters([f"{k:03d}" for k in range(num)]), 3).hashes
    columns = np.unique(hashes % np.uint64(size))
    one, two = (1 - 1 / size) ** num, (1 - 2 / size) ** num
    variance = size * one + size * (size - 1) * two - (size * one) ** 2
    assert abs(size - len(columns) - size * one) < Z * np.sqrt(variance)
    low = np.unique(np.arange(num) % size)  # the control: numbers in place of hashes
    assert abs(size - len(low) - size * one) > Z * np.sqrt(variance)
    count()


def test_counters_are_numbers_that_no_stream_shares():
    found = np.concatenate([ng.counters(1000, stream) for stream in range(20)])
    assert len(np.unique(found)) == 20_000
    np.testing.assert_array_equal(ng.counters(10, 3), ng.counters(1000, 3)[:10])


def test_what_cannot_be_used_is_refused():
    for wrong, field in (
        (lambda: ng.hashed(["a"], 0), "size: 0"),
        (lambda: ng.hashed(["a"], 5, []), "orders: there is none"),
        (lambda: ng.hashed(["a"], 5, [0]), "order: 0"),
        (lambda: ng.hashed("a text"), "texts: a single text"),
        (lambda: ng.characters("a text"), "texts: a single text"),
    ):
        with pytest.raises(DataError, match=field):
            wrong()
