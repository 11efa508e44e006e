"""Training of a denoiser timed beside PyTorch's, and of several seeds side by side.

    pip install torch && python benchmarks/diffusion.py [--quick]

torch may be in another environment: PEER_PYTHON names its Python. Lab and peer take
turns; the peer has one thread, or as many as there are cores. A step of Adam is on 128
noised rows of the plane, which both draw anew.
"""

import timing  # isort: skip - sets the number of threads

import functools
import statistics
from collections.abc import Callable
from typing import Any

import alone
import jax
import jax.numpy as jnp
from entries import entry, goal, marked
from torch_peer import Peer, in_single, longer

from collapse.models.diffusion.network import NetworkConfig, network
from collapse.models.diffusion.noise import NoiseProcess
from collapse.models.diffusion.training import Rows, TrainConfig, train

BATCH, ROWS, LAYERS, DELTA = 128, 500, 3, 0.01
GOAL = 1.5
SEEDS = 8
COLUMNS = ["training", "cores", "steps/s", "lab / PyTorch, one thread", "all threads"]
SAME = ["same weights, same rows", "loss, lab", "PyTorch", "difference", "versions"]


def of_seeds(width: int, steps: int, seeds: int, way: str) -> Callable[[], Any]:
    """A call that trains the networks of so many seeds, `vmap` or one by one."""
    config = NetworkConfig(2, width=width, layers=LAYERS)
    net, own = network(config), TrainConfig(steps, BATCH)
    points = jax.random.normal(jax.random.key(1), (ROWS, 2))
    rows = Rows(points, jnp.zeros(ROWS, jnp.int32))
    weights, delta = jnp.ones(ROWS), jnp.float32(DELTA)

    def one(key: jax.Array) -> Any:
        begin = net.init(key)
        return train(key, begin, rows, weights, delta, net, NoiseProcess(), own)

    def every(keys: jax.Array) -> Any:
        return jax.vmap(one)(keys) if way == "vmap" else jax.lax.map(one, keys)

    keys = jax.random.split(jax.random.key(0), seeds)
    compiled = jax.jit(every).lower(keys).compile()
    return lambda: jax.block_until_ready(compiled(keys))


def agreement(setting: timing.Setting, width: int, peer: Peer):
    """One row: the loss of both with the same weights on the same noised rows."""
    net = network(NetworkConfig(2, width=width, layers=LAYERS))
    weights = jax.jit(net.init)(jax.random.key(0))
    rows, noise = jax.random.normal(jax.random.key(2), (2, BATCH, 2))
    sigma = jnp.linspace(0.1, 1, BATCH)
    labels = jnp.zeros(BATCH, jnp.int32)
    ours = float(jnp.mean((net.apply(weights, rows, sigma, labels) - noise) ** 2))
    flat = {
        "/".join(part.key for part in path): leaf.tolist()
        for path, leaf in jax.tree_util.tree_leaves_with_path(weights)
    }
    given = {"rows": rows.tolist(), "sigma": sigma.tolist(), "noise": noise.tolist()}
    theirs = peer.ask(name="loss", width=width, weights=flat, **given)
    cells = [
        f"3 x {width}",
        f"{ours:.6f}",
        f"{theirs:.6f}",
        f"{abs(ours - theirs):.0e}",
    ]
    return entry(SAME, cells[0], [*cells, peer.ask(name="versions")])


def training(setting: timing.Setting, width: int, peer: Peer):
    """One row: steps a second beside PyTorch's."""
    steps = 200 if setting.quick else 1000
    calls = {
        "lab": of_seeds(width, steps, 1, "one by one"),
        "one": peer.call("train", width=width, steps=steps, threads=1),
        "all": peer.call("train", width=width, steps=steps, threads=setting.cores),
    }
    timed = timing.interleave(calls, longer(setting))
    # of a small network threads wait for each other most of the time: the goal is set
    # against the faster way
    ratios = [timed.ratio(name, "lab") for name in ("one", "all")]
    least = min(ratios, key=lambda ratio: ratio.median)
    speed = steps / statistics.median(timed.seconds["lab"])
    cells = [f"3 x {width}", setting.where, f"{speed:,.0f}"]
    cells += [f"{r}{marked(r, GOAL) if r is least else ''}" for r in ratios]
    title = f"denoiser 3 x {width}, times PyTorch"
    return entry(COLUMNS, cells[0], cells, [goal(title, GOAL, least, setting.where)])


def side_by_side(setting: timing.Setting, width: int):
    """One row: seeds in one batch, beside one after the other."""
    steps = 100 if setting.quick else 500
    calls = {way: of_seeds(width, steps, SEEDS, way) for way in ("vmap", "one by one")}
    timed = timing.interleave(calls, longer(setting))
    speed = SEEDS * steps / statistics.median(timed.seconds["vmap"])
    ratio = timed.ratio("one by one", "vmap")
    name = f"3 x {width}, {SEEDS} seeds side by side"
    cells = [name, setting.where, f"{speed:,.0f}", f"one by one: {ratio}", ""]
    return entry(COLUMNS, name, cells)


def jobs(setting: timing.Setting):
    """Rows of all tables, on all cores."""
    if setting.cores == 1:
        return
    peer = Peer("diffusion_peer.py", "torch")
    widths = (64,) if setting.quick else (16, 64, 256)
    for table, make in (("denoiser_same", agreement), ("denoiser", training)):
        for width in widths:
            own = functools.partial(make, setting, width, peer)
            yield table, f"3 x {width}", functools.partial(in_single, own)
    for width in widths[:2]:
        own = functools.partial(side_by_side, setting, width)
        yield "denoiser", f"3 x {width} seeds", functools.partial(in_single, own)


if __name__ == "__main__":
    alone.main(__doc__, jobs)
