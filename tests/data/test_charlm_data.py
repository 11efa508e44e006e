"""Text in blocks: nothing is lost or moved, and which positions are rare."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collapse.data.errors import DataError
from collapse.data.text import blocks as text_blocks
from collapse.data.text.blocks import (
    LEAST_BLOCK,
    evenly,
    fingerprinted,
    pretraining_rows,
    rare_positions,
    text_rows,
)
from collapse.data.text.split import load_text
from collapse.data.vocabulary import decode, encode

CONTEXT, SHARE = 5, 0.1
texts = st.text("abc", min_size=6, max_size=60)


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = [f"line {i} of {i * i} says no\n" for i in range(120)]
    (tmp_path / "text.txt").write_text("".join(lines))


def test_blocks_are_consecutive_and_cover_each_part():
    """All but what is shorter than a block, at the end."""
    rows, text = text_rows("text.txt", 16), load_text("text.txt")
    for part in ("train", "validation", "test"):
        found, whole = getattr(rows, part), getattr(text, part)
        joined = decode(found.ravel(), text.vocabulary)
        assert found.shape == (len(whole) // 16, 16) and found.dtype == np.int32
        assert whole.startswith(joined) and len(whole) - len(joined) < 16
    assert rows.sha256 == text.sha256 and rows.text == text


def test_a_file_that_changed_is_read_again(tmp_path):
    before = text_rows("text.txt", 16)
    assert text_rows("text.txt", 16) is before  # kept
    text = (tmp_path / "text.txt").read_text()
    (tmp_path / "text.txt").write_text(text.replace("no", "yes"))
    after = text_rows("text.txt", 16)
    assert after.sha256 != before.sha256 and "y" in after.text.vocabulary
    (tmp_path / "text.txt").write_text(text.replace("no", "yea"))  # as long as before
    assert text_rows("text.txt", 16).sha256 != after.sha256


def test_a_file_that_changed_far_down_in_a_folder_is_read_again(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    text = (tmp_path / "text.txt").read_text()
    (tmp_path / "a" / "b" / "c.md").write_text(text)
    before = text_rows("a", 16)
    assert text_rows("a", 16) is before
    (tmp_path / "a" / "b" / "c.md").write_text(text + "no")
    assert text_rows("a", 16).sha256 != before.sha256


def test_how_a_text_was_read_tells_rows_apart():
    """Programs and statistics of one are not taken for another's."""
    made = [
        text_rows("text.txt", 16),
        text_rows("text.txt", 16, "replace"),
        text_rows("text.txt", 16, characters=2000),
        text_rows("text.txt", 16, characters=1500),
    ]
    assert len({rows.sha256 for rows in made}) == 4
    assert [rows.train.size for rows in made[2:]] == [1600, 1200]
    assert made[2].said == made[0].said + "; used 2 000 (--characters)"
    assert made[0].decided == () and made[0].wordless == ""


def test_an_unknown_token_is_a_token_like_any_other(tmp_path):
    text = (tmp_path / "text.txt").read_text()
    (tmp_path / "text.txt").write_text(text + "Ω" * 20)
    with pytest.raises(DataError, match="give --unknown replace"):
        text_rows("text.txt", 10)
    rows = text_rows("text.txt", 10, "replace")
    token = len(rows.text.vocabulary) - 1
    assert (rows.test == token).sum() >= 11 and not (rows.train == token).any()
    (said,) = rows.decided
    assert said in rows.said and said.endswith("are unknown and read as \ufffd")


def test_a_text_without_spaces_is_told(tmp_path):
    (tmp_path / "text.txt").write_text("子曰學而時習之，不亦說乎。\n" * 200)
    rows = text_rows("text.txt", 16)
    assert rows.wordless == "100% of the letters are of scripts without spaces"
    assert rows.said.endswith(f"; {rows.wordless}: measures of words are left out")


def test_a_part_shorter_than_a_block_is_named_with_the_fix():
    size = len(load_text("text.txt").validation)
    text_rows("text.txt", 200)
    said = (
        f"text.txt: the validation part has {size} characters, fewer than a block of "
        f"{size + 1}; give more text or a smaller --block"
    )
    with pytest.raises(DataError, match=said):
        text_rows("text.txt", size + 1)


@pytest.mark.parametrize("block", [-1, 0, LEAST_BLOCK - 1])
def test_a_block_too_short_for_contexts_is_refused(block):
    with pytest.raises(DataError, match=f"block: {block}; give at least 8"):
        text_rows("text.txt", block)
    text_rows("text.txt", LEAST_BLOCK)


def test_text_for_pretraining_has_the_vocabulary_of_the_other(tmp_path):
    letters = load_text("text.txt").vocabulary
    (tmp_path / "more.txt").write_text("one says no of no\n" * 100)
    own = pretraining_rows("more.txt", 16, letters)
    assert own.shape == (len(load_text("more.txt").train) // 16, 16)
    assert decode(own[0], letters) == "one says no of n"
    (tmp_path / "more.txt").write_text("one says no of xs\n" * 100)
    said = "has 'x', which the training text lacks; .* give --unknown replace"
    with pytest.raises(DataError, match=said):
        pretraining_rows("more.txt", 16, letters)
    known = letters + "\ufffd"
    with pytest.raises(DataError, match=said):
        pretraining_rows("more.txt", 16, known)
    own = pretraining_rows("more.txt", 16, known, "replace")
    assert decode(own[0], known) == "one says no of \ufffd"
    assert pretraining_rows("more.txt", 16, known, "replace", "", 1000).size == 800


def test_rows_for_pretraining_change_the_fingerprint_and_fill_a_block(tmp_path):
    data = text_rows("text.txt", 16)
    found = set()
    for text in ("one says no of no\n" * 100, "one says on of no\n" * 100):
        (tmp_path / "more.txt").write_text(text)
        again = fingerprinted(data, "more.txt")
        np.testing.assert_array_equal(again.train, data.train)
        found.add(again.sha256)
    assert len(found | {data.sha256}) == 3
    long = data._replace(train=np.zeros((1, 2000), int))
    with pytest.raises(DataError, match="pretrain: .* fewer than a block of 2000"):
        fingerprinted(long, "more.txt")


# Rare positions


def counted(train, rows):
    """The definition, position by position."""
    known = Counter(train[i : i + CONTEXT] for i in range(len(train) - CONTEXT + 1))
    seen = {
        (i, j): known[row[j - CONTEXT : j]]
        for i, row in enumerate(rows)
        for j in range(CONTEXT, len(row))
    }
    seen = {position: count for position, count in seen.items() if count}
    levels = sorted(set(seen.values())) or [0]
    upto = {k: sum(v <= k for v in seen.values()) for k in levels}
    highest = max([levels[0], *(k for k in levels if upto[k] <= SHARE * len(seen))])
    rare = np.zeros((len(rows), len(rows[0])), bool)
    for position, count in seen.items():
        rare[position] = count <= highest
    return rare


def found(train, rows):
    letters = "".join(sorted(set(train + "".join(rows))))
    tokens = np.stack([encode(row, letters) for row in rows])
    return rare_positions(encode(train, letters), tokens)


@given(train=texts, flat=st.text("abcd", min_size=8, max_size=80))
def test_rare_positions_are_those_of_a_plain_count(train, flat):
    rows = [flat[i : i + 8] for i in range(0, len(flat) // 8 * 8, 8)]
    for piece in (2**22, 3):  # at once, and some characters at a time
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(text_blocks, "_PIECE", piece)
            np.testing.assert_array_equal(found(train, rows), counted(train, rows))


def test_rare_positions_of_a_text_are_at_most_a_tenth():
    data = text_rows("text.txt", 16)
    rows = [decode(row, data.text.vocabulary) for row in data.test]
    rare = rare_positions(encode(data.text.train, data.text.vocabulary), data.test)
    np.testing.assert_array_equal(rare, counted(data.text.train, rows))
    inside = rare[:, CONTEXT:]
    assert not rare[:, :CONTEXT].any() and inside.any()


def test_contexts_of_one_count_go_together():
    """Of 30 positions 3 follow contexts that never occur and 2 such of once."""
    train, often = "abcdef" + "a" * 50, ["a" * 10] * 5
    rare = found(train, [*often, "abcdefffff"])
    assert np.argwhere(rare).tolist() == [[5, 5], [5, 6]]
    assert found(train, [*often, "a" * 10]).sum() == 30  # there is nothing rarer


def test_what_never_occurs_cannot_be_forgotten():
    assert not found("aaaaaaaa", ["bbbbbbbb", "bbbbbbbb"]).any()


def test_contexts_are_told_apart_in_large_vocabularies():
    """Two thousand letters, as of Chinese, have 2^55 contexts."""
    pick = np.random.default_rng(0)
    train = pick.integers(0, 2000, 4000).astype(np.int32)
    strange = train[7::-1][None]
    rare = rare_positions(train, np.concatenate([train.reshape(500, 8), strange]))
    assert rare[:500, CONTEXT:].all() and not rare[500].any()


# Spread rows


@given(num=st.integers(1, 300), most=st.integers(1, 300))
def test_rows_are_spread_over_all(num, most):
    rows = np.arange(num)
    found = evenly(rows, most)
    assert len(found) == min(num, most) and found[0] == 0
    gaps = np.diff([*found, num])
    assert gaps.min() >= 1 and gaps.max() - gaps.min() <= 1
