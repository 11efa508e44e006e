"""The user's table: n of its rows for each seed, all of them in every seed."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core import streams
from collapse.core.row_kinds import RowKind
from collapse.core.types import Batch, Key
from collapse.data.tables import RealData
from collapse.experiment.condition import Condition
from collapse.measures import regression
from collapse.models.linear import rows
from collapse.numerics import draws
from collapse.sims.linear.experiment import Linear
from collapse.sims.linear.truth import Source


def from_table(
    data: RealData, condition: Condition[Linear], kind: RowKind, root: Key
) -> Source:
    """The source of one seed: rows drawn from the table, errors on those held out.

    Args:
      data: standardised, the target in the last column.
      condition: that is run.
      kind: of rows.
      root: key of the seed.
    """
    dtype = jnp.result_type(float)
    train, held = jnp.asarray(data.train, dtype), jnp.asarray(data.held_out, dtype)
    n, num_rows = condition.n, len(train)
    mine = draws.shuffled(streams.key(root, 0, streams.Purpose.DESIGN), num_rows, n)
    x, y = train[mine, :-1], train[mine, -1]
    design = rows.design_of(x) if condition["design"] == "fixed" else None

    def inputs(key: Key, num: int) -> Float[Array, "d num"]:
        """Inputs drawn from the table with repositionment."""
        position = jnp.floor(draws.uniform(key, (num,), dtype) * num_rows)
        return train[position.astype(jnp.int32), :-1].T

    def draw(key: Key, num: int) -> Batch:
        if design is not None and kind == "samples":
            position = jnp.arange(num, dtype=jnp.int32)
            return rows.FixedSamples(position, y[:, None])
        if design is not None:
            return rows.labellings((y @ x)[None, None])
        drawn = train[draws.shuffled(key, num_rows, n)]
        if kind == "samples":
            return rows.FreshSamples(drawn[:, :-1], drawn[:, -1:])
        return rows.fresh_statistics(drawn[:, :-1].T, drawn[:, -1:].T, num)

    error, standard_error = regression.test_rows(
        lambda params: params.coefficients[0], held[:, :-1], held[:, -1]
    )
    found = {"test_error": error, "test_set_standard_error": standard_error}
    return Source(draw, design, inputs, None, None, found, {})
