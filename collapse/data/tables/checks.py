"""What the numbers of a table must have, so that a model can be fitted to them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from collapse.data.errors import DataError
from collapse.data.tables.options import spelled

Rows = Float[np.ndarray, "rows d"]


class Limits(NamedTuple):
    """What a precision can hold.

    Attributes:
      spread: largest standard deviation of a column, and 1 over the smallest, whose
        squares and their products neither overflow nor vanish.
      direction: least standard deviation, over all columns standardised, in any
        direction: below, it is rounding in their covariance. Given `times` the square
        root of the number of rows.
      noise: least standard deviation of a target, standardised, about a linear fit.
    """

    spread: float
    direction: float
    noise: float


# float64 may be as close to singular as rows can tell, float32 as a covariance matrix
# can: the smallest variance is 100 rounding errors of the largest.
_FLOAT64 = Limits(1e150, 1e-8, 1e-8)
_FLOAT32 = Limits(1e15, 3.5e-3, 3.5e-4)
_LESS = {"float32": _FLOAT32}
_MERGED = 0.5  # share of a column's distinct values that a cast may make equal
_MOVED = 1e-3  # of a column's standard deviation, by which it may move them


class Names(NamedTuple):
    """The columns as messages name them.

    Attributes:
      columns: [d].
      flags: [d], as the flag --drop takes them.
      has_target: whether the last one is a target.
    """

    columns: Sequence[str]
    flags: Sequence[str]
    has_target: bool = False

    def drop(self, columns: Sequence[int]) -> str:
        """The flag that leaves some columns out."""
        return f"leave out: --drop {' '.join(self.flags[k] for k in columns)}"

    def spelled(self, columns: Sequence[int]) -> str:
        """Some columns in words."""
        return spelled([self.columns[k] for k in columns])


def check(
    name: str,
    parts: Mapping[str, Rows],
    names: Names,
    precision: str,
    centred: bool = True,
) -> None:
    """Raise DataError if a model cannot be fitted to each part of a table.

    Args:
      name: of the data.
      parts: "training" and "held-out" -> [rows, d], the target last if there is one.
      names: of the columns.
      precision: in which models are fitted.
      centred: whether rows are centred before they are cast.
    """
    _check_spread(name, parts, names)
    inputs = len(names.columns) - names.has_target
    for part, rows in parts.items():
        scaled = _standardised(rows)
        relations = _relations(scaled[:, :inputs])
        if relations:
            raise DataError(
                f"{name}: {_told(relations, names)} in the {part} rows; "
                f"{names.drop(sorted(relations))}"
            )
        if names.has_target and _noise(scaled) < _FLOAT64.noise:
            raise DataError(
                f"{name}: the target is a linear combination of the other columns: "
                f"there is no noise to estimate in the {part} rows; name another column"
            )
    if precision in _LESS:
        _check_precision(name, parts, names, precision, centred)


def _check_spread(name: str, parts: Mapping[str, Rows], names: Names) -> None:
    """Raise DataError if columns are constant, or too large to be squared."""
    d = len(names.columns)
    constant = {
        part: [k for k in range(d) if _spread(rows[:, k]) == 0]
        for part, rows in parts.items()
    }
    for part, columns in constant.items():
        if names.has_target and d - 1 in columns:
            raise DataError(
                f"{name}: the target does not vary in the {part} rows; name another "
                "column"
            )
    if any(constant.values()):
        every = sorted({k for columns in constant.values() for k in columns})
        first, *more = (
            (part, [k for k in columns if k not in constant["training"] or not i])
            for i, (part, columns) in enumerate(constant.items())
        )
        said = [
            f"{names.spelled(own)} {'do' if len(own) > 1 else 'does'} not vary in the "
            f"{part} rows"
            for part, own in (first, *more)
            if own
        ]
        raise DataError(f"{name}: {', '.join(said)}; {names.drop(every)}")
    for rows in parts.values():
        for k in range(d):
            spread = _spread(rows[:, k])
            if not 1 / _FLOAT64.spread < spread < _FLOAT64.spread:
                what = _named(names, k)
                raise DataError(
                    f"{name}: {what} varies by {spread:.1g}; change its unit"
                )


def _check_precision(
    name: str,
    parts: Mapping[str, Rows],
    names: Names,
    precision: str,
    centred: bool,
) -> None:
    """Raise DataError for columns that a lower precision cannot hold."""
    limits, d = _LESS[precision], len(names.columns)
    inputs = d - names.has_target
    advice = f"drop --precision {precision}"
    train = parts["training"]
    for k in range(d):
        spread = _spread(train[:, k])
        wide = not 1 / limits.spread < spread < limits.spread
        own = train[:, k] - train[:, k].mean() if centred else train[:, k]
        if wide or _is_lost(own, precision):
            why = f"it varies by {spread:.1g}" if wide else "its values become equal"
            raise DataError(
                f"{name}: {_named(names, k)} needs float64, in {precision} {why}; "
                f"{advice}" + (", or change its unit" if wide else "")
            )
    for part, rows in parts.items():
        scaled = _standardised(rows)
        own = scaled[:, :inputs]
        near = _relations(own, limits.direction * np.sqrt(len(own)))
        if near:
            every = sorted({k for k in near} | {j for js in near.values() for j in js})
            raise DataError(
                f"{name}: {names.spelled(every)} need{'s' * (len(every) == 1)} "
                f"float64: in the {part} rows they are too close to collinear for "
                f"{precision}; {advice}, or {names.drop(sorted(near))}"
            )
        if names.has_target and _noise(scaled) < limits.noise:
            raise DataError(
                f"{name}: the target needs float64: in the {part} rows the other "
                f"columns predict it too closely for {precision}; {advice}"
            )


def _named(names: Names, k: int) -> str:
    last = names.has_target and k == len(names.columns) - 1
    return "the target" if last else names.spelled([k])


def _spread(column: Float[np.ndarray, " rows"]) -> float:
    """Standard deviation; 0 if it is rounding, inf if its square would overflow."""
    largest = abs(column).max()
    if largest >= _FLOAT64.spread:
        return np.inf
    spread = float(column.std())
    return spread if spread > 1e-12 * largest else 0.0


def _standardised(rows: Rows) -> Rows:
    return (rows - rows.mean(0)) / rows.std(axis=0)


def _is_lost(column: Float[np.ndarray, " rows"], precision: str) -> bool:
    """Whether a cast makes values equal, or moves them by a part of their spread."""
    cast = column.astype(precision)
    before, after = len(np.unique(column)), len(np.unique(cast))
    moved = float((cast - column).std())
    return after < (1 - _MERGED) * before or moved > _MOVED * float(column.std())


def _relations(
    scaled: Rows, tolerance: float = _FLOAT64.direction
) -> dict[int, list[int]]:
    """Column -> the others that it is a linear combination of, but for `tolerance`.

    Of each set of collinear columns the last ones are told by those before. Empty if
    no singular value of the standardised rows is below `tolerance`.
    """
    d = scaled.shape[1]
    upper = np.linalg.qr(scaled, mode="r")
    _, singular, transposed = np.linalg.svd(upper)
    rank = int(np.sum(singular >= tolerance))
    null = transposed[rank:].copy()  # [d - rank, d], each a combination that vanishes
    pivots: list[int] = []
    for column in reversed(range(d)):  # Gaussian elimination from the right
        i = len(pivots)
        if i == len(null):
            break
        best = i + int(np.argmax(abs(null[i:, column])))
        if abs(null[best, column]) < 1e-3:
            continue
        null[[i, best]] = null[[best, i]]
        null[i] /= null[i, column]
        others = [j for j in range(len(null)) if j != i]
        null[others] -= null[others, column][:, None] * null[i]
        pivots.append(column)
    return {
        pivot: [k for k in range(d) if k != pivot and abs(row[k]) > 1e-3]
        for pivot, row in zip(pivots, null, strict=False)
    }


def _told(relations: Mapping[int, Sequence[int]], names: Names) -> str:
    """Which columns are linear combinations of which others."""
    said = [
        f"{names.spelled([k])} is a linear combination of {names.spelled(others)}"
        for k, others in sorted(relations.items())
    ]
    return said[0] if len(said) == 1 else ", ".join(said)


def _noise(scaled: Rows) -> float:
    """Standard deviation of the last column about a linear fit to the others."""
    others, response = scaled[:, :-1], scaled[:, -1]
    coefficients = np.linalg.lstsq(others, response)[0]
    return float((response - others @ coefficients).std())
