"""Grammars from files: what is read, and what is refused in one line."""

import numpy as np
import pytest
from grammar_cases import CHILDREN, NAMES, TOY, USES, Q

from collapse.data.errors import DataError
from collapse.data.grammar_notation import Word, parsed
from collapse.data.grammars import load_grammar


def load(folder, text, num_pairs=40):
    path = folder / "own.cfg"
    path.write_text(text)
    return load_grammar(str(path), num_pairs)


def test_a_grammar_is_read_as_arrays(tmp_path):
    found = load(tmp_path, TOY)
    assert found.names == NAMES and found.start == 0
    np.testing.assert_allclose(found.train, Q)
    np.testing.assert_array_equal(found.children, CHILDREN)
    np.testing.assert_allclose(found.uses, USES)
    assert "11 rules of 4 non-terminals, 3.4 in a sentence" in found.said
    assert found.right_sides[0][1] == ("X", Word("and"), "S")


def test_rules_may_be_lines_and_shares_be_left_out():
    lines = (
        "%start T\nA -> 'a b' # two words\nA -> 'c'\nT -> A \"'\" [0.25] \\\n| A [.75]"
    )
    found = parsed("own.cfg", lines)
    assert found.start == "T"
    assert found.rules["A"] == [((Word("a"), Word("b")), 0.5), ((Word("c"),), 0.5)]
    assert found.rules["T"] == [(("A", Word("'")), 0.25), (("A",), 0.75)]


def test_derivations_are_words_again(tmp_path):
    found = load(tmp_path, TOY)
    # S -> X and S, X -> b, S -> Y, Y -> y Z, Z -> w
    rules = np.array([1, 4, 2, 7, 11, 12, 12])
    assert found.sentence(rules) == "b and y w"
    assert found.sentence(rules[:3]) == "b and ..."


def test_pairs_have_all_their_derivations(tmp_path):
    pairs = load(tmp_path, TOY).pairs
    assert pairs.sentences[:2] == (("a x", "x a"), ("b x", "x b"))
    assert pairs.right[0] == (((0, 0), (1, 0), (2, 0)),)
    assert pairs.right[-1] == (((0, 2), (2, 1), (3, 2)),)
    assert not any(pairs.wrong) and len(pairs.names) == 6
    table = pairs.table(3, 12)
    np.testing.assert_array_equal(table[0], [[[0, 3, 6]], [[12, 12, 12]]])
    # X, or Z and the rule of y before it: all words of these differ
    assert pairs.telling[0] == ((1, 0), (2, 0))
    assert pairs.telling[-1] == ((2, 1), (3, 2))
    np.testing.assert_array_equal(pairs.telling_table(3, 12)[0], [3, 6])
    few = load(tmp_path, TOY, 2).pairs
    assert few.names == ("order", "order", "last", "last")
    assert set(few.sentences) < set(pairs.sentences)


def test_ambiguous_and_wrong_sentences_have_several_derivations(tmp_path):
    text = "S -> S S [0.3] | 'a' [0.6] | 'b' [0.1]\n%pair more: a a a / b a a"
    pairs = load(tmp_path, text).pairs
    assert [len(one) for one in (*pairs.right, *pairs.wrong)] == [2, 2]
    assert sorted(pairs.right[0][0]) == [(0, 0), (0, 0), *[(0, 1)] * 3]


def test_rules_that_tell_are_those_of_the_words_that_differ(tmp_path):
    text = "S -> 'a' B 'c' | B 'c' 'c'\nB -> 'b' | 'd' 'e'\n"
    text += "%pair one: a b c / a f c\n%pair two: a d e c / a d d e c\n"
    text += "%pair three: a b c / b b c"
    telling = load(tmp_path, text).pairs.telling
    # the second sentence lacks a word alone, so that all of its rules tell
    assert telling == (((1, 0),), ((0, 0), (1, 1)), ((0, 0),))


def test_the_shipped_grammar_agrees_in_number():
    found = load_grammar("english", 40)
    np.testing.assert_allclose(found.train.sum(1), 1)
    assert len(found.pairs.names) > 300 and len(set(found.pairs.names)) == 7
    assert all(len(one) == 1 for one in found.pairs.right)
    number = {name: k for k, name in enumerate(found.names)}
    telling = dict(zip(found.pairs.sentences, found.pairs.telling, strict=True))
    assert telling["the dog sleeps", "the dog sleep"] == ((number["VI_sg"], 0),)
    rare = telling["never does the dog sleep", "never do the dog sleep"]
    assert rare == ((number["S_sg"], 2),)
    assert not any(found.pairs.wrong)  # no wrong sentence can be generated


BAD = {
    "S -> 'a' [0.5] | 'b' [0.6]": "own.cfg: S: its shares sum to 1.1; make them sum",
    "S -> 'a' [0.5] | 'b'": "S: some alternatives have no share; give all, or none",
    "S -> 'a' [x] | 'b' [1]": "line 1: share [x]; give a number above 0, at most 1",
    "S -> 'a' [0] | 'b' [1]": "line 1: share [0]; give a number",
    "S -> A 'b' | 'c'": "S: A has no rule; give it one, or put it in quotes",
    "S -> Bb\nBB -> 'b' | 'c'": "S: Bb has no rule; did you mean BB?",
    "S -> 'a' | 'b'\nT -> 'c'": "T is in no sentence that begins with S; remove it",
    "S -> 'a' | S S": "sentences never end on average, by rules of S; make",
    "S -> 'a' |\n": "line 1: an alternative is empty; give it a symbol",
    "S -> '' | 'a'": "line 1: a word is empty; write it between quotes",
    "S -> 'a' [0.5] 'b' | 'c'": "line 1: a share ends an alternative; put | after it",
    "S 'a'": "line 1: is no rule; write it as S -> NP VP",
    "\nS -> 'a | 'b'": "line 2: cannot read",
    "S -> 'a' | 'a'": "S: has the alternative 'a' twice; write it once",
    "# none": "has no rule; write one a line",
    "%begin S\nS -> 'a' | 'b'": "line 1: unknown %begin; known: %start, %pair",
    "%start T\nS -> 'a' | 'b'": "%start T: has no rule",
    "S -> 'a'": "no symbol has alternatives; give one with |",
    "S -> 'a' | 'b'\n%pair one: a b": "line 2: is no pair; write %pair NAME:",
    "S -> 'a' | 'b'\n%pair one: a a / b": "line 2: the grammar has no sentence 'a a'",
    "S -> 'a' | 'b'\n%pair one: a / a": "line 2: 'a' is both right and wrong",
    "S -> 'a' | 'b'\n%pair one: S / a": "line 2: give both sentences as many",
    "S -> T | T 'a'\nT -> 'b'\n%pair x: S / S": "line 3: S is more than words",
    "S -> S | 'a' [.9]\n": "S: some alternatives have no share",
    "S -> S [.1] | 'a' [.9]\n%pair x: a / b": "line 2: a symbol of the grammar leads",
}


@pytest.mark.parametrize("text", BAD)
def test_bad_grammars_are_refused_in_one_line(tmp_path, text):
    with pytest.raises(DataError) as caught:
        load(tmp_path, text)
    assert BAD[text] in str(caught.value) and "\n" not in str(caught.value)


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="no such file; give a grammar as a file, or"):
        load_grammar(str(tmp_path / "no.cfg"), 1)
    with pytest.raises(DataError, match="no such file"):
        load_grammar(str(tmp_path), 1)
    (tmp_path / "bytes.cfg").write_bytes(b"S -> '\xff'")
    with pytest.raises(DataError, match=r"bytes\.cfg"):
        load_grammar(str(tmp_path / "bytes.cfg"), 1)
