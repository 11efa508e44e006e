"""Which columns of a table are learned from: by name or number, without indices."""

import re
import shlex
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from collapse.data.errors import DataError
from collapse.data.tables.numbers import NotANumberError, numbers
from collapse.data.tables.options import Options, Raw, listed, name_of

_INDEX_NAMES = frozenset(
    "id idx index row rows rownames row_names rownum row_number nr no no. number obs "
    "observation case level_0 lfd. lfd.nr".split()
)
_ENDS_IN_ID = re.compile(r"(?:[_ .-]id|[a-z](?:Id|ID)|[_ ]index)$|^Unnamed: \d+$")
_YEARS = frozenset("year years yr yrs yyyy".split())
_WHOLE = re.compile(r"\d{1,9}")


class Selection(NamedTuple):
    """The columns to keep.

    Attributes:
      columns: their indices, in order; that of the target last, if there is one.
      told: phrases on what was left out or may be meant otherwise.
    """

    columns: tuple[int, ...]
    told: tuple[str, ...]


def select(
    name: str,
    raw: Raw,
    options: Options,
    target: str | None = None,
    field: str = "target",
) -> Selection:
    """The columns that the options keep, without an index unless they name it.

    Args:
      name: of the data, for messages.
      raw: the whole table.
      options: with `columns` or `drop`.
      target: the column that goes last, to predict or of classes; None for no such.
      field: whose value `target` is, for messages.

    Raises:
      DataError: for a name that is not that of one column.
    """
    if options.columns and options.drop:
        raise DataError("columns: not together with drop; give one of them")
    every = range(len(raw.titles))
    asked = _Finder(name, raw.titles, [])
    kept = [asked.find("columns", word) for word in options.columns] or [*every]
    dropped = [asked.find("drop", word) for word in options.drop]
    for option, found in (("columns", kept), ("drop", dropped)):
        twice = next((k for k in found if found.count(k) > 1), None)
        if twice is not None:
            raise DataError(f"{option}: {name_of(raw.titles, twice)} is named twice")
    known = [k for k in kept if k not in dropped]
    last: list[int] = []
    if target is not None:
        # --columns names the inputs, with or without the target
        own = asked.find(field, target, every if options.columns else known)
        last = [own]
    told: list[str] = []
    rest = [k for k in known if k not in last]
    if not options.columns:
        left, told = _indices(raw, rest, alone=not last)
        rest = [k for k in rest if k not in left]
    if not rest and not last:
        raise DataError("drop: leaves no column of the data; drop fewer")
    return Selection((*rest, *last), (*asked.told, *told))


def flag_words(raw: Raw, columns: Sequence[int]) -> str:
    """Columns as a flag takes them: by name, or by number where that is no name."""
    words = []
    for k in columns:
        title, number = raw.titles[k], str(k + 1)
        unique = title and raw.titles.count(title) == 1 and not title.startswith("-")
        other = name_of(raw.titles, k) if _all_numbers(raw.titles) else number
        words.append(shlex.quote(title if unique else other))
    return " ".join(words)


class _Finder(NamedTuple):
    """Columns by name or number, and remarks on what could have been either."""

    name: str
    titles: tuple[str, ...]
    told: list[str]

    def find(self, field: str, word: str, among: Sequence[int] | None = None) -> int:
        """Index of the one column that `word` names; its name goes before its number.

        Raises:
          DataError: naming the field.
        """
        every = range(len(self.titles)) if among is None else among
        word = " ".join(word.split())
        known = listed([name_of(self.titles, k) for k in every])
        if not word:
            what = "to predict" if field == "target" else "meant"
            raise DataError(f"{field}: name the column {what}; {self.name} has {known}")
        named = [k for k in every if name_of(self.titles, k) == word]
        place = int(word) - 1 if _WHOLE.fullmatch(word) else -1
        only = _all_numbers(self.titles)
        if len(named) > 1:
            numbers = " and ".join(str(k + 1) for k in named)
            raise DataError(
                f"{field}: {word!r} names columns {numbers} of {self.name}; give one "
                "number"
            )
        if named and place in every and place != named[0]:
            self.told.append(
                f"{field} {word} is the column named {word}, not column number {word}, "
                f"named {name_of(self.titles, place)}"
            )
        if not named and (place not in every or only):
            whole = range(len(self.titles)) if not only else ()
            names = [name_of(self.titles, k) for k in range(len(self.titles))]
            if word in names or (place in whole and place not in every):
                raise DataError(f"{field}: {word!r} is dropped; keep it")
            raise DataError(f"{field}: unknown {word!r}; {self.name} has {known}")
        return named[0] if named else place


def _all_numbers(titles: Sequence[str]) -> bool:
    """Whether names are numbers, so that a number is a name and no position."""
    return any(titles) and all(re.fullmatch(r"[+-]?\d+", t) for t in titles if t)


def _indices(
    raw: Raw, columns: Sequence[int], alone: bool
) -> tuple[list[int], list[str]]:
    """Columns that number the rows, which are left out, and what is said of these.

    An unnamed first column is an index if it counts the rows, or in a file with names
    if its whole numbers all differ. One that is named like an index is one if it holds
    the numbers of all rows, in any order. Others that may be one are kept, and told:
    so is a first column of years, or of whole numbers that rise or fall all the way.

    Args:
      raw: the whole table.
      columns: indices of those that may be left out.
      alone: whether one of them must stay.
    """
    left: list[int] = []
    told: list[str] = []
    for position, k in enumerate(columns):
        values = _whole(raw.columns[k])
        if values is None:
            continue
        title, label = raw.titles[k], name_of(raw.titles, k)
        ordered = _is_monotone(values) or title.lower() in _YEARS
        first = {*columns[:position]} <= {*left} and len(columns) > alone
        which = f"column {title}" if title else label
        hint = f"{which} looks like an index: --drop {flag_words(raw, [k])}"
        if len(np.unique(values)) < len(values):
            if first and ordered:
                told.append(hint)
            continue
        in_order = values - values[0]
        counts = values[0] in (0, 1) and bool(
            np.all(in_order == np.arange(len(values)))
        )
        low, high = values.min(), values.max()
        every = low in (0, 1) and high == low + len(values) - 1
        like_one = title.lower() in _INDEX_NAMES or _ENDS_IN_ID.search(title)
        unnamed = not title and k == 0 and (counts or raw.named)
        if (unnamed or (like_one and every)) and not (alone and len(columns) == 1):
            left.append(k)
            what = "counts" if counts else "numbers"
            own = label if title else f"{label}, unnamed"
            told.append(
                f"left out {own}, which {what} the rows (to keep it, name it in "
                "--columns)"
            )
        elif counts:
            told.append(f"{label} counts the rows: --drop it if it is an index")
        elif like_one:
            told.append(f"{label} differs in all rows: --drop it if it is an id")
        elif first and ordered:
            told.append(hint)
    if alone and len(left) == len(columns):
        left, told = left[1:], told[1:]
    return left, told


def _is_monotone(values: Float[np.ndarray, " rows"]) -> bool:
    """Whether each number is larger than the one before, or each smaller."""
    steps = np.diff(values)
    return bool(np.all(steps > 0) or np.all(steps < 0))


def _whole(column: Sequence[str] | np.ndarray) -> np.ndarray | None:
    """The numbers of a column if it has two or more and all are whole, else None."""
    try:
        values: Float[np.ndarray, " rows"] = (
            column if isinstance(column, np.ndarray) else numbers(column[:2], ".")
        )
        if not np.all(values[:2] == np.floor(values[:2])):  # most columns end here
            return None
        if not isinstance(column, np.ndarray):
            values = numbers(column, ".")
    except NotANumberError:
        return None
    whole = np.all(np.isfinite(values)) and np.all(values == np.floor(values))
    return values if whole and len(values) > 1 else None
