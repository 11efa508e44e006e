"""Real data from files: read, checked, and split into training and held-out rows."""

import csv
import hashlib
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

SHIPPED = ("faithful",)
HELD_OUT_SHARE = 0.25


class DataError(ValueError):
    """Data that cannot be used; the one-line message says what is wrong."""


class RealData(NamedTuple):
    """A user's rows, split once for all seeds.

    Attributes:
      train: [rows, d], what generations may be trained on.
      held_out: [rows, d], for test errors and the reference density.
      sha256: of the file.
    """

    train: Float[np.ndarray, "rows d"]
    held_out: Float[np.ndarray, "rows d"]
    sha256: str


def load(name: str, seed: int = 0) -> RealData:
    """Read `name` and hold out a quarter of its rows, chosen by `seed`.

    Args:
      name: the name of shipped data, or a .csv (one optional line of column names) or
        .npy file of numbers, rows x dimensions.
      seed: shuffles the rows before the split; the split is the same for every seed of
        an experiment.

    Raises:
      DataError: if the file is missing, empty, not numeric, not a table, not finite or
        too short to split.
    """
    path = _locate(name)
    points = _read_npy(path) if path.suffix.lower() == ".npy" else _read_csv(path)
    if points.ndim == 1:
        points = points[:, None]
    if points.ndim != 2 or points.size == 0:
        raise DataError(f"{name}: need rows x dimensions, got shape {points.shape}")
    bad = np.argwhere(~np.isfinite(points))
    if len(bad):
        row, column = bad[0]
        raise DataError(
            f"{name}: row {row + 1}, column {column + 1} is not a finite number; "
            "drop or fill missing values first"
        )
    d = points.shape[1]
    least = max(8, 4 * d + 4)  # so that d + 1 are held out
    if len(points) < least:
        raise DataError(
            f"{name}: {len(points)} rows are too few for {d} columns; give at least "
            f"{least}"
        )
    order = np.random.default_rng(seed).permutation(len(points))
    held_out, train = np.split(points[order], [round(HELD_OUT_SHARE * len(points))])
    for part, rows in (("training", train), ("held-out", held_out)):
        _check_spread(name, part, rows)
    return RealData(train, held_out, hashlib.sha256(path.read_bytes()).hexdigest())


def _check_spread(name: str, part: str, rows: np.ndarray) -> None:
    """Raise DataError if the covariance of some rows is singular or overflows."""
    largest = abs(rows).max()
    spread = rows.std(axis=0) if largest < 1e150 else np.full(rows.shape[1], np.inf)
    for column, deviation in enumerate(spread, 1):
        if not deviation > 1e-12 * abs(rows[:, column - 1]).max():
            raise DataError(
                f"{name}: column {column} does not vary in the {part} rows; drop it"
            )
        if not 1e-150 < deviation < 1e150:
            raise DataError(
                f"{name}: column {column} varies by {deviation:.1g}; change its unit"
            )
    if np.linalg.matrix_rank((rows - rows.mean(0)) / spread, tol=1e-8) < len(spread):
        raise DataError(
            f"{name}: a column is a linear combination of others in the {part} rows; "
            "drop it"
        )


def _locate(name: str) -> Path:
    if name in SHIPPED:
        return Path(str(resources.files("collapse.data") / f"{name}.csv"))
    path = Path(name)
    if not path.is_file():
        shipped = ", ".join(SHIPPED)
        raise DataError(f"{name}: no such file; give a .csv or .npy file, or {shipped}")
    if path.suffix.lower() not in (".csv", ".npy"):
        raise DataError(f"{name}: unknown kind of file; give a .csv or .npy file")
    if path.stat().st_size == 0:
        raise DataError(f"{name}: the file is empty")
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


def _read_csv(path: Path) -> np.ndarray:
    """Numbers of a comma-separated file; a first line without numbers names columns."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            numbered = [(i, row) for i, row in enumerate(csv.reader(file), 1) if row]
    except (UnicodeDecodeError, csv.Error):
        raise DataError(
            f"{path}: not a text file; give comma-separated numbers"
        ) from None
    if numbered and not any(map(_is_number, numbered[0][1])):
        numbered = numbered[1:]
    if not numbered:
        raise DataError(f"{path}: no rows of numbers")
    width = len(numbered[0][1])
    for line, row in numbered:
        if len(row) != width:
            raise DataError(
                f"{path}: line {line} has {len(row)} columns where {width} are expected"
            )
        for value in row:
            if not _is_number(value):
                raise DataError(
                    f"{path}: line {line}: {value!r} is not a number; "
                    "give numeric columns, separated by commas"
                )
    return np.array([[float(value) for value in row] for _, row in numbered])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
