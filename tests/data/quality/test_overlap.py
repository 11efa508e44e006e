"""Overlap of a benchmark with a corpus: exact shares of n-grams."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collapse.data.errors import DataError
from collapse.data.quality.overlap import overlap
from collapse.data.worlds import WORLDS
from collapse.data.worlds.planted import Defects, planted

TEXTS = st.lists(st.text("abc", min_size=1, max_size=12), min_size=1, max_size=8)


@given(TEXTS, TEXTS, st.integers(1, 4))
def test_it_is_the_share_of_ngrams_that_sets_have_in_common(benchmark, corpus, order):
    def grams_of(text):
        return [text[i : i + order] for i in range(len(text) - order + 1)]

    known = {gram for text in corpus for gram in grams_of(text)}
    found = overlap(benchmark, corpus, order)
    for text, share in zip(benchmark, found, strict=True):
        own = grams_of(text)
        expected = np.mean([gram in known for gram in own]) if own else np.nan
        np.testing.assert_allclose(share, expected)


def test_a_changed_character_takes_its_ngrams_away():
    text = "".join(chr(200 + k) for k in range(40))  # no n-gram twice
    for k in range(40):
        other = f"{text[:k]}!{text[k + 1 :]}"
        lost = min(k + 1, 8, 40 - k)
        assert overlap([text], [other], 8)[0] == pytest.approx(1 - lost / 33)


def test_leaked_documents_are_found_and_paraphrases_are_not():
    world = WORLDS["tools"]()
    generator = np.random.default_rng(0)
    benchmark = world.make(generator, 60)
    texts = [d.prompt + d.response for d in benchmark]
    corpus = planted(world, generator, 300, Defects(contamination=0.1), benchmark[:30])
    found = overlap(texts, [d.prompt + d.response for d in corpus])
    assert (found[:30] == 1).all()  # each of them once
    held_out = world.make(generator, 60)
    unseen = overlap([d.prompt + d.response for d in held_out], texts[:30])
    assert np.mean(unseen == 1) < 0.5  # templates repeat, whole documents rarely


def test_what_is_no_list_is_refused():
    with pytest.raises(DataError, match="texts"):
        overlap("text", ["text"])
    with pytest.raises(DataError, match="order"):
        overlap(["text"], ["text"], 0)
