"""Planted faults: completions that break a rule of the grammar."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from collapse.data.worlds.grammar.lexicon import FORMS, LEXICON, REFLEXIVES, VERBS
from collapse.data.worlds.grammar.parser import Reading, read_words, step
from collapse.data.worlds.world import Document, Verdict

_OTHER_NUMBER: Mapping[str, str] = {
    word: other
    for forms in FORMS.values()
    for one, several in forms
    for word, other in ((one, several), (several, one))
}
_OTHER_POLARITY = {"too": "either", "either": "too"}


def spoil(
    verify: Callable[[str, str], Verdict],
    faults: Mapping[str, bool],
    generator: np.random.Generator,
    document: Document,
    fault: str,
) -> Document:
    """The document with a fault.

    Raises:
      ValueError: for a fault that is not one of this world.
    """
    prompt, response, truth = document
    if fault not in faults or not verify(prompt, response).correct:
        raise ValueError(f"fault {fault!r} cannot be planted in {prompt!r}")
    words, asked = response[:-1].split(" "), prompt[:-1].split(" ")
    if fault == "form":
        response = _without_form(generator, words)
    else:
        reading, _ = read_words(asked)
        response = " ".join(_spoiled(generator, reading, words, fault)) + "."
    return Document(prompt, response, {**truth, "fault": fault})


def _without_form(generator: np.random.Generator, words: list[str]) -> str:
    """The words without the end, or with a word that is none."""
    if generator.random() < 0.5:
        return " ".join(words)
    k = _place(generator, len(words))
    return " ".join([*words[:k], words[k] + words[k][-2:], *words[k + 1 :]]) + "."


def _spoiled(
    generator: np.random.Generator, reading: Reading, words: list[str], fault: str
) -> list[str]:
    """Words that have a form, but this fault."""
    k = _place(generator, len(words))
    if fault == "word":
        before, _ = read_words(words[:k], reading)
        other = [word for word in LEXICON if step(before, word)[1] == "word"]
        return [*words[:k], other[_place(generator, len(other))], *words[k + 1 :]]
    if fault == "incomplete":
        ends = [j for j in range(len(words)) if not _is_complete(words[:j], reading)]
        return words[: ends[_place(generator, len(ends))]]
    found = changed(reading, words, fault)
    return found[_place(generator, len(found))]


def _is_complete(words: list[str], reading: Reading) -> bool:
    return read_words(words, reading)[0].complete


def changed(reading: Reading, words: list[str], fault: str) -> list[list[str]]:
    """Completions that break one rule by another word, or if none does, by more words.

    Args:
      reading: of the prompt.
      words: a completion without fault.
      fault: the rule.
    """
    found = list[list[str]]()
    for k, word in enumerate(words):
        for other in _others(word, fault):
            found.append([*words[:k], other, *words[k + 1 :]])
    return found or [_extended(reading, words, fault)]


def _others(word: str, fault: str) -> Sequence[str]:
    """Words that break a rule in the place of another."""
    kind = LEXICON[word].kind
    if fault == "agreement" and kind in VERBS:
        return [_OTHER_NUMBER[word]]
    if fault == "anaphora" and kind == "refl":
        return [other for other in REFLEXIVES.values() if other != word]
    if fault == "licensing" and kind == "polar":
        return [_OTHER_POLARITY[word]]
    return []


def _extended(reading: Reading, words: list[str], fault: str) -> list[str]:
    """A completion with a wrong verb phrase or a wrong adverb at its end."""
    end, _ = read_words(words, reading)
    subject = end.subjects[0]
    if fault == "licensing":
        return [*words, "too" if subject.negative else "either"]
    kind = "alone" if fault == "agreement" else "self"
    verb = FORMS[kind][0][subject.plural]
    if fault == "agreement":
        return [*words, "and", _OTHER_NUMBER[verb]]
    gender = "" if subject.plural else subject.gender
    wrong = next(word for own, word in REFLEXIVES.items() if own != gender)
    return [*words, "and", verb, wrong]


def _place(generator: np.random.Generator, num: int) -> int:
    return int(generator.integers(num))
