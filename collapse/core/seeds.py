"""The map over seeds: one compiled program, split over the devices there are."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array

from collapse.core.devices import MODEL_AXIS, seed_devices


def over_seeds(
    function: Callable[..., Any],
    in_axes: Any = 0,
    out_axes: Any = 0,
    donate: int | tuple[int, ...] = (),
    one_by_one: bool = False,
    model_devices: int = 1,
) -> Callable[..., Any]:
    """Map `function` over a leading axis of seeds, compiled and split over devices.

    Where the number of seeds is not a multiple of the number of devices the last seed
    is repeated and the copies are dropped again.

    Args:
      function: of keys, states and the like of one seed.
      in_axes: for each argument 0, None (the same for all seeds) or a pytree of these,
        as in `jax.vmap`; a single value stands for all arguments.
      out_axes: the same for the result.
      donate: arguments whose memory may be used again, so that a large store is not
        copied; they must not be touched afterwards.
      one_by_one: a device runs its seeds one after the other, for functions whose own
        operations fill it.
      model_devices: that compute each seed together, as the axis `MODEL_AXIS` of the
        mesh; they are given the same arguments, and have to find the same result.

    Raises:
      ValueError: if the devices cannot be divided into groups of so many.
    """
    mesh = _mesh(model_devices)
    groups = mesh.shape["seeds"]
    mapped = jax.shard_map(
        (_one_by_one if one_by_one else jax.vmap)(function, in_axes, out_axes),
        mesh=mesh,
        in_specs=_specs(in_axes),
        out_specs=_specs(out_axes),
        check_vma=False,
    )

    @functools.partial(jax.jit, donate_argnums=donate)
    def call(*args: Any) -> Any:
        num_seeds = args[0].shape[0]
        padded = num_seeds + -num_seeds % groups
        if padded == num_seeds:
            return mapped(*args)
        index = jnp.minimum(jnp.arange(padded), num_seeds - 1)
        result = mapped(*_each(lambda leaf: leaf[index], in_axes, args))
        return _each(lambda leaf: leaf[:num_seeds], out_axes, result)

    return call


def _mesh(model_devices: int) -> Mesh:
    """The devices as a mesh: groups for seeds, and in each those of one model."""
    devices = seed_devices()
    if model_devices == 1:
        return Mesh(np.array(devices), ("seeds",))
    if len(devices) % model_devices:
        raise ValueError(
            f"{len(devices)} devices cannot be divided into groups of {model_devices}"
        )
    grid = np.array(devices).reshape(-1, model_devices)
    return Mesh(grid, ("seeds", MODEL_AXIS))


def _one_by_one(
    function: Callable[..., Any], in_axes: Any, out_axes: Any
) -> Callable[..., Any]:
    """A loop in place of `jax.vmap`; in_axes has one entry for each argument."""

    def mapped(*args: Any) -> Any:
        num = args[0].shape[0]

        def one(i: Array | int) -> Any:
            return function(*_each(lambda leaf: leaf[i], in_axes, args))

        if num == 1:
            return _each(lambda leaf: leaf[None], out_axes, one(0))
        found = lax.map(one, jnp.arange(num, dtype=jnp.int32))
        flat = jax.tree.broadcast(out_axes, found, is_leaf=lambda axis: axis is None)
        return jax.tree.map(
            # None in the result itself is no leaf, and looks like no axis
            lambda axis, leaf: leaf[0] if axis is None and leaf is not None else leaf,
            *(flat, found),
            is_leaf=lambda axis: axis is None,
        )

    return mapped


def _specs(axes: Any) -> Any:
    """Partition specs of the same tree as vmap axes."""
    return jax.tree.map(
        lambda axis: PartitionSpec() if axis is None else PartitionSpec("seeds"),
        axes,
        is_leaf=lambda axis: axis is None,
    )


def _each(change: Callable[[Array], Array], axes: Any, tree: Any) -> Any:
    """The tree, with `change` applied to the leaves that have an axis of seeds."""
    flat = jax.tree.broadcast(axes, tree, is_leaf=lambda axis: axis is None)
    return jax.tree.map(
        lambda axis, leaf: leaf if axis is None else change(leaf),
        flat,
        tree,
        is_leaf=lambda axis: axis is None,
    )
