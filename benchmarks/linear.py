"""Linear regressors timed beside NumPy, one seed and many at a time.

    python benchmarks/linear.py [--quick] [--one-core] [--grid]

Lab and NumPy have the same cores. New inputs in every generation. A speed is a number
of seed-generations a second: n rows drawn and labelled, one fit (`law` reaches the same
law without drawing rows). Compared is the mean over seeds of the squared error at the
end.
"""

import timing  # isort: skip - sets the number of threads

import functools
import time
from collections.abc import Callable
from typing import NamedTuple

import alone
import jax
import jax.numpy as jnp
import numpy as np
from entries import Peer, compared
from floor import Need, triangle
from variates import WAYS as INPUTS

from collapse.core import loop, streams, workflows
from collapse.core.types import Problem
from collapse.models.linear.model import LinearParams, linear
from collapse.theory import linear as theory

NOISE = 0.25  # variance
WAYS = {"replace": workflows.replace, "accumulate": workflows.accumulate_sums}


class Case(NamedTuple):
    """The lab's side of one comparison, with its goals."""

    workflow: str
    rows: str
    dtype: str
    num_rows: int
    dimension: int
    num_seeds: int
    num_generations: int
    goals: dict[str, float]  # peer -> times as fast
    draws: str = ""  # how normals are drawn, if not as usual

    @property
    def name(self) -> str:
        d, n = self.dimension, self.num_rows
        return f"d = {d}, n = {n}, {self.workflow}, {self.rows}"

    @property
    def precision(self) -> str:
        return self.dtype + (f", {self.draws}" if self.draws else "")


def error_of(params: LinearParams) -> jax.Array:
    """Squared distance from the truth, which is 0."""
    return jnp.sum(params.coefficients[0] ** 2)


def lab(case: Case) -> tuple[Callable[[], timing.Ends], float]:
    """A call that returns errors at the end, and compile seconds."""
    n, d, dtype = case.num_rows, case.dimension, jnp.dtype(case.dtype)
    inputs = None
    if case.draws in INPUTS:

        def inputs(key, num):
            return INPUTS[case.draws](key, d * num).reshape(d, num)

    model = linear(
        d,
        noise_variance=np.array(NOISE, dtype),
        rows=case.rows,
        batch_size=n,
        alone=case.workflow == "replace" and case.rows == "law",
        inputs=inputs,
        draw_dtype="float32" if case.draws == "draws float32" else None,
    )
    truth = LinearParams(jnp.zeros((1, d), dtype))
    problem = Problem(
        lambda key, num: model.sample(key, truth, num),
        model,
        {"error": lambda key, params: error_of(params)},
    )
    shape = (1, case.num_generations, case.num_seeds)
    return timing.lab(lambda root: problem, WAYS[case.workflow](), *shape)


def need(case: Case) -> Need:
    """Of one generation: normals and labels, X'X, X'y, and a Cholesky solution."""
    d, n = case.dimension, case.num_rows
    solved = d**3 / 3 + 2 * d**2
    if case.rows == "law":
        # Bartlett's triangle, the noise of d coefficients
        return Need(d + triangle(d), d, 0, solved)
    return Need(n * (d + 1), 0, 0, n * (2 * triangle(d) + 4 * d) + solved)


def cases(quick: bool) -> list[Case]:
    """Every comparison, with the goals of the project."""
    seeds, last = (64, 10) if quick else (256, 50)
    small, large = (100, 10, seeds, last), (1000, 100, 32, 6)
    first = Case("replace", "statistics", "float64", *small, {"batched": 1.5})
    if quick:
        return [first, first._replace(goals={}, draws="Box-Muller")]
    return [
        first,
        first._replace(draws="draws float32"),
        *(first._replace(goals={}, draws=name) for name in INPUTS),
        Case("accumulate", "statistics", "float64", *small, {}),
        Case("replace", "law", "float64", *small, {}),
        Case("replace", "law", "float64", *large, {"loop": 50}),
        Case("accumulate", "law", "float64", *large, {"loop": 70}),
        Case("replace", "statistics", "float32", *small, {"batched": 2.5}),
        Case("replace", "law", "float32", *large, {}),
    ]


def compare(setting: timing.Setting, case: Case):
    """One row of the table."""
    call, compiled = lab(case)
    few, crowd = (1 if case.dimension > 50 else 8), 32
    told = {"workflow": case.workflow, "n": case.num_rows, "d": case.dimension}
    told |= {"noise": NOISE, "generations": case.num_generations}
    ask = functools.partial(timing.peer, setting, "linear_peer")
    steps = setting.cores * (case.num_generations + 1)
    goals = case.goals
    batched = ask("batched", **told, seeds=crowd, precision=case.dtype)
    others = {"batched": Peer(batched, steps * crowd, goals.get("batched", 0))}
    if case.dtype == "float64" and not case.draws:
        loop_call = ask("one_at_a_time", **told, seeds=few)
        others["loop"] = Peer(loop_call, steps * few, goals.get("loop", 0))
    calls = {"lab": call} | {name: peer.call for name, peer in others.items()}
    timed = timing.interleave(calls, setting)
    mine = (call, compiled, case.num_seeds * (case.num_generations + 1))
    names = ("loop", "batched")
    row = (case.name, case.precision, mine, others, names, need(case), timed)
    return compared(setting, *row)


def jobs(setting: timing.Setting):
    """Rows of the table; float32 on all cores alone."""
    for case in cases(setting.quick):
        if case.dtype == "float64" or setting.cores > 1:
            yield "linear", case.name, functools.partial(compare, setting, case)


def grid() -> str:
    """One launch: 5 noise levels x 5 dimensions, padded to one, x 1000 seeds."""
    levels = jnp.array([0.01, 0.1, 1.0, 10.0, 100.0])
    sizes, n = jnp.array([1, 2, 4, 8, 16], jnp.int32), 100
    seeds, last = 1000, 50
    most = 16

    def one(root: jax.Array, noise: jax.Array, d: jax.Array) -> jax.Array:
        active = jnp.arange(most, dtype=jnp.int32) < d
        model = linear(
            most, noise_variance=noise, rows="law", batch_size=n, active=active
        )
        truth = LinearParams(jnp.zeros((1, most)))
        problem = Problem(
            lambda key, num: model.sample(key, truth, num),
            model,
            {"error": lambda key, params: error_of(params)},
        )
        trace = loop.run(root, problem, workflows.replace(), 1, last)[1]
        return trace.metrics["error"][-1]

    over = jax.vmap(jax.vmap(one, (None, None, 0)), (None, 0, None))
    program = loop.over_seeds(over, (0, None, None))
    roots = streams.seeds(0, seeds)
    compiled, compiling = timing.compile_timed(program, roots, levels, sizes)
    begin = time.perf_counter()
    mean = np.asarray(jax.block_until_ready(compiled(roots, levels, sizes))).mean(0)
    seconds = time.perf_counter() - begin
    exact = np.array(
        [
            [float(v) * theory.first_error(n, int(d)) * (last + 1) for d in sizes]
            for v in levels
        ]
    )
    worst = float(abs(mean / exact - 1).max())
    return (
        f"One launch, replace, law, float64: 5 noise levels x d = 1 ... {most} x "
        f"{seeds} seeds x {last + 1} generations: compiled once in {compiling:.1f} s, "
        f"ran in {seconds:.1f} s; means within {worst:.1%} of theory"
    )


if __name__ == "__main__":
    text = "one launch over noise levels and dimensions instead"
    alone.main(__doc__, jobs, ("--grid", text, grid))
