"""Principal components of a table of metrics, and what they predict of an outcome.

A few components hold most of the variance of few rows also if the metrics are noise,
and an outcome regresses on them also if it is noise. So each number stands beside its
null: the share of variance beside tables whose columns are permuted, R2 beside
permuted outcomes, and beside R2 on rows that neither the components nor the regression
have seen. `theory.principal` gives the nulls of normal noise. The question is that of
Kim et al. 2024 (AGORABENCH, arXiv 2412.03679), who regress PGR (`recovered`) on
components of intrinsic metrics.

P-values hold if rows are exchangeable: independent draws. Where rows are generators in
several domains, what all metrics of a domain share is found as a component, too.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from collapse.data.errors import DataError

_ROUNDING = 1e-10  # of shares and R2, which two orders of a sum may differ by
_RANK = 1e-10  # relative size of a singular value that counts as 0
_ONE_NUMBER = 1e-13  # relative range of a column that counts as constant
_BLOCK = 1 << 20  # entries of permuted tables at a time
_HIGH = 0.95  # the quantile of a null that is given
_LEAST = 3  # rows: two of them lie on a line, whatever they are

Matrix = Float[np.ndarray, "_ _"]
Numbers = NDArray[Any]


class Components(NamedTuple):
    """Principal components of the correlation matrix, with the null of their share.

    Attributes:
      variances: [r] share of the variance of each component, largest first.
      loadings: [p, k] unit vectors of the first k; the largest entry is positive.
      scores: [rows, k] of standardised rows; columns have the mean 0.
      share: of the variance that the first k hold.
      null_mean: mean share of tables whose columns are permuted, each by itself.
      null_high: their 95 % quantile.
      p_value: share of such tables, the given one among them, whose share is no
        smaller.
    """

    variances: Float[np.ndarray, " r"]
    loadings: Float[np.ndarray, "p k"]
    scores: Float[np.ndarray, "rows k"]
    share: float
    null_mean: float
    null_high: float
    p_value: float


def components(
    table: Numbers, k: int, permutations: int = 999, seed: int = 0
) -> Components:
    """The first k components of a table, and whether they hold more than by chance.

    Columns are standardised, Z = (X - mean) / standard deviation, and Z = U S V' is
    decomposed. Component i holds s_i^2 / sum_j s_j^2 of the variance. If columns are
    independent of each other, all permutations of each by itself are equally likely,
    so that with B of them (1 + number of shares that are no smaller) / (B + 1) is an
    exact p-value (Phipson & Smyth, Stat. Appl. Genet. Mol. Biol. 9:39, 2010).

    Args:
      table: [rows, p] of metrics; a row is a generator, or a generator in a domain.
      k: number of components.
      permutations: B, at least 1.
      seed: of the permutations.

    Raises:
      DataError: for fewer than 3 rows, entries that are not finite, a constant column,
        or more components than the table has.
    """
    table = _checked(table, k, permutations)
    unit = _unit(table, table)[0]
    left, sizes, right = _decomposed(unit, k)
    rows, p = unit.shape
    signs = np.sign(right[np.arange(k), abs(right[:k]).argmax(1)])
    variances = sizes**2 / p
    share = float(variances[:k].sum())
    null = _permuted_shares(unit, k, permutations, np.random.default_rng(seed))
    return Components(
        variances,
        right[:k].T * signs,
        left[:, :k] * (sizes[:k] * signs * np.sqrt(rows - 1)),
        share,
        *_against(null, share),
    )


class Regression(NamedTuple):
    """An outcome regressed on the first k components: R2 in and out of sample.

    Attributes:
      r2: of the rows that the regression is fitted to.
      null_mean: mean of `r2` of permuted outcomes; k / (rows - 1) of all of them.
      null_high: 95 % quantile of `r2` of permuted outcomes.
      p_value: share of permuted outcomes, the given one among them, with no smaller R2.
      r2_out: R2 of rows that were left out: 1 - squared errors of predictions over
        those of the mean of the rows that were not. Below 0 where components predict
        worse than this mean.
      null_mean_out: mean of `r2_out` of permuted outcomes, as a rule below 0.
      null_high_out: their 95 % quantile.
      p_value_out: as `p_value`, of `r2_out`.
    """

    r2: float
    null_mean: float
    null_high: float
    p_value: float
    r2_out: float
    null_mean_out: float
    null_high_out: float
    p_value_out: float


def regression(
    table: Numbers,
    outcome: Numbers,
    k: int,
    folds: int | Numbers | None = None,
    repeats: int = 20,
    permutations: int = 999,
    seed: int = 0,
) -> Regression:
    """R2 of an outcome regressed on the first k components, in and out of sample.

    Components do not depend on the outcome y. So errors of predictions are A y, and
    those of the mean of the training rows B y, with matrices of the table and folds
    alone, and R2 out of sample is 1 - |A y|^2 / |B y|^2 of the given y as of permuted
    ones. Means, scales and components are those of the training rows of each fold; if
    they have fewer components than k (a column may be constant there), all are used.

    Args:
      table: [rows, p] of metrics, as in `components`.
      outcome: [rows].
      k: number of components.
      folds: None to leave out one row at a time; a number of random folds, made anew
        `repeats` times; or a label for each row, to leave out all rows of a label at a
        time: where a generator has several rows, they tell of each other.
      repeats: of random folds, at least 1.
      permutations: of the outcome, at least 1.
      seed: of folds and permutations.

    Raises:
      DataError: as `components` does, for an outcome that is constant or not finite,
        or if a fold leaves fewer than k + 2 rows for k slopes and a mean.
    """
    table = _checked(table, k, permutations)
    rows, y = len(table), np.asarray(outcome, np.float64)
    if y.shape != (rows,) or not np.isfinite(y).all() or not _varies(y):
        raise DataError(f"outcome: give {rows} finite numbers that are not all equal")
    y = _unit(y[:, None], y[:, None])[0][:, 0]
    left = _decomposed(_unit(table, table)[0], k)[0][:, :k]
    rng = np.random.default_rng(seed)
    permuted = rng.permuted(np.broadcast_to(y, (permutations, rows)), axis=1)
    outcomes = np.vstack([y, permuted])
    each, (errors, of_mean) = np.eye(rows), np.zeros((2, rows, rows))
    for out in _folds(folds, rows, repeats, rng):
        if (fitted := rows - out.sum()) < k + 2:
            raise DataError(
                f"folds: one leaves {fitted} rows to fit {k} components; "
                f"leave {k + 2} at least, or give a smaller k"
            )
        of_mean_here = each[out] - ~out / fitted
        errors_here = of_mean_here.copy()
        errors_here[:, ~out] -= _slopes(table[~out], table[out], k)
        errors += errors_here.T @ errors_here
        of_mean += of_mean_here.T @ of_mean_here
    inside = _squares(outcomes, left @ left.T)
    outside = 1 - _squares(outcomes, errors) / _squares(outcomes, of_mean)
    found = [(float(x[0]), *_against(x[1:], float(x[0]))) for x in (inside, outside)]
    return Regression(*found[0], *found[1])


def _squares(vectors: Matrix, square: Matrix) -> Float[np.ndarray, " _"]:
    """The squares y' M y, one of each row y."""
    return np.asarray(((vectors @ square) * vectors).sum(1))


def _slopes(fitted: Matrix, out: Matrix, k: int) -> Matrix:
    """What takes outcomes of fitted rows to predictions of others, less their mean.

    With Z = U S V' of the fitted rows it is z V S^-1 U', cut at k components.
    """
    train, test = _unit(fitted, out)
    left, sizes, right = np.linalg.svd(train, full_matrices=False)
    some = (sizes > _RANK * sizes[0]) & (np.arange(len(sizes)) < k)
    return np.asarray((test @ right[some].T / sizes[some]) @ left[:, some].T)


def _folds(
    folds: int | Numbers | None, rows: int, repeats: int, rng: np.random.Generator
) -> Iterator[Bool[np.ndarray, " rows"]]:
    """The rows that are left out, of one fold after the other."""
    if isinstance(folds, int) and not (2 <= folds <= rows and repeats >= 1):
        raise DataError(
            f"folds: {folds}, {repeats} times; give 2 to {rows}, at least once"
        )
    if folds is None or isinstance(folds, int):
        own = np.arange(rows) % (folds or rows)
        orders = [own] if folds is None else [own] * repeats
        labels = [
            order if folds is None else rng.permutation(order) for order in orders
        ]
    else:
        labels = [np.asarray(folds)]
        if labels[0].shape != (rows,) or len(np.unique(labels[0])) < 2:
            raise DataError(f"folds: give {rows} labels, two different ones at least")
    for own in labels:
        for label in np.unique(own):
            yield own == label


def _permuted_shares(
    unit: Matrix, k: int, num: int, rng: np.random.Generator
) -> Float[np.ndarray, " num"]:
    """Share of the first k components of `num` tables with permuted columns."""
    rows, p = unit.shape
    found, block = np.empty(num), max(1, _BLOCK // unit.size)
    for start in range(0, num, block):
        stop = min(start + block, num)
        some = np.broadcast_to(unit, (stop - start, rows, p))
        z = rng.permuted(some, axis=1)  # each column of each table by itself
        turned = np.swapaxes(z, 1, 2)
        square = turned @ z if p <= rows else z @ turned  # the smaller of the two
        found[start:stop] = np.linalg.eigvalsh(square)[:, -k:].sum(1) / p
    return found


def _against(
    null: Float[np.ndarray, " num"], value: float
) -> tuple[float, float, float]:
    """Mean and high quantile of a null, and the p-value of a large value."""
    above = int((null >= value - _ROUNDING).sum())
    high = float(np.quantile(null, _HIGH))
    return float(null.mean()), high, (1 + above) / (1 + len(null))


def _unit(fitted: Matrix, others: Matrix) -> tuple[Matrix, Matrix]:
    """Both tables less the means of fitted columns, over the lengths of these.

    A column that is constant among fitted rows is 0 in both.
    """
    means = fitted.mean(0)
    varied = _varies(fitted)
    scale = np.where(varied, np.ptp(fitted, axis=0), 1.0)  # else squares may overflow
    centred = np.where(varied, (fitted - means) / scale, 0.0)
    lengths = np.where(varied, np.linalg.norm(centred, axis=0), 1.0)
    return centred / lengths, np.where(varied, (others - means) / scale / lengths, 0.0)


def _decomposed(unit: Matrix, k: int) -> tuple[Matrix, Float[np.ndarray, " r"], Matrix]:
    """Singular value decomposition up to the rank, which is at least k."""
    left, sizes, right = np.linalg.svd(unit, full_matrices=False)
    rank = int((sizes > _RANK * sizes[0]).sum())
    if k > rank:
        raise DataError(
            f"k: {k}; columns depend on each other, the table has rank {rank}; "
            f"give at most {rank}"
        )
    return left[:, :rank], sizes[:rank], right[:rank]


def _varies(values: Float[np.ndarray, "rows ..."]) -> Bool[np.ndarray, "..."]:
    """Whether columns are more than one number and its rounding."""
    return np.asarray(np.ptp(values, axis=0) > _ONE_NUMBER * abs(values).max(0))


def _checked(given: Numbers, k: int, permutations: int) -> Float[np.ndarray, "rows p"]:
    """The table, if it has k components that are more than one number each."""
    table = np.asarray(given, np.float64)
    if table.ndim != 2 or len(table) < _LEAST or not table.shape[1]:
        raise DataError(
            f"table: shape {table.shape}; give {_LEAST} rows at least, of one metric "
            "in each column"
        )
    if not np.isfinite(table).all():
        row, column = np.argwhere(~np.isfinite(table))[0]
        raise DataError(
            f"table: column {column} is not finite in row {row}; leave one of them out"
        )
    constant = np.flatnonzero(~_varies(table))
    if constant.size:
        raise DataError(f"table: column {constant[0]} is constant; leave it out")
    most = min(len(table) - 1, table.shape[1])
    if not 1 <= k <= most:
        raise DataError(f"k: {k}; give 1 to {most}, rows - 1 or columns at most")
    if permutations < 1:
        raise DataError(f"permutations: {permutations}; give 1 at least")
    return table
