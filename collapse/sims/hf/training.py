"""Fine-tuning of a network on weighted rows: AdamW on the tokens that are learned."""

import math
import warnings
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float

from collapse.sims.hf.data import TokenRows
from collapse.sims.hf.fields import HfFields
from collapse.sims.hf.network import Network, Weights, no_memory, seeded
from collapse.sims.hf.scoring import learned, token_losses


class Trained(NamedTuple):
    """The result of a training.

    Attributes:
      weights: of the network.
      loss: mean over the last tenth of the steps, nats a token.
      steps: number of steps taken.
      kept: the step whose weights these are.
      tokens: that were learned, counted in every pass.
    """

    weights: dict[str, np.ndarray]
    loss: float
    steps: int
    kept: int
    tokens: int


def train(
    network: Network,
    begin: Weights,
    rows: TokenRows,
    row_weights: Float[np.ndarray, " n"],
    e: HfFields,
    seed: int,
    validate: Callable[[Weights], float] | None = None,
) -> Trained:
    """The network's weights after training on the rows that have a weight.

    Rows of weight 0 are not looked at. A step's loss is the mean over its learned
    tokens, each with the weight of its row, whatever batches it is computed in. Passes
    are shuffled; the last step of a pass has what is left.

    Args:
      network: whose weights are set.
      begin: weights to start from.
      rows: of tokens.
      row_weights: [n], non-negative.
      e: how to train.
      seed: of the order of rows, and of dropout.
      validate: weights -> loss on other rows, after every pass; needed for keep = best.

    Raises:
      InputError: if the GPU has no memory left.
    """
    network.put(begin)
    _set_checkpointing(network, e.gradient_checkpointing)
    optimiser = _optimiser(network, e)
    used = np.flatnonzero(row_weights > 0)
    each = e.batch_size * e.accumulation
    passes = math.ceil(len(used) / each)
    steps = e.steps or max(1, round(e.epochs * passes))
    history, tokens, best, kept = [], 0, math.inf, steps
    weights: dict[str, np.ndarray] = {}
    advice = (
        f"give less than --batch-size {e.batch_size} with more --accumulation, "
        "--gradient-checkpointing, or --lora-rank"
    )
    with no_memory("batch_size", advice), seeded(seed):
        order = np.random.default_rng(seed)
        for step, chosen in enumerate(_steps(order, used, each, steps), 1):
            network.model.train()
            for group in optimiser.param_groups:
                group["lr"] = e.learning_rate * rate(e, step - 1, steps)
            some = TokenRows(*(np.asarray(leaf)[chosen] for leaf in rows))
            own = row_weights[chosen] / row_weights[used].max()
            history.append(_step(network, optimiser, some, own, e))
            tokens += int(learned(some)[:, 1:].sum())
            over = step % passes == 0 or step == steps
            if e.keep == "best" and validate is not None and over:
                now = network.weights()
                if (found := validate(now)) < best:
                    best, kept, weights = found, step, now
    loss = float(np.mean(history[-max(1, steps // 10) :]))
    return Trained(weights or network.weights(), loss, steps, kept, tokens)


def rate(e: HfFields, step: int, steps: int) -> float:
    """Share of the maximum that the learning rate of a step is, counted from 0."""
    rise = math.ceil(e.warm_up * steps)
    if step < rise:
        return (step + 1) / rise
    if e.schedule == "constant":
        return 1.0
    done = (step - rise) / max(1, steps - rise)
    left = 1 - done if e.schedule == "linear" else (1 + math.cos(math.pi * done)) / 2
    return e.last_rate + (1 - e.last_rate) * left


def _set_checkpointing(network: Network, wanted: bool) -> None:
    """Let activations be computed twice, or not: the network may be shared."""
    with warnings.catch_warnings():  # newer transformers have other names for these
        warnings.simplefilter("ignore", FutureWarning)
        if wanted:
            how = {"use_reentrant": False}  # as torch advises: inputs need no gradient
            network.model.gradient_checkpointing_enable(how)
        elif network.model.is_gradient_checkpointing:
            network.model.gradient_checkpointing_disable()


def _optimiser(network: Network, e: HfFields) -> torch.optim.Optimizer:
    """AdamW, which decays matrices alone."""
    leaves = network.trained().values()
    groups = [
        {"params": [x for x in leaves if x.ndim > 1], "weight_decay": e.weight_decay},
        {"params": [x for x in leaves if x.ndim <= 1], "weight_decay": 0.0},
    ]
    some = [group for group in groups if group["params"]]
    return torch.optim.AdamW(some, lr=e.learning_rate)


def _steps(
    order: np.random.Generator, used: np.ndarray, each: int, steps: int
) -> Iterator[np.ndarray]:
    """The rows of each step, in shuffled passes."""
    taken = 0
    while True:
        shuffled = order.permutation(used)
        for start in range(0, len(used), each):
            if taken == steps:
                return
            taken += 1
            yield shuffled[start : start + each]


def _step(
    network: Network,
    optimiser: torch.optim.Optimizer,
    rows: TokenRows,
    row_weights: Float[np.ndarray, " n"],
    e: HfFields,
) -> float:
    """The loss of a step, after it is taken."""
    total = float((learned(rows)[:, 1:].sum(1) * row_weights).sum())
    optimiser.zero_grad(set_to_none=True)
    loss = 0.0
    for start in range(0, len(row_weights), e.batch_size):
        piece = slice(start, start + e.batch_size)
        some = TokenRows(*(leaf[piece] for leaf in rows))
        own = torch.as_tensor(row_weights[piece], dtype=torch.float32)
        values = token_losses(network, some)
        part = (values.sum(1) * own.to(values.device)).sum() / max(total, 1e-30)
        part.backward()
        loss += float(part.detach())
    if e.clip:
        every = [leaf for leaf in network.trained().values() if leaf.grad is not None]
        torch.nn.utils.clip_grad_norm_(every, e.clip)
    optimiser.step()
    return loss
