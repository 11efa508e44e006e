"""The fields of an experiment with task worlds."""

import dataclasses
from typing import Annotated, Literal

from collapse.data.worlds.planted import Defects
from collapse.experiment.base import spelled
from collapse.experiment.fields import Bounds, Count, Only, OnlyIfSet, Share, Shown
from collapse.experiment.remarks import without_effect
from collapse.experiment.text.world import WorldFamily
from collapse.sims.worlds.operators import NONE, RULES, TextOperator, read

_SAME_FOR_ALL = ("noise", "duplicates", "near_duplicates")  # defects that are no axes
OPERATORS = tuple(name for name in RULES if name != NONE)


@dataclasses.dataclass(frozen=True)
class WorldsFields(WorldFamily):
    """The fields of every world, and those of operators and defects."""

    num_generations: Annotated[int, Bounds(1, 10**7 - 1)] = 3
    """Generations after the first fit, which is generation 0."""
    workflows: tuple[str, ...] = ("replace", "accumulate")
    """What each generation is trained on, as for every family."""
    samples_per_generation: Annotated[tuple[Count, ...], Shown("1024")] = ()
    """Documents n that a generation generates."""
    faults: tuple[Share, ...] = (0.0,)
    """Shares of the real documents whose responses have a planted fault."""
    noise: Annotated[float, Bounds(0, 1), OnlyIfSet()] = 0.0
    """Share of the real documents of which some characters are random."""
    duplicates: Annotated[float, Bounds(0, 1), OnlyIfSet()] = 0.0
    """Share of the real documents that are copies of others."""
    near_duplicates: Annotated[float, Bounds(0, 1), OnlyIfSet()] = 0.0
    """Share of the real documents that are copies but for one character."""
    contamination: Annotated[tuple[Share, ...], OnlyIfSet()] = (0.0,)
    """Shares of the real documents that are asked when models are measured: copies of
    one half of what is asked, with the right answer."""
    operator: tuple[str, ...] = ("none",)
    """What is kept of documents: rules, answers, exact, near, clusters, classifier,
    perplexity, influence, best_of, constitution or enhance (all, wrong answers are
    rewritten); then random (as many, whatever they are) or oracle (as many, right ones
    first) if wanted."""
    keep_rate: Annotated[
        float,
        Bounds(0, 1, above=True),
        Only("operator", ("classifier", "perplexity", "influence")),
    ] = 0.5
    """Share of the documents that classifier, perplexity and influence keep."""
    gains: Annotated[
        Literal["one_step", "first_order"],
        Only("operator", ("influence",)),
        OnlyIfSet(),
    ] = "one_step"
    """How influence finds what a document is worth: by a step of gradient descent on
    it, or cheaper by what that would be worth to first order."""
    candidates: Annotated[int, Bounds(1, 1000)] = 1
    """Documents generated for each that can be kept; of best_of and constitution
    answers to a prompt."""
    judge_accuracy: Annotated[
        float, Bounds(0, 1), Only("operator", ("best_of", "constitution", "enhance"))
    ] = 1.0
    """Share of the answers that best_of judges rightly, of the verdicts of constitution
    on one principle, and of the wrong answers that enhance corrects."""
    judge_bias: Annotated[
        float, Bounds(0, 1), Only("operator", ("constitution",)), OnlyIfSet()
    ] = 0.0
    """Share of the verdicts of constitution that length decides: a principle then
    seems fulfilled by answers longer than the median to their prompt."""
    principles: Annotated[
        tuple[str, ...], Only("operator", ("constitution",)), OnlyIfSet()
    ] = ("form", "right", "no_repeat")
    """Principles of constitution: form, right, ends, no_repeat (the prompt), discreet
    (tells no planted secret), short, long (than the median answer to the prompt)."""
    judged: Annotated[Literal["generated", "all"], Only("operator", OPERATORS)] = (
        "generated"
    )
    """Documents that operators judge: those that models generated, or real ones, too:
    a seed then has its n among those that are kept, repeated if they are fewer."""
    learn: Literal["responses", "documents"] = "responses"
    """responses: answers to real prompts, which models are given (supervised
    fine-tuning); documents: prompts, too, which models make up (pretraining)."""
    pretrain_steps: Annotated[int, Bounds(0, 10**6), OnlyIfSet()] = 0
    """Optimiser steps of a base model on whole documents of the world, which are all
    --documents; every generation then starts from it."""
    epochs: Annotated[
        tuple[Annotated[float, Bounds(0, 10**4)], ...], Only("steps", (0,))
    ] = (20.0,)
    """Passes over the training data, so that more data get more steps; without --steps
    only."""
    watermark: Annotated[tuple[Annotated[float, Bounds(0, 100)], ...], OnlyIfSet()] = (
        0.0,
    )
    """Strengths of a watermark: what is added to the logits of green tokens in all that
    models generate, documents as well as answers to unseen prompts."""
    green_share: Annotated[
        float, Bounds(0, 1, above=True), Only("watermark"), OnlyIfSet()
    ] = 0.5
    """Share of the characters that are green; the last one and a key of the seed say
    which."""
    attempts: Annotated[int, Bounds(1, 1000), OnlyIfSet()] = 1
    """Answers to each unseen prompt."""
    pass_k: Annotated[int, Bounds(1, 1000), Only("attempts"), OnlyIfSet()] = 1
    """With --attempts: k of pass_at_k, of which one is right."""

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """Fields that may hold several values."""
        found = (*super().axes(), "faults", "contamination", "operator", "watermark")
        return tuple(name for name in found if name != "repetition_penalty")

    def defects(self, faults: float, contamination: float) -> Defects | None:
        """Shares of defects of the real documents; None if none is ever asked for."""
        others = {name: getattr(self, name) for name in _SAME_FOR_ALL}
        if not any((*self.faults, *self.contamination, *others.values())):
            return None
        return Defects(faults=faults, contamination=contamination, **others)

    def leaks(self) -> bool:
        """Whether documents that are asked are ever among the real ones."""
        return any(self.contamination)

    def marks(self) -> bool:
        """Whether models are ever asked to mark what they generate."""
        return any(self.watermark)

    def mark_words(self) -> list[str]:
        """Phrases for captions: how models mark what they generate."""
        if not self.marks():
            return []
        share = f"{self.green_share:g} of the characters green"
        return [f"watermark of strength {spelled(self.watermark)}, {share}"]

    def defect_words(self) -> list[str]:
        """Phrases for captions: what is wrong with the real documents."""
        shares: dict[str, tuple[float, ...]] = {"faults": self.faults}
        shares |= {name: (getattr(self, name),) for name in _SAME_FOR_ALL}
        shares |= {"contamination": self.contamination}
        told = [
            f"{spelled(values)} {name.replace('_', ' ')}"
            for name, values in shares.items()
            if any(values)
        ]
        return [f"shares of the real documents: {', '.join(told)}"] if told else []

    def operator_words(self) -> list[str]:
        """Phrases for captions: what operators judge, and with which settings."""
        if not self.operates():
            return []
        idle, told = without_effect(self), []
        if "keep_rate" not in idle:
            told.append(f"keep rate {self.keep_rate:g}")
        if self.candidates > 1:
            told.append(f"{self.candidates} candidates")
        if "judge_accuracy" not in idle:
            told.append(f"a judge right {self.judge_accuracy:g} of the time")
        if "principles" not in idle:
            told.append(f"principles {', '.join(self.principles)}")
            told.append(f"bias for length {self.judge_bias:g}")
        if "gains" not in idle:
            told.append(f"gains {self.gains.replace('_', ' ')}")
        whose = "all" if self.judged == "all" else "generated"
        return [", ".join([f"operators judge {whose} documents", *told])]

    def operates(self) -> bool:
        """Whether an operator is asked for that may reject documents."""
        return self.operator != (NONE,)

    def operators(self) -> tuple[TextOperator, ...]:
        """The operators that are asked for.

        Raises:
          InputError: if one of them is none.
        """
        return tuple(map(read, self.operator))
