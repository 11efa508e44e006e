"""Kernel density estimates' recursive loop timed beside SciPy's and scikit-learn's.

    python benchmarks/kde.py [--quick] [--one-core]

Lab and peers have the same cores. A speed is a number of seed-generations a second: 100
rows sampled, a density fitted, and the log-density of 500 held-out points. "Running" is
what the lab does with a fixed bandwidth: of the log-density it adds the newest kernels
to those before. The peers take all of them again, as scripts do. Compared is the mean
over seeds of the log-density of held-out points at the end.
"""

import timing  # isort: skip - sets the number of threads

import functools
from collections.abc import Callable
from typing import NamedTuple

import alone
import jax
import jax.numpy as jnp
import numpy as np
from entries import Peer, compared, entry
from floor import Need
from kde_peer import (
    BANDWIDTH,
    NUM_HELD_OUT,
    NUM_ROWS,
    RULES,
    scipy_density,
    sklearn_density,
)

from collapse.core import workflows
from collapse.core.types import Problem
from collapse.models.kde import kde
from collapse.numerics.kernels import grown_log_density, log_density

GOALS = {"replace": 30, "accumulate": 7, "accumulate, running": 30}  # times SciPy
NAMES = ("SciPy", "scikit-learn")


class Case(NamedTuple):
    """One comparison."""

    workflow: str
    dimension: int
    dtype: str
    num_seeds: int
    num_generations: int

    @property
    def name(self) -> str:
        return f"{self.workflow}, d = {self.dimension}, {RULES[self.dimension]}"


def factor(dimension: int) -> float:
    """What the rule multiplies by its factor."""
    return 1.0 if RULES[dimension] == "std" else BANDWIDTH


def lab(case: Case) -> tuple[Callable[[], timing.Ends], float]:
    """A call that returns mean held-out log-densities at the end; compile seconds."""
    d, dtype = case.dimension, jnp.dtype(case.dtype)
    model = kde(d, RULES[d], factor(d))

    def draw(key: jax.Array, num: int) -> jax.Array:
        return jax.random.normal(key, (d, num), dtype).T

    def problem(root: jax.Array) -> Problem:
        held_out = draw(jax.random.fold_in(root, 1), NUM_HELD_OUT)

        def mean(key, params):
            return jnp.mean(log_density(params, held_out))

        def remember(memory, old, new, generation):
            before = jnp.zeros(NUM_HELD_OUT, dtype) if memory is None else memory
            own = (held_out, generation * NUM_ROWS, NUM_ROWS)
            return grown_log_density(before, old, new, *own)

        if not case.workflow.endswith("running"):
            return Problem(draw, model, {"log_density": mean})
        running = {"log_density": lambda key, params, memory: jnp.mean(memory)}
        return Problem(draw, model, {}, remember=remember, memory_metrics=running)

    way = workflows.replace()
    if case.workflow != "replace":
        way = workflows.accumulate(case.num_generations)
    shape = (NUM_ROWS, case.num_generations, case.num_seeds)
    return timing.lab(problem, way, *shape)


def need(case: Case) -> Need:
    """Of one generation: new rows, and as many kernels as the method has to add."""
    d, n = case.dimension, NUM_ROWS
    times = (case.num_generations + 2) / 2 if case.workflow == "accumulate" else 1
    kernels = NUM_HELD_OUT * n * times
    return Need(n * d, n, kernels, kernels * (3 * d + 1) + 2 * n * d)


def compare(setting: timing.Setting, case: Case):
    """One row of the table."""
    call, compiled = lab(case)
    few = 2 if case.workflow == "replace" else 1
    told = {"workflow": case.workflow.split(",")[0], "d": case.dimension}
    told |= {"seeds": few, "generations": case.num_generations}
    work = setting.cores * few * (case.num_generations + 1)
    others = {}
    for name in NAMES:
        ask = functools.partial(timing.peer, setting, "kde_peer", "one_at_a_time")
        same = name == "scikit-learn" or case.dimension == 1
        goal = GOALS[case.workflow] if name == "SciPy" else 0
        others[name] = Peer(ask(density=name, **told), work, goal, same)
    calls = {"lab": call} | {name: peer.call for name, peer in others.items()}
    timed = timing.interleave(calls, setting)
    mine = (call, compiled, case.num_seeds * (case.num_generations + 1))
    row = (case.name, case.dtype, mine, others, NAMES, need(case), timed)
    return compared(setting, *row)


def disagreement(dimension: int, dtype: str):
    """Largest difference of log-densities of the same rows to scikit-learn's."""
    rng = np.random.default_rng(0)
    pool, at = (rng.standard_normal((n, dimension)) for n in (NUM_ROWS, NUM_HELD_OUT))
    right = sklearn_density(pool, at, 1)[1]
    if dimension == 1:
        assert np.allclose(scipy_density(pool, at, 1)[1], right)
    rows, points = jnp.asarray(pool, dtype), jnp.asarray(at, dtype)
    model = kde(dimension, RULES[dimension], factor(dimension))
    params = model.fit(None, None, rows, jnp.ones(NUM_ROWS, dtype))[0]
    worst = float(abs(np.asarray(log_density(params, points)) - right).max())
    columns = ["same rows", "precision", "log-density, largest difference"]
    case = f"d = {dimension}, {RULES[dimension]}"
    return entry(columns, f"{case}, {dtype}", [case, dtype, f"{worst:.0e}"])


def jobs(setting: timing.Setting):
    """Rows of both tables; float32 on all cores alone."""
    seeds, last = (20, 5) if setting.quick else (100, 20)
    for way in ["replace"] if setting.quick else GOALS:
        for d, rule in RULES.items():
            if (setting.quick and d > 1) or (rule == "std" and way.endswith("running")):
                continue
            for dtype in ("float64", "float32"):
                case = Case(way, d, dtype, seeds, last)
                single = way != "accumulate" and d == 2 and setting.cores > 1
                if dtype == "float64" or single:
                    yield "kde", case.name, functools.partial(compare, setting, case)
    if setting.cores > 1:
        for d in RULES:
            for dtype in ("float64", "float32"):
                name = f"d = {d}, {RULES[d]}, {dtype}"
                yield "kde_same", name, functools.partial(disagreement, d, dtype)


if __name__ == "__main__":
    alone.main(__doc__, jobs)
