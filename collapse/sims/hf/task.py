"""A pretrained language model in one condition, ready to run."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Int

from collapse.core.types import Key, Problem
from collapse.experiment.condition import Condition
from collapse.experiment.task import Task
from collapse.sims.hf.data import HfData, TokenRows
from collapse.sims.hf.experiment import Hf
from collapse.sims.hf.measures import observer
from collapse.sims.hf.model import Design, HfParams, real_rows, subset


def task(condition: Condition[Hf], data: HfData) -> Task:
    """The task of a condition: a network that is fine-tuned on a seed's rows.

    Its model is of torch: the lab runs it step by step on the host.
    """
    n = condition.n
    design = Design(
        condition.experiment,
        data,
        condition["temperature"],
        condition["repetition_penalty"],
    )
    rows = TokenRows(*map(jnp.asarray, data.rows))

    def make_problem(root: Key) -> Problem:
        real = real_rows(root, rows, n)

        def draw(key: Key, num: int) -> TokenRows:
            return subset(key, real, num)

        model = design.model(real)
        return Problem(draw, model, {}, one_by_one=True, remember=_remember)

    def speed(trace: Mapping[str, Any], seconds: float) -> str:
        return f"{trace['fit_tokens'].sum() / seconds:,.0f} tokens/s"

    return Task(make_problem, observe=observer(design, n), speed=speed, on_host=True)


def _remember(
    memory: Any, old: HfParams, new: HfParams, generation: Int[Array, ""]
) -> Any:
    """Generation 0's weights: they measure the text of later generations.

    Not `memory.first`, which would copy all weights in every generation.
    """
    del old
    return new.weights if memory is None or generation == 0 else memory
