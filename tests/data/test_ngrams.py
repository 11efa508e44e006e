"""N-grams of a text: a ring of contexts, their draws, and texts that have none."""

from collections import Counter

import numpy as np
import pytest

from collapse.data.errors import DataError
from collapse.data.ngrams import UNKNOWN_WORD, allotted, draws_of, load_ngrams

LINE = "the cat saw a dog and the dog saw the cat\n"


def parts(folder, train=LINE * 40, test=LINE * 5):
    for name, text in (("train", train), ("validation", LINE * 5), ("test", test)):
        (folder / f"{name}.txt").write_text(text)
    return str(folder)


@pytest.mark.parametrize("order", [2, 3])
@pytest.mark.parametrize("every", [False, True])
def test_counts_are_those_of_the_text_as_a_ring(tmp_path, order, every):
    found = load_ngrams(parts(tmp_path), order, "characters", 0, every)
    text = LINE * 40
    ring = text + text[: order - 1]
    counts = Counter(ring[k : k + order] for k in range(len(text)))
    assert found.train.sum() == len(text)
    np.testing.assert_array_equal(
        np.sort(found.train[found.train > 0]), sorted(counts.values())
    )
    size = len(set(text))
    assert len(found.train) == size ** (order - 1) if every else len(found.train) < 99
    # as many n-grams lead to a context as follow it
    into = np.zeros(len(found.train))
    np.add.at(into, found.leads.ravel(), found.train.ravel())
    np.testing.assert_array_equal(into, found.train.sum(1))


def test_the_rest_of_the_words_is_one_unknown_word(tmp_path):
    strange = LINE.replace("dog", "cow") * 5
    found = load_ngrams(parts(tmp_path, test=strange), 2, "words", 3)
    assert found.words == ("the", "cat", "dog", UNKNOWN_WORD)
    assert found.train.sum() == 40 * 11
    assert found.held_counts.sum() == 5 * 11 - 1
    unknown = found.held_out[:, 1] == 3
    assert found.held_counts[unknown].sum() == 5 * 6  # cow is unknown, too


def test_characters_that_the_training_part_lacks_are_one_unknown_token(tmp_path):
    found = load_ngrams(parts(tmp_path, test="xyz" + LINE * 5), 3, "characters", 0)
    assert found.words[-1] == "\ufffd" and not found.train[:, -1].any()
    assert "(3 distinct) are unknown" in found.said
    unknown = found.held_out[:, 0] == len(found.train)  # no such context
    assert found.held_counts[unknown].sum() == 3
    plain = load_ngrams(parts(tmp_path), 3, "characters", 0)
    assert "\ufffd" not in plain.words


def test_draws_of_contexts_are_in_proportion_and_begin_alike():
    shares = np.array([0.5, 0.3, 0.15, 0.05])
    np.testing.assert_array_equal(draws_of(shares, 20), [10, 6, 3, 1])
    np.testing.assert_array_equal(allotted(shares, 20)[:7], allotted(shares, 7))
    many = np.append(0.2, np.full(1000, 0.8 / 1000))  # most have no draw
    draws = draws_of(many, 50)
    assert draws.sum() == 50 and draws[0] == 50


@pytest.mark.parametrize(
    ("train", "order", "tokens", "said"),
    [
        ("again " * 400, 2, "words", "fewer than two distinct words; give"),
        ("so " + " " * 1500, 3, "words", "has 1 words, fewer than the order 3"),
        ("short", 2, "characters", "5 characters are too few; give at least 1000"),
    ],
)
def test_texts_without_ngrams_are_refused(tmp_path, train, order, tokens, said):
    with pytest.raises(DataError, match=said):
        load_ngrams(parts(tmp_path, train=train), order, tokens, 200)


def test_too_many_cells_are_refused():
    with pytest.raises(DataError, match="cells; give a smaller --vocabulary-size"):
        load_ngrams("shakespeare", 3, "words", 2000)
