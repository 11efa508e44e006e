"""Minimal pairs of sentences, to be scored by how likely a model finds each."""

import numpy as np

from collapse.data.worlds.grammar.make import Writer
from collapse.data.worlds.grammar.parser import read_words
from collapse.data.worlds.grammar.sentences import SEPARATOR, sentences, skill_shares
from collapse.data.worlds.grammar.spoil import changed
from collapse.data.worlds.world import Contest, Document

EVER = "licensing ever"
_CONTESTS = 500  # pairs that a model is measured on


def contests(
    largest: int, exponent: float, generator: np.random.Generator
) -> list[Contest]:
    """Minimal pairs as contests between a right and a wrong response."""
    found = pairs(generator, _CONTESTS, largest, exponent)
    return [Contest((_parted(right), _parted(wrong)), 0) for right, wrong, _ in found]


def _parted(sentence: str) -> tuple[str, str]:
    """The prompt, with its separator, and the response."""
    prompt, mark, response = sentence.partition(SEPARATOR)
    return prompt + mark, response


def pairs(
    generator: np.random.Generator,
    num: int,
    largest: int = 2,
    exponent: float = 1.0,
) -> list[tuple[str, str, str]]:
    """Pairs of a right and a wrong sentence that differ in one word, and their rules.

    Sentences are documents of the world of the same settings, without the end. They
    differ after the separator, except for `licensing ever`: `no boy|ever sings.` and
    `the boy|ever sings.`. There compare how likely the part after the separator is, as
    `no` and `the` are not equally frequent.

    A rule is the skill that is tested, or `licensing ever`. Its first word is the fault
    of the wrong sentence. Each rule has as many pairs, up to one.

    Args:
      generator: of random numbers.
      num: pairs.
      largest: as that of the world.
      exponent: as that of the world.
    """
    rules = [*skill_shares(largest, exponent), EVER]
    drawn = [rules[k % len(rules)] for k in range(num)]
    asked = [rule for rule in drawn if rule != EVER]
    others = iter(sentences(asked, largest, exponent, generator))
    found = list[tuple[str, str, str]]()
    for rule in drawn:
        if rule == EVER:
            distractors = int(generator.integers(largest + 1))
            prompt, response = Writer(exponent, generator).licensed(distractors)
            right = f"{prompt}{SEPARATOR}{response}."
            found.append((right, f"the{right.removeprefix('no')}", rule))
            continue
        document = next(others)
        wrong = _wrong(generator, document, rule.split(" ")[0])
        found.append((document.prompt + document.response, wrong, rule))
    return found


def _wrong(generator: np.random.Generator, document: Document, rule: str) -> str:
    """The sentence with another word where the prompt asks for the rule."""
    prompt, response, _ = document
    words = response[:-1].split(" ")
    reading, _ = read_words(prompt[:-1].split(" "))
    every = changed(reading, words, rule)
    first = next(k for k, word in enumerate(words) if every[0][k] != word)
    every = [other for other in every if other[first] != words[first]]
    return f"{prompt}{' '.join(every[generator.integers(len(every))])}."
