"""A rule on rows far from 0, whose spread a precision may not hold."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from collapse.core.types import Batch
from collapse.data.errors import ModelError
from collapse.lab.conformance.randomness import columns
from collapse.lab.conformance.trial import Trial

_FAR = 0.01  # part of a variance that rounding of squared numbers may be
_LIKE = 4.0  # factor between two standard deviations of few rows
_KEYS = (7, 21, 22, 23)  # of samples whose variances are averaged


class _Columns(NamedTuple):
    """Location, standard deviation and machine precision of each column of rows."""

    location: NDArray[np.float64]
    spread: NDArray[np.float64]
    precision: NDArray[np.float64]

    @property
    def rounding(self) -> NDArray[np.float64]:
        """What rounding of squares is in units of the variance; 0 of equal rows."""
        known = self.spread > 0
        far = self.location / np.where(known, self.spread, 1)
        return np.where(known, self.precision * far**2, 0)


def spread(trial: Trial) -> None:
    """Samples vary as real rows do, even if these are far from 0.

    A variance that is computed as the mean of squares less the square of the mean loses
    all digits where `(location / spread)**2` times the machine precision is not small.
    A column is refused only if that may be so, if the standard deviations of samples
    and of real rows differ by more than a factor of 4, and if they do not for the same
    rows less their location: so the precision is the reason, not the model.
    """
    real = _described(trial.real)
    far = real.rounding > _FAR
    if not far.any():
        return
    found = _sampled(trial, trial.real)
    lost = far & ~_alike(found, real.spread)
    if not lost.any():
        return
    try:
        held = _alike(_sampled(trial, _centred(trial.real)), real.spread)
    except Exception:  # of a model whose rows cannot be moved, in a callback perhaps
        return
    if not (lost & held).any():
        return
    worst = int((lost & held).argmax())
    raise ModelError(
        f"fit: samples vary by {found[worst]:.3g} (column {worst}) where real rows "
        f"vary by {real.spread[worst]:.3g} about {real.location[worst]:.3g}, and by as "
        "much as they should if these are centred: squares of rows so far from 0 have "
        f"no digits left in {_name(real.precision[worst])}; centre or standardise the "
        "rows before the run, or take float64"
    )


def may_be_rounding(trial: Trial) -> str:
    """What two fits that should agree may differ by, for a message; "" for nothing."""
    real = _described(trial.real)
    worst = int(real.rounding.argmax())
    if not real.rounding[worst] > trial.rounding:
        return ""
    return (
        f"; or is it rounding? Real rows (column {worst}) vary by "
        f"{real.spread[worst]:.3g} about {real.location[worst]:.3g}: try them centred"
    )


def _described(rows: Batch) -> _Columns:
    """What the columns of rows are; whole numbers, which are not rounded, have 0."""
    numbers = columns(rows)
    each = jax.tree.map(lambda x: np.zeros((1, *x.shape[1:])) + _precision(x), rows)
    precision = columns(each)[0]
    with np.errstate(invalid="ignore", over="ignore"):
        return _Columns(numbers.mean(0), numbers.std(0), precision)


def _precision(leaf: Any) -> float:
    floating = jnp.issubdtype(leaf.dtype, jnp.floating)
    return float(jnp.finfo(leaf.dtype).eps) if floating else 0.0


def _sampled(trial: Trial, rows: Batch) -> NDArray[np.float64]:
    """Standard deviation of each column in samples of the model fitted to rows."""
    params = trial.fit(rows, trial.ones)
    with np.errstate(invalid="ignore", over="ignore"):
        found = [columns(trial.sample(key, params)).var(0) for key in _KEYS]
        return np.asarray(np.sqrt(np.mean(found, axis=0)))


def _alike(found: NDArray[np.float64], right: NDArray[np.float64]) -> Any:
    """Whether standard deviations differ by less than a factor of 4; NaN does not."""
    with np.errstate(invalid="ignore"):
        return (found * _LIKE > right) & (found < right * _LIKE)


def _centred(rows: Batch) -> Batch:
    """The rows less their location, where they are rounded numbers."""

    def moved(leaf: Any) -> Any:
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            return leaf
        return leaf - jnp.asarray(np.asarray(leaf, float).mean(0), leaf.dtype)

    return jax.tree.map(moved, rows)


def _name(precision: float) -> str:
    """The name of the type with a machine precision."""
    known = ("float16", "float32", "float64")
    return next((n for n in known if np.finfo(n).eps == precision), "this precision")
