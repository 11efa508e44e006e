"""Characters as tokens: there and back, and nothing dropped in silence."""

from collections import Counter

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from collapse.data import vocabulary

BANANA = np.array([1, 0, 2, 0, 2, 0])


def test_a_word_by_hand():
    assert vocabulary.symbols("banana") == "abn"
    tokens = vocabulary.encode("banana", "abn")
    assert tokens.tolist() == BANANA.tolist() and tokens.dtype == np.int32
    assert vocabulary.decode(tokens, "abn") == "banana"


def test_symbols_are_in_the_order_of_their_code_points():
    assert vocabulary.symbols("z\u20ac\U0001f600A\né") == "\nAzé\u20ac\U0001f600"


def test_any_order_of_the_vocabulary_will_do():
    assert vocabulary.encode("banana", "nab").tolist() == [2, 1, 0, 1, 0, 1]
    assert vocabulary.decode(BANANA, "nab") == "anbnbn"


def test_no_text_has_no_tokens():
    assert vocabulary.encode("", "abc").shape == vocabulary.encode("", "").shape == (0,)
    assert vocabulary.decode(np.array([], np.int32), "abc") == vocabulary.symbols("")


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64"])
def test_any_integers_are_decoded(dtype):
    assert vocabulary.decode(BANANA.astype(dtype), "abn") == "banana"


@given(st.text())
def test_there_and_back(text):
    symbols = vocabulary.symbols(text)
    tokens = vocabulary.encode(text, symbols)
    assert vocabulary.decode(tokens, symbols) == text
    assert "".join(symbols[token] for token in tokens) == text


@given(st.text("ab\U0001f600"), st.integers(1, 4))
def test_a_large_text_is_looked_at_in_pieces(text, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vocabulary, "_PIECE", size)
        counts = vocabulary.counts(text)
        found = {chr(code): counts[code] for code in np.flatnonzero(counts)}
        assert found == Counter(text)
        assert vocabulary.symbols(text) == "".join(sorted(set(text)))
        tokens = vocabulary.encode(text, "ab\U0001f600")
        assert tokens.tolist() == ["ab\U0001f600".index(c) for c in text]
        with pytest.raises(ValueError, match=f"character {len(text)} of the text, 'c'"):
            vocabulary.encode(text + "c", "ab\U0001f600")


@given(st.lists(st.integers(0, 3)))
def test_back_and_there(tokens):
    text = vocabulary.decode(np.array(tokens, np.int32), "\n \U0001f600é")
    assert vocabulary.encode(text, "\n \U0001f600é").tolist() == tokens


@pytest.mark.parametrize("unknown", ["é", "A", "\U0001f600", "\0"])
def test_an_unknown_character_is_named(unknown):
    with pytest.raises(ValueError, match="character 3 of the text, .* is not in") as e:
        vocabulary.encode(f"ban{unknown}na", "abn")
    assert repr(unknown) in str(e.value)
    with pytest.raises(ValueError, match="is not in"):
        vocabulary.encode(unknown, "")


@pytest.mark.parametrize("token", [-1, 3])
def test_a_token_without_a_character_is_named(token):
    with pytest.raises(ValueError, match=f"token {token} is outside .* of 3 char"):
        vocabulary.decode(np.array([0, token, 1]), "abn")
