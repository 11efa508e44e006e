"""Training and generation of a character transformer timed beside PyTorch's.

    pip install torch transformers && python benchmarks/charlm.py [--quick]

torch may be in another environment: PEER_PYTHON names its Python. The peers run in a
process of their own, since thread pools of two libraries get in each other's way; both
processes take turns, and one waits while the other works. Each uses all cores.
Training: a step of AdamW on 32 rows of 128 characters. Generation: 64 texts of 128
characters. Only ratios are comparable between machines.
"""

import timing  # isort: skip - sets the number of threads

import functools
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import alone
import jax
import jax.numpy as jnp
from entries import Once, entry, goal, marked

from collapse.models.language.decoding import DecodingConfig, generate
from collapse.models.language.model import cross_entropy
from collapse.models.language.network import SIZES, Activation, NetworkConfig, network
from collapse.models.language.training import TrainConfig, train

VOCABULARY, BLOCK, ROWS = 65, 128, 32
GENERATED = 64
GOALS = {"training": 1.0, "Hugging Face generate": 2.0, "full recomputation": 25.0}
ACTIVATIONS: dict[Activation, str] = {"squared_relu": "squared ReLU", "gelu": "GELU"}
TRAINED = [
    f"{who}, {name}" for name in ACTIVATIONS.values() for who in ("lab", "PyTorch")
]
TRAINING = ["training", "cores", "characters/s", "lab / PyTorch"]
TRAINING += ["share of peak of XLA's matmul"]
GENERATION = ["generating", "cores", "characters/s", "times as fast is the lab"]


def lab_training(size: str, activation: Activation, steps: int) -> Callable[[], Any]:
    """A call that takes so many steps."""
    config = NetworkConfig(VOCABULARY, BLOCK, SIZES[size], activation=activation)
    net = network(config)
    microbatch_size = max(1, 2**17 // (BLOCK * config.size.width))
    train_config = TrainConfig(
        steps=steps, batch_size=ROWS, microbatch_size=microbatch_size
    )
    rows = jax.random.randint(jax.random.key(1), (ROWS * steps, BLOCK), 0, VOCABULARY)

    def loss(weights: dict, rows: jax.Array, key: jax.Array) -> jax.Array:
        return jnp.mean(cross_entropy(net, weights, rows))

    def run(key: jax.Array, weights: dict) -> Any:
        return train(key, weights, rows, jnp.ones(len(rows)), loss, train_config)

    key = jax.random.key(0)
    weights = jax.jit(net.init)(key)
    compiled = jax.jit(run).lower(key, weights).compile()
    return lambda: jax.block_until_ready(compiled(key, weights))


def lab_generation(size: str) -> Callable[[], Any]:
    """A call that generates all texts."""
    net = network(NetworkConfig(VOCABULARY, BLOCK, SIZES[size]))
    key = jax.random.key(0)
    weights = jax.jit(net.init)(key)
    begin = jnp.full((GENERATED, 1), VOCABULARY, jnp.int32)

    def run(key: jax.Array, weights: dict) -> jax.Array:
        return generate(key, net, weights, begin, BLOCK, DecodingConfig())

    compiled = jax.jit(run).lower(key, weights).compile()
    return lambda: jax.block_until_ready(compiled(key, weights))


def peak() -> tuple[Callable[[], Any], float]:
    """A large product, and its floating-point operations."""
    n = 2048
    a = jnp.ones((n, n))
    compiled = jax.jit(lambda a: a @ a).lower(a).compile()
    return lambda: jax.block_until_ready(compiled(a)), 2.0 * n**3


class Peer:
    """The other process: told what to run, it answers when it is done.

    Args:
      file: of the peer, beside this one.
      needs: packages that it imports.

    Raises:
      ModuleNotFoundError: if its Python, that of PEER_PYTHON if it is set, lacks one.
    """

    def __init__(
        self,
        file: str = "charlm_peer.py",
        needs: tuple[str, ...] = ("torch", "transformers"),
    ) -> None:
        script = Path(__file__).with_name(file)
        python = os.environ.get("PEER_PYTHON", sys.executable)
        find = f"import {', '.join(needs)}"
        if subprocess.run([python, "-c", find], capture_output=True).returncode:
            raise ModuleNotFoundError(f"{python} has no {' or no '.join(needs)}")
        # `timing` has set one thread, for peers that work beside the lab
        threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        own = {k: v for k, v in os.environ.items() if k not in threads}
        self.process = subprocess.Popen(
            [python, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=own,
        )

    def ask(self, **what: Any) -> Any:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the peer ended with status {self.process.wait()}")
        return json.loads(answer)

    def call(self, name: str, **what: Any) -> Callable[[], Any]:
        return lambda: self.ask(name=name, **what)


def operations(size: str) -> float:
    """Of one training step: three times those of a forward pass."""
    layers, width, _ = SIZES[size]
    matrices = 12 * layers * width**2 + VOCABULARY * width
    attention = 2 * layers * BLOCK * width
    return 3 * 2.0 * (matrices + attention) * ROWS * BLOCK


def agreement(setting: timing.Setting, size: str, activation: Activation, peer: Peer):
    """One row: the loss of both with the same weights on the same text.

    Both have learned positions here, as the peer always has.
    """
    config = NetworkConfig(
        VOCABULARY, BLOCK, SIZES[size], positions="learned", activation=activation
    )
    net = network(config)
    weights = jax.jit(net.init)(jax.random.key(0))
    rows = jax.random.randint(jax.random.key(1), (ROWS, BLOCK), 0, VOCABULARY)
    # as initialised all logits are near 0: larger, so that all weights have a say
    weights = jax.tree.map(lambda leaf: 2 * leaf, weights)
    ours = float(
        jnp.mean(jax.jit(functools.partial(cross_entropy, net))(weights, rows))
    )
    flat = {
        "/".join(key.key for key in path): leaf.tolist()
        for path, leaf in jax.tree_util.tree_leaves_with_path(weights)
    }
    what = {"size": size, "activation": activation, "rows": rows.tolist()}
    theirs = peer.ask(name="loss", weights=flat, **what)
    name = f"{size}, {ACTIVATIONS[activation]}"
    cells = [name, f"{ours:.6f}", f"{theirs:.6f}", f"{abs(ours - theirs):.0e}"]
    cells.append(peer.ask(name="versions"))
    columns = ["same weights, same text", "loss, lab", "PyTorch", "difference"]
    columns.append("versions")
    return entry(columns, name, cells)


def training_rows(setting: timing.Setting, size: str, peer: Peer):
    """Rows of the table of training, timed together."""
    steps = 2 if setting.quick else 8
    product, flops = peak()
    calls: dict[str, Callable[[], Any]] = {}
    for activation, name in ACTIVATIONS.items():
        what = {"size": size, "steps": steps, "activation": activation}
        calls[f"lab, {name}"] = lab_training(size, activation, steps)
        calls[f"PyTorch, {name}"] = peer.call("train", **what)
    timed = timing.interleave(calls | {"peak": product}, longer(setting))
    highest = flops / min(timed.seconds["peak"])
    work = operations(size) * steps
    for name in calls:
        speed = steps * ROWS * BLOCK / statistics.median(timed.seconds[name])
        share = work / statistics.median(timed.seconds[name]) / highest
        cells = [f"{size}, {name}", setting.where, f"{speed:,.0f}", ""]
        goals = []
        if name.startswith("lab"):
            other = name.replace("lab", "PyTorch")
            ratio = timed.ratio(other, name)
            wanted = GOALS["training"] if "squared" in name else 0
            cells[3] = f"{ratio}{marked(ratio, wanted)}"
            title = f"training {size}, squared ReLU, times PyTorch"
            if wanted:
                goals = [goal(title, wanted, ratio, setting.where)]
        yield name, entry(TRAINING, cells[0], [*cells, f"{share:.0%}"], goals)


def generation_rows(setting: timing.Setting, size: str, peer: Peer):
    """Rows of the table of generation, timed together."""
    what = {"size": size, "texts": GENERATED}
    peers = {
        "Hugging Face generate": peer.call("generate", **what),
        "full recomputation": peer.call("recompute", **what),
    }
    timed = timing.interleave({"lab": lab_generation(size)} | peers, longer(setting))
    for name, seconds in timed.seconds.items():
        speed = f"{GENERATED * BLOCK / statistics.median(seconds):,.0f}"
        cells = [f"{size}, {name}", setting.where, speed, ""]
        goals = []
        if name != "lab":
            ratio, wanted = timed.ratio(name, "lab"), GOALS[name]
            cells[3] = f"{ratio}{marked(ratio, wanted)}"
            title = f"generation {size}, times {name}"
            goals = [goal(title, wanted, ratio, setting.where)]
        yield name, entry(GENERATION, cells[0], cells, goals)


def longer(setting: timing.Setting) -> timing.Setting:
    """The setting with more time for a table, of which all rows are timed together."""
    return setting if setting.quick else setting._replace(seconds=8.0)


def in_single(make: Callable[[], Any]) -> Any:
    """What is made while jax has no 64-bit numbers, as the lab has it for networks."""
    jax.config.update("jax_enable_x64", False)
    try:
        return make()
    finally:
        jax.config.update("jax_enable_x64", True)


def jobs(setting: timing.Setting):
    """Rows of all tables, on all cores."""
    if setting.cores == 1:
        return
    peer = Peer()
    for size in ("nano",) if setting.quick else ("nano", "micro"):
        for activation, name in ACTIVATIONS.items():
            make = functools.partial(agreement, setting, size, activation, peer)
            yield "network_same", f"{size}, {name}", functools.partial(in_single, make)
        for table, rows, names in (
            ("training", training_rows, TRAINED),
            ("generation", generation_rows, ("lab", *list(GOALS)[1:])),
        ):
            every = functools.partial(rows, setting, size, peer)
            once = Once(lambda every=every: in_single(lambda: dict(every())))
            for name in names:
                yield table, f"{size}, {name}", lambda n=name, once=once: once()[n]


if __name__ == "__main__":
    alone.main(__doc__, jobs)
