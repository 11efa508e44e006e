"""Kernel density estimates' recursive loop timed beside SciPy's and scikit-learn's.

    python benchmarks/kde.py [--quick]

One process, candidates interleaved, peers on one thread, the lab on all cores. A speed
is a number of seed-generations a second: 100 rows sampled, a density fitted, and the
log-density of 500 held-out points. "Running" is what the lab does with a fixed
bandwidth: of the log-density it adds the newest kernels to those before. The peers take
all of them again, as scripts do. Only ratios travel from machine to machine.
"""

import timing  # isort: skip - sets the number of threads

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
from sklearn.neighbors import KernelDensity

from collapse.core import workflows
from collapse.core.types import Problem
from collapse.models.kde import kde
from collapse.numerics.kernels import grown_log_density, log_density

NUM_ROWS, NUM_HELD_OUT, BANDWIDTH = 100, 500, 0.4
GOALS = {"replace": 30, "accumulate": 7, "accumulate, running": 30}  # times SciPy
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
    return timing.lab(problem, way, NUM_ROWS, case.num_generations, case.num_seeds)


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
    rng, replaces = np.random.default_rng(0), case.workflow == "replace"

    def call() -> float:
        ends = []
        for _ in range(seeds):
            at = rng.standard_normal((NUM_HELD_OUT, case.dimension))
            pool = rng.standard_normal((NUM_ROWS, case.dimension))
            for _ in range(case.num_generations + 1):
                new, logs = density(pool, at, NUM_ROWS)
                pool = new if replaces else np.concatenate([pool, new])
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
    few = 4 if case.workflow == "replace" else 1
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
    return timing.row(*cells)


def main() -> None:
    """Print the table."""
    ratios = "a loop over seeds. Log-densities: at the end, of few seeds."
    arguments = timing.begin(__doc__, ratios)
    seeds, last, repeats = (20, 5, 3) if arguments.quick else (100, 20, 5)
    cases = [
        Case(way, d, dtype, seeds, last)
        for way in GOALS
        for d, rule in RULES.items()
        for dtype in ("float64", "float32")
        if rule == "fixed" or not way.endswith("running")
    ]
    heads = "case|precision|seed-generations/s|x SciPy|x scikit-learn"
    heads += "|log-density, lab / scikit-learn|largest difference|compile s"
    timing.print_table(heads, (compare(case, repeats) for case in cases))


if __name__ == "__main__":
    main()
