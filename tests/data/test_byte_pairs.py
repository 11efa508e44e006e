"""Byte-pair tokens: there and back, always the same, and nothing dropped in silence."""

import builtins
import os
import subprocess
import sys

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from collapse.data import byte_pairs
from collapse.data.byte_pairs import BytePairs, learned, lengths_of, tokens_of
from collapse.data.errors import DataError
from collapse.data.text.blocks import (
    fingerprinted,
    pretraining_rows,
    rare_tokens,
    text_rows,
)
from collapse.data.text.split import load_text
from collapse.data.vocabulary import decode, encode

LETTERS = "\t\n '0bé\u0301aszΩ\U0001f600"
LEARNED = "as ab aab 'sb zaz asé\u0301 zaz as\n\n  as ab zaz'as ab 00b\n" * 5


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = [f"line {i} of {i * i} says no\n" for i in range(200)]
    (tmp_path / "text.txt").write_text("".join(lines))


@pytest.fixture(scope="module")
def some():
    return learned(LEARNED, "".join(sorted(LETTERS)), 24)


def test_the_most_frequent_pair_is_joined_first():
    """By hand: `ab` four times, then ` ab` three times, which is a word with its space.

    The last pair, `b` and the end of a line, is never joined.
    """
    found = learned("ab ab ab ab\n" * 2, "\n ab", 6)
    assert found == BytePairs(("\n", " ", "a", "b", "ab", " ab"), found.merges)
    assert found.merges == (("a", "b"), (" ", "ab"))
    assert tokens_of("ab ab\nba", found).tolist() == [4, 5, 0, 3, 2]
    assert lengths_of(np.array([[4, 5, 0]]), found.strings).tolist() == [[2, 3, 1]]


@given(st.text(LETTERS))
def test_there_and_back(some, text):
    for pairs in (some, BytePairs(tuple(LETTERS), ())):
        tokens = tokens_of(text, pairs)
        assert decode(tokens, pairs.strings) == text and tokens.dtype == np.int32
        assert lengths_of(tokens, pairs.strings).sum() == len(text)
    # without pairs each character is a token
    assert tokens.tolist() == encode(text, LETTERS).tolist()


@given(st.lists(st.integers(0, 23)))
def test_all_tokens_can_be_read(some, tokens):
    """A model may generate any, also such as no text would be encoded with."""
    text = decode(np.array(tokens, np.int32), some.strings)
    assert text == "".join(some.strings[token] for token in tokens)
    assert decode(tokens_of(text, some), some.strings) == text


@given(st.text("ab \n\t", max_size=40), st.integers(1, 4))
def test_a_large_text_is_handed_over_in_pieces(some, text, size):
    with pytest.MonkeyPatch.context() as patch:
        whole = tokens_of(text, some)
        patch.setattr(byte_pairs, "_PIECE", size)
        np.testing.assert_array_equal(tokens_of(text, some), whole)


def test_learning_is_the_same_in_every_process(some):
    """Though pairs of equal count abound, and hashes are drawn in every process."""
    code = (
        "from collapse.data.byte_pairs import learned\n"
        f"print(learned({LEARNED!r}, {''.join(sorted(LETTERS))!r}, 24))"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "3"}
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == f"{some}\n"
    learned.cache_clear()
    assert learned(LEARNED, "".join(sorted(LETTERS)), 24) == some
    assert "TOKENIZERS_PARALLELISM" not in os.environ


def test_no_pair_crosses_two_words_or_lines(some):
    spaced = learned("a\t\n\n\tab\n" * 9, "\t\nab", 6)
    assert "\n\n" in spaced.strings
    for string in (*some.strings, *spaced.strings):
        assert not string[1:].count(" ") and (
            "\n" not in string or set(string) == {"\n"}
        )


def test_tokens_are_numbered_as_they_were_learned(some):
    joined = dict.fromkeys(a + b for a, b in some.merges)
    assert some.strings == (*sorted(LETTERS), *joined)


@pytest.mark.parametrize("text", ["asx", "x" * 70_000 + "\na"])
def test_an_unknown_character_is_named(some, text):
    with pytest.raises(ValueError, match="of the text, 'x', is not in"):
        tokens_of(text, some)


@pytest.mark.parametrize("token", [-1, 24])
def test_a_token_without_a_string_is_named(some, token):
    with pytest.raises(ValueError, match=f"token {token} is outside .* of 24 tokens"):
        decode(np.array([0, token]), some.strings)


def test_vocabularies_that_a_text_does_not_have_are_refused_with_the_fix():
    with pytest.raises(DataError, match="has 5 distinct .* number from 6 to 65535"):
        learned("ab cd", " abcd", 5, "t")
    with pytest.raises(DataError, match="number from 6 to 65535"):
        learned("ab cd", " abcd", 65536, "t")
    with pytest.raises(DataError, match="of t has 5 byte-.* use --tokens characters"):
        learned("ab cd", " abcd", 6, "t")
    with pytest.raises(DataError, match="has 6 byte-pair tokens.* give at most 6,"):
        learned("ab cd ab", " abcd", 99, "t")


def test_without_the_library_it_is_said_what_to_install(monkeypatch):
    real = builtins.__import__

    def absent(name, *args, **kwargs):
        if name == "tokenizers":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(DataError, match=r"pip install 'model-collapse-lab\[tokens\]'"):
        text_rows("text.txt", 16, size=60)
    text_rows("text.txt", 16)


# Blocks of a text


def test_blocks_of_byte_pairs_are_consecutive_and_longer_in_characters():
    plain, more, most = (text_rows("text.txt", 16, size=size) for size in (0, 40, 60))
    text = load_text("text.txt")
    for part in ("train", "validation", "test"):
        for data in (more, most):
            joined = decode(getattr(data, part).ravel(), data.vocabulary)
            assert getattr(text, part).startswith(joined) and len(joined) > 300
    means = [data.lengths(data.train).mean() for data in (plain, more, most)]
    assert means[0] == 1 and 1.2 < means[1] < means[2]
    tokens = f"60 byte-pair tokens, of {means[2]:.2f} characters on average"
    assert most.said == f"{plain.said}; {tokens} in the training part"
    assert len(most.vocabulary) == 60 and most.text == plain.text
    assert len({data.sha256 for data in (plain, more, most)}) == 3
    with pytest.raises(DataError, match="part has .* byte-pair tokens, fewer than a b"):
        text_rows("text.txt", 400, size=60)


def test_byte_pairs_are_learned_from_the_training_part_alone(tmp_path):
    before = text_rows("text.txt", 16, size=60)
    text = (tmp_path / "text.txt").read_text()
    half = len(text) * 85 // 100
    (tmp_path / "text.txt").write_text(
        text[:half] + text[half:].replace("says", "yass")
    )
    after = text_rows("text.txt", 16, size=60)
    assert after.text.test != before.text.test and after.pairs == before.pairs


def test_an_unknown_token_is_never_joined(tmp_path):
    text = (tmp_path / "text.txt").read_text()
    (tmp_path / "text.txt").write_text(text + "no Ω" * 20)
    rows = text_rows("text.txt", 10, "replace", size=60)
    (token,) = [k for k, s in enumerate(rows.vocabulary) if "\ufffd" in s]
    assert rows.vocabulary[token] == "\ufffd" and (rows.test == token).any()
    assert not (rows.train == token).any()


def test_text_for_pretraining_has_the_same_byte_pairs(tmp_path):
    data = text_rows("text.txt", 16, size=60)
    (tmp_path / "more.txt").write_text("line one says no of no\n" * 100)
    own = pretraining_rows("more.txt", 16, data.text.vocabulary, pairs=data.pairs)
    assert decode(own[0], data.vocabulary).startswith("line one says no of no\n")
    assert fingerprinted(data, "more.txt").sha256 != data.sha256
    long = data._replace(train=np.zeros((1, 1500), int))  # and 1840 characters
    with pytest.raises(DataError, match="pretrain: more.txt has .* byte-pair tokens"):
        fingerprinted(long, "more.txt")


@given(
    sizes=st.lists(st.integers(1, 3), min_size=16, max_size=16),
    flat=st.text("ab", min_size=48, max_size=48),
    train=st.text("ab", min_size=6, max_size=60),
)
def test_rare_tokens_are_those_of_a_plain_count(sizes, flat, train):
    """The rarest of those that follow five characters of their row."""
    text, counts = flat[: sum(sizes)], {}
    for row in (0, 1):
        begin = sum(sizes[: 8 * row])
        for k in range(8):
            start = sum(sizes[: 8 * row + k])
            if start - begin >= 5:
                own = text[start - 5 : start]
                known = [train[i : i + 5] == own for i in range(len(train) - 4)]
                counts[row, k] = sum(known)
    counts = {place: count for place, count in counts.items() if count}
    lengths = np.array(sizes).reshape(2, 8)
    found = rare_tokens(encode(train, "ab"), encode(text, "ab"), lengths)
    chosen = {place: counts[place] for place in map(tuple, np.argwhere(found).tolist())}
    left = [count for place, count in counts.items() if place not in chosen]
    assert bool(chosen) == bool(counts)
    assert max(chosen.values(), default=0) < min(left, default=99)
    # there are at most sixteen, of which a tenth is one, and all of the lowest count
    least = [count for count in counts.values() if count == min(counts.values())]
    assert len(chosen) == len(least)


def test_characters_of_rows_are_those_of_their_text():
    data = text_rows("text.txt", 16, size=60)
    joined = decode(data.test.ravel(), data.vocabulary)
    assert decode(data.characters(data.test), data.text.vocabulary) == joined
    letters = data.text.vocabulary
    groups = byte_pairs.rows_of_characters(data.test, data.vocabulary, letters)
    texts = sorted(decode(row, letters) for group in groups for row in group)
    assert texts == sorted(decode(row, data.vocabulary) for row in data.test)
    assert len(groups) > 1 and len({group.shape[1] for group in groups}) == len(groups)
    plain = text_rows("text.txt", 16)
    (same,) = byte_pairs.rows_of_characters(plain.test, letters, letters)
    np.testing.assert_array_equal(same, plain.test)
