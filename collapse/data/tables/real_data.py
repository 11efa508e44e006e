"""Real data from files: read, checked, and split into training and held-out rows."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from collapse.data.errors import DataError
from collapse.data.tables import checks, delimited, formats
from collapse.data.tables.classes import numbered
from collapse.data.tables.disjoint import check_disjoint
from collapse.data.tables.options import Options, Raw, listed, name_of
from collapse.data.tables.selection import Selection, flag_words, select
from collapse.data.tables.values import values

HELD_OUT_SHARE = 0.25
_SHOWN = 6  # columns of a table that are listed, if it has more than _FEW
_FEW = 8
_UNNAMED = re.compile(r"column \d+")  # as `name_of` calls a column without a title


class RealData(NamedTuple):
    """A user's rows, split in the same way for all seeds.

    Attributes:
      train: [rows, d], what generations may be trained on.
      held_out: [rows, d], for test errors and the reference density.
      sha256: of the file.
      columns: [d], their names; "column 1", ... where the file gives none.
      centre: [d], what was taken from all rows before they are cast to float32; 0 in
        float64. A column of classes has none.
      said: what was read and decided, in one line.
      decided: the phrases of it that a user may not expect.
      classes: names of the classes in the last column, if these are words.
      watched: [rows, d], of a monitor, in neither of the others; None for none.
    """

    train: Float[np.ndarray, "rows d"]
    held_out: Float[np.ndarray, "rows d"]
    sha256: str
    columns: tuple[str, ...]
    centre: Float[np.ndarray, " d"] | float = 0.0
    said: str = ""
    decided: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    watched: Float[np.ndarray, "rows d"] | None = None

    def with_watched(self, share: float = 0.5) -> "RealData":
        """The data with a part of the held-out rows set apart for a monitor.

        Both parts are random rows, and no row is in both. The reference density is
        fitted to what stays held out.

        Raises:
          DataError: if one of them would have less than two rows.
        """
        count = round(share * len(self.held_out))
        if not 2 <= count <= len(self.held_out) - 2:
            raise DataError(
                f"data: {len(self.held_out)} held-out rows are too few to set some "
                "apart for a monitor; give at least 16 rows"
            )
        return self._replace(
            held_out=self.held_out[count:], watched=self.held_out[:count]
        )

    def watching(self, other: "RealData", field: str) -> "RealData":
        """The data with all rows of other data set apart for a monitor.

        Args:
          other: of the same columns, read in the same way.
          field: that names them, for messages.

        Raises:
          DataError: for other columns, or rows that both have.
        """
        order = self._order_of(other.columns, field)
        rows = np.concatenate([other.train, other.held_out]) + other.centre
        rows = rows[:, order]
        uses = {
            "those that are trained on": self.train + self.centre,
            "those of the final evaluation": self.held_out + self.centre,
        }
        check_disjoint(field, rows, uses)
        both = hashlib.sha256(f"{self.sha256} {other.sha256}".encode()).hexdigest()
        return self._replace(watched=rows - self.centre, sha256=both)

    def _order_of(self, columns: Sequence[str], field: str) -> list[int]:
        """Where each column of the data stands among others, by its name.

        By its position if the names are the same, or one of both tables has none.

        Raises:
          DataError: for other columns.
        """
        if len(columns) != len(self.columns):
            raise DataError(
                f"{field}: {len(columns)} columns where the data have "
                f"{len(self.columns)}; give a table of the same columns"
            )
        once = len({*columns}) == len(columns)
        if once and {*columns} == {*self.columns}:
            return [list(columns).index(name) for name in self.columns]
        bare = (all(_UNNAMED.fullmatch(c) for c in x) for x in (columns, self.columns))
        if tuple(columns) == self.columns or any(bare):
            return list(range(len(columns)))
        raise DataError(
            f"{field}: columns {', '.join(columns)} where the data have "
            f"{', '.join(self.columns)}; give a table of the same columns"
        )


def load(
    name: str,
    seed: int = 0,
    options: Options | None = None,
    precision: str = "float64",
    shifts: bool = False,
    label: str = "",
) -> RealData:
    """The data that `name` means, with a random quarter of the rows held out.

    In float32, rows of a model that shifts with them are centred by the mean of the
    training rows before anything casts them: it loses nothing, and a time of 1.7e9
    seconds keeps its digits. They are not scaled, which would change the meaning of a
    bandwidth or of a variance that is added.

    Args:
      name: the name of shipped data, or a file: see `formats.read`.
      seed: shuffles the rows before the split; the split is the same for every seed of
        an experiment.
      options: how it is read.
      precision: in which models are fitted.
      shifts: whether a model of shifted rows is the shifted model of the rows.
      label: the column of classes, by name or number from 1, which goes last, and
        whose names are numbered from 0; none if empty.

    Raises:
      DataError: if the file is missing, empty, not numeric, not a table, not finite,
        too short to split, or more than the precision can hold; if `label` is not one
        column, or there is no other.
    """
    own = (options or Options(), precision, label or None, shifts)
    data = _loaded(name, seed, *own, "label")
    if precision == "float64" or not shifts:
        return data
    centre = data.train.mean(0)
    if label:
        centre[-1] = 0.0  # classes stay as they are
    train, held_out = data.train - centre, data.held_out - centre
    own = centre[:-1] if label else centre
    return data._replace(train=train, held_out=held_out, centre=own)


def load_regression(
    name: str,
    target: str,
    seed: int = 0,
    options: Options | None = None,
    precision: str = "float64",
) -> RealData:
    """The data that `name` means, as `load`, with the target in the last column.

    The other columns may not be collinear, and the target may not be a linear
    combination of them. The least number of rows that `load` accepts gives at least
    3 d + 3 training and d + 1 held-out rows; a fit of the target with intercept has d
    coefficients, so the noise can be estimated from either part. Rows are not centred,
    but are to be, before they are cast.

    Args:
      name: as for `load`.
      target: a name in the first line of the file, or a number counted from 1. A number
        that is a name is that column.
      seed: as for `load`; the same rows are held out.
      options: as for `load`.
      precision: as for `load`.

    Raises:
      DataError: as for `load`; if `target` is not one column, if there is no other, or
        if the target does not vary or has no noise.
    """
    return _loaded(name, seed, options or Options(), precision, target, True, "target")


def stamp(name: str) -> tuple[str, int]:
    """The absolute path of a file or folder, and the time of its last change."""
    path = Path(name).absolute()
    inside = [path, *sorted(path.glob("*"))] if path.is_dir() else [path]
    return str(path), max(
        (p.stat().st_mtime_ns for p in inside if p.exists()), default=0
    )


def _loaded(
    name: str,
    seed: int,
    options: Options,
    precision: str,
    last: str | None,
    centred: bool,
    field: Literal["target", "label"],
) -> RealData:
    """The data as they are.

    Args:
      last: the column that goes last, if there is one.
      centred: whether rows will be, before a cast.
      field: whose value `last` is.
    """
    raw, sha256 = formats.read(name, options)
    target = last is not None and field == "target"
    labelled = last is not None and field == "label"
    use = "predict the target from" if target else "learn beside the classes"
    if last is not None and len(raw.titles) == 1:
        raise DataError(f"{name}: has a single column; add one to {use}")
    chosen = select(name, raw, options, last, field)
    if last is not None and len(chosen.columns) == 1:
        raise DataError(f"{name}: no column is left to {use}")
    read = raw
    classes: tuple[str, ...] = ()
    if labelled:
        read, classes = numbered(raw, chosen.columns[-1], options.decimal)
    separator = delimited.SEPARATORS.get(options.separator, options.separator)
    points, dropped = values(name, read, chosen.columns, options, separator, raw)
    learned = len(chosen.columns) - labelled  # classes are not: they may be rare
    train, held_out = _split(name, points, learned, seed)
    columns = tuple(name_of(raw.titles, k) for k in chosen.columns)
    flags = [flag_words(raw, [k]) for k in chosen.columns[:learned]]
    names = checks.Names(columns[:learned], flags, target)
    parts = {"training": train[:, :learned], "held-out": held_out[:, :learned]}
    checks.check(name, parts, names, precision, centred)
    said = _said(name, read, chosen, dropped, (len(points), len(held_out)), columns)
    if target:
        said += f"; target {columns[-1]}"
    surprising = (phrase for phrase in read.told if phrase not in read.expected)
    decided = (*surprising, *chosen.told, *dropped)
    return RealData(train, held_out, sha256, columns, 0.0, said, decided, classes)


def _split(
    name: str, points: np.ndarray, d: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Training and held-out rows, drawn at random by `seed`; d columns are learned."""
    least = max(8, 4 * d + 4)  # so that d + 1 are held out
    if len(points) < least:
        raise DataError(
            f"{name}: {len(points)} rows are too few for {d} columns; give at least "
            f"{least}"
        )
    order = np.random.default_rng(seed).permutation(len(points))
    held_out, train = np.split(points[order], [round(HELD_OUT_SHARE * len(points))])
    return train, held_out


def _said(
    name: str,
    raw: Raw,
    chosen: Selection,
    dropped: Sequence[str],
    counts: tuple[int, int],
    columns: Sequence[str],
) -> str:
    """What was read, in one line: `faithful: 272 rows x 2 columns: ...; held out 68`.

    Args:
      counts: of all rows and of those held out.
    """
    rows, held_out = counts
    names = listed(columns, _SHOWN if len(columns) > _FEW else _FEW)
    size = f"{rows} rows x {len(columns)} column{'s' * (len(columns) != 1)}: {names}"
    phrases = [*raw.told, size, *chosen.told, *dropped, f"held out {held_out}"]
    return f"{name}: {'; '.join(phrases)}"
