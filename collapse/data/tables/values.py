"""The numbers of the columns that are kept: all present, all finite."""

import itertools
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from collapse.data.errors import DataError
from collapse.data.tables.numbers import Kind, NotANumberError, cause, kind, numbers
from collapse.data.tables.options import Options, Raw, listed, name_of, spelled
from collapse.data.tables.selection import flag_words

_LONGEST = 30  # characters of a cell in a message


def values(
    name: str,
    raw: Raw,
    columns: Sequence[int],
    options: Options,
    separator: str,
    shown: Raw | None = None,
) -> tuple[Float[np.ndarray, "rows d"], tuple[str, ...]]:
    """Numbers [rows, d] of some columns, and what is said of rows that were dropped.

    Args:
      name: of the data, for messages.
      raw: the whole table.
      columns: indices of those to keep, in order.
      options: with `decimal` and `missing`.
      separator: between cells, for messages.
      shown: the table as it stands in the file, for messages; None for `raw`.

    Raises:
      DataError: for a cell that is no number, or an infinite one; for a missing one,
        unless rows with one are dropped; for a column without any number.
    """
    read, texts, shown = [], [], shown or raw
    for k in columns:
        try:
            read.append(_column(raw, k, options))
        except NotANumberError as error:
            texts.append((k, error.args[0]))
    if texts:
        if several := _headers(shown, columns, [k for k, _ in texts], options):
            raise DataError(f"{name}: {several}")
        raise DataError(_no_number(name, shown, texts, options, separator))
    found = np.stack(read, axis=1)
    for k, own in zip(columns, found.T, strict=True):
        if np.isnan(own).all():
            raise DataError(
                f"{name}: {_label(raw, k)} has no values; leave it out: "
                f"--drop {flag_words(raw, [k])}"
            )
    infinite = np.argwhere(np.isinf(found))
    if len(infinite):
        row, column = infinite[0]
        value = raw.columns[columns[column]][row]
        value = repr(value) if isinstance(value, str) else value
        what = "is not a finite number; change its unit, or remove the row"
        raise DataError(f"{_cell(name, raw, row, columns[column])}: {value} {what}")
    return _without_missing(name, raw, columns, found, options.missing == "drop")


def _without_missing(
    name: str,
    raw: Raw,
    columns: Sequence[int],
    found: Float[np.ndarray, "rows d"],
    drop: bool,
) -> tuple[Float[np.ndarray, "kept d"], tuple[str, ...]]:
    """The rows without a missing number, and what is said of those that are dropped.

    Args:
      name: of the data, for messages.
      raw: the whole table.
      columns: indices of those that were read.
      found: their numbers, NaN where one is missing.
      drop: whether such rows are left out; else a missing number is an error.
    """
    gone = np.isnan(found)
    rows = gone.any(axis=1)
    if not rows.any():
        return found, ()
    if not drop:
        row, column = np.argwhere(gone)[0]
        more = int(gone.sum()) - 1
        also = f", and {more} more" if more else ""
        raise DataError(
            f"{_cell(name, raw, row, columns[column])} is missing{also}; fill in, or "
            "leave out such rows with --missing drop"
        )
    if rows.all():
        raise DataError(f"{name}: every row has a missing value; drop columns instead")
    count = int(rows.sum())
    told = f"left out {count} row{'s' * (count > 1)} with missing values"
    return found[~rows], (told,)


def _column(raw: Raw, k: int, options: Options) -> Float[np.ndarray, " rows"]:
    column = raw.columns[k]
    if isinstance(column, np.ndarray):
        return column
    return numbers(column, options.decimal)


def _headers(
    raw: Raw, columns: Sequence[int], failing: Sequence[int], options: Options
) -> str:
    """What is said of lines of names among the rows, units for example; "" for none.

    Args:
      raw: the whole table.
      columns: indices of those to keep.
      failing: of those with a cell that is no number.
      options: with `decimal` and `header`.
    """
    if raw.unit != "line":
        return ""
    rows = zip(*(raw.columns[k] for k in columns), strict=True)
    kinds = ([kind(cell, options.decimal) for cell in row] for row in rows)
    count = sum(1 for _ in itertools.takewhile(_names_only, kinds))
    if not count or (not raw.named and count == 1 and options.header == "auto"):
        return ""
    for k in failing:
        below = [kind(cell, options.decimal) for cell in raw.columns[k][count:]]
        if 2 * below.count("text") >= len(below):
            return ""
    shown = listed([cell for k in columns if (cell := raw.columns[k][0].strip())], 4)
    which = f"line {raw.places[0]} looks like a header"
    if count > 1:
        which = f"lines {raw.places[0]} to {raw.places[count - 1]} look like headers"
    too = ", too" if raw.named else ""
    fixes = []
    if raw.named or count > 1:
        fixes.append("keep one line of names and delete the others")
    if options.header == "no":
        fixes.append("drop --header no")
    return f"{which}{too} ({shown}); {', and '.join(fixes)}"


def _names_only(kinds: Sequence[Kind]) -> bool:
    """Whether a line has words and no number."""
    return "text" in kinds and {*kinds} <= {"text", "missing"}


def _no_number(
    name: str,
    raw: Raw,
    texts: Sequence[tuple[int, int]],
    options: Options,
    separator: str,
) -> str:
    """What is said of columns with a cell that is no number, and its likely cause.

    Args:
      name: of the data.
      raw: the whole table.
      texts: column and row of the first such cell of each.
      options: with `decimal`.
      separator: between cells.
    """
    (k, row), value = texts[0], raw.columns[texts[0][0]][texts[0][1]]
    every = [column for column, _ in texts]
    why = cause(value, options.decimal, separator)
    if not why:
        what = "leave the column out" if len(every) == 1 else "leave such columns out"
        why = f"mend it, or {what}: --drop {flag_words(raw, every)}"
        own = raw.unit == "line" and not raw.named and options.header == "auto"
        if own and row == 0 and list(raw.columns[k]).count(value) == 1:
            why = f"if line {raw.places[0]} holds names: --header yes; else {why}"
    short = value if len(value) <= _LONGEST else value[:_LONGEST] + "..."
    return f"{_cell(name, raw, row, k)}: {short!r} is not a number; {why}"


def _cell(name: str, raw: Raw, row: int, column: int) -> str:
    """Where a cell is: `points.csv: line 3, column 'b'`."""
    return f"{name}: {raw.unit} {raw.places[row]}, {_label(raw, column)}"


def _label(raw: Raw, column: int) -> str:
    return spelled([name_of(raw.titles, column)])
