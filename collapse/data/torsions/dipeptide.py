"""Torsion angles of alanine dipeptide from two runs of molecular dynamics."""

import hashlib
import math
from importlib import resources

import numpy as np
from jaxtyping import Float

from collapse.data.tables.real_data import RealData

NAME = "alanine-dipeptide"
PARTS = ("train", "held_out")
SHA256 = {"train": "", "held_out": ""}
COLUMNS = ("phi", "psi")


def pairs(part: str) -> Float[np.ndarray, "rows 2"]:
    """The pairs (phi, psi) of one run [20000, 2], in [-pi, pi), in radians.

    Args:
      part: `train` or `held_out`; the runs are independent of each other.
    """
    return np.load(_path(part)).astype(np.float64) * (math.pi / 2**15)


def load() -> RealData:
    """Both runs: the first to learn from, the second as rows that were held out."""
    packed = b"".join(_path(part).read_bytes() for part in PARTS)
    train, held_out = (pairs(part) for part in PARTS)
    said = (
        f"{NAME}: {len(train)} rows x 2 columns: phi, psi; angles in radians; held out "
        f"{len(held_out)}, of a second simulation"
    )
    sha256 = hashlib.sha256(packed).hexdigest()
    return RealData(train, held_out, sha256, COLUMNS, 0.0, said)


def _path(part: str):
    folder = resources.files("collapse.data.torsions")
    return folder / f"alanine_dipeptide_{part}.npy"
