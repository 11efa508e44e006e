"""The Gaussian's recursive loop timed beside NumPy, one seed and many at a time.

    python benchmarks/gaussian.py [--quick]

One process, candidates interleaved, peers on one thread. A speed is a number of
seed-generations a second: one model sampled and one fitted. Only ratios travel from
machine to machine.
"""

import timing  # isort: skip - sets the number of threads

import resource
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from collapse import theory
from collapse.core import workflows
from collapse.core.types import Problem, Workflow
from collapse.models import gaussian

MEMORY_GOAL = 1e9  # bytes, for accumulate over 10 000 generations
LONG_RUN = 10_000
LONG_SEEDS = 4


class Case(NamedTuple):
    """The lab's side of one comparison, with its peers and goals."""

    name: str
    dtype: str
    dimension: int
    num_rows: int
    rows: str
    workflow: Workflow
    num_seeds: int
    num_generations: int
    goals: dict[str, float]  # peer -> times as fast


def lab(case: Case) -> tuple[Callable[[], float], float]:
    """A call that returns the mean variance ratio at the end, and compile seconds."""
    d, n = case.dimension, case.num_rows
    by_row = case.rows == "samples"
    model = gaussian.gaussian(d, rows=case.rows, batch_size=1 if by_row else n)
    truth = gaussian.standard(d, jnp.dtype(case.dtype))
    problem = Problem(
        lambda key, num: model.sample(key, truth, num),
        model,
        {"variance": lambda key, params: jnp.sum(params.scale**2) / d},
    )
    size = n if by_row else 1
    shape = (size, case.num_generations, case.num_seeds)
    return timing.lab(lambda root: problem, case.workflow, *shape)


def batched(d: int, n: int, seeds: int, generations: int, dtype: Any):
    """NumPy, all seeds at once, one array a generation; replace."""
    rng = np.random.default_rng(0)

    def one_dimension() -> float:
        mean, std = np.zeros((seeds, 1), dtype), np.ones((seeds, 1), dtype)
        for _ in range(generations + 1):
            x = mean + std * rng.standard_normal((seeds, n), dtype=dtype)
            mean, std = x.mean(1, keepdims=True), x.std(1, keepdims=True)
        return float((std**2).mean())

    def many() -> float:
        mean = np.zeros((seeds, 1, d), dtype)
        cov = np.broadcast_to(np.eye(d, dtype=dtype), (seeds, d, d))
        # without it NumPy gives up in float32 before generation 100
        jitter = dtype(1e-12 if dtype == np.float64 else 1e-6) * np.eye(d, dtype=dtype)
        for _ in range(generations + 1):
            factor = np.linalg.cholesky(cov + jitter)
            z = rng.standard_normal((seeds, n, d), dtype=dtype)
            x = mean + z @ factor.swapaxes(1, 2)
            mean = x.mean(1, keepdims=True)
            cov = (x - mean).swapaxes(1, 2) @ (x - mean) / n
        return float(np.trace(cov, axis1=1, axis2=2).mean() / d)

    return one_dimension if d == 1 else many


def one_at_a_time(workflow: str, d: int, n: int, seeds: int, generations: int):
    """NumPy as a paper's script has it: a loop over seeds and generations."""
    rng = np.random.default_rng(0)

    def call() -> float:
        ends = []
        for _ in range(seeds):
            mean, cov, pool = np.zeros(d), np.eye(d), np.empty((0, d))
            for _ in range(generations + 1):
                new = rng.multivariate_normal(mean, cov, n)
                pool = new if workflow == "replace" else np.concatenate([pool, new])
                rows = pool
                if workflow == "fixed_budget":
                    rows = pool[rng.choice(len(pool), n, replace=False)]
                mean, cov = rows.mean(0), np.cov(rows.T, bias=True)
            ends.append(np.trace(cov) / d)
        return float(np.mean(ends))

    return call


def cases(quick: bool) -> list[Case]:
    """Every comparison, with the goals of the project."""
    seeds, many, last = (20, 200, 20) if quick else (100, 1000, 100)
    found = []
    for dtype, goal in (("float32", 1.5), ("float64", 1.0)):
        for n, generations in ((100, 2 * last), (1000, last)):
            name = f"d = 1, n = {n}, replace, samples"
            one = (1, n, "samples", workflows.replace(), many, generations)
            found.append(Case(name, dtype, *one, {"batched": goal}))
    ways = (
        ("replace", "law", workflows.replace(), {"loop": 30, "batched": 4}),
        ("replace", "samples", workflows.replace(), {}),
        ("accumulate", "statistics", workflows.accumulate(last), {"loop": 12}),
        ("fixed_budget", "samples", workflows.fixed_budget(last), {"loop": 4}),
    )
    for dtype in ("float32", "float64"):
        for way, rows, workflow, goals in ways:
            name = f"d = 10, n = 100, {way}, {rows}"
            found.append(Case(name, dtype, 10, 100, rows, workflow, seeds, last, goals))
    return found


def peers(case: Case, quick: bool) -> dict[str, tuple[Callable[[], float], int]]:
    """Peer -> its call and the seed-generations of one call."""
    d, n, last = case.dimension, case.num_rows, case.num_generations
    way = case.name.split(", ")[2]
    found = {}
    if way == "replace":
        call = batched(d, n, case.num_seeds, last, np.dtype(case.dtype).type)
        found["batched"] = (call, case.num_seeds * (last + 1))
    if d > 1:
        seeds = 1 if quick else 2
        found["loop"] = (one_at_a_time(way, d, n, seeds, last), seeds * (last + 1))
    return found


def compare(case: Case, repeats: int, quick: bool) -> str:
    """One row of the table."""
    mine, seconds = lab(case)
    others = peers(case, quick)
    calls = {"lab": mine} | {name: call for name, (call, _) in others.items()}
    times, ends = timing.interleave(calls, repeats)
    work = case.num_seeds * (case.num_generations + 1)
    speed = work / times["lab"]
    ratios = []
    for name in ("loop", "batched"):
        if name not in others:
            ratios.append("")
            continue
        ratio = speed / (others[name][1] / times[name])
        goal = f" (goal {case.goals[name]:g})" if name in case.goals else ""
        ratios.append(f"{ratio:.1f}{goal}")
    way = case.name.split(", ")[2]
    exact = getattr(theory, way)(case.num_rows, case.num_generations, 0).variance[-1]
    check = f"{ends['lab']:.3f} / {exact:.3f}"
    cells = [case.name, case.dtype, f"{speed:,.0f}", *ratios, check, f"{seconds:.1f}"]
    return timing.row(*cells)


def long_run() -> str:
    """Memory and time of accumulate with rows = statistics over 10 000 generations."""
    way = workflows.accumulate(LONG_RUN)
    case = Case("", "float64", 10, 100, "statistics", way, LONG_SEEDS, LONG_RUN, {})
    call, _ = lab(case)
    (seconds,) = timing.interleave({"lab": call}, 1)[0].values()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return (
        f"accumulate, rows = statistics, d = 10, {LONG_RUN} generations, {LONG_SEEDS} "
        f"seeds: {seconds:.0f} s, peak memory of the whole process {peak / 1e9:.2f} GB "
        f"(goal {MEMORY_GOAL / 1e9:g})"
    )


def main() -> None:
    """Print the table."""
    ratios = "NumPy, one seed a time (loop) or all at once (batched)."
    long = ("--long", "the 10 000 generations too")
    arguments = timing.begin(__doc__, ratios, long)
    heads = "case|precision|seed-generations/s|x loop|x batched|variance, lab / exact"
    rows = (compare(case, 5, arguments.quick) for case in cases(arguments.quick))
    timing.print_table(f"{heads}|compile s", rows)
    if arguments.long:
        print(f"\n{long_run()}")


if __name__ == "__main__":
    main()
