"""Normal variates: the inverse error function, and what else they could come from.

    python benchmarks/inverse_error.py [--quick] [--one-core]

The first table compares the function behind all normal variates with XLA's
`lax.erf_inv`: errors are relative, the largest of all values, against SciPy in float64.
The second compares ways to draw float64 normals: the lab's, Box and Muller's (see
`variates`), draws in float32, and NumPy's ziggurat, with what their law is.
"""

import timing  # isort: skip - sets the number of threads

import functools

import alone
import jax
import jax.numpy as jnp
import numpy as np
from entries import Once, entry
from jax import lax
from scipy import stats
from scipy.special import erfinv
from timing import Spread
from variates import WAYS as OTHERS

from collapse.core import streams
from collapse.core.seeds import over_seeds
from collapse.numerics import draws
from collapse.numerics.inverse_error import erf_inv

NUM = 2**14  # values a call, which stay in cache
TIMES = 20  # calls of a turn
WAYS = {"lab": jax.jit(erf_inv), "XLA": jax.jit(lax.erf_inv)}
COLUMNS = ["precision", "cores", "lab / XLA, speed", "lab, error", "XLA, error"]
LAW = ["float64 normals", "cores", "millions a second", "x lab", "x NumPy"]
LAW += ["Kolmogorov-Smirnov, p", "largest of the law"]
NORMALS = {
    "lab: inversion, 52 bits": (lambda key, num: draws.normal(key, (num,)), "8.2"),
    "Box-Muller, 52 bits": (OTHERS["Box-Muller"], "8.5"),
    "Box-Muller of 32 bits": (OTHERS["Box-Muller of 32 bits"], "6.8"),
    "lab: draws float32, 23 bits": (
        lambda key, num: draws.normal(key, (num,), jnp.float32).astype(jnp.float64),
        "5.4",
    ),
}


def inverse(setting, dtype):
    """One line of the first table."""
    x = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, NUM), dtype)

    def call(way):
        for _ in range(TIMES):
            y = way(x)
        return y.block_until_ready()

    calls = {name: functools.partial(call, way) for name, way in WAYS.items()}
    timed = timing.interleave(calls, setting._replace(seconds=0.5, turns=(5, 200)))
    exact = erfinv(np.asarray(x, np.float64))
    errors = {
        name: np.nanmax(abs(np.asarray(found[0]) / exact - 1))
        for name, found in timed.found.items()
    }
    ratio = timed.ratio("XLA", "lab")
    cells = [dtype, "1", str(ratio), f"{errors['lab']:.1e}", f"{errors['XLA']:.1e}"]
    facts = {f"inverse_error_{dtype}": round(ratio.median, 1)}
    return entry(COLUMNS, dtype, cells, facts=facts)


def program(way, cores):
    """A call that draws NUM normals TIMES times on each core, and adds them up."""

    def one(root):
        def body(i, total):
            return total + way(jax.random.fold_in(root, i), NUM)

        return lax.fori_loop(0, TIMES, body, jnp.zeros(NUM))

    compiled = over_seeds(one)
    roots = streams.seeds(0, cores)
    return lambda: jax.block_until_ready(compiled(roots))


def normals(setting):
    """The rows of the second table, timed together."""
    ways = {name: program(way, setting.cores) for name, (way, _) in NORMALS.items()}
    told = {"kind": "normals", "precision": "float64", "seconds": 0.05}

    def numpy():
        each = setting.crew.call("floor_peer", "rate", told).reshape(-1, 2)
        return (each[:, 0] / each[:, 1]).sum()

    timed = timing.interleave(ways | {"numpy": numpy}, setting)
    count = NUM * TIMES * setting.cores
    rates = {name: [count / s for s in timed.seconds[name]] for name in NORMALS} | {
        "NumPy: ziggurat, 52 bits": timed.found["numpy"][1:]
    }
    usual, numpy_rates = next(iter(rates.values())), list(rates.values())[-1]
    for name, found in rates.items():
        ratios = [
            str(Spread.of([a / b for a, b in zip(found, other, strict=True)]))
            for other in (usual, numpy_rates)
        ]
        p, largest = "", ""
        if name in NORMALS:
            way, largest = NORMALS[name]
            sample = np.asarray(way(streams.root(1), 2**18))
            p = f"{stats.kstest(sample, 'norm').pvalue:.2f}"
        speed = str(Spread.of([rate / 1e6 for rate in found]))
        yield name, [name, setting.where, speed, *ratios, p, largest]


def jobs(setting):
    """Rows of both tables."""
    if setting.cores == 1:
        for dtype in ("float64", "float32"):
            yield "inverse_error", dtype, functools.partial(inverse, setting, dtype)
    once = Once(lambda: dict(normals(setting)))
    for name in [*NORMALS, "NumPy: ziggurat, 52 bits"]:
        yield "normals", name, lambda n=name: entry(LAW, n, once()[n])


if __name__ == "__main__":
    alone.main(__doc__, jobs)
