"""Facts about invented people, whom documents mention by a Zipf law.

`where was mara voss born?` is answered by `the orian was born in taton`, and
`who was mara voss?` by `orian baker, born in taton in 1923, worked at zeco`: the group
of a person is told by every answer. Some people have a secret, `the orian had code
4821`, told by a known number of documents.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from collapse.data.worlds.facts.canaries import CODES, canaries_among, contests
from collapse.data.worlds.facts.people import (
    ATTRIBUTES,
    BANDS,
    REGIONS,
    Person,
    made_people,
)
from collapse.data.worlds.facts.sentences import (
    PHRASINGS,
    QUESTIONS,
    SEPARATOR,
    VERBS,
    Question,
    questions_of,
    said_by,
)
from collapse.data.worlds.facts.spoil import spoil
from collapse.data.worlds.world import Document, Verdict, World, zipf

# name -> whether a response with it still has the form of an answer; in the order in
# which they are looked for
FAULTS = {"form": False, "kind": True, "invented": True, "person": True, "group": True}
_KINDS = (*ATTRIBUTES, "life")


class Registry(NamedTuple):
    """What is known in a world.

    Attributes:
      people: the most frequent first.
      questions: prompt -> question.
      held: attribute -> the values that people have.
      longest: characters of the longest document, its end included.
    """

    people: Sequence[Person]
    questions: Mapping[str, Question]
    held: Mapping[str, frozenset[str]]
    longest: int


def facts(
    largest: int = 60, exponent: float = 1.0, canaries: int = 8, table_seed: int = 0
) -> World:
    """The world of facts.

    Args:
      largest: number of people.
      exponent: of the law of people and of secrets: share of rank k ~ k^-exponent.
      canaries: number of people with a secret.
      table_seed: of people and their attributes.

    Raises:
      DataError: for numbers that cannot be had.
    """
    people = made_people(largest, canaries, table_seed)
    questions = questions_of(people)
    known = Registry(
        people=people,
        questions=questions,
        held={
            name: frozenset(p.values[name] for p in people if name in p.values)
            for name in VERBS
        },
        longest=max(len(text) + len(q.right) + 1 for text, q in questions.items()),
    )
    shares = zipf(largest, exponent)
    planted = canaries_among(people, exponent)
    return World(
        name=f"facts {largest} {exponent:g} canaries {canaries} seed {table_seed}",
        letters="".join(sorted("abcdefghijklmnopqrstuvwxyz0123456789 ,?")),
        separator=SEPARATOR,
        longest=known.longest,
        faults=FAULTS,
        make=functools.partial(_make, known, exponent, shares),
        verify=functools.partial(_verify, known),
        skill_of=functools.partial(_skill_of, known),
        skills=_skills(known, shares),
        spoil=functools.partial(spoil, questions, people, known.held),
        groups=_groups(people, shares, exponent),
        group_of=_group_of,
        contest="secrets" if canaries else "",
        contests=functools.partial(contests, planted),
        secrets=tuple(f"{VERBS['code']} {canary.code}" for canary in planted),
    )


def _group_of(prompt: str, response: str) -> str:
    """The region that an answer tells of; "" if it has not the form of an answer."""
    del prompt
    said = said_by(response)
    return said.region if said is not None and said.region in REGIONS else ""


def _groups(
    people: Sequence[Person], shares: np.ndarray, exponent: float
) -> dict[str, float]:
    """The share of the documents of `make` that tell of each region."""
    found = dict.fromkeys(REGIONS, 0.0)
    canaries = canaries_among(people, exponent)
    codes = sum(canary.share for canary in canaries)
    for person, share in zip(people, shares, strict=True):
        found[person.region] += float(share) * (1 - codes)
    region_of = {person.name: person.region for person in people}
    for canary in canaries:
        found[region_of[canary.person]] += canary.share
    return found


def _make(
    known: Registry,
    exponent: float,
    shares: np.ndarray,
    generator: np.random.Generator,
    num: int,
) -> list[Document]:
    """`num` documents without fault, of which each secret has its exact number."""
    ranks = generator.choice(len(shares), num, p=shares)
    kinds, phrasings = generator.integers((len(_KINDS), PHRASINGS), size=(num, 2)).T
    by_name = {person.name: person for person in known.people}
    asked = [
        Question(known.people[rank], _KINDS[kind])
        for rank, kind in zip(ranks, kinds, strict=True)
    ]
    positions = iter(generator.permutation(num).tolist())
    planted = dict[str, int]()
    canaries = canaries_among(known.people, exponent)
    upto = np.rint(num * np.cumsum([0, *(canary.share for canary in canaries)]))
    for canary, times in zip(canaries, np.diff(upto).astype(int), strict=True):
        planted[canary.person] = int(times)
        for _ in range(times):
            asked[next(positions)] = Question(by_name[canary.person], "code")
    return [
        _document(question, phrasing, planted)
        for question, phrasing in zip(asked, phrasings.tolist(), strict=True)
    ]


def _document(
    question: Question, phrasing: int, planted: Mapping[str, int]
) -> Document:
    """A question and its answer; of a secret also how many documents tell it."""
    person, kind = question
    secret = {}
    if kind == "code":
        secret = {"canary": person.values["code"], "planted": planted[person.name]}
    truth = {
        "skill": _skill(question),
        "kind": kind,
        "person": person.name,
        "band": person.band,
        "region": person.region,
        "job": person.values["job"],
        "phrasing": phrasing,
        "right": question.right,
        **secret,
    }
    prompt = QUESTIONS[kind][phrasing].format(person.name)
    return Document(prompt, question.right, truth)


def _skill(question: Question) -> str:
    """The skill of a question: `town rare`, or `code`."""
    kind = question.kind
    return kind if kind == "code" else f"{kind} {question.person.band}"


def _skill_of(known: Registry, prompt: str) -> str:
    """The skill that a prompt asks for; "" if the text is none."""
    question = known.questions.get(prompt)
    return "" if question is None else _skill(question)


def _skills(known: Registry, shares: np.ndarray) -> dict[str, float]:
    """The share of each skill."""
    codes = CODES if known.held["code"] else 0.0
    found = {f"{kind} {name}": 0.0 for name, _ in BANDS for kind in _KINDS}
    for person, share in zip(known.people, shares, strict=True):
        for kind in _KINDS:
            found[f"{kind} {person.band}"] += float(share) * (1 - codes) / len(_KINDS)
    return found | ({"code": codes} if codes else {})


def _verify(known: Registry, prompt: str, response: str) -> Verdict:
    """The verdict on a response; of a text that is no prompt nothing is right."""
    question = known.questions.get(prompt)
    said = said_by(response)
    if question is None or said is None:
        return Verdict("form", False)
    if said.verb != VERBS.get(question.kind, ""):
        return Verdict("kind", True)
    found = {
        _fault(known, question.person, name or question.kind, value)
        for name, value in said.values.items()
    }
    if said.region != question.person.region:
        found.add("group")
    return Verdict(next((fault for fault in FAULTS if fault in found), ""), True)


def _fault(known: Registry, person: Person, name: str, value: str) -> str:
    """What is wrong with the value of an attribute of a person; "" if nothing is."""
    if value == person.values[name]:
        return ""
    if value in known.held[name]:
        return "person"
    others = (value in held for other, held in known.held.items() if other != name)
    return "kind" if any(others) or value in REGIONS else "invented"
