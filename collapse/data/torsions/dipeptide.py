"""Torsion angles of alanine dipeptide from two runs of molecular dynamics."""

import functools
import hashlib
import json
import math
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np
from jaxtyping import Float

from collapse.data.tables.real_data import RealData

NAME = "alanine-dipeptide"
PARTS = ("train", "held_out")
SHA256 = {
    "train": "cb99418ebc94643b43d55b99e7a215f737734807f378a78249d4b0785315fa9b",
    "held_out": "262755e49673d7863788a817ec828ae025d79f164bb135e1583313d61b2d34cd",
}
COLUMNS = ("phi", "psi")


def load() -> RealData:
    """Both runs: the first to learn from, the second as rows that were held out."""
    packed = b"".join(path(part).read_bytes() for part in PARTS)
    train, held_out = (pairs(part) for part in PARTS)
    said = (
        f"{NAME}: {len(train)} rows x 2 columns: phi, psi; angles in radians; held out "
        f"{len(held_out)}, of a second simulation"
    )
    sha256 = hashlib.sha256(packed).hexdigest()
    return RealData(train, held_out, sha256, COLUMNS, 0.0, said)


def pairs(part: str) -> Float[np.ndarray, "rows 2"]:
    """The pairs (phi, psi) of one run [18000, 2], in [-pi, pi), in radians.

    They are frames of a simulation in random order: neighbours in time are alike, so
    that shares are less certain than those of independent rows. See `report`.

    Args:
      part: `train` or `held_out`; the runs are independent of each other.
    """
    with path(part).open("rb") as file:
        return np.load(file).astype(np.float64) * (math.pi / 2**15)


@functools.cache
def report(part: str) -> dict[str, Any]:
    """How a run was made, and its shares of conformers with their errors.

    Of each of `shares`: the share; its standard errors by blocks of a nanosecond, among
    replicas, and by autocorrelation; how many independent rows would have these errors.
    `blocks` has the share of each nanosecond, in terms whose mean is the share.
    """
    found: dict[str, Any] = json.loads(path(part, "json").read_text("utf-8"))
    return found


def path(part: str, kind: str = "npy") -> Traversable:
    """The file of a run: `npy` for its pairs, `json` for its report."""
    folder = resources.files("collapse.data.torsions")
    return folder / f"alanine_dipeptide_{part}.{kind}"
