"""What a difference of parameters is compared with, entry by entry."""

import jax
import numpy as np
from numpy.typing import NDArray

from collapse.core.types import Batch, Params
from collapse.lab.conformance.words import plain

_ROUNDING = 0.75  # power of the machine precision: sums of 24 numbers stay below it


def sizes(
    params: Params, others: list[Params], reordered: list[Params], rows: Batch
) -> list[NDArray[np.float64]]:
    """How large a change of each entry is, a leaf each, where the entry itself is ~0.

    It is how much the entry differs between fits to independent rows. An entry that is
    0 up to rounding in all of them, such as a sum of residuals, tells nothing by that:
    it moves as much when the same rows are summed in another order. Its size is that
    of the numbers which cancel in it, the largest of rows and params.

    Args:
      params: fitted to rows.
      others: fitted to other, independent rows.
      reordered: fitted to the same rows in other orders.
      rows: those of params.
    """
    precision = max(_precision(leaf) for leaf in jax.tree.leaves((params, rows)))
    largest = max(_largest(leaf) for leaf in jax.tree.leaves((params, rows)))
    found = []
    trees = [jax.tree.map(plain, tree) for tree in (params, *others, *reordered)]
    for usual, *rest in zip(*map(jax.tree.leaves, trees), strict=True):
        fits, turned = np.stack(rest[: len(others)]), np.stack(rest[len(others) :])
        with np.errstate(invalid="ignore", over="ignore"):
            spread = np.nan_to_num(np.abs(fits - usual).max(0))
            noise = np.nan_to_num(np.abs(turned - usual).max(0))
            highest = np.nan_to_num(np.abs([usual, *fits]).max(0))
        cancels = highest <= precision**_ROUNDING * largest
        found.append(np.where(cancels & (noise > spread / 10), largest, spread))
    return found


def _precision(leaf: jax.Array) -> float:
    """Of one number; 0 for whole numbers, which are not rounded."""
    if not np.issubdtype(leaf.dtype, np.floating):
        return 0.0
    return float(np.finfo(leaf.dtype).eps)


def _largest(leaf: jax.Array) -> float:
    numbers = np.abs(plain(leaf))
    return float(np.max(numbers, initial=0, where=np.isfinite(numbers)))
