"""Sentences without fault, each of a skill, and the shares of skills."""

import numpy as np

from collapse.data.worlds.grammar.make import Writer
from collapse.data.worlds.world import Document, zipf

SEPARATOR = "|"
_RULES = ("agreement", "anaphora", "licensing")  # the most frequent first


def skill_shares(largest: int, exponent: float) -> dict[str, float]:
    """The share of each skill, in documents of a world with these settings."""
    of_rule = dict(zip(_RULES, zipf(3, exponent).tolist(), strict=True))
    of_number = zipf(largest + 1, exponent).tolist()
    agreement = {
        f"agreement {k}": of_rule["agreement"] * share
        for k, share in enumerate(of_number)
    }
    return agreement | {rule: of_rule[rule] for rule in _RULES[1:]}


def sentences(
    drawn: list[str], largest: int, exponent: float, generator: np.random.Generator
) -> list[Document]:
    """A document without fault of each of these skills."""
    numbers = generator.choice(
        largest + 1, len(drawn), p=zipf(largest + 1, exponent)
    ).tolist()
    writer, found = Writer(exponent, generator), list[Document]()
    for skill, number in zip(drawn, numbers, strict=True):
        _, _, asked = skill.partition(" ")
        distractors = int(asked) if asked else number
        prompt, response = writer.cut(skill, distractors, largest)
        truth = {"skill": skill, "distractors": distractors}
        found.append(Document(f"{prompt}{SEPARATOR}", f"{response}.", truth))
    return found
