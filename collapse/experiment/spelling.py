"""Values of an axis: in words, for captions, few of them, for quick runs, and once."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from collapse.data.errors import InputError, hint

N = TypeVar("N", int, float)
R = TypeVar("R")


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


def named(field: str, text: str, rules: Mapping[str, R]) -> tuple[str, R, list[str]]:
    """The first word of a text, the rule that it names, and the words behind it.

    Raises:
      InputError: if there is no such rule.
    """
    name, *words = text.split() or [""]
    if name not in rules:
        known = ", ".join(rules)
        raise InputError(
            f"{field}: unknown {text!r}; known are {known}{hint(name, rules)}"
        )
    return name, rules[name], words
