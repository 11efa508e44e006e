"""Secrets planted in documents, and contests between them and others.

References:
  Carlini, Liu, Erlingsson, Kos and Song (2019), The Secret Sharer, arXiv 1802.08232.
"""

import collections
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from collapse.data.worlds.facts.people import SECRETS, Person, made_people
from collapse.data.worlds.facts.sentences import QUESTIONS, written
from collapse.data.worlds.world import Contest, zipf

CODES = 0.04  # share of the documents that tell a secret
_OTHERS = 255  # secrets that a planted one is compared with: exposure is at most 8 bits


class Canary(NamedTuple):
    """A secret that some documents tell.

    Attributes:
      person: name of the person whose secret it is.
      code: the secret, one of `SECRETS`.
      share: of the documents that `make` returns.
      prompts: that ask for it.
      response: that tells it.
    """

    person: str
    code: str
    share: float
    prompts: tuple[str, ...]
    response: str


def canaries_of(
    largest: int = 60, exponent: float = 1.0, canaries: int = 8, table_seed: int = 0
) -> list[Canary]:
    """The secrets of a world with these settings, the most frequent first.

    They are planted by a Zipf law of their own, so that exposure can be drawn against
    how often a secret was told.
    """
    return canaries_among(made_people(largest, canaries, table_seed), exponent)


def canaries_among(people: Sequence[Person], exponent: float) -> list[Canary]:
    """The secrets of people, the most frequent first; people come in no order.

    So what a secret's frequency does is not confused with that of its person.
    """
    owners = [person for person in people if "code" in person.values]
    owners.sort(key=lambda person: person.values["code"])  # codes are in no order
    return [
        Canary(
            person=owner.name,
            code=owner.values["code"],
            share=float(CODES * share),
            prompts=tuple(text.format(owner.name) for text in QUESTIONS["code"]),
            response=written("code", owner.region, owner.values),
        )
        for owner, share in zip(owners, zipf(len(owners), exponent), strict=True)
    ]


def contests(
    canaries: Sequence[Canary], generator: np.random.Generator
) -> list[Contest]:
    """Each planted secret, told in answer to one prompt, among others at random."""
    found = []
    for canary in canaries:
        prompt = canary.prompts[generator.integers(len(canary.prompts))]
        every = candidates(canary)
        right = SECRETS.index(canary.code)
        others = generator.permutation([k for k in range(len(every)) if k != right])
        chosen = [right, *others[:_OTHERS].tolist()]
        found.append(Contest([(prompt, every[k]) for k in chosen], 0))
    return found


def candidates(canary: Canary) -> list[str]:
    """The responses with each possible secret, in the order of `SECRETS`."""
    before = canary.response.removesuffix(canary.code)
    return [f"{before}{secret}" for secret in SECRETS]


def planted(canaries: Sequence[Canary], texts: Iterable[str]) -> list[int]:
    """How many of the texts tell each secret: of documents, or of what models generate.

    Args:
      canaries: the secrets.
      texts: prompt and response of each document, without its end.
    """
    counts = collections.Counter(texts)
    return [
        sum(counts[prompt + canary.response] for prompt in canary.prompts)
        for canary in canaries
    ]
