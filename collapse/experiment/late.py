"""The last generations of a study, over which long-run values are averaged."""

from typing import Any

from collapse.data.errors import InputError


def fitted(study: Any, most: int) -> int:
    """The field `late` of a study; its default is cut to the generations there are.

    Args:
      study: with a field `late`.
      most: generations that can be averaged over.
    """
    usual: int = type(study).late
    return min(usual, most) if study.late == usual else int(study.late)


def check(study: Any, most: int) -> None:
    """Raise InputError if `late` is more than the generations there are.

    Args:
      study: with a field `late`.
      most: generations that can be averaged over.
    """
    if study.late > most:
        raise InputError(
            f"late: {study.late} generations, but {most} can be averaged; give at most "
            f"{most}, or more --num-generations"
        )
