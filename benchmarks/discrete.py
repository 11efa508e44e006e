"""The unigram model's recursive loop timed beside NumPy, under replace.

    python benchmarks/discrete.py [--quick] [--one-core]

Lab and NumPy have the same cores. A speed is a number of seed-generations a second: a
batch of symbols drawn and counted, and shares fitted. Compared is the mean over seeds
of the heterozygosity at the end.
"""

import timing  # isort: skip - sets the number of threads

import functools
from collections.abc import Callable
from typing import NamedTuple

import alone
import jax.numpy as jnp
from discrete_peer import truth
from entries import Peer, compared
from floor import Need

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

    @property
    def name(self) -> str:
        return f"M = {self.num_symbols}, N = {self.batch_size}"


def lab(case: Case, dtype: str) -> tuple[Callable[[], timing.Ends], float]:
    """A call that returns heterozygosities at the end; compile seconds."""
    model = discrete(case.num_symbols, case.batch_size)
    shares = jnp.asarray(truth(case.num_symbols), dtype)
    problem = Problem(
        lambda key, num: model.sample(key, shares, num),
        model,
        {"heterozygosity": lambda key, params: 1 - jnp.sum(params**2)},
    )
    shape = (1, case.num_generations, case.num_seeds)
    return timing.lab(lambda root: problem, workflows.replace(), *shape)


def need(case: Case) -> Need:
    """Of one generation: a uniform for each draw, or two for each symbol's binomial."""
    words = min(case.batch_size, 2 * case.num_symbols)
    return Need(0, words, 0, 2 * case.num_symbols)


def compare(setting: timing.Setting, case: Case, dtype: str):
    """One row of the table."""
    call, compiled = lab(case, dtype)
    few = max(1, case.num_seeds // 10)
    told = {"num_symbols": case.num_symbols, "batch_size": case.batch_size}
    told |= {"generations": case.num_generations}
    ask = functools.partial(timing.peer, setting, "discrete_peer")
    steps = setting.cores * (case.num_generations + 1)
    others = {
        name: Peer(ask(function, **told, seeds=seeds), steps * seeds, GOALS[name])
        for name, function, seeds in (
            ("loop", "one_at_a_time", few),
            ("batched", "batched", case.num_seeds),
        )
    }
    calls = {"lab": call} | {name: peer.call for name, peer in others.items()}
    timed = timing.interleave(calls, setting)
    mine = (call, compiled, case.num_seeds * (case.num_generations + 1))
    names = ("loop", "batched")
    row = (case.name, dtype, mine, others, names, need(case), timed)
    return compared(setting, *row)


def jobs(setting: timing.Setting):
    """Rows of the table; float32 on all cores alone."""
    seeds = 200 if setting.quick else 1000
    cases = [Case(6, 50, seeds, 10), Case(1000, 1000, seeds, 10)]
    cases.append(Case(1000, 100_000, seeds // 10, 2))  # drawn as a chain of binomials
    for case in cases[:1] if setting.quick else cases:
        for dtype in ("float64", "float32"):
            if dtype == "float64" or (case == cases[1] and setting.cores > 1):
                make = functools.partial(compare, setting, case, dtype)
                yield "discrete", case.name, make


if __name__ == "__main__":
    alone.main(__doc__, jobs)
