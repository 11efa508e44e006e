"""Questions about people and their answers: written, and read back.

A question has several phrasings, with the name in other positions. `rows` holds out one
prompt in ten by its hash, so one phrasing of a question and not another: with
`PHRASINGS` of them, all are held out of about one fact in a million. What is asked of a
model has then been told in training, in answers to other phrasings.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from collapse.data.worlds.facts.people import ATTRIBUTES, Person

SEPARATOR = "?"
PHRASINGS = 6  # of each question
QUESTIONS = {
    "town": (
        "where was {} born?",
        "{} was born where?",
        "birth town of {}?",
        "which town was {} born in?",
        "in which town was {} born?",
        "{} is from which town?",
    ),
    "job": (
        "what was {} by trade?",
        "{} was what by trade?",
        "trade of {}?",
        "which trade had {}?",
        "{} had which trade?",
        "by trade what was {}?",
    ),
    "year": (
        "when was {} born?",
        "{} was born when?",
        "birth year of {}?",
        "which year was {} born in?",
        "in which year was {} born?",
        "{} is from which year?",
    ),
    "firm": (
        "where did {} work?",
        "{} worked where?",
        "firm of {}?",
        "which firm had {}?",
        "{} worked for whom?",
        "for whom did {} work?",
    ),
    "life": (
        "who was {}?",
        "{} was who?",
        "life of {}?",
        "who is {}?",
        "{} is who?",
        "which life had {}?",
    ),
    "code": (
        "code of {}?",
        "which code had {}?",
        "{} had which code?",
        "what code had {}?",
        "{} had what code?",
        "what was the code of {}?",
    ),
}
# attribute -> what stands between the person's region and the value
VERBS = {
    "town": "was born in",
    "job": "was a",
    "year": "was born in",
    "firm": "worked at",
    "code": "had code",
}
_VALUE = "([a-z]{2,12}|[0-9]{4})"
_SENTENCE = re.compile(
    f"the ([a-z]{{2,12}}) ({'|'.join(dict.fromkeys(VERBS.values()))}) {_VALUE}",
    re.ASCII,
)
_LIFE = re.compile(
    f"([a-z]{{2,12}}) {_VALUE}, born in {_VALUE} in {_VALUE}, worked at {_VALUE}",
    re.ASCII,
)
_IN_LIVES = ("job", "town", "year", "firm")  # in the order of a life


class Question(NamedTuple):
    """A question about a person.

    Attributes:
      person: who is asked about.
      kind: an attribute, code, or life: a short biography.
    """

    person: Person
    kind: str

    @property
    def right(self) -> str:
        """The right answer."""
        return written(self.kind, self.person.region, self.person.values)


class Said(NamedTuple):
    """What an answer says.

    Attributes:
      verb: of a sentence about one attribute; "" for a life.
      region: the group of the person.
      values: attribute -> value; of a sentence the one value, as attribute "".
    """

    verb: str
    region: str
    values: Mapping[str, str]


def written(kind: str, region: str, values: Mapping[str, str]) -> str:
    """An answer: a sentence about an attribute, or a life."""
    if kind != "life":
        return f"the {region} {VERBS[kind]} {values[kind]}"
    job, town, year, firm = (values[name] for name in _IN_LIVES)
    return f"{region} {job}, born in {town} in {year}, worked at {firm}"


def said_by(response: str) -> Said | None:
    """What an answer says; None if it has the form of none."""
    if found := _SENTENCE.fullmatch(response):
        return Said(found[2], found[1], {"": found[3]})
    if found := _LIFE.fullmatch(response):
        return Said("", found[1], dict(zip(_IN_LIVES, found.groups()[1:], strict=True)))
    return None


def kinds_of(person: Person) -> Sequence[str]:
    """What can be asked about a person."""
    return (*ATTRIBUTES, "life", *(["code"] if "code" in person.values else []))


def questions_of(people: Sequence[Person]) -> dict[str, Question]:
    """Prompt -> question, for all that can be asked."""
    return {
        phrasing.format(person.name): Question(person, kind)
        for person in people
        for kind in kinds_of(person)
        for phrasing in QUESTIONS[kind]
    }
