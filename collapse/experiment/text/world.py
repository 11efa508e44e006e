"""A family of transformers that learn a task world: its fields, and the world."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from collapse.data.errors import InputError
from collapse.data.worlds import WORLDS, World
from collapse.data.worlds.rows import WorldRows, world_rows
from collapse.data.worlds.tools import read_functions
from collapse.experiment.base import capped
from collapse.experiment.fields import Bounds, Only, OnlyIfSet, Shown
from collapse.experiment.text.network import NetworkFamily

_DOCUMENTS = 1024  # of a generation, if nothing is said
_QUICK_ROWS, _QUICK_DOCUMENTS = 64, 500
QUICK_STEPS = 10
# field -> the world that it is of, and its name there
_OF_WORLDS: Mapping[str, tuple[str, str]] = {
    "worked_steps": ("arithmetic", "steps"),
    "irrelevant": ("tools", "irrelevant"),
    "canaries": ("facts", "canaries"),
    "classes": ("programs", "classes"),
}


@dataclasses.dataclass(frozen=True)
class WorldFamily(NetworkFamily):
    """The fields of every transformer, and those of a task world."""

    world: Literal["arithmetic", "tools", "facts", "programs", "grammar", "quality"] = (
        "arithmetic"
    )
    """What documents are about: sums of two numbers; calls of functions that have JSON
    Schemas, and what they return; questions about invented people; programs of a stack
    language; the rest of a sentence; quality is a mixture of them all."""
    largest: Annotated[
        int, Bounds(0, 500), Shown("2, 24, 60, 3 or 2; each of quality its own")
    ] = 0
    """How large the world is: digits of a number (arithmetic), functions (tools),
    people (facts), operations of a program (programs), nouns between a subject and its
    verb (grammar)."""
    exponent: Annotated[float, Bounds(0, 10)] = 1.0
    """Of the Zipf law of what is rare: the share of rank k falls as k^-exponent."""
    worked_steps: Annotated[bool, Only("world", ("arithmetic",)), OnlyIfSet()] = False
    """Answers show worked steps."""
    functions: Annotated[
        str, Shown("made ones"), Only("world", ("tools",)), OnlyIfSet()
    ] = ""
    """File with the functions that are called, the most frequent first: a JSON list of
    objects with a name and parameters, a JSON Schema."""
    irrelevant: Annotated[
        float, Bounds(0, 0.5), Only("world", ("tools",)), OnlyIfSet()
    ] = 0.05
    """Share of requests that no function fulfils."""
    canaries: Annotated[int, Bounds(0, 500), Only("world", ("facts",)), OnlyIfSet()] = 8
    """People with a secret, which some documents tell."""
    classes: Annotated[bool, Only("world", ("programs",)), OnlyIfSet()] = False
    """Programs are classes, whose methods share a state, and no functions."""
    documents: Annotated[int, Bounds(100, 10**7)] = 20_000
    """Real documents of the world, of which each seed has its own n."""
    block: Annotated[int, Bounds(0, 4096), Shown("the longest document")] = 0
    """Characters of a row."""
    batch_size: Annotated[int, Bounds(1, 4096)] = 64
    """Documents of a step."""
    measured_rows: Annotated[int, Bounds(8, 10**5)] = 512
    """Unseen prompts that models answer, and generated documents that are measured."""

    @classmethod
    def hidden(cls) -> tuple[str, ...]:
        """Names of the fields that are not offered: its data are made, not read."""
        return (*super().hidden(), "data", "beams", "repetition_penalty")

    def load(self) -> WorldRows:
        """The documents of the world.

        Raises:
          DataError: if they do not fit into a block, or are too few.
        """
        world = self.made_world()
        block = self.block or world.longest
        return world_rows(world, block, self.documents, self.measured_rows, self.seed)

    def world_words(self) -> str:
        """The world and its settings other than the default, for captions."""
        told = [f"largest {self.largest}"] if self.largest else []
        told += [f"exponent {self.exponent:g}"] if self.exponent != 1 else []
        for field, (world, _) in _OF_WORLDS.items():
            value = getattr(self, field)
            if world == self.world and value != getattr(type(self), field):
                words = field.replace("_", " ")
                told.append(words if value is True else f"{words} {value:g}")
        told += ["functions of one's own"] if self.functions else []
        return f"{self.world} ({', '.join(told)})" if told else self.world

    def made_world(self) -> World:
        """The world that the fields ask for.

        Raises:
          DataError: if it cannot be made.
        """
        own = {
            name: getattr(self, field)
            for field, (world, name) in _OF_WORLDS.items()
            if world == self.world
        }
        if self.largest:
            own["largest"] = self.largest
        if self.functions and self.world == "tools":
            own["table"] = read_functions(self.functions)
            own.pop("largest", None)
        return _made(self.world, self.exponent, tuple(sorted(own.items(), key=str)))

    def resolved(self, rows: int, dimension: int) -> Self:
        """The experiment with its number of documents and its block filled in."""
        return dataclasses.replace(
            self,
            samples_per_generation=self.samples_per_generation
            or (min(_DOCUMENTS, self.documents),),
            block=self.block or self.made_world().longest,
        )

    def quick(self) -> Self:
        """A small version with few documents and steps."""
        samples = self.samples_per_generation or (_DOCUMENTS,)
        return dataclasses.replace(
            super().quick(),
            num_seeds=min(self.num_seeds, 2),
            samples_per_generation=capped(samples, _QUICK_ROWS),
            steps=capped(self.steps, QUICK_STEPS),
            measured_rows=min(self.measured_rows, _QUICK_ROWS),
        )

    def reads_less(self) -> Self:
        """The experiment with fewer documents."""
        most = max((_QUICK_DOCUMENTS, *self.samples_per_generation))
        return dataclasses.replace(
            self,
            documents=min(self.documents, most),
            measured_rows=min(self.measured_rows, _QUICK_ROWS),
        )

    def check_data(self, data: Any) -> None:
        """Raise InputError if more is asked for than there are documents."""
        rows, most = len(data.train), max(self.samples_per_generation)
        if most > rows:
            raise InputError(
                f"samples_per_generation: {most} documents are needed but there are "
                f"{rows}; give at most so many, or more --documents"
            )


def _made(world: str, exponent: float, own: tuple[tuple[str, Any], ...]) -> World:
    """A world; the last ones are remembered where no table of functions is read."""
    if "table" in dict(own):
        return WORLDS[world](exponent=exponent, **dict(own))
    return _remembered(world, exponent, own)


@functools.lru_cache(maxsize=8)
def _remembered(world: str, exponent: float, own: tuple[tuple[str, Any], ...]) -> World:
    return WORLDS[world](exponent=exponent, **dict(own))
