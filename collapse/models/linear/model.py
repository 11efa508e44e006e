"""The linear regressor: the model of the debate on linear versus bounded error.

A row is an input x with a label y = x'w + noise; a fit is (weighted) least squares,
plain, with ridge, or of minimum norm; a model writes labels for inputs that are the
same in every generation (the setting of the theorem of Gerstgrasser et al. 2024,
arXiv:2404.01413) or new in each. See `collapse.models.linear_rows` for what is kept of
a generation.
"""

from typing import NamedTuple, get_args

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from collapse.core.types import Info, Key, Model, Weights
from collapse.models.linear.rows import (
    Design,
    FixedSamples,
    FixedStatistics,
    FreshFactor,
    FreshSamples,
    FreshStatistics,
    Inputs,
    Noise,
    Rows,
    factor_law,
    fixed_law,
    fresh_law,
    fresh_statistics,
    gram_factors,
    label,
    labellings,
    normal_inputs,
)
from collapse.numerics import threefry
from collapse.numerics.least_squares import (
    Penalty,
    is_absent,
    solve_factor,
    solve_gram,
    solve_rows,
    solve_spectrum,
)


class LinearParams(NamedTuple):
    """A linear regressor.

    Attributes:
      coefficients: [c, d]; entry 0 is the fit. Entry 1, if there is one, is its twin:
        the same inputs, and no label noise in any generation. Their difference is what
        noise did, the twin's error is bias.
    """

    coefficients: Float[Array, "c d"]


def linear(
    dimension: int,
    *,
    noise_variance: Noise = 1.0,
    ridge: Penalty = 0.0,
    minimum_norm: bool = False,
    rows: Rows = "samples",
    batch_size: int | Int[Array, " rows"] = 1,
    design: Design | None = None,
    factor: Float[Array, "d d"] | None = None,
    inputs: Inputs | None = None,
    offset: Float[Array, " d"] | None = None,
    active: Bool[Array, " d"] | None = None,
    twin: bool = False,
    alone: bool = False,
    draw_dtype=None,
) -> Model:
    """A linear regressor fitted by weighted least squares.

    All numbers that one may wish to sweep can be traced arrays.

    Args:
      dimension: d.
      noise_variance: of the labels that the model writes.
      ridge: penalty of |w|^2, not scaled by the number of rows: weights are counts of
        rows then, and their scale matters.
      minimum_norm: the shortest solution where rows do not determine w. Without it, and
        without ridge, such a fit is wrong or not finite, or an error where there are
        fewer rows than coefficients; statistics of a fixed design always give the
        shortest.
      rows: what a row is.
      batch_size: points behind one row of statistics or law; with a fixed design, all
        of them. For a law of new inputs they may be traced, one for each row.
      design: inputs that every generation labels; None for new ones each time.
      factor: [d, d] of the covariance of new inputs, which are normal; None for I.
      inputs: (key, num) -> [d, num] new inputs, if not normal; not for rows = law.
      offset: [d] added to the coefficients a model labels with: a flaw in its writing.
      active: [d] coordinates that exist, leading ones: problems of several dimensions
        padded to one are one program.
      twin: carry the noise-free twin.
      alone: a fit sees the one row of the newest generation and no other, so that a law
        of new inputs can be kept as a factor of X'X: at d = 100 twice as fast.
      draw_dtype: of the normals behind samples and statistics, if not that of the
        parameters. float32 makes float64 twice as fast; its values have 23 bits and
        none is beyond 5.5 standard deviations.

    Raises:
      ValueError: for an unknown kind of row, a law of inputs that are not normal, a
        design without its rows where these are needed, `alone` where a factor of X'X
        is not kept or does not serve, sizes of rows where they may not differ.
    """
    _check_rows(rows, design, inputs)
    new_law = rows == "law" and design is None
    if not isinstance(batch_size, int) and (alone or not new_law):
        raise ValueError("batch_size must be one number but for a law of new inputs")
    if alone and (not new_law or factor is not None):
        raise ValueError("alone needs rows = law, new inputs and no factor")
    absent = None if active is None else jnp.diag((~active).astype(float))
    remedy = _Remedy(ridge, minimum_norm, absent)
    too_few = isinstance(batch_size, int) and batch_size < dimension
    if alone and (remedy.is_any() or too_few):
        raise ValueError("alone needs rows that determine w, without ridge or the like")

    def init(key: Key, batch, weights: Weights) -> LinearParams:
        del key, weights
        dtype = (batch.y if rows == "samples" else batch.moment).dtype
        return LinearParams(jnp.zeros((1 + twin, dimension), dtype))

    def fit(key: Key, params, batch, weights: Weights) -> tuple[LinearParams, Info]:
        del key, params
        return LinearParams(_solve(batch, weights, design, remedy)), {}

    def sample(key: Key, params: LinearParams, num: int):
        w = params.coefficients
        w = w if offset is None else w + offset[None]
        x_key, noise_key = threefry.split(key)
        if design is not None:
            own = (w, noise_variance, rows, num, draw_dtype)
            return _fixed(noise_key, design, *own)
        if rows == "law":
            sizes = (num, batch_size, dimension)
            factors = gram_factors(x_key, *sizes, factor, active, w.dtype)
            write = factor_law if alone else fresh_law
            return write(noise_key, factors, w, noise_variance)
        assert isinstance(batch_size, int)
        types = (w.dtype, draw_dtype)
        draw = inputs or normal_inputs(dimension, factor, active, *types)
        x = draw(x_key, num * batch_size)
        y = label(x, w, noise_variance, noise_key, draw_dtype)
        if rows == "samples":
            return FreshSamples(x.T, y.T)
        return fresh_statistics(x, y, num)

    return Model(init, fit, sample)


def _check_rows(rows: str, design: Design | None, inputs: Inputs | None) -> None:
    """Raise ValueError for a kind of row that is unknown or cannot be written."""
    if rows not in get_args(Rows):
        raise ValueError(f"rows must be one of {get_args(Rows)}, got {rows!r}")
    if rows == "law" and design is None and inputs is not None:
        raise ValueError("rows = law needs normal inputs; use rows = statistics")
    if rows != "law" and design is not None and design.x is None:
        raise ValueError(f"rows = {rows} needs the rows of the design")


class _Remedy(NamedTuple):
    """What helps a fit whose rows may not determine w.

    Attributes:
      ridge: penalty of |w|^2.
      minimum_norm: take the shortest solution.
      absent: [d, d] diagonal, 1 for coordinates that do not exist; None if all do.
    """

    ridge: Penalty
    minimum_norm: bool
    absent: Float[Array, "d d"] | None

    def is_any(self) -> bool:
        known = is_absent(self.ridge) and self.absent is None
        return self.minimum_norm or not known


def _solve(
    batch, weights: Weights, design: Design | None, remedy: _Remedy
) -> Float[Array, "c d"]:
    """Weighted least squares on rows of any kind."""
    ridge, minimum_norm, absent = remedy
    if isinstance(batch, FixedStatistics):
        assert design is not None  # it wrote them
        moment = jnp.einsum("n,ncd->cd", weights, batch.moment)
        basis = (design.vectors, design.singular)
        return solve_spectrum(*basis, moment, weights @ batch.copies, ridge)
    if isinstance(batch, FreshFactor):
        if batch.factor.shape[0] != 1:
            raise ValueError(
                "alone: a fit must see one row; use it with replace, n = 1"
            )
        return solve_factor(batch.factor[0], batch.moment[0])
    if isinstance(batch, FreshStatistics):
        rows, d = batch.gram.shape[:2]
        gram = (weights @ batch.gram.reshape(rows, -1)).reshape(d, d)
        moment = jnp.einsum("n,ncd->cd", weights, batch.moment)
        gram = gram if absent is None else gram + absent.astype(gram.dtype)
        return solve_gram(gram, moment, ridge, minimum_norm)
    if isinstance(batch, FixedSamples):
        assert design is not None and design.x is not None
        x, y, weights = _gathered(design.x, batch, weights)
    else:
        x, y = batch.x, batch.y.T
    if absent is not None:
        d = x.shape[1]
        x = jnp.concatenate([x, absent.astype(x.dtype)])
        y = jnp.pad(y, ((0, 0), (0, d)))
        weights = jnp.pad(weights, (0, d), constant_values=1)
    return solve_rows(x, y, weights, ridge, minimum_norm)


def _fixed(
    key: Key,
    design: Design,
    w: Float[Array, "c d"],
    noise_variance: Noise,
    rows: Rows,
    num: int,
    draw_dtype=None,
) -> FixedSamples | FixedStatistics:
    """Labels of a fixed design: of `num` of its rows, or of `num` times all of them."""
    if rows == "law":
        return fixed_law(key, design, w, noise_variance, num)
    x = design.x
    assert x is not None
    if rows == "samples":
        place = jnp.arange(num, dtype=jnp.int32) % x.shape[0]
        y = label(x[place].T, w, noise_variance, key, draw_dtype)
        return FixedSamples(place, y.T)
    copies = jnp.tile(x.T, (1, num))
    y = label(copies, w, noise_variance, key, draw_dtype)
    return labellings(fresh_statistics(copies, y, num).moment)


def _gathered(
    x: Float[Array, "n d"], batch: FixedSamples, weights: Weights
) -> tuple[Array, Array, Array]:
    """Labels of one row of the design, averaged: n rows however many there were."""
    n = x.shape[0]
    total = jax.ops.segment_sum(weights, batch.place, n)
    sums = jax.ops.segment_sum(weights[:, None] * batch.y, batch.place, n)
    seen = jnp.where(total > 0, total, 1)
    return x, (sums / seen[:, None]).T, total
