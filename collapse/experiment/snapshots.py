"""Which generations' samples are kept, and of how many seeds."""

from typing import Any

from collapse.data.errors import InputError


def refuse(experiment: Any, reason: str) -> None:
    """Raise InputError for snapshots, or seeds of them, of what can have none.

    Args:
      experiment: of which none are taken.
      reason: why, and what to do.
    """
    if experiment.snapshots or experiment.snapshot_seeds > 1:
        field = "snapshots" if experiment.snapshots else "snapshot_seeds"
        raise InputError(f"{field}: {reason}")


def check(experiment: Any) -> None:
    """Raise InputError for snapshots, or seeds of them, that cannot be taken."""
    seeds = experiment.snapshot_seeds
    if seeds > 1 and not experiment.snapshots:
        raise InputError(
            f"snapshots: none, but snapshot_seeds is {seeds}; name "
            f"the generations, such as --snapshots 0 {experiment.num_generations}"
        )
    if seeds > experiment.num_seeds:
        raise InputError(
            f"snapshot_seeds: {seeds} of {experiment.num_seeds}; give "
            "at most as many, or more --num-seeds"
        )
    for t in experiment.snapshots:
        if t > experiment.num_generations:
            raise InputError(
                f"snapshots: generation {t} is not run; stay within "
                f"0..{experiment.num_generations}"
            )
