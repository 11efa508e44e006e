"""A unigram in one condition, ready to run."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from collapse.core.types import Key, Problem
from collapse.experiment import several_models
from collapse.experiment.condition import Condition
from collapse.experiment.row_truth import RowTruth
from collapse.experiment.task import Task
from collapse.measures.symbols import symbol_metrics
from collapse.models.discrete import discrete
from collapse.sims.discrete import judged, monitors
from collapse.sims.discrete.experiment import Discrete

_FEWEST = 0.1  # of a generation in a row of counts; else rows are tokens


def task(condition: Condition[Discrete], data: Any) -> Task:
    """What a unigram learns in a condition; `data` are in the shares already."""
    del data
    experiment, spec, n = condition.experiment, condition.workflow, condition.n
    shares = experiment.shares()
    truth = jnp.asarray(shares, jnp.result_type(float))
    metrics = symbol_metrics(shares) | {"share_error": monitors.share_error(shares)}
    smoothing = experiment.smoothing
    temperature = experiment.temperature
    size = spec.batch_size(n)
    shared = several_models.learn_in(condition)  # which are dealt out one by one
    tokens = spec.kind.picks_single_rows or size < _FEWEST * n or shared
    size = 1 if tokens else size
    kind: Any = {"rows": "tokens" if tokens else "counts", "smoothing": smoothing}
    real = discrete(len(shares), size, **kind)
    own = discrete(len(shares), size, temperature=temperature, **kind)

    def biased(root: Key, bias: Array, sizes: None, truth: Array) -> Problem:
        """Generating at `bias` times the temperature, token by token."""
        plain = discrete(len(shares), rows="tokens", smoothing=smoothing)
        model = discrete(
            len(shares),
            rows="tokens",
            smoothing=smoothing,
            temperature=temperature * bias,
        )
        return Problem(lambda key, num: plain.sample(key, truth, num), model, metrics)

    return Task(
        lambda root, truth: Problem(
            lambda key, num: real.sample(key, truth, num), own, metrics
        ),
        (truth,),  # not a constant: of many symbols XLA would fold it for minutes
        batch_size=size,
        additive=not tokens,
        points=lambda key, p, num: plain_points(len(shares), key, p, num),
        biased=biased,
        monitors={"mean": monitors.shares, "survival": monitors.survival},
        pooled=lambda shares: jnp.mean(shares, axis=0),
        rows=RowTruth(
            judged.knowledge,
            make_problem=lambda root, truth: biased(root, jnp.ones(()), None, truth),
        ),
    )


def plain_points(num_symbols: int, key: Key, shares: Array, num: int) -> Array:
    """Symbols [num, 1] by rank, what a snapshot keeps."""
    model = discrete(num_symbols, rows="tokens")
    return model.sample(key, shares, num)[:, None].astype(shares.dtype)
