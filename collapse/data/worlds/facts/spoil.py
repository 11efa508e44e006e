"""Planted faults: what a model that errs would answer about a person."""

from collections.abc import Mapping, Sequence

import numpy as np

from collapse.data.worlds.facts.people import (
    ATTRIBUTES,
    ENDS,
    REGIONS,
    SECRETS,
    SYLLABLES,
    YEARS,
    Person,
)
from collapse.data.worlds.facts.sentences import Question, written
from collapse.data.worlds.world import Document

_PLANTED = ("form", "kind", "invented", "person", "group")


def spoil(
    questions: Mapping[str, Question],
    people: Sequence[Person],
    held: Mapping[str, frozenset[str]],
    generator: np.random.Generator,
    document: Document,
    fault: str,
) -> Document:
    """The document with a fault.

    Raises:
      ValueError: for a fault that is not one of this world.
    """
    question = questions.get(document.prompt)
    if question is None or fault not in _PLANTED:
        raise ValueError(f"fault {fault!r} cannot be planted in {document.prompt!r}")
    truth = {**document.truth, "fault": fault}
    if fault == "form":
        response = _joined(generator, question.right)
    else:
        response = _wrong(people, held, generator, question, fault)
    return document._replace(response=response, truth=truth)


def _joined(generator: np.random.Generator, text: str) -> str:
    """The text without one of its spaces, so that no answer is left."""
    positions = [k for k, letter in enumerate(text) if letter == " "]
    k = positions[generator.integers(len(positions))]
    return text[:k] + text[k + 1 :]


def _wrong(
    people: Sequence[Person],
    held: Mapping[str, frozenset[str]],
    generator: np.random.Generator,
    question: Question,
    fault: str,
) -> str:
    """An answer with this fault."""
    person, kind = question
    region, values = person.region, dict(person.values)
    if fault == "group":
        region = str(generator.choice([x for x in REGIONS if x != region]))
        return written(kind, region, values)
    name = str(generator.choice(ATTRIBUTES)) if kind == "life" else kind
    if fault == "kind":
        other = str(generator.choice([x for x in ATTRIBUTES if x != name]))
        if generator.random() < 0.5:
            return written(other, region, values)  # the answer to another question
        values[name] = values[other]
    elif fault == "person":
        values[name] = _of_another(people, generator, name, values[name])
    else:
        values[name] = _invented(held, generator, name)
    return written(kind, region, values)


def _of_another(
    people: Sequence[Person], generator: np.random.Generator, name: str, own: str
) -> str:
    """The value that another person has."""
    others = [p.values[name] for p in people if p.values.get(name, own) != own]
    return others[generator.integers(len(others))]


def _invented(
    held: Mapping[str, frozenset[str]], generator: np.random.Generator, name: str
) -> str:
    """A value that no person has."""
    words: Sequence[str] = [f"{syllable}{ENDS.get(name, '')}" for syllable in SYLLABLES]
    every = {"year": YEARS, "code": SECRETS}.get(name, words)
    free = [word for word in every if word not in held[name]]
    return str(free[generator.integers(len(free))])
