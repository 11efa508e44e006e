"""Real data from files: read, checked, and split into training and held-out rows."""

import csv
import hashlib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from collapse.data.errors import DataError

SHIPPED = ("faithful", "diabetes")
HELD_OUT_SHARE = 0.25
_LISTED = 10  # most columns listed in a message


class RealData(NamedTuple):
    """A user's rows, split in the same way for all seeds.

    Attributes:
      train: [rows, d], what generations may be trained on.
      held_out: [rows, d], for test errors and the reference density.
      sha256: of the file.
      columns: [d], their names; "column 1", ... where the file gives none.
    """

    train: Float[np.ndarray, "rows d"]
    held_out: Float[np.ndarray, "rows d"]
    sha256: str
    columns: tuple[str, ...]


def load(name: str, seed: int = 0) -> RealData:
    """The data that `name` means, with a random quarter of the rows held out.

    Args:
      name: the name of shipped data, or a .csv (one optional line of column names) or
        .npy file of numbers, rows x dimensions.
      seed: shuffles the rows before the split; the split is the same for every seed of
        an experiment.

    Raises:
      DataError: if the file is missing, empty, not numeric, not a table, not finite or
        too short to split.
    """
    points, columns, sha256 = _read(name)
    train, held_out = _split(name, points, seed)
    labels = [_spelled(title) for title in columns]
    for part, rows in (("training", train), ("held-out", held_out)):
        _check_rank(name, part, _standardised(name, part, rows, labels))
    return RealData(train, held_out, sha256, columns)


def load_regression(name: str, target: str, seed: int = 0) -> RealData:
    """The data that `name` means, as `load`, with the target in the last column.

    The other columns may not be collinear, and the target may not be a linear
    combination of them. The least number of rows that `load` accepts gives at least
    3 d + 3 training and d + 1 held-out rows; a fit of the target with intercept has d
    coefficients, so the noise can be estimated from either part.

    Args:
      name: as for `load`.
      target: a name in the first line of the file, or a number counted from 1.
      seed: as for `load`; the same rows are held out.

    Raises:
      DataError: as for `load`; if `target` is not one column, if there is no other, or
        if the target does not vary or has no noise.
    """
    points, columns, sha256 = _read(name)
    if len(columns) == 1:
        raise DataError(
            f"{name}: has a single column; add one to predict the target from"
        )
    last = _find(name, target, columns)
    order = [k for k in range(len(columns)) if k != last] + [last]
    train, held_out = _split(name, points[:, order], seed)
    labels = [_spelled(columns[k]) for k in order[:-1]]
    for part, rows in (("training", train), ("held-out", held_out)):
        others = _standardised(name, part, rows[:, :-1], labels)
        _check_rank(name, part, others)
        response = _standardised(
            name, part, rows[:, -1:], ["the target"], "name another column"
        )
        _check_noise(name, part, others, response)
    return RealData(train, held_out, sha256, tuple(columns[k] for k in order))


def stamp(name: str) -> tuple[str, int]:
    """The absolute path of a file or folder, and the time of its last change."""
    path = Path(name).absolute()
    inside = [path, *sorted(path.glob("*"))] if path.is_dir() else [path]
    return str(path), max(
        (p.stat().st_mtime_ns for p in inside if p.exists()), default=0
    )


def _spelled(title: str) -> str:
    """The name of a column in messages."""
    return title if title.startswith("column ") else f"column {title!r}"


def _find(name: str, target: str, columns: tuple[str, ...]) -> int:
    """Index of the one column that `target` names (column names are never numbers)."""
    target = " ".join(target.split())
    known = ", ".join(columns[:_LISTED]) + (", ..." if len(columns) > _LISTED else "")
    if not target:
        raise DataError(f"target: name the column to predict; {name} has {known}")
    indices = [k for k, column in enumerate(columns) if target in (column, str(k + 1))]
    if not indices:
        raise DataError(f"target: unknown {target!r}; {name} has {known}")
    if len(indices) > 1:
        numbers = " and ".join(str(k + 1) for k in indices)
        raise DataError(
            f"target: {target!r} names columns {numbers} of {name}; give one number"
        )
    return indices[0]


def _read(name: str) -> tuple[np.ndarray, tuple[str, ...], str]:
    """Finite numbers [rows, d], the names of the columns, and the file's sha256."""
    path = _locate(name)
    header: list[str] = []
    if path.suffix.lower() == ".npy":
        points = _read_npy(path)
    else:
        header, points = _read_csv(path)
    if points.ndim == 1:
        points = points[:, None]
    if points.ndim != 2 or points.size == 0:
        raise DataError(
            f"{name}: need rows x dimensions, got shape {points.shape}; save a table "
            "with a row for each sample"
        )
    bad = np.argwhere(~np.isfinite(points))
    if len(bad):
        row, column = bad[0]
        raise DataError(
            f"{name}: row {row + 1}, column {column + 1} is not a finite number; "
            "drop or fill missing values first"
        )
    header = header or [""] * points.shape[1]
    columns = tuple(title or f"column {k}" for k, title in enumerate(header, 1))
    return points, columns, hashlib.sha256(path.read_bytes()).hexdigest()


def _split(name: str, points: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Training and held-out rows, drawn at random by `seed`."""
    d = points.shape[1]
    least = max(8, 4 * d + 4)  # so that d + 1 are held out
    if len(points) < least:
        raise DataError(
            f"{name}: {len(points)} rows are too few for {d} columns; give at least "
            f"{least}"
        )
    order = np.random.default_rng(seed).permutation(len(points))
    held_out, train = np.split(points[order], [round(HELD_OUT_SHARE * len(points))])
    return train, held_out


def _standardised(
    name: str,
    part: str,
    rows: np.ndarray,
    labels: Sequence[str],
    remedy: str = "drop it",
) -> np.ndarray:
    """Rows with mean 0 and variance 1; DataError if a column is constant or overflows.

    Args:
      name: of the data, for the message.
      part: training or held-out, for the message.
      rows: [rows, d].
      labels: [d], names of the columns in the message.
      remedy: what the message advises for a constant column.
    """
    largest = abs(rows).max()
    spread = rows.std(axis=0) if largest < 1e150 else np.full(rows.shape[1], np.inf)
    for column, (label, deviation) in enumerate(zip(labels, spread, strict=True)):
        if not deviation > 1e-12 * abs(rows[:, column]).max():
            raise DataError(
                f"{name}: {label} does not vary in the {part} rows; {remedy}"
            )
        if not 1e-150 < deviation < 1e150:
            raise DataError(
                f"{name}: {label} varies by {deviation:.1g}; change its unit"
            )
    return (rows - rows.mean(0)) / spread


def _check_rank(name: str, part: str, standardised: np.ndarray) -> None:
    """Raise DataError if the covariance of some rows is singular."""
    if np.linalg.matrix_rank(standardised, tol=1e-8) < standardised.shape[1]:
        raise DataError(
            f"{name}: a column is a linear combination of others in the {part} rows; "
            "drop it"
        )


def _check_noise(
    name: str, part: str, others: np.ndarray, response: np.ndarray
) -> None:
    """Raise DataError if standardised columns predict the response [rows, 1] fully."""
    coefficients = np.linalg.lstsq(others, response)[0]
    if (response - others @ coefficients).std() < 1e-8:
        raise DataError(
            f"{name}: the target is a linear combination of the other columns: there "
            f"is no noise to estimate in the {part} rows; name another column"
        )


def _locate(name: str) -> Path:
    if name in SHIPPED:
        return Path(str(resources.files("collapse.data") / f"{name}.csv"))
    path = Path(name)
    if not path.is_file():
        shipped = " or ".join(SHIPPED)
        what = "no such file"
        if path.exists():
            what = "a folder" if path.is_dir() else "not an ordinary file"
        raise DataError(f"{name}: {what}; give a .csv or .npy file, or {shipped}")
    if path.suffix.lower() not in (".csv", ".npy"):
        raise DataError(f"{name}: unknown kind of file; give a .csv or .npy file")
    if path.stat().st_size == 0:
        raise DataError(f"{name}: the file is empty; give it a row for each sample")
    return path


def _read_npy(path: Path) -> np.ndarray:
    try:
        # np.load would also open an archive of arrays
        with path.open("rb") as file:
            points = np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"{path}: not a readable .npy file ({error})") from None
    if not np.issubdtype(points.dtype, np.number) or np.iscomplexobj(points):
        raise DataError(f"{path}: holds {points.dtype}, not real numbers")
    return points.astype(float)


def _read_csv(path: Path) -> tuple[list[str], np.ndarray]:
    """Names of the columns, if any, and numbers of a comma-separated file.

    A first line without numbers names the columns; one of another width is a title.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            numbered = [(i, row) for i, row in enumerate(csv.reader(file), 1) if row]
    except (UnicodeDecodeError, csv.Error):
        raise DataError(
            f"{path}: not a text file; give comma-separated numbers"
        ) from None
    header: list[str] = []
    if numbered and not any(map(_is_number, numbered[0][1])):
        header = [" ".join(title.split()) for title in numbered[0][1]]
        numbered = numbered[1:]
    if not numbered:
        raise DataError(f"{path}: no rows of numbers")
    width = len(numbered[0][1])
    header = header if len(header) == width else []
    for line, row in numbered:
        if len(row) != width:
            raise DataError(
                f"{path}: line {line} has {len(row)} columns where {width} are expected"
            )
        for column, value in enumerate(row):
            if not _is_number(value):
                title = header[column] if header else ""
                where = f" (column {title})" if title else ""
                raise DataError(
                    f"{path}: line {line}: {value!r} is not a number{where}; "
                    "give numeric columns, separated by commas"
                )
    return header, np.array([[float(value) for value in row] for _, row in numbered])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
