"""How a user's table is to be read, and what stands in it once it is."""

from collections.abc import Sequence
from typing import Any, NamedTuple


class Options(NamedTuple):
    """How a table is read; the defaults leave all to its first line and its kind.

    Attributes:
      columns: to keep, by name or number from 1, in this order; all if empty.
      drop: columns to leave out, by name or number from 1.
      separator: between columns: one character, or its name; "auto" for that of the
        kind of file.
      decimal: the decimal point.
      header: whether the first line holds names; "auto" for the rule of `header`.
      missing: whether a row with a missing value is refused or left out.
    """

    columns: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    separator: str = "auto"
    decimal: str = "."
    header: str = "auto"
    missing: str = "error"


class Raw(NamedTuple):
    """A table as it stands in its file, before any column is chosen.

    Attributes:
      titles: [d], names of the columns, "" where there is none.
      columns: [d], each an array of numbers (NaN for a missing one), or a list of the
        texts of its cells.
      places: [rows], the line of each row, or its number from 1.
      unit: "line" or "row", of these.
      told: phrases on what was decided, such as `names 2019, 2020 from line 1`.
      named: whether the file names its columns.
      expected: those of `told` that surprise nobody.
    """

    titles: tuple[str, ...]
    columns: Sequence[Any]
    places: Sequence[int]
    unit: str
    told: tuple[str, ...] = ()
    named: bool = True
    expected: tuple[str, ...] = ()


def name_of(titles: Sequence[str], index: int) -> str:
    """The name of a column; `column 3` where the file gives none."""
    return titles[index] or f"column {index + 1}"


def spelled(names: Sequence[str]) -> str:
    """Columns in a message: `column 'a'`, or `columns 1, 2 and 'b'`."""
    if len(names) == 1:
        return names[0] if names[0].startswith("column ") else f"column {names[0]!r}"
    short = [
        name.removeprefix("column ") if name.startswith("column ") else repr(name)
        for name in names
    ]
    return f"columns {', '.join(short[:-1])} and {short[-1]}"


def listed(names: Sequence[str], most: int = 10) -> str:
    """Names for a message, of which many are cut off."""
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
