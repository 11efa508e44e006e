"""Rules on weights: what a workflow says by them must reach the fit."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

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
    weights = _first_half(trial)
    rows, half = trial.real, trial.num // 2
    blank = jax.tree.map(lambda x: x.at[half:].set(0), rows)
    other = jax.tree.map(lambda x, y: x.at[half:].set(y[half:]), rows, trial.draw(6))
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
    padded = jax.tree.map(lambda x: jnp.concatenate([x, jnp.zeros_like(x)]), trial.real)
    weights = jnp.concatenate([trial.ones, jnp.zeros_like(trial.ones)])
    found = trial.gap(trial.params, trial.fit(padded, weights))
    if found is None:
        return
    if is_random(trial):
        raise Skipped("init or fit draws numbers, other ones for other numbers of rows")
    raise ModelError(
        f"fit: depends on the number of positions: of {trial.num} rows {found} with as "
        "many empty positions behind them, so that generation 0 is another one under "
        "accumulate than under replace; count rows by jnp.sum(weights), not len(rows)"
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
    half = trial.num // 2
    weights = trial.ones.at[:half].set(2)
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
    rows = _joined(trial.real, jax.tree.map(lambda x: x[:half], trial.real))
    ones = jnp.concatenate([trial.ones, trial.ones[:half]])
    found = trial.gap(one, trial.fit(rows, ones, start))
    if found is not None:
        raise ModelError(
            f"fit: {found} where rows of weight 2 are given twice instead; {_SUMS}, or "
            "say weights='shares' if only their ratios mean something here"
        )


def _first_half(trial: Trial) -> Any:
    half = jnp.arange(trial.num) < trial.num // 2
    return jnp.where(half, trial.ones, jnp.zeros_like(trial.ones))


def _joined(one: Batch, other: Batch) -> Batch:
    return jax.tree.map(lambda x, y: jnp.concatenate([x, y]), one, other)


def is_random(trial: Trial) -> bool:
    """Whether where a fit starts, or the fit, depends on its key."""
    args = (trial.real, trial.ones)
    init = jax.jit(trial.begun)
    usual, *others = (init(trial.key(k), *args) for k in (3, *range(30, 38)))
    return trial.is_random or any(trial.gap(usual, o) is not None for o in others)
