"""Files of torsion angles: read as tables are, and checked for their unit."""

import math
from typing import Literal

import numpy as np
from jaxtyping import Float

from collapse.data.errors import DataError
from collapse.data.tables import real_data
from collapse.data.tables.options import Options
from collapse.data.tables.real_data import RealData
from collapse.data.torsions import dipeptide

Unit = Literal["radians", "degrees"]
UNITS: tuple[Unit, ...] = ("radians", "degrees")
TURN = {"radians": 2 * math.pi, "degrees": 360.0}


def load(
    name: str,
    seed: int = 0,
    options: Options | None = None,
    unit: Unit = "radians",
    precision: str = "float64",
    label: str = "",
) -> RealData:
    """Torsion angles in [-pi, pi), in radians, a molecule in each row.

    Args:
      name: `alanine-dipeptide`, whose held-out rows are a simulation of their own, or a
        file as of `tables.formats.read` with a column for each torsion. Angles may be
        counted from -pi or from 0: all within one turn of 0 are taken.
      seed: shuffles the rows of a file before a quarter of them is held out.
      options: how a file is read.
      unit: of the angles in a file.
      precision: in which models are fitted.
      label: the column of classes, which goes last and is no angle; none if empty.

    Raises:
      DataError: as `tables.real_data.load`; if an angle is more than a turn from 0,
        with `--unit degrees` as the likely remedy; if a unit is given for shipped data
        that they do not have.
    """
    if unit not in UNITS:
        raise DataError(f"unit: must be one of {', '.join(UNITS)}, got {unit!r}")
    if name == dipeptide.NAME:
        if label:
            raise DataError(f"label: {name} has no column of classes; drop --label")
        if unit != "radians":
            raise DataError(f"unit: {name} is in radians; drop --unit {unit}")
        return dipeptide.load()
    data = real_data.load(name, seed, options, precision, label=label)
    angles = len(data.columns) - bool(label)
    rows = np.concatenate([data.train, data.held_out])[:, :angles]
    _check(name, rows, data.columns, unit)
    doubt = ""
    if unit == "degrees" and abs(rows).max() <= TURN["radians"]:
        doubt = "no angle is beyond 6.28 degrees: if these are radians, drop --unit"
    said = "; ".join(filter(None, (data.said, f"angles in {unit}", doubt)))
    scale = TURN["radians"] / TURN[unit]
    train, held_out = (
        np.hstack([wrapped(part[:, :angles] * scale), part[:, angles:]])
        for part in (data.train, data.held_out)
    )
    decided = (*data.decided, *filter(None, (doubt,)))
    return data._replace(train=train, held_out=held_out, said=said, decided=decided)


def wrapped(angles: Float[np.ndarray, "rows m"]) -> Float[np.ndarray, "rows m"]:
    """The same angles in [-pi, pi), in radians."""
    turn = 2 * math.pi
    found = angles - turn * np.floor((angles + math.pi) / turn)
    # rounding may have carried an angle just below -pi to pi itself
    return np.where(found < math.pi, found, -math.pi)


def _check(
    name: str,
    rows: Float[np.ndarray, "rows m"],
    columns: tuple[str, ...],
    unit: Unit,
) -> None:
    """Raise DataError for an angle that is more than one turn from 0."""
    turn = TURN[unit]
    # a hair more, for files whose last digit is rounded: 6.2832 is one turn
    far = abs(rows) > turn * (1 + 1e-4)
    if not far.any():
        return
    column = int(far.any(axis=0).argmax())
    value = rows[far[:, column].argmax(), column]
    where = f"{name}: {columns[column]} has {value:g}"
    most = abs(rows).max()
    if most <= TURN["degrees"] * (1 + 1e-4):  # so the unit was radians
        raise DataError(
            f"{where}, more than one turn in radians; if angles are in degrees, give "
            "--unit degrees"
        )
    what = "radians (2 pi)" if unit == "radians" else "degrees (360)"
    raise DataError(
        f"{where}, more than one turn in {what}; give torsion angles within one turn, "
        "and leave other columns out with --drop"
    )
