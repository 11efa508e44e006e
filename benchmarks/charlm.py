"""Training and generation of a character transformer timed beside PyTorch's.

    pip install torch transformers && python benchmarks/charlm.py [--quick]

The peers run in a process of their own, since thread pools of two libraries get in each
other's way; both processes take turns, and one waits while the other works. Each uses
all cores. Training: a step of AdamW on 32 rows of 128 characters. Generation: 64 texts
of 128 characters. Only ratios are comparable between machines.
"""

import timing  # isort: skip - sets the number of threads

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from collapse.models.language.decoding import DecodingConfig, generate
from collapse.models.language.model import cross_entropy
from collapse.models.language.network import SIZES, Activation, NetworkConfig, network
from collapse.models.language.training import TrainConfig, train

VOCABULARY, BLOCK, ROWS = 65, 128, 32
GENERATED = 64
GOALS = {"training": 1.0, "generate": 2.0, "full recomputation": 25.0}


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
    """The other process: told what to run, it answers when it is done."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("charlm_peer.py")
        # `timing` has set one thread, for peers that work beside the lab
        threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        own = {k: v for k, v in os.environ.items() if k not in threads}
        self.process = subprocess.Popen(
            [sys.executable, str(script)],
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
            raise SystemExit("the peer stopped; are torch and transformers installed?")
        return json.loads(answer)

    def call(self, name: str, **what: Any) -> Callable[[], Any]:
        return lambda: self.ask(name=name, **what)


def operations(size: str) -> float:
    """Of one training step: three times those of a forward pass."""
    layers, width, _ = SIZES[size]
    matrices = 12 * layers * width**2 + VOCABULARY * width
    attention = 2 * layers * BLOCK * width
    return 3 * 2.0 * (matrices + attention) * ROWS * BLOCK


def training_rows(size: str, peer: Peer, steps: int, repeats: int) -> list[str]:
    """Rows of the table of training."""
    product, flops = peak()
    what = {"size": size, "steps": steps}
    calls = {
        "lab, squared ReLU": lab_training(size, "squared_relu", steps),
        "lab, GELU": lab_training(size, "gelu", steps),
        "PyTorch, squared ReLU": peer.call("train", activation="squared_relu", **what),
        "PyTorch, GELU": peer.call("train", activation="gelu", **what),
        "peak": product,
    }
    times, _ = timing.interleave(calls, repeats)
    highest = flops / times.pop("peak")
    rows = []
    for name, seconds in times.items():
        speed = steps * ROWS * BLOCK / seconds
        share = operations(size) * steps / seconds / highest
        other = times[name.replace("lab", "PyTorch")]
        ratio = f"{other / seconds:.2f}" if name.startswith("lab") else ""
        cells = [f"{size}, {name}", f"{speed:,.0f}", ratio, f"{share:.0%}"]
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def generation_rows(size: str, peer: Peer, repeats: int) -> list[str]:
    """Rows of the table of generation."""
    what = {"size": size, "texts": GENERATED}
    calls = {
        "lab": lab_generation(size),
        "Hugging Face generate": peer.call("generate", **what),
        "full recomputation": peer.call("recompute", **what),
    }
    times, _ = timing.interleave(calls, repeats)
    rows = []
    for name, seconds in times.items():
        ratio = "" if name == "lab" else f"{seconds / times['lab']:.1f}"
        speed = f"{GENERATED * BLOCK / seconds:,.0f}"
        rows.append(f"| {size}, {name} | {speed} | {ratio} |")
    return rows


def main() -> None:
    """Print both tables."""
    arguments = timing.options(__doc__)
    repeats, steps = (2, 2) if arguments.quick else (5, 8)
    peer = Peer()
    print(f"{timing.machine(peer.ask(name='versions'))}\n")
    sizes = ("nano",) if arguments.quick else ("nano", "micro")
    rows = (row for size in sizes for row in training_rows(size, peer, steps, repeats))
    print(f"Training (goal: lab above {GOALS['training']} times PyTorch).\n")
    timing.print_table(
        "case|characters/s|lab / PyTorch|share of peak of XLA's matmul", rows
    )
    goals = [f"{GOALS[name]:g} x {name}" for name in ("generate", "full recomputation")]
    print(f"\nWriting (goals: {', '.join(goals)}).\n")
    rows = (row for size in sizes for row in generation_rows(size, peer, repeats))
    timing.print_table("case|characters/s|times as fast is the lab", rows)


if __name__ == "__main__":
    main()
