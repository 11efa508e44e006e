"""Kernel density estimates' recursive loop timed beside SciPy's and scikit-learn's.

    python benchmarks/kde.py [--quick]

One process, candidates interleaved, peers on one thread. A speed is a number of
seed-generations a second: rows sampled, a density fitted, and the log-density of 500
held-out points. Only ratios travel from machine to machine.
"""

import timing  # isort: skip - sets the number of threads

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
from sklearn.neighbors import KernelDensity

from collapse.core import loop, streams, workflows
from collapse.core.devices import use_all_cores
from collapse.core.types import Problem
from collapse.models.kde import kde
from collapse.numerics.kernels import log_density

NUM_ROWS, NUM_HELD_OUT, BANDWIDTH = 100, 500, 0.4
GOALS = {"replace": 30, "accumulate": 7}  # times SciPy
# In one dimension all of the same density. In two SciPy's kernel has the shape of the
# data: a little more work, and another density.
RULES = {1: "std", 2: "fixed"}


class Case(NamedTuple):
    """One comparison."""

    workflow: str
    dimension: int
    dtype: str
    num_seeds: int
    num_generations: int


def factor(dimension: int) -> float:
    """What the rule multiplies by its factor."""
    return 1.0 if RULES[dimension] == "std" else BANDWIDTH


def lab(case: Case) -> tuple[Callable[[], float], float]:
    """A call that returns the mean held-out log-density at the end; compile seconds."""
    d, dtype = case.dimension, jnp.dtype(case.dtype)
    model = kde(d, RULES[d], factor(d))

    def draw(key: jax.Array, num: int) -> jax.Array:
        return jax.random.normal(key, (d, num), dtype).T

    def problem(root: jax.Array) -> Problem:
        held_out = draw(jax.random.fold_in(root, 1), NUM_HELD_OUT)
        metrics = {"log_density": lambda key, p: jnp.mean(log_density(p, held_out))}
        return Problem(draw, model, metrics)

    way = workflow(case)
    program = loop.over_seeds(
        lambda root: loop.run(root, problem(root), way, NUM_ROWS, case.num_generations)[
            1
        ]
    )
    roots = streams.seeds(0, case.num_seeds)
    compiled, seconds = timing.compile_timed(program, roots)

    def call() -> float:
        trace = jax.block_until_ready(compiled(roots))
        assert bool(trace.finite.all())
        return float(trace.metrics["log_density"][:, -1].mean())

    return call, seconds


def workflow(case: Case):
    if case.workflow == "replace":
        return workflows.replace()
    return workflows.accumulate(case.num_generations)


def scipy_density(pool: np.ndarray, at: np.ndarray, new_rows: int):
    """New rows and log-density at points, as a script has them."""
    d = pool.shape[1]
    rule = "silverman" if RULES[d] == "std" else BANDWIDTH
    density = scipy.stats.gaussian_kde(pool.T, rule)
    return density.resample(new_rows).T, density.logpdf(at.T)


def sklearn_density(pool: np.ndarray, at: np.ndarray, new_rows: int):
    n, d = pool.shape
    h = BANDWIDTH
    if RULES[d] == "std":
        h = (n * (d + 2) / 4) ** (-1 / (d + 4)) * np.sqrt(pool.var(0, ddof=1).mean())
    density = KernelDensity(bandwidth=h).fit(pool)
    return density.sample(new_rows), density.score_samples(at)


def one_at_a_time(case: Case, density: Callable, seeds: int) -> Callable[[], float]:
    """A loop over seeds and generations."""
    rng = np.random.default_rng(0)

    def call() -> float:
        ends = []
        for _ in range(seeds):
            at = rng.standard_normal((NUM_HELD_OUT, case.dimension))
            pool = rng.standard_normal((NUM_ROWS, case.dimension))
            for _ in range(case.num_generations + 1):
                new, logs = density(pool, at, NUM_ROWS)
                grows = case.workflow == "accumulate"
                pool = np.concatenate([pool, new]) if grows else new
            ends.append(logs.mean())
        return float(np.mean(ends))

    return call


def disagreement(dimension: int, dtype: str) -> float:
    """Largest difference of log-densities of the same rows to scikit-learn's."""
    rng = np.random.default_rng(0)
    pool, at = (rng.standard_normal((n, dimension)) for n in (NUM_ROWS, NUM_HELD_OUT))
    right = sklearn_density(pool, at, 1)[1]
    if dimension == 1:
        assert np.allclose(scipy_density(pool, at, 1)[1], right)
    rows, points = jnp.asarray(pool, dtype), jnp.asarray(at, dtype)
    model = kde(dimension, RULES[dimension], factor(dimension))
    params = model.fit(None, None, rows, jnp.ones(NUM_ROWS, dtype))[0]
    return float(abs(np.asarray(log_density(params, points)) - right).max())


def compare(case: Case, repeats: int) -> str:
    """One row of the table."""
    mine, seconds = lab(case)
    few = 1 if case.workflow == "accumulate" else 4
    densities = {"scipy": scipy_density, "sklearn": sklearn_density}
    others = {name: one_at_a_time(case, f, few) for name, f in densities.items()}
    times, ends = timing.interleave({"lab": mine, **others}, repeats)
    each = {name: time / few for name, time in times.items()}
    each["lab"] = times["lab"] / case.num_seeds
    goal = GOALS[case.workflow]
    cells = [
        f"{case.workflow}, d = {case.dimension}, {RULES[case.dimension]}",
        case.dtype,
        f"{(case.num_generations + 1) / each['lab']:,.0f}",
        f"{each['scipy'] / each['lab']:.1f} (goal {goal})",
        f"{each['sklearn'] / each['lab']:.1f}",
        f"{ends['lab']:.3f} / {ends['sklearn']:.3f}",
        f"{disagreement(case.dimension, case.dtype):.0e}",
        f"{seconds:.1f}",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print the table."""
    arguments = timing.options(__doc__)
    jax.config.update("jax_enable_x64", True)
    use_all_cores()
    print(f"{timing.machine()}\n")
    print("Ratios: lab / a loop over seeds. Log-densities: at the end, of few seeds.\n")
    seeds, last, repeats = (20, 5, 3) if arguments.quick else (100, 20, 5)
    cases = [
        Case(way, d, dtype, seeds, last)
        for way in GOALS
        for d in RULES
        for dtype in ("float64", "float32")
    ]
    heads = "case|precision|seed-generations/s|x SciPy|x scikit-learn"
    heads += "|log-density, lab / scikit-learn|largest difference|compile s"
    timing.print_table(heads, (compare(case, repeats) for case in cases))


if __name__ == "__main__":
    main()
