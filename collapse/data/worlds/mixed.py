"""A mixture of the other worlds: one model learns several kinds of tasks.

`12+45#` asks for a sum and `the dog near the cats#` for the end of a sentence. The
documents are those of the other worlds, but all prompts end with the same separator.
Prompts of two worlds are never the same text: sums alone have no letters; programs
alone begin with `f(` or `g(`; sentences alone with `the` or `no`; questions about
people have four words or more and no mark, and requests for functions a mark or at most
three words.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from collapse.data.errors import DataError, unknown_value
from collapse.data.worlds.arithmetic import MOST_DIGITS, arithmetic
from collapse.data.worlds.facts import facts
from collapse.data.worlds.facts.people import FEWEST, MOST
from collapse.data.worlds.grammar import grammar
from collapse.data.worlds.grammar.grammar import MOST_DISTRACTORS
from collapse.data.worlds.programs import programs
from collapse.data.worlds.programs.programs import MOST_OPERATIONS
from collapse.data.worlds.tools import tools
from collapse.data.worlds.tools.table import MOST_FUNCTIONS
from collapse.data.worlds.world import Contest, Document, Verdict, World, zipf

SEPARATOR = "#"  # a letter of no other world


class Ingredient(NamedTuple):
    """A world that can be part of a mixture.

    Attributes:
      make: (largest, exponent) -> the world.
      fewest: the least `largest` that it allows.
      most: the greatest.
    """

    make: Callable[..., World]
    fewest: int
    most: int


INGREDIENTS: Mapping[str, Ingredient] = {
    "arithmetic": Ingredient(arithmetic, 1, MOST_DIGITS),
    "tools": Ingredient(tools, 2, MOST_FUNCTIONS),
    "grammar": Ingredient(grammar, 0, MOST_DISTRACTORS),
    "facts": Ingredient(facts, FEWEST, MOST),
    "programs": Ingredient(programs, 1, MOST_OPERATIONS),
}


class Mixture(NamedTuple):
    """The worlds of a mixture.

    Attributes:
      worlds: name -> world.
      shares: of their documents, in the same order.
      faults: world -> fault of it -> name of that fault in the mixture.
    """

    worlds: Mapping[str, World]
    shares: np.ndarray
    faults: Mapping[str, Mapping[str, str]]


def quality(
    largest: int = 0,
    exponent: float = 1.0,
    worlds: Sequence[str] = ("arithmetic", "tools", "grammar", "facts", "programs"),
) -> World:
    """The world that mixes others.

    Skills are named with their world: `tools: none`. A fault has the name that it has
    in its own world. But where a response with it has a valid form in one world and not
    in another, its name has the world, too: `tools: name`. `spoil` plants in a document
    the faults of the document's own world, and raises ValueError for those of others.
    Contests are those of the first of the worlds that has any.

    Args:
      largest: how large the tasks of each world get, as each understands it. A world
        that does not allow this number gets the nearest that it allows: with 20,
        arithmetic has 18 digits. 0 gives each world its own default.
      exponent: of the law of the worlds, share of the k-th ~ k^-exponent, and of the
        laws inside each of them.
      worlds: names, the most frequent first.

    Raises:
      DataError: for a world that is unknown or named twice, for none at all, and for
        numbers that cannot be had.
    """
    _check(largest, worlds)
    made = {name: _made(name, largest, exponent) for name in worlds}
    mixture = Mixture(made, zipf(len(made), exponent), _names(made))
    rival = next((name for name, world in made.items() if world.contest), "")
    letters = {SEPARATOR}.union(
        *({*world.letters} - {world.separator} for world in made.values())
    )
    return World(
        name=f"quality {largest} {exponent:g} {','.join(made)}",
        letters="".join(sorted(letters)),
        separator=SEPARATOR,
        longest=max(world.longest for world in made.values()),
        faults={
            mixture.faults[name][fault]: valid
            for name, world in made.items()
            for fault, valid in world.faults.items()
        },
        make=functools.partial(_make, mixture),
        verify=functools.partial(_verify, mixture),
        skill_of=functools.partial(_skill_of, mixture),
        skills={
            f"{name}: {skill}": float(share) * own
            for (name, world), share in zip(made.items(), mixture.shares, strict=True)
            for skill, own in world.skills.items()
        },
        spoil=functools.partial(_spoil, mixture),
        groups=_groups(mixture),
        group_of=functools.partial(_group_of, mixture),
        contest=made[rival].contest if rival else "",
        contests=functools.partial(_contests, made.get(rival)),
        secrets=tuple(text for world in made.values() for text in world.secrets),
    )


def _check(largest: int, worlds: Sequence[str]) -> None:
    """Raise DataError for settings that contradict each other."""
    if largest < 0:
        raise DataError(
            f"largest: {largest}; give a number above 0, or 0 for each world's own"
        )
    if not worlds:
        raise DataError(f"worlds: none; give one or more of {', '.join(INGREDIENTS)}")
    for place, name in enumerate(worlds):
        if name not in INGREDIENTS:
            raise DataError(f"worlds: {unknown_value(name, INGREDIENTS)}")
        if name in worlds[:place]:
            raise DataError(f"worlds: {name} is named twice; name each once")


def _made(name: str, largest: int, exponent: float) -> World:
    make, fewest, most = INGREDIENTS[name]
    if not largest:
        return make(exponent=exponent)
    return make(largest=min(max(largest, fewest), most), exponent=exponent)


def _names(worlds: Mapping[str, World]) -> dict[str, dict[str, str]]:
    """World -> fault of it -> name of that fault in the mixture."""
    forms: dict[str, set[bool]] = {}
    for world in worlds.values():
        for fault, valid in world.faults.items():
            forms.setdefault(fault, set()).add(valid)
    return {
        name: {
            fault: fault if len(forms[fault]) == 1 else f"{name}: {fault}"
            for fault in world.faults
        }
        for name, world in worlds.items()
    }


def _groups(mixture: Mixture) -> dict[str, float]:
    """The share of each group among the documents that tell of one."""
    found: dict[str, float] = {}
    for world, share in zip(mixture.worlds.values(), mixture.shares, strict=True):
        for group, own in world.groups.items():
            found[group] = found.get(group, 0.0) + float(share) * own
    total = sum(found.values())
    return {group: share / total for group, share in found.items()}


def _make(mixture: Mixture, generator: np.random.Generator, num: int) -> list[Document]:
    """`num` documents without fault."""
    ranks = generator.choice(len(mixture.shares), num, p=mixture.shares).tolist()
    drawn = [
        iter(world.make(generator, ranks.count(rank)))
        for rank, world in enumerate(mixture.worlds.values())
    ]
    names = list(mixture.worlds)
    return [_mixed(names[rank], next(drawn[rank])) for rank in ranks]


def _mixed(name: str, document: Document) -> Document:
    """The document of a world as one of the mixture."""
    prompt, response, truth = document
    known = {**truth, "skill": f"{name}: {truth['skill']}", "world": name}
    return Document(_common(prompt), response, known)


def _common(prompt: str) -> str:
    """The prompt of a world with the separator of the mixture."""
    return f"{prompt[:-1]}{SEPARATOR}"


def _asked(mixture: Mixture, prompt: str) -> tuple[str, str, str] | None:
    """Name of the world, prompt and skill of a text there; None if it is no prompt."""
    if not prompt or prompt.find(SEPARATOR) != len(prompt) - 1:
        return None
    for name, world in mixture.worlds.items():
        own = f"{prompt[:-1]}{world.separator}"
        if skill := world.skill_of(own):
            return name, own, skill
    return None


def _skill_of(mixture: Mixture, prompt: str) -> str:
    """World and skill that a prompt asks for; "" if the text is none."""
    asked = _asked(mixture, prompt)
    return "" if asked is None else f"{asked[0]}: {asked[2]}"


def _verify(mixture: Mixture, prompt: str, response: str) -> Verdict:
    """The verdict of the prompt's world; of a text that is no prompt nothing is right.

    So a response that would be right in another world is judged as any other.
    """
    asked = _asked(mixture, prompt)
    if asked is None:
        return Verdict("form", False)
    name, own, _ = asked
    fault, valid = mixture.worlds[name].verify(own, response)
    return Verdict(mixture.faults[name].get(fault, ""), valid)


def _spoil(
    mixture: Mixture, generator: np.random.Generator, document: Document, fault: str
) -> Document:
    """The document with a fault of its world.

    Raises:
      ValueError: for a fault that the world of the document does not know.
    """
    asked = _asked(mixture, document.prompt)
    name, own, _ = asked or ("", "", "")
    known = {mixed: one for one, mixed in mixture.faults.get(name, {}).items()}
    if fault not in known:
        raise ValueError(f"fault {fault!r} cannot be planted in {document.prompt!r}")
    bad = mixture.worlds[name].spoil(
        generator, document._replace(prompt=own), known[fault]
    )
    truth = {**document.truth, "fault": fault}
    return document._replace(response=bad.response, truth=truth)


def _group_of(mixture: Mixture, prompt: str, response: str) -> str:
    """The group that a text tells of in any of the worlds; "" for none."""
    told = (world.group_of(prompt, response) for world in mixture.worlds.values())
    return next((group for group in told if group), "")


def _contests(world: World | None, generator: np.random.Generator) -> list[Contest]:
    """The contests of a world, with the separator of the mixture."""
    return [
        contest._replace(documents=[(_common(p), r) for p, r in contest.documents])
        for contest in (world.contests(generator) if world is not None else [])
    ]
