"""Training and generation of a character transformer timed beside PyTorch's.

    pip install torch transformers && python benchmarks/charlm.py [--quick]

torch may be in another environment: PEER_PYTHON names its Python. The peers run in a
process of their own, since thread pools of two libraries get in each other's way; both
processes take turns, and one waits while the other works. Each uses all cores.
The lab's devices share one model, as with --model-devices. Training: a step of AdamW on
32 rows of 128 characters. Generation: 64 texts of 128 characters. Only ratios are
comparable between machines.
"""

import timing  # isort: skip - sets the number of threads

import functools
import statistics
from collections.abc import Callable
from typing import Any

import alone
import jax
import jax.numpy as jnp
from entries import Once, entry, goal, marked
from torch_peer import Peer, in_single, longer

from collapse.core.seeds import over_seeds
from collapse.models.language.architecture import SIZES, Activation, NetworkConfig
from collapse.models.language.model import (
    LanguageParams,
    cross_entropy,
    language_model,
)
from collapse.models.language.network import network
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


def _config(size: str, activation: Activation = "squared_relu") -> NetworkConfig:
    return NetworkConfig(VOCABULARY, BLOCK, SIZES[size], activation=activation)


def lab_training(size: str, activation: Activation, steps: int) -> Callable[[], Any]:
    """A call that takes so many steps of one model, on all devices together."""
    config = _config(size, activation)
    net, devices = network(config), jax.local_device_count()
    microbatch_size = max(1, 2**17 // (BLOCK * config.size.width))
    train_config = TrainConfig(
        steps=steps,
        batch_size=ROWS,
        devices=devices,
        microbatch_size=microbatch_size,
    )
    rows = jax.random.randint(jax.random.key(1), (ROWS * steps, BLOCK), 0, VOCABULARY)

    def loss(weights: dict, rows: jax.Array, key: jax.Array, piece: Any = None) -> Any:
        return jnp.mean(cross_entropy(net, weights, rows))

    def run(key: jax.Array, weights: dict) -> Any:
        return train(key, weights, rows, jnp.ones(len(rows)), loss, train_config)

    weights = jax.jit(net.init)(jax.random.key(0))
    return together(run, weights, devices)


def lab_generation(size: str) -> Callable[[], Any]:
    """A call that generates all texts of one model, of which each device takes some."""
    config, devices = _config(size), jax.local_device_count()
    model = language_model(config, TrainConfig(devices=devices))

    def run(key: jax.Array, weights: dict) -> jax.Array:
        return model.sample(key, LanguageParams(weights), GENERATED).tokens

    weights = jax.jit(network(config).init)(jax.random.key(0))
    return together(run, weights, devices)


def together(run: Callable[..., Any], weights: dict, devices: int) -> Callable[[], Any]:
    """A call of a compiled function of a key and weights, by the devices of a model."""
    keys = jax.random.split(jax.random.key(0), 1)
    mapped = over_seeds(run, (0, None), one_by_one=True, model_devices=devices)
    compiled = mapped.lower(keys, weights).compile()
    return lambda: jax.block_until_ready(compiled(keys, weights))


def peak() -> tuple[Callable[[], Any], float]:
    """A large product, and its floating-point operations."""
    n = 2048
    a = jnp.ones((n, n))
    compiled = jax.jit(lambda a: a @ a).lower(a).compile()
    return lambda: jax.block_until_ready(compiled(a)), 2.0 * n**3


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


def jobs(setting: timing.Setting):
    """Rows of all tables, on all cores."""
    if setting.cores == 1:
        return
    peer = Peer("charlm_peer.py", "torch", "transformers")
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
