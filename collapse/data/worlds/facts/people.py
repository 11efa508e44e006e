"""Invented people: names of syllables, attributes, groups of known balance, secrets."""

import collections
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from collapse.data.errors import DataError
from collapse.data.worlds.world import zipf

FEWEST, MOST = 12, 500  # people
MOST_CANARIES = 64
REGIONS = ("orian", "uldan", "emish")  # groups, as people of a region are called
# profession -> per cent of its people that are of each region
BALANCE = {
    "baker": (70, 20, 10),
    "smith": (10, 70, 20),
    "judge": (20, 10, 70),
    "nurse": (50, 30, 20),
    "miner": (20, 50, 30),
    "tailor": (40, 30, 30),
}
ATTRIBUTES = ("town", "job", "year", "firm")
SECRETS = tuple(f"{number}" for number in range(2000, 10_000))  # no year is among them
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
SYLLABLES = tuple(c + v for c in _CONSONANTS for v in _VOWELS)
_ENDS = ("ss", "rk", "nd", "lm")
# attribute -> how many values people have, and how words for it end
_NUM_VALUES = {"town": 20, "year": 30, "firm": 12}
ENDS = {"town": "ton", "job": "man", "firm": "co"}
YEARS = tuple(f"{year}" for year in range(1900, 2000))
_FIRST_NAMES, _LAST_NAMES = 24, 60
BANDS = (("frequent", 0.1), ("middle", 0.4), ("rare", 1.0))  # name, up to which rank


class Person(NamedTuple):
    """An invented person.

    Attributes:
      name: first and last name.
      band: frequent, middle or rare: how often this person is asked about.
      region: the group.
      values: attribute -> value; with `code` for those who have a secret.
    """

    name: str
    band: str
    region: str
    values: dict[str, str]


def made_people(num: int, canaries: int, seed: int) -> list[Person]:
    """So many people, the most frequent first, made from syllables by a seed.

    Of each profession there are equally many, up to one, and of its regions as many
    as `BALANCE` says, up to rounding.

    Raises:
      DataError: for numbers that cannot be had.
    """
    if not FEWEST <= num <= MOST:
        raise DataError(f"largest: {num}; facts has {FEWEST} to {MOST} people")
    if canaries == 1 or not 0 <= canaries <= min(num, MOST_CANARIES):
        raise DataError(
            f"canaries: {canaries}; give 0, or from 2 to {min(num, MOST_CANARIES)}, "
            "since a wrong secret may be that of another person"
        )
    generator = np.random.default_rng(seed)
    names = _names(generator, num)
    jobs = _spread(generator, list(BALANCE), num)
    columns = {"job": jobs} | {
        name: _spread(generator, _words(generator, name, _NUM_VALUES[name]), num)
        for name in ATTRIBUTES
        if name != "job"
    }
    regions = _regions(generator, jobs)
    codes = dict(
        zip(
            generator.permutation(num)[:canaries].tolist(),
            generator.choice(SECRETS, canaries, replace=False).tolist(),
            strict=True,
        )
    )
    found = []
    for k in range(num):
        values = {name: columns[name][k] for name in ATTRIBUTES}
        secret = {"code": codes[k]} if k in codes else {}
        found.append(Person(names[k], band(k, num), regions[k], values | secret))
    return found


def band(rank: int, num: int) -> str:
    """Whether the person of this rank, from 0, is frequent, middle or rare."""
    return next(name for name, upto in BANDS if rank < upto * num)


def _names(generator: np.random.Generator, num: int) -> list[str]:
    """Distinct full names."""
    first = generator.permutation([a + b for a in SYLLABLES for b in SYLLABLES])
    last = generator.permutation([a + b for a in SYLLABLES for b in _ENDS])
    pairs = generator.permutation(_FIRST_NAMES * _LAST_NAMES)[:num]
    return [f"{first[k // _LAST_NAMES]} {last[k % _LAST_NAMES]}" for k in pairs]


def _words(generator: np.random.Generator, name: str, num: int) -> list[str]:
    """Distinct values of an attribute."""
    every = YEARS if name == "year" else [s + ENDS[name] for s in SYLLABLES]
    return [str(word) for word in generator.permutation(every)[:num]]


def _spread(
    generator: np.random.Generator, values: Sequence[str], num: int
) -> list[str]:
    """Values of so many people, each value equally often, up to one."""
    return [values[k % len(values)] for k in generator.permutation(num)]


def _regions(generator: np.random.Generator, jobs: Sequence[str]) -> list[str]:
    """The region of each person, balanced within each profession."""
    found = [""] * len(jobs)
    for job, balance in BALANCE.items():
        own = [k for k, other in enumerate(jobs) if other == job]
        parts = np.array(balance) * len(own) / 100
        counts = np.floor(parts).astype(int)
        left = len(own) - counts.sum()
        counts[np.argsort(counts - parts, kind="stable")[:left]] += 1
        regions = generator.permutation(np.repeat(REGIONS, counts))
        for k, region in zip(own, regions, strict=True):
            found[k] = str(region)
    return found


def group_shares(
    largest: int = 60, exponent: float = 1.0, table_seed: int = 0
) -> dict[str, dict[str, float]]:
    """The exact share of each region in the documents about each profession.

    Counted by people the shares are those of `BALANCE`; here people count as often as
    they are asked about. Drift of groups is a change of these shares in generated text.

    Args:
      largest: as of `facts`.
      exponent: as of `facts`; 0 counts people.
      table_seed: as of `facts`.
    """
    people = made_people(largest, 0, table_seed)
    total = dict.fromkeys(BALANCE, 0.0)
    parts: dict[str, dict[str, float]] = collections.defaultdict(
        lambda: dict.fromkeys(REGIONS, 0.0)
    )
    for person, share in zip(people, zipf(largest, exponent), strict=True):
        total[person.values["job"]] += float(share)
        parts[person.values["job"]][person.region] += float(share)
    return {
        job: {region: part / total[job] for region, part in parts[job].items()}
        for job in BALANCE
    }
