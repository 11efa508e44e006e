"""The Gaussian's recursive loop timed beside NumPy, one seed and many at a time.

    python benchmarks/gaussian.py [--quick] [--one-core] [--long]

Lab and NumPy have the same cores. A speed is a number of seed-generations a second: one
model sampled and one fitted. Compared is the mean over seeds of the logarithm of the
variance at the end.
"""

import timing  # isort: skip - sets the number of threads

import functools
import resource
import time
from collections.abc import Callable
from typing import NamedTuple

import alone
import jax.numpy as jnp
from entries import Peer, compared
from floor import Need, triangle

from collapse.core import workflows
from collapse.core.types import Problem, Workflow
from collapse.models import gaussian

MEMORY_GOAL = 1e9  # bytes, for accumulate over 10 000 generations
LONG_RUN = 10_000
LONG_SEEDS = 4


class Case(NamedTuple):
    """The lab's side of one comparison, with its goals."""

    way: str
    rows: str
    dtype: str
    dimension: int
    num_rows: int
    workflow: Workflow
    num_seeds: int
    num_generations: int
    goals: dict[str, float]  # peer -> times as fast

    @property
    def name(self) -> str:
        d, n = self.dimension, self.num_rows
        return f"d = {d}, n = {n}, {self.way}, {self.rows}"


def lab(case: Case) -> tuple[Callable[[], timing.Ends], float]:
    """A call that returns log-variances at the end, and compile seconds."""
    d, n = case.dimension, case.num_rows
    by_row = case.rows == "samples"
    model = gaussian.gaussian(d, rows=case.rows, batch_size=1 if by_row else n)
    truth = gaussian.standard(d, jnp.dtype(case.dtype))
    problem = Problem(
        lambda key, num: model.sample(key, truth, num),
        model,
        {"variance": lambda key, params: jnp.log(jnp.sum(params.scale**2) / d)},
    )
    size = n if by_row else 1
    shape = (size, case.num_generations, case.num_seeds)
    return timing.lab(lambda root: problem, case.workflow, *shape)


def need(case: Case) -> Need:
    """Of one generation: n points moved and their scatter, or these drawn at once."""
    d, n = case.dimension, case.num_rows
    if case.rows == "law":
        # the mean, the triangle of Bartlett; a gamma takes a normal and a uniform
        return Need(d + triangle(d), d, 0, d**3 / 3 + 2 * triangle(d))
    indices = n if case.way == "fixed_budget" else 0
    moved = n * (2 * triangle(d) + d)
    return Need(n * d, indices, 0, moved + 2 * n * triangle(d) + 2 * n * d + d**3 / 3)


def cases(quick: bool) -> list[Case]:
    """Every comparison, with the goals of the project."""
    seeds, many, last = (16, 200, 20) if quick else (100, 1000, 100)
    replace, budget = workflows.replace(), workflows.fixed_budget(last)
    ways: list[tuple[str, str, Workflow, dict[str, float]]] = [
        ("replace", "law", replace, {"loop": 20, "batched": 4}),
        ("replace", "samples", replace, {}),
        ("accumulate", "statistics", workflows.accumulate(last), {"loop": 12}),
        ("fixed_budget", "samples", budget, {"loop": 5}),
    ]
    large = [
        Case(way, rows, "float64", 10, 100, workflow, seeds, last, goals)
        for way, rows, workflow, goals in ways
    ]
    small = [
        Case("replace", "samples", "float64", 1, n, replace, many, last, {"batched": 1})
        for n in (100, 1000)
    ]
    if quick:
        return [large[0], large[3]]
    single = [c._replace(dtype="float32") for c in (small[1], large[0], large[1])]
    return [*small, *large, *single]


def peers(setting: timing.Setting, case: Case) -> dict[str, Peer]:
    """NumPy in one process a core."""
    d, n, last = case.dimension, case.num_rows, case.num_generations
    told, ask = {"d": d, "n": n, "generations": last}, timing.peer
    found, steps = {}, setting.cores * (last + 1)
    if case.way == "replace":
        more = {"seeds": case.num_seeds, "precision": case.dtype}
        call = ask(setting, "gaussian_peer", "batched", **told, **more)
        goal = case.goals.get("batched", 0)
        found["batched"] = Peer(call, steps * case.num_seeds, goal)
    if d > 1 and case.dtype == "float64":
        more = {"seeds": 2, "workflow": case.way}
        call = ask(setting, "gaussian_peer", "one_at_a_time", **told, **more)
        found["loop"] = Peer(call, steps * 2, case.goals.get("loop", 0))
    return found


def compare(setting: timing.Setting, case: Case):
    """One row of the table."""
    call, compiled = lab(case)
    others = peers(setting, case)
    calls = {"lab": call} | {name: peer.call for name, peer in others.items()}
    timed = timing.interleave(calls, setting)
    mine = (call, compiled, case.num_seeds * (case.num_generations + 1))
    names = ("loop", "batched")
    told = (case.name, case.dtype, mine, others, names, need(case), timed)
    return compared(setting, *told)


def jobs(setting: timing.Setting):
    """Rows of the table; float32 on all cores alone."""
    for case in cases(setting.quick):
        if case.dtype == "float64" or setting.cores > 1:
            yield "gaussian", case.name, functools.partial(compare, setting, case)


def long_run() -> str:
    """Memory and time of accumulate with rows = statistics over 10 000 generations."""
    way = workflows.accumulate(LONG_RUN)
    sizes = (10, 100, way, LONG_SEEDS, LONG_RUN, {})
    call, _ = lab(Case("accumulate", "statistics", "float64", *sizes))
    begin = time.perf_counter()
    call()
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return (
        f"accumulate, rows = statistics, d = 10, {LONG_RUN} generations, {LONG_SEEDS} "
        f"seeds: {seconds:.0f} s, peak memory of the whole process {peak / 1e9:.2f} GB "
        f"(goal {MEMORY_GOAL / 1e9:g})"
    )


if __name__ == "__main__":
    long = ("--long", "10 000 generations instead", long_run)
    alone.main(__doc__, jobs, long)
