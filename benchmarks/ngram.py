"""The bigram model's recursive loop timed beside NumPy, under replace.

    python benchmarks/ngram.py [--quick] [--one-core]

Lab and NumPy have the same cores; NumPy takes one seed at a time. A speed is a number
of seed-generations a second: a batch of text generated and counted, and shares fitted.
With fixed contexts NumPy draws all contexts of a generation in one call. With free ones
it generates token by token, as scripts do, or all sequences of a batch side by side.
Compared is the mean over seeds of the mean heterozygosity at the end.
"""

import timing  # isort: skip - sets the number of threads

import functools
from collections.abc import Callable
from typing import NamedTuple

import alone
import jax
import jax.numpy as jnp
import numpy as np
from entries import Peer, compared
from floor import Need
from ngram_peer import draws, truth

from collapse.core import workflows
from collapse.core.types import Problem
from collapse.models.ngram import Chain, Fixed, Ngrams, ngram

LENGTH = 50  # tokens of a sequence
PEERS = {"fixed": ("loop",), "free": ("token by token", "side by side")}
FUNCTIONS = {
    "loop": "fixed",
    "token by token": "free",
    "side by side": "free_side_by_side",
}
NAMES = tuple(FUNCTIONS)
GOALS = {"token by token": 50}


class Case(NamedTuple):
    """One comparison."""

    contexts: str
    num_tokens: int
    batch_size: int
    num_seeds: int
    num_generations: int

    @property
    def name(self) -> str:
        return f"{self.contexts} contexts, V = {self.num_tokens}, N = {self.batch_size}"


def lab(case: Case, dtype: str) -> tuple[Callable[[], timing.Ends], float]:
    """A call that returns mean heterozygosities at the end; compile seconds."""
    size = case.num_tokens
    shares, contexts = (jnp.asarray(x, dtype) for x in truth(size))
    order = np.repeat(np.arange(size), draws(size, case.batch_size)).astype(np.int32)
    leads = jnp.tile(jnp.arange(size, dtype=jnp.int32), (size, 1))
    design: Chain | Fixed = Chain(leads, LENGTH)
    if case.contexts == "fixed":
        design = Fixed(lambda num: order[:num])
    model, law = ngram((size, size), design, case.batch_size), Ngrams(shares, contexts)

    def heterozygosity(key: jax.Array, params: Ngrams) -> jax.Array:
        alive = (params.contexts > 0).astype(contexts.dtype)
        return contexts @ (alive - jnp.sum(params.shares**2, axis=1))

    problem = Problem(
        lambda key, num: model.sample(key, law, num),
        model,
        {"heterozygosity": heterozygosity},
    )
    shape = (1, case.num_generations, case.num_seeds)
    return timing.lab(lambda root: problem, workflows.replace(), *shape)


def compare(setting: timing.Setting, case: Case, dtype: str):
    """One row of the table."""
    call, compiled = lab(case, dtype)
    told = {"num_tokens": case.num_tokens, "batch_size": case.batch_size}
    told |= {"length": LENGTH, "generations": case.num_generations}
    others = {}
    for name in PEERS[case.contexts]:
        seeds = max(1, case.num_seeds // (50 if name in GOALS else 5))
        ask = timing.peer(setting, "ngram_peer", FUNCTIONS[name], **told, seeds=seeds)
        work = setting.cores * seeds * (case.num_generations + 1)
        others[name] = Peer(ask, work, GOALS.get(name, 0))
    calls = {"lab": call} | {name: peer.call for name, peer in others.items()}
    timed = timing.interleave(calls, setting)
    mine = (call, compiled, case.num_seeds * (case.num_generations + 1))
    need = Need(0, case.batch_size, 0, 2 * case.num_tokens**2)
    return compared(setting, case.name, dtype, mine, others, NAMES, need, timed)


def jobs(setting: timing.Setting):
    """Rows of the table; float32 on all cores alone."""
    seeds = 50 if setting.quick else 200
    for contexts in PEERS:
        for size, batch in (
            ((76, 10_000),) if setting.quick else ((76, 10_000), (20, 1000))
        ):
            case = Case(contexts, size, batch, seeds, 6)
            for dtype in ("float64", "float32"):
                if dtype == "float64" or (size == 76 and setting.cores > 1):
                    make = functools.partial(compare, setting, case, dtype)
                    yield "ngram", case.name, make


if __name__ == "__main__":
    alone.main(__doc__, jobs)
