"""What went wrong, in the terms of a model: functions, shapes, numbers, lines."""

import sysconfig
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np

from collapse.data.errors import InputError, ModelError

T = TypeVar("T")

CALLBACK = (
    "jax.pure_callback(function, jax.ShapeDtypeStruct(shape, dtype), rows, weights, "
    'vmap_method="sequential")'
)
LEAKED = (
    "an array that another call left in a global or an attribute; hand it on in params"
)
_PACKAGE = Path(__file__).parents[2]
_STANDARD = sysconfig.get_path("stdlib")
_INSTALLED = {"site-packages", "dist-packages"}


class Skipped(Exception):
    """A rule that does not apply, or cannot be told here; the message says why."""


def tried(what: str, function: Callable[[], T]) -> T:
    """The result of a function.

    Args:
      what: the function of the model that is called, for messages.
      function: calls it.

    Raises:
      ModelError: if it fails, with the reason in terms of the model.
    """
    try:
        return function()
    except (InputError, Skipped, MemoryError):
        raise
    except Exception as error:
        raise ModelError(f"{what}: {explained(error)}{place(error)}") from error


def explained(error: Exception) -> str:
    """What an error means for a model that jax traces, and what helps."""
    for one in _chain(error):
        if isinstance(one, jax.errors.TracerBoolConversionError):
            return (
                "a Python if, while, and, or or not on an array, whose value is known "
                "only when the program runs; use jnp.where or jax.lax.cond"
            )
        if isinstance(one, jax.errors.NonConcreteBooleanIndexError):
            return (
                "rows picked by a mask, so that shapes would depend on values; keep "
                "all rows and give those left out weight 0"
            )
        if isinstance(one, jax.errors.TracerArrayConversionError):
            return (
                "NumPy or another library is given an array that jax traces; write it "
                f"in jax.numpy, or call it by {CALLBACK}"
            )
        if isinstance(one, jax.errors.UnexpectedTracerError):
            return LEAKED
        concrete = jax.errors.ConcretizationTypeError
        if isinstance(one, concrete | jax.errors.TracerIntegerConversionError):
            return (
                "float(), int(), .item() or a size made of an array, whose value is "
                "known only when the program runs; keep it an array"
            )
    if "vmap_method" in str(error):
        return f"its pure_callback cannot run for many seeds; write {CALLBACK}"
    lines = [line for line in str(error).splitlines() if line.strip()]
    return ": ".join([type(error).__name__, *lines[:1]])


def _chain(error: BaseException | None) -> list[BaseException]:
    """The error and those it was raised from."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def place(error: BaseException) -> str:
    """`; see FILE line N`, the last line of the user's that an error passed; or ""."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        others = path.is_relative_to(_PACKAGE) or path.is_relative_to(_STANDARD)
        installed = _INSTALLED.intersection(path.parts)
        if not (others or installed or frame.filename.startswith("<frozen")):
            return f"; see {path.name} line {frame.lineno}"
    return ""


def kind(value: Any) -> str:
    """What a value is: `an array`, `a tuple`."""
    name = type(value).__name__
    if isinstance(value, jax.Array | np.ndarray):
        return "an array"
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def shapes(tree: Any) -> str:
    """Shapes of the leaves, in order: `[100, 1]`, `([2], [2, 2])`."""
    return _listed(
        f"[{', '.join(map(str, np.shape(x)))}]" for x in jax.tree.leaves(tree)
    )


def types(tree: Any) -> str:
    """Types and shapes of the leaves, in order: `float64[100, 1]`."""
    return _listed(
        f"{x.dtype}[{', '.join(map(str, x.shape))}]" for x in jax.tree.leaves(tree)
    )


def _listed(words: Any) -> str:
    told = list(words)
    return told[0] if len(told) == 1 else f"({', '.join(told)})"


class Gap(tuple[str, float, float]):
    """Where two trees of numbers differ most, as (path, one, other)."""

    def __str__(self) -> str:
        """The place and both numbers: `params[1] is 0.98 and 0.223`."""
        return f"params{self[0]} is {self[1]:.4g} and {self[2]:.4g}"


def gap(
    one: Any, other: Any, tolerance: float, sizes: Sequence[Any] | None = None
) -> Gap | None:
    """Where two trees differ by more than a relative tolerance; None if nowhere.

    The tolerance is relative to each entry: leaves, and entries of a leaf, may have
    different units. NaN differs from everything.

    Args:
      one: tree of numbers.
      other: likewise, of the same shapes.
      tolerance: relative.
      sizes: of entries, a leaf each, where they are larger than the entries
        themselves, so that rounding of sums near 0 is no difference.
    """
    found, worst = None, tolerance
    leaves = jax.tree_util.tree_leaves_with_path(one)
    sizes = [0.0] * len(leaves) if sizes is None else sizes
    for (path, a), b, size in zip(leaves, jax.tree.leaves(other), sizes, strict=True):
        single = np.ndim(a) == 0
        a, b = np.atleast_1d(plain(a)), np.atleast_1d(plain(b))
        if not a.size:
            continue
        with np.errstate(invalid="ignore", over="ignore"):
            scale = np.maximum(np.maximum(np.abs(a), np.abs(b)), size)
            away = np.abs(a - b) / np.where(a == b, 1, scale)
            away = np.where(a == b, 0, away)
        away = np.where(np.isnan(away), np.inf, away)
        index = np.unravel_index(int(away.argmax()), away.shape)
        if away[index] > worst:
            worst = float(away[index])
            where = "" if single else str(list(map(int, index)))
            name = jax.tree_util.keystr(path) + where
            found = Gap((name, float(a[index]), float(b[index])))
    return found


def plain(leaf: Any) -> Any:
    """A leaf as host numbers in float64; those of a key, or of truth values, too."""
    if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        leaf = jax.random.key_data(leaf)
    return np.asarray(leaf).astype(np.float64)
