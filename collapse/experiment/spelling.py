"""Values of an axis: in words, for captions, few of them, for quick runs, and once."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from collapse.data.errors import InputError

N = TypeVar("N", int, float)


def spelled(values: Iterable[Any]) -> str:
    """Values of an axis for a caption: `10, 100`."""
    return ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in values)


def capped(values: tuple[N, ...], most: N, keep: int = 2) -> tuple[N, ...]:
    """The values, each at most `most`; of many the first and the last `keep - 1`."""
    few: tuple[N, ...] = tuple(dict.fromkeys(min(value, most) for value in values))
    return few if len(few) <= keep else few[:1] + few[1 - keep :]


def once(field: str, texts: Iterable[str], read: Callable[[str], Any]) -> None:
    """Raise InputError if two texts are read as one, as `event 1` and `event 1.0`."""
    first: dict[str, str] = {}
    for text in texts:
        known = first.setdefault(repr(read(text)), text)
        if known != text:
            raise InputError(f"{field}: {known!r} and {text!r} are one; name each once")
