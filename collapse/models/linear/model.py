"""The linear regressor: the model of the debate on linear versus bounded error.

A row is an input x with a label y = x'w + noise; a fit is (weighted) least squares,
plain, with ridge, or of minimum norm; a model generates labels for inputs that are the
same in every generation (the setting of the theorem of Gerstgrasser et al. 2024,
arXiv:2404.01413) or new in each. `collapse.models.linear.rows` defines how the data of
a generation are stored.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from collapse.core.row_kinds import RowKind, check_row_kind
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
    rows: RowKind = "samples",
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
    """A linear regressor, fitted by weighted least squares; numbers may be traced.

    Args:
      dimension: d.
      noise_variance: of the labels that the model generates.
      ridge: penalty of |w|^2, not scaled by the number of rows: weights are counts of
        rows then, and their scale matters.
      minimum_norm: the shortest solution where rows do not determine w. Without it, and
        without ridge, such a fit is wrong or not finite, or an error where there are
        fewer rows than coefficients; statistics of a fixed design always give the
        shortest.
      rows: kind of row, see `row_kinds`.
      batch_size: number of points that one row of statistics or law summarises; all
        points of a fixed design. For a law of new inputs it may be an array, one number
        for each row.
      design: inputs that every generation labels; None for new ones each time.
      factor: [d, d] of the covariance of new inputs, which are normal; None for I.
      inputs: (key, num) -> [d, num] new inputs, if not normal; not for rows = law.
      offset: [d] added to the coefficients a model labels with: a bias of generation.
      active: [d], true for the first coordinates: problems of several dimensions are
        padded to the largest and compiled as one program.
      twin: also fit the noise-free twin.
      alone: promise that a fit is to one row, the newest generation, so that a law of
        new inputs can be stored as a factor of X'X: twice as fast at d = 100.
      draw_dtype: of the normals in samples and statistics, if not that of the
        parameters. float32 is twice as fast in a float64 model; its normals have 23
        random bits, and none is beyond 5.5 standard deviations.

    Raises:
      ValueError: for an unknown kind of row, a law of inputs that are not normal, a
        design without its rows where these are needed, `alone` where a factor of X'X
        is not kept or does not serve, sizes of rows where they may not differ.
    """
    absent = None if active is None else jnp.diag((~active).astype(float))
    regularisation = _Regularisation(ridge, minimum_norm, absent)
    how = _Generation(
        *(noise_variance, rows, batch_size, design, factor),
        *(inputs, offset, active, alone, draw_dtype),
    )
    _check(dimension, how, regularisation)
    init = functools.partial(_init, shape=(1 + twin, dimension))
    fit = functools.partial(_fit, design=design, regularisation=regularisation)
    return Model(init, fit, functools.partial(_sample, dimension=dimension, how=how))


class _Regularisation(NamedTuple):
    """What makes the solution unique where the rows do not determine w.

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


class _Generation(NamedTuple):
    """How a regressor generates rows; for each entry see `linear`."""

    noise_variance: Noise
    rows: RowKind
    batch_size: int | Int[Array, " rows"]
    design: Design | None
    factor: Float[Array, "d d"] | None
    inputs: Inputs | None
    offset: Float[Array, " d"] | None
    active: Bool[Array, " d"] | None
    alone: bool
    draw_dtype: Any


def _init(key: Key, batch, weights: Weights, shape: tuple[int, int]) -> LinearParams:
    """Parameters of this shape, all zero."""
    del key, weights
    y = batch.y if isinstance(batch, FreshSamples | FixedSamples) else batch.moment
    return LinearParams(jnp.zeros(shape, y.dtype))


def _fit(
    key: Key,
    params,
    batch,
    weights: Weights,
    design: Design | None,
    regularisation: _Regularisation,
) -> tuple[LinearParams, Info]:
    """The regressor of weighted least squares; neither key nor start are used."""
    del key, params
    return LinearParams(_solve(batch, weights, design, regularisation)), {}


def _sample(key: Key, params: LinearParams, num: int, dimension: int, how: _Generation):
    """Rows that a regressor labels, `num` of them; consumes the key."""
    w = params.coefficients
    w = w if how.offset is None else w + how.offset[None]
    x_key, noise_key = threefry.split(key)
    noise, draw_dtype = how.noise_variance, how.draw_dtype
    if how.design is not None:
        return _fixed(noise_key, how.design, w, noise, how.rows, num, draw_dtype)
    if how.rows == "law":
        sizes = (num, how.batch_size, dimension)
        factors = gram_factors(x_key, *sizes, how.factor, how.active, w.dtype)
        draw_law = factor_law if how.alone else fresh_law
        return draw_law(noise_key, factors, w, noise)
    assert isinstance(how.batch_size, int)
    types = (w.dtype, draw_dtype)
    draw = how.inputs or normal_inputs(dimension, how.factor, how.active, *types)
    x = draw(x_key, num * how.batch_size)
    y = label(x, w, noise, noise_key, draw_dtype)
    if how.rows == "samples":
        return FreshSamples(x.T, y.T)
    return fresh_statistics(x, y, num)


def _check(dimension: int, how: _Generation, regularisation: _Regularisation) -> None:
    """Raise ValueError for settings that do not go together, as `linear` says."""
    _check_rows(how.rows, how.design, how.inputs)
    new_law = how.rows == "law" and how.design is None
    single = isinstance(how.batch_size, int)
    if not single and (how.alone or not new_law):
        raise ValueError("batch_size must be one number but for a law of new inputs")
    if how.alone and (not new_law or how.factor is not None):
        raise ValueError("alone needs rows = law, new inputs and no factor")
    too_few = isinstance(how.batch_size, int) and how.batch_size < dimension
    if how.alone and (regularisation.is_any() or too_few):
        raise ValueError("alone needs rows that determine w, without ridge or the like")


def _check_rows(rows: str, design: Design | None, inputs: Inputs | None) -> None:
    """Raise ValueError for a kind of row that is unknown or cannot be generated."""
    check_row_kind(rows)
    if rows == "law" and design is None and inputs is not None:
        raise ValueError("rows = law needs normal inputs; use rows = statistics")
    if rows != "law" and design is not None and design.x is None:
        raise ValueError(f"rows = {rows} needs the rows of the design")


def _solve(
    batch, weights: Weights, design: Design | None, regularisation: _Regularisation
) -> Float[Array, "c d"]:
    """Coefficients [c, d] of weighted least squares on rows of any kind."""
    ridge, minimum_norm, absent = regularisation
    if isinstance(batch, FixedStatistics):
        assert design is not None  # it generated them
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
    rows: RowKind,
    num: int,
    draw_dtype=None,
) -> FixedSamples | FixedStatistics:
    """Labels of a fixed design: of `num` of its rows, or of all of them `num` times."""
    if rows == "law":
        return fixed_law(key, design, w, noise_variance, num)
    x = design.x
    assert x is not None
    if rows == "samples":
        index = jnp.arange(num, dtype=jnp.int32) % x.shape[0]
        y = label(x[index].T, w, noise_variance, key, draw_dtype)
        return FixedSamples(index, y.T)
    copies = jnp.tile(x.T, (1, num))
    y = label(copies, w, noise_variance, key, draw_dtype)
    return labellings(fresh_statistics(copies, y, num).moment)


def _gathered(
    x: Float[Array, "n d"], batch: FixedSamples, weights: Weights
) -> tuple[Array, Array, Array]:
    """The design, each row's mean label [c, n] and its total weight [n]."""
    n = x.shape[0]
    total = jax.ops.segment_sum(weights, batch.design_row, n)
    sums = jax.ops.segment_sum(weights[:, None] * batch.y, batch.design_row, n)
    divisor = jnp.where(total > 0, total, 1)
    return x, (sums / divisor[:, None]).T, total
