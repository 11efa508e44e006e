"""Experiments with task worlds: what is measured, caption, checks."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from collapse.data.errors import InputError
from collapse.experiment.base import capped, spelled
from collapse.experiment.text import pages
from collapse.experiment.text.world import QUICK_STEPS
from collapse.measures import catalogue
from collapse.measures.quantity import Quantity
from collapse.sims.worlds import faults, tell
from collapse.sims.worlds.checks import check_mark, check_operators
from collapse.sims.worlds.fields import WorldsFields

if TYPE_CHECKING:
    import xarray as xr

# kind of contests -> the metric that they give
OF_CONTESTS = {"pairs": "pair_accuracy", "secrets": "exposure"}
OF_LEAKS = (
    *("leaked_correctness", "fresh_correctness", "score_inflation"),
    *("leaked_share", "leak_auc"),
)
OF_MARKS = ("watermark_z", "radioactive_z")
OF_OPERATORS = (
    *("phi", "psi", "operator_auc", "lost_skills", "documents_per_kept", "judge_calls"),
)
# operator -> metrics that it alone and its controls have
OF_ONE = {
    "constitution": ("judge_reward", "true_reward"),
    "enhance": ("rewritten_share",),
}


@dataclasses.dataclass(frozen=True)
class Worlds(WorldsFields):
    """A transformer that learns documents of a world, also those of earlier models."""

    name: ClassVar[str] = "worlds"
    description: ClassVar[str] = (
        "A language model of tasks with known answers, trained on earlier answers."
    )
    panels: ClassVar[tuple[str, ...]] = ("correctness", "rare_correctness", "validity")
    table: ClassVar[tuple[str, ...]] = (*panels, "generated_correctness")
    catalogue = catalogue.WORLDS
    in_studies: ClassVar[bool] = False

    def measured(self) -> tuple[str, ...]:
        """Names of the metrics that this world has, if none are named."""
        return self.metrics or self.possible()

    def possible(self) -> tuple[str, ...]:
        """Names of the metrics that this world has."""
        lacking = self.lacking()
        return tuple(name for name in self.known_metrics() if name not in lacking)

    def lacking(self) -> dict[str, str]:
        """Metric that is not measured with these settings -> what it needs."""
        world, needs = self.made_world(), dict[str, str]()
        for kind, name in OF_CONTESTS.items():
            if kind != world.contest:
                needs[name] = f"a world with {kind}"
        if not world.groups:
            needs["group_shift"] = "a world with groups of people"
        if self.attempts == 1:
            needs["pass_at_k"] = "--attempts above 1"
        if self.learn == "responses":  # whose prompts are real
            for name in ("skill_survival", "copied_documents"):
                needs[name] = "--learn documents"
        if not self.leaks():
            needs |= dict.fromkeys(OF_LEAKS, "--contamination above 0")
        if not self.marks():
            needs |= dict.fromkeys(OF_MARKS, "--watermark above 0")
        if not self.operates():
            needs |= dict.fromkeys(OF_OPERATORS, "an --operator")
        names = {text.partition(" ")[0] for text in self.operator}
        for operator, own in OF_ONE.items():
            if operator not in names:
                needs |= dict.fromkeys(own, f"--operator {operator}")
        return needs

    def quantity(self, metric: str) -> Quantity | None:
        """Long name and unit of a metric; where documents leak, prompts are not new."""
        found = super().quantity(metric)
        if found is None or not self.leaks():
            return found
        words = found.long_name.replace("unseen prompts", "asked prompts")
        return found._replace(long_name=words)

    def default_panels(self, known: "xr.Dataset") -> tuple[str, ...]:
        """The panels of a figure that names none: of leaks and marks, if there are."""
        own = self.asked_for()
        return tuple(n for n in own if n in known) or super().default_panels(known)

    def default_table(self) -> tuple[str, ...]:
        """The metrics of the closing table, if none are named."""
        own = (*super().default_table(), *self.asked_for())
        return tuple(dict.fromkeys(own))

    def asked_for(self) -> tuple[str, ...]:
        """What leaks and marks show, where they are asked for."""
        leaks = ("leaked_correctness", "fresh_correctness", "leak_auc")
        marks = ("watermark_z", "radioactive_z", "correctness")
        return leaks * self.leaks() + marks * self.marks()

    def diagnostics(self) -> tuple[str, ...]:
        """Names of the diagnostics: of training, and of what an operator keeps."""
        told = ("fit_kept_share", "fit_effective_share") if self.operates() else ()
        return (*super().diagnostics(), *told)

    # What is shown of it

    def caption(self) -> str:
        """The caption of the default figure."""
        sizes = f"{spelled(self.samples_per_generation)} documents a generation"
        given = "answers to real prompts" if self.learn == "responses" else "documents"
        weights = "new" if self.start == "scratch" else "the previous"
        phrases = [
            f"{self.world_words()}: transformer {spelled(self.size)}",
            f"{sizes}, {given} are learned",
            f"{self.length_words()} from {weights} weights",
            *self.architecture_words(),
            *self.decoding_words(),
            *self.defect_words(),
            *self.operator_words(),
            *self.mark_words(),
            self.repetitions(),
        ]
        asked = (
            "Asked prompts, half of which may leak"
            if self.leaks()
            else "Unseen prompts"
        )
        return f"{'; '.join(phrases)}. {asked}, weighted by skill."

    def compares(self) -> bool:
        """Whether several operators are compared."""
        return len(self.operator) > 1

    def figures(self) -> tuple[Mapping[str, Any], ...]:
        """Tables `[figure]`: curves of workflows, or of the operators compared."""
        return ({"hue": "operator"},) if self.compares() else ({},)

    def closing(self, dataset: "xr.Dataset") -> str:
        """A table of operators and what they gain, where several are compared."""
        if not self.compares() or "correctness" not in dataset:
            return super().closing(dataset)
        return tell.closing(self, dataset)

    def leave(self, data: Any, traces: Mapping[Any, Any], folder: Path) -> None:
        """Write the documents that were measured, a page of answers, and faults."""

        def read(row: Any) -> str:
            return "".join(data.text(row))

        told = "First seed: the answer to a prompt that is asked."
        conditions = list(self.conditions())
        pages.leave(conditions, traces, folder, read, read, told)
        answers = {pages.name(one): traces[one.key]["answers"] for one in conditions}
        faults.leave(data.world, answers, folder / "answers.csv")

    # Whether it can be run

    def quick(self) -> Self:
        """A small version with few documents and steps, in which little is learned."""
        return dataclasses.replace(
            super().quick(),
            epochs=capped(self.epochs, 2.0),
            pretrain_steps=min(self.pretrain_steps, QUICK_STEPS),
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
        if self.pass_k > self.attempts:
            raise InputError(
                f"pass_k: {self.pass_k} of {self.attempts} answers; give at most so "
                "many, or more --attempts"
            )
        if self.attempts > 1 and greedy:
            raise InputError("attempts: at temperature 0 all are alike; leave it out")
        check_operators(self)
        check_mark(self)
        lacking = self.lacking()
        for name in self.metrics:
            if name in lacking:
                raise InputError(
                    f"metrics: {name} needs {lacking[name]}; give that, or some of "
                    f"{', '.join(self.possible())}"
                )
