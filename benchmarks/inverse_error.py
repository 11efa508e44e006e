"""The inverse error function timed beside XLA's, and the accuracy of both.

    python benchmarks/inverse_error.py [--quick]

One process, the two interleaved, compiled. Errors are relative, the largest of all
values, against SciPy in float64. Only ratios travel from machine to machine.
"""

import timing  # isort: skip - sets the number of threads

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from scipy.special import erfinv

from collapse.numerics.inverse_error import erf_inv

NUM = 2**14  # values a call, which stay in cache
WAYS = {"lab": jax.jit(erf_inv), "XLA": jax.jit(lax.erf_inv)}


def row(dtype: str, repeats: int) -> str:
    """One line of the table."""
    x = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, NUM), dtype)
    calls = {
        name: lambda way=way: way(x).block_until_ready() for name, way in WAYS.items()
    }
    seconds, found = timing.interleave(calls, repeats)
    exact = erfinv(np.asarray(x, np.float64))
    errors = {
        name: np.nanmax(abs(np.asarray(y) / exact - 1)) for name, y in found.items()
    }
    speed = seconds["XLA"] / seconds["lab"]
    return f"| {dtype} | {speed:.2f} | {errors['lab']:.1e} | {errors['XLA']:.1e} |"


def main() -> None:
    options = timing.options(__doc__)
    jax.config.update("jax_enable_x64", True)
    print(timing.machine() + "\n")
    heads = "precision|lab / XLA, speed|lab, error|XLA, error"
    repeats = 50 if options.quick else 1000
    timing.print_table(heads, (row(dtype, repeats) for dtype in ("float32", "float64")))


if __name__ == "__main__":
    main()
