"""Values of an axis: in words, for captions, and few of them, for quick runs."""

from collections.abc import Iterable
from typing import Any, TypeVar

N = TypeVar("N", int, float)


def spelled(values: Iterable[Any]) -> str:
    """Values of an axis for a caption: `10, 100`."""
    return ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in values)


def capped(values: tuple[N, ...], most: N, keep: int = 2) -> tuple[N, ...]:
    """The values, each at most `most`; of many the first and the last `keep - 1`."""
    few: tuple[N, ...] = tuple(dict.fromkeys(min(value, most) for value in values))
    return few if len(few) <= keep else few[:1] + few[1 - keep :]
