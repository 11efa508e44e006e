"""The parts of a run: all of them, which are done, what each is in words."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from collapse.experiment.base import Experiment
from collapse.lab import checkpoint
from collapse.lab.prepare import Piece, Plan


def pieces(experiment: Experiment, plan: Plan) -> Iterator[Piece]:
    """All parts of an experiment in order, found one after the other.

    Args:
      experiment: as resolved.
      plan: of `prepare.planner`.
    """
    for number, condition in enumerate(experiment.conditions()):
        for seeds, _ in plan(number, condition).blocks:
            yield Piece(number, seeds)


def is_done(piece: Piece, experiment: Experiment, checkpoints: Path) -> bool:
    """Whether the file of a part is complete.

    Raises:
      InputError: if it is damaged.
    """
    path = checkpoints / piece.name
    return path.exists() and checkpoint.done(path) == experiment.num_generations


def words(piece: Piece, experiment: Experiment) -> str:
    """`replace, samples_per_generation 100, seeds 0 to 63`: what a part is."""
    condition = list(experiment.conditions())[piece.number]
    cell = [f"{axis} {condition[axis]}" for axis in experiment.several()]
    seeds = f"seeds {piece.seeds.start} to {piece.seeds.stop - 1}"
    return ", ".join([condition.workflow.label, *cell, seeds])


def few(texts: Sequence[str], most: int = 3) -> str:
    """The first texts, and how many there are more."""
    more = len(texts) - most
    told = "; ".join(texts[:most])
    return f"{told}; and {more} more" if more > 0 else told
