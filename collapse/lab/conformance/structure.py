"""Rules on shapes, types and tracing: nothing is computed, only traced."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from collapse.core.store import weights_dtype
from collapse.core.types import Batch, Info, Key, Model, Params
from collapse.data.errors import ModelError
from collapse.lab.conformance.trial import Trial
from collapse.lab.conformance.words import kind, shapes, tried, types


class Shapes(NamedTuple):
    """Shapes and types of what the functions of a model give."""

    rows: Batch
    params: Params


def trace(model: Model, draw: Callable[[Key, int], Batch], num: int) -> Shapes:
    """Shapes of rows and params; each function of the model is traced.

    Args:
      model: on trial.
      draw: of real rows.
      num: rows of a batch.

    Raises:
      ModelError: for a function that cannot be traced, or gives what a run cannot take.
    """
    key = jax.eval_shape(lambda: jax.random.key(0))
    rows = _traced("draw", lambda key: draw(key, num), key)
    check_rows("draw", rows, num)
    weights = jax.ShapeDtypeStruct((num,), weights_dtype(rows))
    start = _traced("init", model.init, key, rows, weights)
    params = fitted(model, key, start, rows, weights)
    check_state(params, fitted(model, key, params, rows, weights))
    new = _traced("sample", lambda k, p: model.sample(k, p, num), key, params)
    check_alike(rows, params, new, num)
    check_start(start, params)
    pair = [_beside(x) for x in (key, params, rows, weights)]
    _traced("fit", jax.vmap(lambda *args: model.fit(*args)[0]), *pair)
    _traced("sample", jax.vmap(lambda k, p: model.sample(k, p, num)), *pair[:2])
    return Shapes(rows, params)


def _beside(tree: Any) -> Any:
    """Shapes of the same for two seeds in one program."""
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct((2, *x.shape), x.dtype), tree)


def _traced(what: str, function: Callable[..., Any], *args: Any) -> Any:
    """Shapes of what a function gives; ModelError if it cannot be traced."""
    return tried(what, lambda: jax.eval_shape(function, *args))


def fitted(model: Model, key: Any, start: Any, rows: Any, weights: Any) -> Params:
    """Shapes of the parameters of a fit.

    Raises:
      ModelError: if it cannot be traced, or gives no pair of parameters and a dict.
    """

    def parameters(*args: Any) -> tuple[Params, Info]:
        found = model.fit(*args)
        check_pair(found)
        return found

    params, info = _traced("fit", parameters, key, start, rows, weights)
    for name, value in info.items():
        if np.shape(value) != ():
            raise ModelError(
                f"fit: the diagnostic {name} has shape {np.shape(value)}; give one "
                "number, or drop it"
            )
    return params


def check_pair(found: Any) -> None:
    """Raise ModelError for what a fit gives if it is not (params, dict)."""
    pair = isinstance(found, tuple) and len(found) == 2
    if not pair or not isinstance(found[1], Mapping):
        raise ModelError(
            f"fit: gives {kind(found)}; it must return (params, dict), the dict may be "
            "empty"
        )


def check_rows(what: str, rows: Batch, num: int) -> None:
    """Raise ModelError for a batch without an axis of `num` rows in each leaf."""
    leaves = jax.tree.leaves(rows)
    if not leaves or any(np.shape(x)[:1] != (num,) for x in leaves):
        told = shapes(rows) if leaves else "no array"
        raise ModelError(
            f"{what}: asked for {num} rows, makes {told}; give arrays whose first axis "
            f"has {num} entries"
        )


def check_alike(rows: Batch, params: Params, new: Batch, num: int) -> None:
    """Raise ModelError for generated rows of another form than the real ones."""
    if _trees(new) != _trees(rows) or shapes(new) != shapes(rows):
        raise ModelError(
            f"fit: of {num} rows gives params {shapes(params)}, of which sample "
            f"makes {shapes(new)}, but real rows are {shapes(rows)}; mend the shapes "
            "of fit or sample"
        )
    if types(new) != types(rows):
        raise ModelError(
            f"sample: makes {types(new)} of params {types(params)}, but real rows are "
            f"{types(rows)}; let types follow the input: dtype=params.dtype where "
            "numbers are drawn, rows.dtype in fit, no fixed jnp.float32"
        )


def check_state(params: Params, again: Params) -> None:
    """Raise ModelError for parameters that change their form from fit to fit."""
    if _forms(again) != _forms(params):
        raise ModelError(
            f"fit: gives params {_told(params, again)} and, begun from these, "
            f"{_told(again, params)}; give the same shapes and types each time"
        )


def check_start(start: Params, params: Params) -> None:
    """Raise ModelError for a start of another form than what is fitted from it."""
    if _forms(start) != _forms(params):
        raise ModelError(
            f"init: gives params {_told(start, params)}, but fit {_told(params, start)}"
            "; the first fit starts from init, the others from fit: give both the same "
            "shapes and types, such as jnp.zeros(shape, rows.dtype)"
        )


def _forms(tree: Any) -> Any:
    """What tells trees of different structure, shapes or types apart."""
    leaves, structure = jax.tree.flatten(tree)
    return structure, [(np.shape(x), x.dtype) for x in leaves]


def _trees(tree: Any) -> Any:
    return jax.tree.structure(tree)


def _told(tree: Any, other: Any) -> str:
    """Shapes of a tree; with types, or its structure, where the other's are alike."""
    if _trees(tree) != _trees(other):
        return str(jax.tree.map(lambda x: np.shape(x), tree))
    return shapes(tree) if shapes(tree) != shapes(other) else types(tree)


def check_metric(what: str, found: Any, num_dims: int = 0) -> None:
    """Raise ModelError for what a metric gives if a run cannot keep it.

    Args:
      what: the metric, for messages.
      found: an array, traced or not.
      num_dims: axes that it may have.
    """
    if isinstance(found, bool | int | float):
        raise ModelError(
            f"{what} gives a Python {type(found).__name__}, {found!r}, the same for "
            "every model; compute an array from params with jax.numpy"
        )
    if not hasattr(found, "dtype"):
        raise ModelError(
            f"{what} gives {kind(found)}; return one number, an array of shape ()"
        )
    if np.ndim(found) != num_dims:
        fix = f"give {num_dims} axes"
        if not num_dims:
            fix = "give one number: a mean, or a metric for each entry"
        raise ModelError(f"{what} has shape {np.shape(found)}; {fix}")


def can_be_traced(trial: Trial) -> None:
    """Functions can be traced by jax; shapes and types are those of a run."""
    model, draw = trial.make(Trial.key(0))
    params = trace(model, draw, trial.num).params
    key, num = jax.eval_shape(lambda: jax.random.key(0)), trial.num + 3
    check_rows("draw", _traced("draw", lambda k: draw(k, num), key), num)
    new = _traced("sample", lambda k, p: model.sample(k, p, num), key, params)
    check_rows("sample", new, num)


def types_follow(trial: Trial) -> None:
    """Params and samples have the type of the rows, float32 or float64."""
    model = trial.make(Trial.key(0))[0]
    real = jax.eval_shape(lambda: trial.drawn(trial.key(1), trial.num))
    for dtype in (jnp.float32, jnp.result_type(float)):
        rows = jax.tree.map(functools.partial(_cast, dtype=dtype), real)
        if types(rows) == types(real) and dtype == weights_dtype(real):
            continue  # tried before
        key = jax.eval_shape(lambda: jax.random.key(0))
        weights = jax.ShapeDtypeStruct((trial.num,), weights_dtype(rows))
        start = _traced("init", model.init, key, rows, weights)
        params = fitted(model, key, start, rows, weights)
        again = fitted(model, key, params, rows, weights)
        new = _traced("sample", lambda k, p: model.sample(k, p, trial.num), key, params)
        for what, tree, of in (
            ("fit", params, "params"),
            ("fit", again, "params"),
            ("sample", new, "rows"),
        ):
            own = {str(x.dtype) for x in jax.tree.leaves(tree) if x.dtype.kind == "f"}
            if own - {str(jnp.dtype(dtype))}:
                raise ModelError(
                    f"{what}: of {types(rows)} rows gives {of} {types(tree)}; let "
                    "types follow the input: rows.dtype in fit, dtype=params.dtype "
                    "where sample draws numbers"
                )


def _cast(leaf: Any, dtype: Any) -> Any:
    floating = jnp.issubdtype(leaf.dtype, jnp.floating)
    return jax.ShapeDtypeStruct(leaf.shape, dtype if floating else leaf.dtype)
