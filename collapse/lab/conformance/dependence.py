"""Rules on what a fit and a sample depend on: rows, and parameters."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from collapse.core.types import Batch
from collapse.data.errors import ModelError
from collapse.lab.conformance.randomness import columns, same
from collapse.lab.conformance.trial import Trial
from collapse.lab.conformance.words import Skipped, plain


def rows_matter(trial: Trial) -> None:
    """Other rows give other params, from the same start."""
    start = trial.start(trial.real, trial.ones)
    usual = trial.fit(trial.real, trial.ones, start)
    for rows in _others(trial):
        if not same(usual, trial.fit(rows, trial.ones, start)):
            return
    raise ModelError(
        "fit: gives the same params for very different rows, as if it gave back its "
        "start or a constant, so that no generation learns from the one before; "
        "compute params from rows and weights"
    )


def params_matter(trial: Trial) -> None:
    """Other params give other samples, from the same key."""
    usual, alike = trial.sample(7), True
    for number, rows in enumerate(_others(trial)):
        # a start of its own too: a network that learned little is still another one
        start = trial.start(rows, trial.ones, 40 + number)
        params = trial.fit(rows, trial.ones, start)
        alike = alike and same(trial.params, params)
        if not same(usual, trial.sample(7, params)):
            return
    if alike:
        raise Skipped("fit gives the same params for very different rows")
    raise ModelError(
        "sample: makes the same rows of params that are fitted to very different rows, "
        "as if it drew from the truth, so that no generation differs from another; "
        "compute rows from params: params + collapse.draws.normal(key, (num,))"
    )


def all_learned(trial: Trial) -> str:
    """Each parameter changes with the rows; a remark on those that do not, or "".

    Only a remark: a constant of the model may be among its parameters. Tried on
    independent rows and on the lower and the upper half of rows, which have another
    location and spread, from starts of their own, so that what few rows do not reach,
    such as the weights of a word that does not occur, is no constant. A 0 beside
    numbers that change, such as above the diagonal of a factor, is none either.
    """
    fits = [trial.params]
    for number, rows in enumerate(_others(trial), 50):
        start = trial.start(rows, trial.ones, number)
        fits.append(trial.fit(rows, trial.ones, start, number))
    leaves = [jax.tree_util.tree_leaves_with_path(params) for params in fits]
    told, changes = [], False
    for (path, usual), *others in zip(*leaves, strict=True):
        numbers = np.stack([plain(leaf) for _, leaf in ((path, usual), *others)])
        still = (numbers == numbers[0]).all(0)
        changes |= not still.all()
        if not (still.size and jnp.issubdtype(usual.dtype, jnp.floating)):
            continue
        still &= still.all() | (numbers[0] != 0)
        if still.any():
            told.append(_fixed(jax.tree_util.keystr(path), numbers[0], still))
    if not changes:
        raise Skipped("fit gives the same params for very different rows")
    if not told:
        return ""
    return (
        f"fit: {', '.join(told)} in every fit, to rows of other location and spread "
        "too; if it is to be learned, compute it from rows and weights; if it is a "
        "constant of the model, all is well"
    )


def _fixed(name: str, values: Any, still: Any) -> str:
    """`params['variance'] is 1`, or of several numbers the first and how many."""
    if not still.ndim:
        return f"params{name} is {values:.4g}"
    first = tuple(np.argwhere(still)[0])
    more = f" and {int(still.sum()) - 1} more of it" if still.sum() > 1 else ""
    return f"params{name}{[*map(int, first)]}{more} is {values[first]:.4g}"


def _others(trial: Trial) -> Iterator[Batch]:
    """Other real rows; then those of the lower and of the upper half, each twice.

    Raises:
      Skipped: if all real rows are alike, or params are not finite.
    """
    if not all(
        np.isfinite(plain(leaf)).all() for leaf in jax.tree.leaves(trial.params)
    ):
        raise Skipped("params are not finite")
    numbers = columns(trial.real)
    varied = np.ptp(numbers, axis=0) > 0
    if not varied.any():
        raise Skipped("real rows are all the same")
    yield trial.draw(6)
    ranks = np.argsort(numbers[:, int(varied.argmax())], kind="stable")
    half = np.arange(trial.num) // 2
    yield _picked(trial.real, ranks[half])
    yield _picked(trial.real, ranks[::-1][half])


def _picked(rows: Batch, positions: Any) -> Batch:
    return jax.tree.map(lambda x: x[positions], rows)
