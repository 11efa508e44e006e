"""Closing tables of studies: aligned columns, a block for each setting of the axes."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Lines = Sequence[Mapping[str, Any]]


def in_blocks(
    lines: Lines, axes: Sequence[str], named: Iterable[str], table: Callable[..., Any]
) -> list[str]:
    """A table of each setting of the axes, headed by its values.

    Args:
      lines: of all settings, each with the value of every axis.
      axes: that have blocks of their own.
      named: those of them whose values are told.
      table: lines of one setting -> lines of text.
    """
    told, blocks = list(named), []
    for where in dict.fromkeys(tuple(line[a] for a in axes) for line in lines):
        some = [line for line in lines if tuple(line[a] for a in axes) == where]
        head = ", ".join(f"{a} {cell_words(some[0][a])}" for a in told)
        blocks.append("\n".join([*([head] if head else []), *table(some)]))
    return blocks


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines of text, columns of equal width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def ratio_words(found: tuple[float, float, float] | None) -> str:
    """A ratio with its interval: `2.3 (2.2 to 2.4)`, or `-` where there is none."""
    if found is None or math.isnan(found[0]):
        return "-"
    return f"{found[0]:.3g} ({found[1]:.3g} to {found[2]:.3g})"


def cell_words(value: Any) -> str:
    """A coordinate's value in a heading."""
    return f"{value:g}" if isinstance(value, float) else str(value)
