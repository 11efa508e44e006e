"""The world of sentences: what the grammar allows, its rules, and minimal pairs."""

import collections
import re
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collapse.data.errors import DataError
from collapse.data.worlds.grammar import grammar, pairs
from collapse.data.worlds.grammar.lexicon import FORMS, LEXICON, NOUNS, REFLEXIVES
from collapse.data.worlds.grammar.parser import read_words
from collapse.data.worlds.rows import parted

WORLD = grammar(largest=3)


@pytest.mark.parametrize(
    ("sentence", "fault"),
    [
        ("the dog|barks.", ""),
        ("the dog|bark.", "agreement"),
        ("the dog near the cats|barks.", ""),
        ("the dog near the cats|bark.", "agreement"),
        ("the dog near the cats|that bark sleeps.", "word"),  # only after the noun
        ("the dog|near the cats barks.", ""),
        ("the dog|that sees the cats barks.", ""),
        ("the dog|that see the cats barks.", "agreement"),
        ("the dog that the cats|see barks.", ""),
        ("the dog that the cats|sees barks.", "agreement"),
        ("the dog that the cats|see bark.", "agreement"),
        ("the dog that the cats|see.", "incomplete"),
        ("the dog that the cats|sleep barks.", "word"),  # has no object
        ("the dog that the cats|that the boy likes see barks.", ""),
        ("the dog that the cats|ever see barks.", "word"),
        ("the girl|sees the boy.", ""),
        ("the girl|sees the boy near the dogs and sings.", ""),
        ("the girl|sees the boy near the dogs and sing.", "agreement"),
        ("the girl|sees herself.", "word"),
        ("the girl|hurts herself.", ""),
        ("the girl hurts|herself.", ""),
        ("the girl hurts|himself.", "anaphora"),
        ("the girl near the boys hurts|themselves.", "anaphora"),
        ("the girls near the boy hurt|themselves.", ""),
        ("the girl hurts|the boy.", "word"),
        ("no boy|ever sings.", ""),
        ("the boy|ever sings.", "licensing"),
        ("the boy near no girl|ever sings.", "licensing"),
        ("no boy near the girl|ever sings.", ""),
        ("no boy ever|ever sings.", "word"),
        ("no boy agrees|either.", ""),
        ("no boy agrees|too.", "licensing"),
        ("the boy agrees|too.", ""),
        ("the boy agrees|either.", "licensing"),
        ("the boy|agrees.", "incomplete"),
        ("the boy|sings too.", ""),
        ("the boy|sings too too.", "word"),
        ("the boy|sings either and sing.", "licensing"),  # the first one
        ("the boy|sing too and hurts itself.", "agreement"),
        ("the boy|sing boy.", "word"),  # not a sentence, whatever it breaks
        ("the boy|.", "incomplete"),
        ("the boy|", "form"),
        ("the boy|sings", "form"),
        ("the boy|sings..", "form"),
        ("the boy|sings .", "form"),
        ("the boy| sings.", "form"),
        ("the boy|Sings.", "form"),
        ("the boy|walks.", "form"),
        ("the boy|sings.\n", "form"),
    ],
)
def test_what_is_wrong_with_a_sentence(sentence, fault):
    verdict = WORLD.verify(*parted_at(sentence))
    assert verdict == (fault, fault not in ("form", "word", "incomplete"))


def parted_at(sentence):
    before, mark, after = sentence.partition("|")
    return before + mark, after


@pytest.mark.parametrize(
    ("prompt", "skill"),
    [
        ("the dog|", "agreement 0"),
        ("the dog near the cats|", "agreement 1"),
        ("the dog that sees the cats near the boy|", "agreement 2"),
        ("the dog that the cats|", "agreement 0"),
        ("the dog that the cats see|", "agreement 1"),
        ("the dog that the cats that the boys like|", "agreement 1"),
        ("the dog that the cats that the boys like see|", "agreement 2"),
        ("no dog near the cats ever|", "agreement 1"),
        ("the dog sees the cats and|", "agreement 1"),
        ("the dog near the cat hurts|", "anaphora"),
        ("no dog near the cat agrees|", "licensing"),
        ("the dog by the dog by the dog by the dog by the dog|", ""),  # too far
        ("the dog near|", ""),
        ("the dog barks|", ""),
        ("the dog hurt|", ""),
        ("the boy ever|", ""),
        ("the dog", ""),
        ("dog|", ""),
        ("|", ""),
        ("", ""),
    ],
)
def test_the_skill_is_read_from_the_prompt(prompt, skill):
    assert WORLD.skill_of(prompt) == skill
    if not skill:
        assert WORLD.verify(prompt, "barks.") == ("form", False)


def any_of(words):
    return f"(?:{'|'.join(words)})"


def other_grammar(depth=3):
    """The language once more, as one regular expression for so many nested clauses."""
    kinds = {
        (kind, plural): any_of(forms[plural] for forms in FORMS[kind])
        for kind in FORMS
        for plural in (0, 1)
    }
    nouns = any_of(word for own in NOUNS for word in own[:2])
    phrase = f"(?:the|no) {nouns}"

    def modified(noun, plural, depth):
        alone, has_object = kinds["alone", plural], kinds["object", plural]
        inside = [alone, f"{has_object} {phrase}"]
        if depth:
            for other in (0, 1):
                every = any_of(own[other] for own in NOUNS)
                clause = modified(f"(?:the|no) {every}", other, depth - 1)
                inside.append(f"{clause} {kinds['object', other]}")
        return f"{noun}(?: that (?:{'|'.join(inside)}))?(?: (?:near|by|with) {phrase})*"

    found = []
    for det, polar in (("the", "too"), ("no", "either")):
        for plural, gender in ((0, "m"), (0, "f"), (0, "n"), (1, "")):
            own = [n[plural] for n in NOUNS if plural or n[2] == gender]
            subject = modified(f"{det} (?:{'|'.join(own)})", plural, depth)
            need = {
                "alone": "",
                "object": f" {phrase}(?: (?:near|by|with) {phrase})*",
                "self": f" {REFLEXIVES[gender]}",
            }
            verbs = [
                f"{kinds[kind, plural]}{x}(?: (?:near|by|with) {phrase})*(?: {polar})?"
                for kind, x in need.items()
            ]
            verbs = any_of([*verbs, f"{kinds['also', plural]} {polar}"])
            ever = "(?: ever)?" * (det == "no")
            found.append(f"{subject}{ever} {verbs}(?: and {verbs})*")
    return re.compile("|".join(found))


def test_the_parser_agrees_with_the_grammar_written_once_more():
    other, generator = other_grammar(), np.random.default_rng(4)
    words, counts = list(LEXICON), collections.Counter()
    for d in WORLD.make(generator, 3000):
        text = (d.prompt + d.response)[:-1].replace("|", " ")
        own = text.split(" ")
        for _ in range(2):  # with a word exchanged, left out or put in
            k, change = generator.integers(len(own)), generator.integers(3)
            near = [[words[generator.integers(len(words))]], [], [own[k], "ever"]]
            sentence = [*own[:k], *near[change], *own[k + 1 :]]
            reading, broken = read_words(sentence)
            right = not broken and reading.complete
            assert right == bool(other.fullmatch(" ".join(sentence))), sentence
            counts[right] += 1
        assert other.fullmatch(text), text
    assert counts[True] > 300 and counts[False] > 3000


@given(st.lists(st.sampled_from([*LEXICON, "the", "that"]), max_size=30))
def test_any_words_are_read(words):
    reading, broken = read_words(words)
    assert broken in {"", "word", "agreement", "anaphora", "licensing"}
    assert reading.skill == "" or not reading.complete
    verdict = WORLD.verify("the dog near the cats|", " ".join(words) + ".")
    reading, broken = read_words(["the", "dog", "near", "the", "cats", *words])
    assert verdict.correct == (not broken and reading.complete)
    assert verdict.fault != "form"


@pytest.mark.parametrize(
    "text",
    [
        "the dog that " * 4000 + "the dog|",
        "near the dog " * 10**6,
        "a" * 10**7,
        "|" * 10**6,
        "." * 10**6,
        "\ud800\x00 " * 10**6,
        "the dog that " * 35 + "the dog|",
    ],
)
def test_hostile_text_takes_no_time(text):
    start = time.process_time()
    for prompt in ("the dog|", text):
        assert not WORLD.verify(prompt, text).correct
        assert not WORLD.verify(text, "barks.").correct
    assert WORLD.skill_of(text) in ("", "agreement 0")
    assert time.process_time() - start < 2


@pytest.mark.parametrize("largest", [0, 2, 4])
def test_minimal_pairs_differ_in_one_word_and_one_rule(largest):
    world = grammar(largest=largest)
    made = pairs(np.random.default_rng(2), 1400, largest)
    assert made == pairs(np.random.default_rng(2), 1400, largest)
    counts = collections.Counter(rule for _, _, rule in made)
    assert {*counts} == {*world.skills, "licensing ever"}
    assert max(counts.values()) - min(counts.values()) <= 1
    for right, wrong, rule in made:
        assert world.verify(*parted(right, "|")).correct
        verdict = world.verify(*parted(wrong, "|"))
        assert verdict == (rule.split(" ")[0], True), (wrong, rule)
        one, other = (re.split(r"[ |]", text) for text in (right, wrong))
        assert len(one) == len(other)
        assert sum(x != y for x, y in zip(one, other, strict=True)) == 1
        asked = world.skill_of(parted(right, "|")[0])
        if asked == rule and rule.startswith("agreement"):  # the verb that is asked for
            place = next(
                k for k, (x, y) in enumerate(zip(one, other, strict=True)) if x != y
            )
            start = len(re.split(r"[ |]", parted(right, "|")[0])) - 1
            assert place == start + (one[start] == "ever")
        if rule == "licensing ever":
            assert right.startswith("no ") and "|ever " in right
        else:
            assert asked == rule and parted(wrong, "|")[0] == parted(right, "|")[0]


def test_words_follow_the_law():
    made = WORLD.make(np.random.default_rng(1), 4000)
    counts = collections.Counter(w for d in made for w in re.findall("[a-z]+", d[0]))
    ranked = [counts[one] + counts[several] for one, several, _ in NOUNS]
    assert ranked[0] > 8 * ranked[-1] > 0
    flat = grammar(largest=3, exponent=0).make(np.random.default_rng(1), 4000)
    counts = collections.Counter(w for d in flat for w in re.findall("[a-z]+", d[0]))
    ranked = [counts[one] + counts[several] for one, several, _ in NOUNS]
    assert max(ranked) < 1.5 * min(ranked)


@pytest.mark.parametrize("largest", range(7))
def test_the_longest_is_hardly_longer_than_needed(largest):
    world = grammar(largest=largest, exponent=0)
    made = world.make(np.random.default_rng(1), 4000)
    longest = max(len(d.prompt + d.response) + 1 for d in made)
    assert 0.7 * world.longest < longest <= world.longest


def test_kinds_of_words_do_not_overlap():
    words = [w for own in NOUNS for w in own[:2]]
    words += [w for forms in FORMS.values() for both in forms for w in both]
    assert len(set(words)) == len(words)
    assert len(LEXICON) == len(words) + len(REFLEXIVES) + 3 + 7


@pytest.mark.parametrize("largest", [-1, 7])
def test_a_number_of_nouns_that_cannot_be_had_is_refused(largest):
    with pytest.raises(DataError, match=f"^largest: {largest}; "):
        grammar(largest=largest)
