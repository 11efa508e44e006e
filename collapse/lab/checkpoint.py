"""Checkpoints: one atomic file for each part of an experiment.

A part is one workflow in one cell for one block of seeds. Its file holds the trace so
far and, until the part is complete, the state from which to go on.
"""

import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from collapse.data.errors import InputError, first_line
from collapse.experiment.files import atomic

_COUNT = "count"  # number of the other arrays of a file
_UNREADABLE = (
    *(OSError, EOFError, KeyError, ValueError, TypeError, OverflowError, MemoryError),
    *(zipfile.BadZipFile, RuntimeError, zlib.error, struct.error),
)


class Damaged(InputError):
    """A file that is no checkpoint, or one of something else."""


class Progress(NamedTuple):
    """How far a part has come.

    Attributes:
      done: generation of the last entry of the trace.
      trace: name -> [S, done + 1].
      samples: snapshots taken so far, [k, rows, d] (k may be 0).
      state: leaves to continue from; None once the part is complete, if they are
        too large to be kept for a longer run.
    """

    done: int
    trace: dict[str, np.ndarray]
    samples: list[np.ndarray]
    state: Any | None


def save(path: Path, progress: Progress) -> None:
    """Write a checkpoint; an interruption leaves the previous one in place."""
    arrays: dict[str, np.ndarray] = {"done": np.array(progress.done)}
    arrays |= {f"trace/{name}": value for name, value in progress.trace.items()}
    arrays |= {f"samples/{i}": value for i, value in enumerate(progress.samples)}
    if progress.state is not None:
        leaves = jax.tree_util.tree_leaves_with_path(progress.state)
        arrays |= {f"state/{_name(where)}": np.asarray(x) for where, x in leaves}
    # a damaged table of contents may hide arrays, which no checksum of theirs tells
    arrays[_COUNT] = np.array(len(arrays))
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def load(path: Path, template: Any) -> Progress:
    """Read a checkpoint back.

    Args:
      template: pytree of the state's shapes and types.

    Raises:
      Damaged: if the file is damaged or belongs to something else.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if int(arrays.pop(_COUNT)) != len(arrays):
            raise ValueError("arrays are missing")
        done = int(arrays.pop("done"))
        trace = _under("trace/", arrays)
        samples = _under("samples/", arrays)
        saved = _under("state/", arrays)
        state = (
            jax.tree_util.tree_map_with_path(
                lambda where, leaf: _matching(saved[_name(where)], leaf), template
            )
            if saved
            else None
        )
    except _UNREADABLE as error:
        raise _damaged(path, error) from None
    return Progress(done, trace, list(samples.values()), state)


def done(path: Path) -> int:
    """Generation of the last entry of a checkpoint's trace.

    Raises:
      Damaged: if the file is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return int(file["done"])
    except _UNREADABLE as error:
        raise _damaged(path, error) from None


def num_bytes(state: Any) -> int:
    """Size of a state's leaves."""
    return sum(leaf.nbytes for leaf in jax.tree.leaves(state))


def _damaged(path: Path, error: Exception) -> Damaged:
    """The complaint about a file that is no checkpoint."""
    return Damaged(
        f"resume: checkpoint {path} is damaged ({first_line(error)}); "
        "delete it to run this part again"
    )


def _under(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {
        name.removeprefix(prefix): value
        for name, value in arrays.items()
        if name.startswith(prefix)
    }


def _matching(array: np.ndarray, leaf: Any) -> np.ndarray:
    if array.shape != leaf.shape or array.dtype != leaf.dtype:
        raise ValueError(f"{array.dtype}{array.shape} where {leaf} is expected")
    return array


def _name(where: Any) -> str:
    return jax.tree_util.keystr(where, simple=True, separator="/")
