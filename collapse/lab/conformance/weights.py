"""Rules on weights: what a workflow says by them must reach the fit."""

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from collapse.core.types import Batch
from collapse.data.errors import ModelError
from collapse.lab.conformance.trial import Trial
from collapse.lab.conformance.words import Skipped

_SUMS = (
    "take sums over weights, jnp.sum(weights * rows) / jnp.sum(weights) and not "
    "jnp.mean(rows)"
)
_NAN = "0 times log(0) or 1/0 is NaN: use jnp.where(weights > 0, ..., 0)"


def zero_weight(trial: Trial) -> None:
    """Rows of weight 0 have no influence."""
    used = _spread_out(trial.num // 2, trial.num)
    out = np.setdiff1d(np.arange(trial.num), used)
    weights, rows = jnp.zeros_like(trial.ones).at[used].set(1), trial.real
    blank = jax.tree.map(lambda x: x.at[out].set(0), rows)
    other = jax.tree.map(lambda x, y: x.at[out].set(y[out]), rows, trial.draw(6))
    for name, changed in (
        ("other rows", other),
        ("zeros, as empty positions hold", blank),
    ):
        start, moved = trial.start(rows, weights), trial.start(changed, weights)
        one = trial.fit(rows, weights, start)
        found = trial.gap(one, trial.fit(changed, weights, moved))
        if found is None:
            continue
        what = "fit"
        if trial.gap(one, trial.fit(changed, weights, start)) is None:
            what = "init"  # where the fit starts, since all else is alike
        fix = _NAN if np.isnan(found[2]) else _SUMS
        raise ModelError(
            f"{what}: rows of weight 0 have an influence: {found} with {name} in their "
            f"place; {fix}"
        )


def empty_positions(trial: Trial) -> None:
    """A fit of n rows and as many empty positions is that of the n rows."""
    filled = _spread_out(trial.num, 2 * trial.num)
    rows, weights = jax.tree.map(
        lambda x: jnp.zeros((2 * trial.num, *x.shape[1:]), x.dtype).at[filled].set(x),
        (trial.real, trial.ones),
    )
    found = trial.gap(trial.params, trial.fit(rows, weights))
    if found is None:
        return
    if is_random(trial):
        raise Skipped("init or fit draws numbers, other ones for other numbers of rows")
    raise ModelError(
        f"fit: depends on the number of positions: of {trial.num} rows {found} with as "
        "many empty positions among them, so that generation 0 is another one under "
        "accumulate than under replace; count rows by jnp.sum(weights), not len(rows), "
        "and leave out those of weight 0 wherever they are"
    )


def scale(trial: Trial) -> None:
    """Multiplying all weights by a number changes nothing."""
    if trial.weights == "counts":
        raise Skipped("weights are counts of rows")
    found = trial.gap(trial.params, trial.fit(trial.real, 3 * trial.ones))
    if found is not None:
        raise ModelError(
            f"fit: {found} with all weights three times as large; divide by "
            "jnp.sum(weights), or say weights='counts' if a weight counts rows, as it "
            "does beside a penalty"
        )


def repeated(trial: Trial) -> None:
    """A row of weight 2 is as good as two rows."""
    twice = _spread_out(trial.num // 2, trial.num)
    weights = trial.ones.at[twice].set(2)
    start = trial.start(trial.real, trial.ones)
    one = trial.fit(trial.real, weights, start)
    plain = trial.fit(trial.real, trial.ones, start)
    if trial.weights == "shares" or trial.is_random:
        if trial.gap(one, plain) is None:
            raise ModelError(
                "fit: weights of 2 and 1 give the params of equal weights; multiply by "
                f"weights, not by weights > 0: {_SUMS}"
            )
        if trial.weights == "shares":
            return
        raise Skipped("fit draws numbers, other ones for other numbers of rows")
    rows = _joined(trial.real, jax.tree.map(lambda x: x[twice], trial.real))
    ones = jnp.concatenate([trial.ones, trial.ones[twice]])
    found = trial.gap(one, trial.fit(rows, ones, start))
    if found is not None:
        raise ModelError(
            f"fit: {found} where rows of weight 2 are given twice instead; {_SUMS}, or "
            "say weights='shares' if only their ratios mean something here"
        )


def _spread_out(count: int, total: int) -> NDArray[np.int64]:
    """Some of the positions, increasing; never the first, so that they are no prefix.

    Workflows that forget, mix or pick rows leave out rows in any place.
    """
    chosen = np.random.default_rng(0).permutation(total - 1)[:count]
    return np.sort(chosen) + 1


def _joined(one: Batch, other: Batch) -> Batch:
    return jax.tree.map(lambda x, y: jnp.concatenate([x, y]), one, other)


def is_random(trial: Trial) -> bool:
    """Whether where a fit starts, or the fit, depends on its key."""
    args = (trial.real, trial.ones)
    init = jax.jit(trial.begun)
    usual, *others = (init(trial.key(k), *args) for k in (3, *range(30, 38)))
    return trial.is_random or any(trial.gap(usual, o) is not None for o in others)
