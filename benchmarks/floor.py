"""The least that a generation can take: what it needs, at the rates of this machine.

A generation needs so many normals, uniforms, exponentials and floating-point
operations. How many of each a core makes in a second is measured: by NumPy, and by a
program of XLA that does nothing else, each on all the cores of the row. The faster of
both is the rate. The floor of a row is the sum of numbers over rates: no memory is
moved, nothing is decided. A program cannot be faster unless it needs less.
"""

import functools
import time
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from timing import Setting

from collapse.core import streams
from collapse.core.seeds import over_seeds
from collapse.numerics import draws
from collapse.numerics.exponential import exp2_down

KINDS = ("normals", "uniforms", "exponentials", "flops")
_NUM, _TIMES, _SIZE = 2**14, 20, 1024


class Need(NamedTuple):
    """What one seed needs for one generation."""

    normals: float = 0.0
    uniforms: float = 0.0
    exponentials: float = 0.0
    flops: float = 0.0

    def seconds(self, setting: Setting, precision: str) -> float:
        """The floor: seconds a seed-generation on all cores of a setting.

        Args:
          setting: whose rates are taken.
          precision: of the row; what follows a comma is left out.
        """
        name = precision.split(",")[0]
        found = 0.0
        for kind, count in zip(KINDS, self, strict=True):
            if count:
                found += count / max(rates(setting, kind, name))
        return found


_known: dict[tuple[str, str], tuple[float, float]] = {}


def rates(setting: Setting, kind: str, precision: str) -> tuple[float, float]:
    """How many NumPy and XLA make in a second; measured once in a process."""
    if (kind, precision) not in _known:
        long = 0.05 if setting.quick else 0.25
        told = {"kind": kind, "precision": precision, "seconds": long}
        each = setting.crew.call("floor_peer", "rate", told).reshape(-1, 2)
        numpy = float((each[:, 0] / each[:, 1]).sum())
        _known[kind, precision] = (numpy, _compiled(setting, kind, precision))
    return _known[kind, precision]


def _compiled(setting: Setting, kind: str, precision: str) -> float:
    """The rate of a program of XLA on all devices; the best of some turns."""
    dtype = jnp.dtype(precision)
    num = _SIZE if kind == "flops" else _NUM

    def once(key, x):
        if kind == "flops":
            return x @ x * dtype.type(1e-3)
        if kind == "exponentials":
            return x + exp2_down(-jnp.abs(x))
        draw = draws.normal if kind == "normals" else draws.uniform
        return x + draw(key, (num,), dtype)

    shape = (num, num) if kind == "flops" else (num,)
    times = 2 if kind == "flops" else _TIMES

    def one(root):
        def body(i, x):
            return once(jax.random.fold_in(root, i), x)

        return jax.lax.fori_loop(0, times, body, jnp.full(shape, 1e-3, dtype))

    program = over_seeds(one)
    roots = streams.seeds(0, setting.cores)
    jax.block_until_ready(program(roots))
    best = np.inf
    for _ in range(3 if setting.quick else 10):
        begin = time.perf_counter()
        jax.block_until_ready(program(roots))
        best = min(best, time.perf_counter() - begin)
    each = 2.0 * num**3 if kind == "flops" else num
    return setting.cores * times * each / best


@functools.cache
def triangle(d: int) -> int:
    """Entries of a triangle of a d x d matrix, its diagonal included."""
    return d * (d + 1) // 2
