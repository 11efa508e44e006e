"""A distribution over M symbols, the unigram model, whose tail dies symbol by symbol.

A row is how often each symbol occurs in a batch (counts: all generations so far cost
O(M)), or one symbol (tokens: for workflows that pick single samples).
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from collapse.core.types import Info, Key, Model, Weights
from collapse.numerics import threefry
from collapse.numerics.multinomial import categorical, multinomial
from collapse.numerics.shares import weighted


class Counts(NamedTuple):
    """Rows that each stand for a batch of symbols: counts [rows, M], whole numbers."""

    counts: Float[Array, "rows M"]

    @property
    def additive(self) -> bool:
        """True: a sum of rows is a row, see `workflows.accumulate_sums`."""
        return True


def discrete(
    num_symbols: int,
    batch_size: int | Int[Array, ""] = 1,
    *,
    rows: Literal["counts", "tokens"] = "counts",
    smoothing: float | Float[Array, ""] = 0.0,
    temperature: float | Float[Array, ""] = 1.0,
    dtype=None,
) -> Model:
    """The `Model` of shares [M] of symbols, fitted by counting them.

    By maximum likelihood, or with additive smoothing.

    Without smoothing a symbol of share 0 is never drawn and so never comes back, unless
    rows in which it occurs are trained on again.

    Args:
      num_symbols: M.
      batch_size: symbols behind one row of counts; may be traced.
      rows: what a row is.
      smoothing: occurrences added to each symbol. Weights count relative to rows that
        all have weight 1, see `shares.weighted`.
      temperature: symbols are drawn in proportion to share^(1 / temperature).
      dtype: of shares fitted to tokens; jax's default if None.
    """

    def init(key: Key, batch, weights: Weights) -> Array:
        return fit(key, None, batch, weights)[0]

    def fit(key: Key, params, batch, weights: Weights) -> tuple[Array, Info]:
        del key, params
        own = batch.counts if rows == "counts" else batch
        counts = weighted(own, weights, (num_symbols,), dtype)
        counts = counts + jnp.asarray(smoothing, counts.dtype)
        return counts / jnp.sum(counts), {}

    def sample(key: Key, params: Float[Array, " M"], num: int):
        shares = params
        if not (isinstance(temperature, int | float) and temperature == 1):
            shares = tempered(params, jnp.asarray(temperature, params.dtype))
        if rows == "tokens":
            return categorical(key, shares, num)
        if num == 1:
            return Counts(multinomial(key, batch_size, shares)[None])
        keys = jnp.stack(threefry.split(key, num))
        draw = jax.vmap(lambda key: multinomial(key, batch_size, shares))
        return Counts(draw(keys))

    return Model(init, fit, sample)


def tempered(
    shares: Float[Array, " M"], temperature: Float[Array, ""]
) -> Float[Array, " M"]:
    """Shares in proportion to shares^(1 / temperature); 0 stays 0.

    At temperatures so small that nothing is left, 0 among them, the largest have all.
    """
    largest = jnp.max(shares)
    power = jnp.log(shares / largest) / temperature
    powered = jnp.where(shares > 0, jnp.exp(power), 0)
    # where division is by a reciprocal, a number over itself may be less than 1
    some = jnp.sum(powered) > 0
    powered = jnp.where(some, powered, (shares == largest).astype(shares.dtype))
    return powered / jnp.sum(powered)
