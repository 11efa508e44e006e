"""The unigram model's recursive loop timed beside NumPy, under replace.

    python benchmarks/discrete.py [--quick]

One process, candidates interleaved, peers on one thread, the lab on all cores. A speed
is a number of seed-generations a second: a batch of symbols drawn and counted, and
shares fitted. Only ratios travel from machine to machine.
"""

import timing  # isort: skip - sets the number of threads

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from collapse.core import workflows
from collapse.core.types import Problem
from collapse.models.discrete import discrete

GOALS = {"loop": 20, "batched": 1}


class Case(NamedTuple):
    """One comparison."""

    num_symbols: int
    batch_size: int
    num_seeds: int
    num_generations: int


def truth(num_symbols: int) -> np.ndarray:
    """Zipf's shares."""
    shares = 1 / np.arange(1, num_symbols + 1)
    return shares / shares.sum()


def lab(case: Case, dtype: str) -> tuple[Callable[[], float], float]:
    """A call that returns the mean heterozygosity at the end; compile seconds."""
    model = discrete(case.num_symbols, case.batch_size)
    shares = jnp.asarray(truth(case.num_symbols), dtype)
    problem = Problem(
        lambda key, num: model.sample(key, shares, num),
        model,
        {"heterozygosity": lambda key, params: 1 - jnp.sum(params**2)},
    )
    shape = (1, case.num_generations, case.num_seeds)
    return timing.lab(lambda root: problem, workflows.replace(), *shape)


def batched(case: Case, seeds: int) -> Callable[[], float]:
    """NumPy, all seeds at once."""
    rng = np.random.default_rng(0)

    def call() -> float:
        shares = np.tile(truth(case.num_symbols), (seeds, 1))
        for _ in range(case.num_generations + 1):
            shares = rng.multinomial(case.batch_size, shares) / case.batch_size
        return float((1 - (shares**2).sum(1)).mean())

    return call


def one_at_a_time(case: Case, seeds: int) -> Callable[[], float]:
    """NumPy as a paper's script has it: a loop over seeds and generations."""
    rng = np.random.default_rng(0)

    def call() -> float:
        ends = []
        for _ in range(seeds):
            shares = truth(case.num_symbols)
            for _ in range(case.num_generations + 1):
                shares = rng.multinomial(case.batch_size, shares) / case.batch_size
            ends.append(1 - np.sum(shares**2))
        return float(np.mean(ends))

    return call


def compare(case: Case, dtype: str, repeats: int) -> str:
    """One row of the table."""
    mine, seconds = lab(case, dtype)
    few = max(1, case.num_seeds // 10)
    calls = {
        "lab": (mine, case.num_seeds),
        "loop": (one_at_a_time(case, few), few),
        "batched": (batched(case, case.num_seeds), case.num_seeds),
    }
    times, ends = timing.interleave(
        {k: call for k, (call, _) in calls.items()}, repeats
    )
    each = {name: times[name] / num for name, (_, num) in calls.items()}
    start = 1 - np.sum(truth(case.num_symbols) ** 2)
    exact = start * (1 - 1 / case.batch_size) ** (case.num_generations + 1)
    cells = [
        f"M = {case.num_symbols}, N = {case.batch_size}",
        dtype,
        f"{(case.num_generations + 1) / each['lab']:,.0f}",
        *(f"{each[k] / each['lab']:.1f} (goal {g})" for k, g in GOALS.items()),
        f"{ends['lab']:.4f} / {exact:.4f}",
        f"{seconds:.1f}",
    ]
    return timing.row(*cells)


def main() -> None:
    """Print the table."""
    ratios = "NumPy, one seed a time (loop) or all at once (batched)."
    arguments = timing.begin(__doc__, ratios)
    seeds, repeats = (200, 3) if arguments.quick else (1000, 7)
    cases = [Case(1000, 1000, seeds, 10), Case(6, 50, seeds, 10)]
    cases.append(Case(1000, 100_000, seeds // 10, 2))  # drawn as a chain of binomials
    heads = "case|precision|seed-generations/s|x loop|x batched"
    rows = (
        compare(case, dtype, repeats)
        for case in cases
        for dtype in ("float64", "float32")
    )
    timing.print_table(f"{heads}|heterozygosity, lab / exact|compile s", rows)


if __name__ == "__main__":
    main()
