"""Blocks of text for a monitor: in no other part of the text, wherever they begin."""

import numpy as np
import pytest

from collapse.data.errors import DataError
from collapse.data.text import apart as text_apart
from collapse.data.text.apart import repeated, set_apart

BLOCK = 10


def text(num, seed=0, size=5):
    return np.random.default_rng(seed).integers(0, size, num * BLOCK, np.int32)


def blocks(tokens):
    return tokens.reshape(-1, BLOCK)


def test_passages_are_found_wherever_they_begin(monkeypatch):
    """Pieces of 7 and whole, against a search in the text itself."""
    some, rows = text(40, size=2), blocks(text(30, seed=1, size=2))
    rows[3], rows[7] = some[1 : 1 + BLOCK], some[-BLOCK:]
    windows = {some[i : i + BLOCK].tobytes() for i in range(len(some) - BLOCK + 1)}
    expected = np.array([row.tobytes() in windows for row in rows])
    assert expected[3] and expected[7] and not expected.all()
    np.testing.assert_array_equal(repeated(rows, some), expected)
    monkeypatch.setattr(text_apart, "_PIECE", 7)
    np.testing.assert_array_equal(repeated(rows, some), expected)
    assert not repeated(rows, some[: BLOCK - 1]).any()


def test_what_is_set_apart_is_in_no_other_part():
    """Neither where a copy begins at a block nor where it begins within one."""
    train, test = text(50), blocks(text(12, seed=1))
    test[1] = train[13 : 13 + BLOCK]  # of the training part
    test[4] = test.ravel()[83 : 83 + BLOCK]  # of the half that stays
    validation = blocks(text(5, seed=2))
    validation[2] = test[3]  # a fit may choose among its steps by this
    watched, left = set_apart(blocks(train), validation, test)
    np.testing.assert_array_equal(watched, test[[0, 2, 5]])
    np.testing.assert_array_equal(left, test[6:])
    assert not repeated(watched, np.concatenate([train, left.ravel()])).any()


def test_a_text_that_repeats_itself_has_no_rows_for_a_monitor():
    train = blocks(np.tile(text(1), 20))
    with pytest.raises(DataError, match="of 2 test rows.*0 occur in no other part"):
        set_apart(train, train[:0], train[:4])
    with pytest.raises(DataError, match="of 1 test rows"):
        set_apart(blocks(text(50)), train[:0], blocks(text(3, seed=1)))
