"""A user's regression table, standardised, and the noise variance of its labels."""

import functools

import numpy as np

from collapse.data import tables
from collapse.data.tables import RealData


def table(name: str, target: str, seed: int) -> RealData:
    """A table with the target in the last column, standardised by the training rows.

    Inputs have mean 0 and variance 1, the target has mean 0: so no intercept is fitted,
    and a ridge penalty has the same meaning for every column.
    """
    return _table(name, target, seed, tables.stamp(name))


@functools.lru_cache(maxsize=4)
def _table(name: str, target: str, seed: int, stamp: tuple[str, int]) -> RealData:
    """The same, cached; `stamp` changes when the file changes."""
    del stamp
    data = tables.load_regression(name, target, seed)
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
