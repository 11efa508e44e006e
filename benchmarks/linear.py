"""Linear regressors timed beside NumPy, one seed and many at a time.

    python benchmarks/linear.py [--quick]

One process, candidates interleaved, peers on one thread. New inputs in every
generation. A speed is a number of seed-generations a second: n rows drawn and labelled,
one fit (`law` reaches the same law without drawing rows). Only ratios travel from
machine to machine.
"""

import timing  # isort: skip - sets the number of threads

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

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
    draws: str | None = None  # precision of the random numbers, if not that of the case


def error_of(params: LinearParams) -> jax.Array:
    """Squared distance from the truth, which is 0."""
    return jnp.sum(params.coefficients[0] ** 2)


def lab(case: Case) -> tuple[Callable[[], float], float]:
    """A call that returns the mean error at the end, and compile seconds."""
    n, d, dtype = case.num_rows, case.dimension, jnp.dtype(case.dtype)
    model = linear(
        d,
        noise_variance=np.array(NOISE, dtype),
        rows=case.rows,
        batch_size=n,
        alone=case.workflow == "replace" and case.rows == "law",
        draw_dtype=case.draws,
    )
    truth = LinearParams(jnp.zeros((1, d), dtype))
    problem = Problem(
        lambda key, num: model.sample(key, truth, num),
        model,
        {"error": lambda key, params: error_of(params)},
    )
    shape = (1, case.num_generations, case.num_seeds)
    return timing.lab(lambda root: problem, WAYS[case.workflow](), *shape)


def one_at_a_time(case: Case, seeds: int) -> Callable[[], float]:
    """NumPy as a paper's script has it: lstsq on all rows, in float64."""
    rng = np.random.default_rng(0)
    n, d = case.num_rows, case.dimension

    def call() -> float:
        ends = []
        for _ in range(seeds):
            w, xs, ys = np.zeros(d), [], []
            for _ in range(case.num_generations + 1):
                x = rng.standard_normal((n, d))
                y = x @ w + np.sqrt(NOISE) * rng.standard_normal(n)
                if case.workflow == "replace":
                    xs, ys = [], []
                xs.append(x)
                ys.append(y)
                w = np.linalg.lstsq(np.concatenate(xs), np.concatenate(ys))[0]
            ends.append(w @ w)
        return float(np.mean(ends))

    return call


def batched(case: Case, seeds: int) -> Callable[[], float]:
    """NumPy, all seeds at once, running normal equations, in the case's precision."""
    rng = np.random.default_rng(0)
    n, d, dtype = case.num_rows, case.dimension, np.dtype(case.dtype)
    root = dtype.type(np.sqrt(NOISE))

    def call() -> float:
        w = np.zeros((seeds, d, 1), dtype)
        gram, moment = np.zeros((seeds, d, d), dtype), np.zeros((seeds, d, 1), dtype)
        for _ in range(case.num_generations + 1):
            x = rng.standard_normal((seeds, n, d), dtype)
            y = x @ w + root * rng.standard_normal((seeds, n, 1), dtype)
            turned = x.swapaxes(1, 2)
            if case.workflow == "replace":
                gram, moment = turned @ x, turned @ y
            else:
                gram, moment = gram + turned @ x, moment + turned @ y
            w = np.linalg.solve(gram, moment)
        return float((w**2).sum((1, 2)).mean())

    return call


def cases(quick: bool) -> list[Case]:
    """Every comparison, with the goals of the project."""
    seeds, last = (64, 20) if quick else (256, 50)
    small = (100, 10, seeds, last)
    large = (1000, 100, 8 if quick else 32, 6)
    many = {"loop": 10.0, "batched": 2.5}
    return [
        Case("replace", "statistics", "float32", *small, many),
        Case("accumulate", "statistics", "float32", *small, {"loop": 45}),
        Case("replace", "statistics", "float64", *small, {}),
        Case("accumulate", "statistics", "float64", *small, {}),
        Case("replace", "statistics", "float64", *small, {"batched": 1.5}, "float32"),
        Case("accumulate", "statistics", "float64", *small, {}, "float32"),
        Case("replace", "law", "float32", *small, {}),
        Case("replace", "law", "float64", *small, {}),
        Case("replace", "law", "float32", *large, {"loop": 50}),
        Case("accumulate", "law", "float32", *large, {"loop": 70}),
        Case("replace", "law", "float64", *large, {}),
        Case("accumulate", "law", "float64", *large, {}),
    ]


def compare(case: Case, repeats: int) -> str:
    """One row of the table."""
    mine, seconds = lab(case)
    few = 2 if case.dimension > 50 else 8
    crowd = min(case.num_seeds, 32)
    calls = {
        "lab": mine,
        "loop": one_at_a_time(case, few),
        "batched": batched(case, crowd),
    }
    times, ends = timing.interleave(calls, repeats)
    seeds = {"lab": case.num_seeds, "loop": few, "batched": crowd}
    speed = {k: seeds[k] * (case.num_generations + 1) / times[k] for k in calls}
    ratios = []
    for name in ("loop", "batched"):
        goal = f" (goal {case.goals[name]:g})" if name in case.goals else ""
        ratios.append(f"{speed['lab'] / speed[name]:.1f}{goal}")
    n, d = case.num_rows, case.dimension
    form = getattr(theory, case.workflow)
    noise = theory.Noise(NOISE, NOISE)
    exact = form(n, d, case.num_generations, noise, "fresh").total[-1]
    name = f"d = {d}, n = {n}, {case.workflow}, {case.rows}"
    check = f"{ends['lab']:.4f} / {exact:.4f}"
    precision = case.dtype + (f", draws {case.draws}" if case.draws else "")
    cells = [name, precision, f"{speed['lab']:,.0f}", *ratios, check, f"{seconds:.1f}"]
    return timing.row(*cells)


def grid(quick: bool) -> str:
    """One launch: 5 noise levels x 5 dimensions, padded to one, x 1000 seeds."""
    levels = jnp.array([0.01, 0.1, 1.0, 10.0, 100.0])
    sizes, n = jnp.array([1, 2, 4, 8, 16], jnp.int32), 100
    seeds, last = (20, 10) if quick else (1000, 50)
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
    times, note = timing.interleave(
        {"lab": lambda: jax.block_until_ready(compiled(roots, levels, sizes))}, 1
    )
    mean = note["lab"].mean(0)
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
        f"ran in {times['lab']:.1f} s; means within {worst:.1%} of theory"
    )


def main() -> None:
    """Print the table."""
    ratios = "NumPy, one seed a time (loop) or 32 at once (batched)."
    arguments = timing.begin(__doc__, ratios)
    heads = "case|precision|seed-generations/s|x loop|x batched|error, lab / exact"
    rows = (compare(case, 5) for case in cases(arguments.quick))
    timing.print_table(f"{heads}|compile s", rows)
    print(f"\n{grid(arguments.quick)}")


if __name__ == "__main__":
    main()
