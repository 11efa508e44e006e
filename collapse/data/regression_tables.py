"""A user's regression table, standardised, and the noise variance of its labels."""

import functools

import numpy as np

from collapse.data import tables
from collapse.data.tables import Options, RealData


def table(
    name: str,
    target: str,
    seed: int,
    options: Options | None = None,
    precision: str = "float64",
) -> RealData:
    """A table with the target in the last column, standardised by the training rows.

    Inputs have mean 0 and variance 1, the target has mean 0: so no intercept is fitted,
    and a ridge penalty has the same meaning for every column. This is done in float64,
    before models of another precision cast the rows.

    Raises:
      DataError: as `tables.load_regression`, which has the same arguments.
    """
    read = (target, seed, options or Options(), precision)
    return _table(name, tables.stamp(name), *read)


@functools.lru_cache(maxsize=4)
def _table(
    name: str,
    stamp: tuple[str, int],
    target: str,
    seed: int,
    options: Options,
    precision: str,
) -> RealData:
    """The same, cached; `stamp` changes when the file changes."""
    del stamp
    data = tables.load_regression(name, target, seed, options, precision)
    centre, scale = data.train.mean(0), data.train.std(0)
    scale[-1] = 1.0
    train, held_out = ((x - centre) / scale for x in (data.train, data.held_out))
    return data._replace(train=train, held_out=held_out)


def residual_variance(data: RealData) -> float:
    """Unbiased variance of the labels around a least-squares fit to the training rows.

    Rounded to six digits, so that it is the same on every machine.
    """
    x, y = data.train[:, :-1], data.train[:, -1]
    residual = y - x @ np.linalg.lstsq(x, y)[0]
    return float(f"{residual @ residual / (len(y) - x.shape[1] - 1):.6g}")
