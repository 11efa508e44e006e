"""Experiments with task worlds: fields, caption, checks."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from collapse.data.errors import InputError
from collapse.data.worlds import WORLDS, World
from collapse.data.worlds.rows import WorldRows, world_rows
from collapse.experiment.base import capped, spelled
from collapse.experiment.fields import Bounds, Count, Only, OnlyIfSet, Shown
from collapse.experiment.text import pages
from collapse.experiment.text.network import NetworkFamily
from collapse.measures import catalogue

_QUICK_ROWS, _QUICK_STEPS, _QUICK_DOCUMENTS = 64, 10, 500
OF_DOCUMENTS = ("skill_survival",)  # where prompts are given it says nothing


@dataclasses.dataclass(frozen=True)
class Worlds(NetworkFamily):
    """A transformer that learns documents of a world, also those of earlier models."""

    name: ClassVar[str] = "worlds"
    description: ClassVar[str] = (
        "A language model of tasks with known answers, trained on earlier answers."
    )
    panels: ClassVar[tuple[str, ...]] = ("correctness", "rare_correctness", "validity")
    table: ClassVar[tuple[str, ...]] = (*panels, "generated_correctness")
    catalogue = catalogue.WORLDS
    in_studies: ClassVar[bool] = False

    num_generations: Annotated[int, Bounds(1, 10**7 - 1)] = 3
    """Generations after the first fit, which is generation 0."""
    workflows: tuple[str, ...] = ("replace", "accumulate")
    """What each generation is trained on, as for every family."""
    samples_per_generation: Annotated[tuple[Count, ...], Shown("1024")] = ()
    """Documents n that a generation generates."""
    world: Literal["arithmetic", "tools", "facts"] = "arithmetic"
    """What documents are about: sums of two numbers; calls of functions that have JSON
    Schemas, and what they return; questions about invented people."""
    largest: Annotated[int, Bounds(0, 500), Shown("2, 24 or 60")] = 0
    """How large the world is: digits of a number (arithmetic), functions (tools),
    people (facts)."""
    exponent: Annotated[float, Bounds(0, 10)] = 1.0
    """Of the Zipf law of what is rare: the share of rank k falls as k^-exponent."""
    worked_steps: Annotated[bool, Only("world", ("arithmetic",)), OnlyIfSet()] = False
    """Answers show worked steps."""
    documents: Annotated[int, Bounds(100, 10**7)] = 20_000
    """Real documents of the world, of which each seed has its own n."""
    learn: Literal["responses", "documents"] = "responses"
    """responses: answers to real prompts, which models are given (supervised
    fine-tuning); documents: prompts, too, which models make up (pretraining)."""
    block: Annotated[int, Bounds(0, 4096), Shown("the longest document")] = 0
    """Characters of a row."""
    epochs: Annotated[
        tuple[Annotated[float, Bounds(0, 10**4)], ...], Only("steps", (0,))
    ] = (20.0,)
    """Passes over the training data, so that more data get more steps; without --steps
    only."""
    batch_size: Annotated[int, Bounds(1, 4096)] = 64
    """Documents of a step."""
    measured_rows: Annotated[int, Bounds(8, 10**5)] = 512
    """Unseen prompts that models answer, and generated documents that are measured."""

    @classmethod
    def hidden(cls) -> tuple[str, ...]:
        """Names of the fields that are not offered: its data are made, not read."""
        return (*super().hidden(), "data", "beams", "repetition_penalty")

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """Fields that may hold several values."""
        found = super().axes()
        return tuple(name for name in found if name != "repetition_penalty")

    def made_world(self) -> World:
        """The world that the fields ask for.

        Raises:
          InputError: if it cannot be made.
        """
        own = {"largest": self.largest} if self.largest else {}
        if self.world == "arithmetic":
            own["steps"] = self.worked_steps
        return WORLDS[self.world](exponent=self.exponent, **own)

    def load(self) -> WorldRows:
        """The documents of the world.

        Raises:
          InputError: if they do not fit into a block, or are too few.
        """
        world = self.made_world()
        block = self.block or world.longest
        return world_rows(world, block, self.documents, self.measured_rows, self.seed)

    def measured(self) -> tuple[str, ...]:
        """Names of the metrics; of skills that are generated, where prompts are."""
        found = self.metrics or self.known_metrics()
        if self.metrics or self.learn == "documents":
            return found
        return tuple(name for name in found if name not in OF_DOCUMENTS)

    def reads_less(self) -> Self:
        """The experiment with fewer documents."""
        most = max((_QUICK_DOCUMENTS, *self.samples_per_generation))
        return dataclasses.replace(self, documents=min(self.documents, most))

    def resolved(self, rows: int, dimension: int) -> Self:
        """The experiment with its number of documents and its block filled in."""
        return dataclasses.replace(
            self,
            samples_per_generation=self.samples_per_generation
            or (min(1024, self.documents),),
            block=self.block or self.made_world().longest,
        )

    # What is shown of it

    def caption(self) -> str:
        """The caption of the default figure."""
        sizes = f"{spelled(self.samples_per_generation)} documents a generation"
        given = "answers to real prompts" if self.learn == "responses" else "documents"
        weights = "new" if self.start == "scratch" else "the previous"
        phrases = [
            f"{self.made_world().name}: transformer {spelled(self.size)}",
            f"{sizes}, {given} are learned",
            f"{self.length_words()} from {weights} weights",
            *self.decoding_words(),
            self.repetitions(),
        ]
        return f"{'; '.join(phrases)}. Unseen prompts, as many of each skill."

    def leave(self, data: Any, traces: Mapping[Any, Any], folder: Path) -> None:
        """Write all generated documents, and a page of answers to one prompt."""

        def read(row: Any) -> str:
            return "".join(data.text(row))

        told = "First seed: the answer to an unseen prompt."
        pages.leave(list(self.conditions()), traces, folder, read, read, told)

    # Whether it can be run

    def quick(self) -> Self:
        """A small version with few documents and steps, in which little is learned."""
        small = super().quick()
        return dataclasses.replace(
            small,
            num_seeds=min(self.num_seeds, 2),
            samples_per_generation=capped(
                self.samples_per_generation or (1024,), _QUICK_ROWS
            ),
            size=("nano",),
            steps=capped(self.steps, _QUICK_STEPS),
            epochs=capped(self.epochs, 2.0),
            measured_rows=min(self.measured_rows, _QUICK_ROWS),
        )

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        super().check()
        self.check_network()
        greedy = min(self.temperature) == 0
        if greedy and self.learn == "documents":
            raise InputError(
                "temperature: at 0 all documents would be alike; give --learn responses"
            )
        self.check_decoding(certain=greedy)

    def check_data(self, data: Any) -> None:
        """Raise InputError if more is asked for than there are documents."""
        rows, most = len(data.train), max(self.samples_per_generation)
        if most > rows:
            raise InputError(
                f"samples_per_generation: {most} documents are needed but there are "
                f"{rows}; give at most so many, or more --documents"
            )
