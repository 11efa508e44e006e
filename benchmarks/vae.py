"""Training of variational autoencoders timed beside PyTorch's, and many seeds at once.

    pip install torch && python benchmarks/vae.py [--quick]

torch may be in another environment: PEER_PYTHON names its Python. The peer runs in a
process of its own and has all cores in its turns, as the lab has: for the operations of
one network, or for a seed on each core. A step is one of Adam on a minibatch: 64 images
of 8 x 8 for a hidden layer of 128, 256 images of 28 x 28 for Shumailov et al.'s
convolutions. Many seeds: a generation's fits side by side (vmap) and one after the
other on each core. Only ratios are comparable between machines.
"""

import timing  # isort: skip - sets the number of threads

import functools
import statistics
from collections.abc import Callable
from typing import Any, NamedTuple

import alone
import jax
import jax.numpy as jnp
from entries import Once, entry, goal, marked
from torch_peer import Peer, in_single, longer

from collapse.core.seeds import over_seeds
from collapse.models.vae.model import vae
from collapse.models.vae.network import Kind, VaeConfig, network
from collapse.models.vae.training import TrainConfig

ROWS, GOAL = 2048, 1.5
COLUMNS = ["training", "cores", "steps/s", "lab / PyTorch", "parameters, both"]
SEEDS = ["seeds of one generation", "cores", "fits/s", "side by side / one by one"]


class Case(NamedTuple):
    """One network with its minibatch."""

    kind: Kind
    side: int
    latents: int
    width: int
    batch: int
    steps: int

    @property
    def name(self) -> str:
        return f"{self.kind}, {self.side} x {self.side}, {self.batch} images"

    def of(self, seeds: int) -> str:
        """The name of a row that trains so many seeds."""
        return self.name if seeds == 1 else f"{self.name}, {seeds} seeds"

    @property
    def config(self) -> VaeConfig:
        return VaeConfig((self.side,) * 2, self.kind, self.latents, self.width)


CASES = (Case("mlp", 8, 8, 128, 64, 300), Case("conv", 28, 20, 64, 256, 2))


def fits(case: Case, num_seeds: int, one_by_one: bool) -> Callable[[], Any]:
    """A call that fits so many seeds, from new weights, on all cores."""
    model = vae(case.config, TrainConfig(steps=case.steps, batch_size=case.batch))
    rows = jax.random.uniform(jax.random.key(1), (ROWS, case.side**2), jnp.float32)
    ones = jnp.ones(ROWS, jnp.float32)

    def one(key: jax.Array, rows: jax.Array) -> jax.Array:
        start = model.init(key, rows, ones)
        return model.fit(key, start, rows, ones)[1]["loss"]

    keys = jax.random.split(jax.random.key(0), num_seeds)
    if num_seeds == 1:  # all cores for the operations of one, as PyTorch has them
        compiled = jax.jit(one).lower(keys[0], rows).compile()
        return lambda: jax.block_until_ready(compiled(keys[0], rows))
    mapped = over_seeds(one, (0, None), one_by_one=one_by_one)
    compiled = mapped.lower(keys, rows).compile()
    return lambda: jax.block_until_ready(compiled(keys, rows))


def training_row(setting: timing.Setting, case: Case, seeds: int, peer: Peer) -> Any:
    """One row: steps a second of one network, or of a seed on each core.

    PyTorch takes as many steps in all, of one network and with all cores.
    """
    shape: dict[str, Any] = {"kind": case.kind, "side": case.side}
    shape |= {"latents": case.latents, "width": case.width}
    steps = case.steps * seeds
    what = {**shape, "batch": case.batch, "steps": steps}
    calls = {
        "lab": fits(case, seeds, True),
        "PyTorch": lambda: peer.ask(name="train", **what),
    }
    timed = timing.interleave(calls, longer(setting))
    ratio = timed.ratio("PyTorch", "lab")
    speed = steps / statistics.median(timed.seconds["lab"])
    weights = jax.eval_shape(network(case.config).init, jax.random.key(0))
    ours = sum(leaf.size for leaf in jax.tree.leaves(weights))
    same = peer.ask(name="parameters", **shape)
    assert ours == same, f"networks differ: {ours} and {same} parameters"
    told = f"{ratio}{marked(ratio, GOAL)}"
    name = case.of(seeds)
    cells = [name, setting.where, f"{speed:,.4g}", told, f"{ours:,}"]
    goals = [goal(f"training {name}, times PyTorch", GOAL, ratio, setting.where)]
    return entry(COLUMNS, name, cells, goals)


def seeds_row(setting: timing.Setting, case: Case, num_seeds: int) -> Any:
    """One row: many seeds side by side beside one after the other."""
    calls = {
        "side by side": fits(case, num_seeds, False),
        "one by one": fits(case, num_seeds, True),
    }
    timed = timing.interleave(calls, longer(setting))
    ratio = timed.ratio("one by one", "side by side")
    speed = num_seeds / statistics.median(timed.seconds["side by side"])
    name = f"{num_seeds} seeds, {case.name}, {case.steps} steps"
    return entry(SEEDS, name, [name, setting.where, f"{speed:.3g}", str(ratio)])


def jobs(setting: timing.Setting):
    """Rows of all tables, on all cores."""
    if setting.cores == 1:
        return
    peer = Once(lambda: Peer("vae_peer.py", "torch"))
    for case in CASES:
        for seeds in (1, setting.cores):
            made = functools.partial(
                lambda *own: training_row(setting, *own, peer()), case, seeds
            )
            yield "vae_training", case.of(seeds), functools.partial(in_single, made)
    for num_seeds in (8,) if setting.quick else (8, 64):
        own = functools.partial(seeds_row, setting, CASES[0], num_seeds)
        yield "vae_seeds", f"{num_seeds} seeds", functools.partial(in_single, own)


if __name__ == "__main__":
    alone.main(__doc__, jobs)
