"""Experiments with generators and students: fields, metrics, caption, checks."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from collapse.experiment.base import spelled
from collapse.experiment.fields import Bounds, Count, Only, Share, Shown
from collapse.experiment.lazy import load
from collapse.experiment.spelling import once
from collapse.experiment.text import pages
from collapse.experiment.text.world import QUICK_STEPS, WorldFamily
from collapse.measures import catalogue
from collapse.sims.students import tell
from collapse.sims.students.generators import REAL, read

if TYPE_CHECKING:
    import xarray as xr


@dataclasses.dataclass(frozen=True)
class Students(WorldFamily):
    """Students that learn from rows of generators, and what of a gap they recover."""

    name: ClassVar[str] = "students"
    description: ClassVar[str] = (
        "Students trained on what generators made: which generator teaches best?"
    )
    panels: ClassVar[tuple[str, ...]] = ("correctness", "data_correctness", "pgr")
    table: ClassVar[tuple[str, ...]] = ("correctness", "solver_correctness")
    catalogue = catalogue.STUDENTS
    in_studies: ClassVar[bool] = False

    num_generations: Annotated[int, Bounds(1, 10**7 - 1)] = 1
    """Generation 0 trains generators, generation 1 their students."""
    workflows: tuple[str, ...] = ("replace",)
    """A student learns from its generator's rows alone."""
    samples_per_generation: Annotated[tuple[Count, ...], Shown("1024")] = ()
    """Documents n that a generator makes for a student."""
    generator: tuple[str, ...] = ("real", "nano 160", "nano 640", "nano 2560")
    """Who makes them: a size, optimiser steps, and a temperature if it is not 1; or
    real, the documents that mark the reference."""
    recipe: tuple[Literal["answer", "new", "improve"], ...] = (
        "answer",
        "new",
        "improve",
    )
    """How: answers to real prompts; new prompts and answers; or poor documents, of
    which the generator keeps what it finds likelier than its own answer."""
    poor: Annotated[Share, Only("recipe", ("improve",))] = 0.5
    """Share of the poor documents that have a planted fault."""
    steps: tuple[Annotated[int, Bounds(1, 10**6)], ...] = (320,)
    """Optimiser steps of a student, the same for all."""
    base_steps: Annotated[int, Bounds(1, 10**6)] = 80
    """Optimiser steps on whole real documents of the base model that students start
    from."""

    @classmethod
    def hidden(cls) -> tuple[str, ...]:
        """Names of the fields that are not offered: a student has one generation."""
        own = ("num_generations", "workflows", "start", "epochs", "temperature")
        others = ("real_fraction", "anchor", "window", "top_k", "top_p")
        return (*super().hidden(), *own, *others)

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """Fields that may hold several values."""
        left_out = ("repetition_penalty", "temperature", "epochs")
        found = tuple(name for name in super().axes() if name not in left_out)
        return (*found, "generator", "recipe")

    def measured(self) -> tuple[str, ...]:
        """Names of the metrics."""
        return self.metrics or tuple(self.catalogue)

    def derived(self) -> tuple[str, ...]:
        """Names of what `derive` adds: nothing without a reference."""
        known = REAL in self.generator and len(self.generator) > 1
        return ("pgr", "solver_r2") if known and self.num_seeds > 1 else ()

    # What is shown of it

    def derive(self, dataset: "xr.Dataset") -> "xr.Dataset":
        """The dataset with the performance gap recovered, if there is a reference."""
        found: xr.Dataset = load("collapse.sims.students.gap").derive(dataset)
        return found

    def figures(self) -> tuple[Mapping[str, Any], ...]:
        """Table `[figure]`: the student's answers, by generator."""
        return ({"x": "generator", "hue": "recipe"},)

    def caption(self) -> str:
        """The caption of the default figure."""
        sizes = f"{spelled(self.samples_per_generation)} documents"
        return (
            f"{self.world_words()}: each student, a transformer of size "
            f"{spelled(self.size)}, learns {sizes} of its generator in "
            f"{spelled(self.steps)} steps, from a base of {self.base_steps} steps. "
            "Generation 0 is the base, generation 1 "
            f"the student. {self.repetitions()}. Unseen prompts, weighted by skill. "
            "Hollow: not told by these seeds."
        )

    def closing(self, dataset: "xr.Dataset") -> str:
        """A table of generators and recipes, with the gap that students recover."""
        if REAL not in self.generator or "correctness" not in dataset:
            return super().closing(dataset)
        return tell.closing(dataset)

    def leave(self, data: Any, traces: Mapping[Any, Any], folder: Path) -> None:
        """Write all documents that generators made, and a page of answers."""

        def words(row: Any) -> str:
            return "".join(data.text(row))

        told = "First seed: the student's answer to an unseen prompt."
        pages.leave(list(self.conditions()), traces, folder, words, words, told)

    # Whether it can be run

    def every_size(self) -> tuple[str, ...]:
        """Sizes of all networks, those of generators, too."""
        sizes = (read(text).size for text in self.generator)
        return (*self.size, *(size for size in sizes if size))

    def quick(self) -> Self:
        """A small version with few documents and steps, in which little is learned."""
        some = self.generator[:1] + self.generator[1:][-1:]
        return dataclasses.replace(
            super().quick(),
            generator=tuple(dict.fromkeys(_short(text) for text in some)),
            base_steps=min(self.base_steps, QUICK_STEPS),
        )

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        once("generator", self.generator, read)
        super().check()
        self.check_network()


def _short(text: str) -> str:
    """The generator with a few steps."""
    found = read(text)
    if not found.size:
        return text
    return f"nano {min(found.steps, QUICK_STEPS)} {found.temperature:g}"
