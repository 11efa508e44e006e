"""A language model of a world in one condition, ready to run."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from collapse.core.devices import one_fills_a_device
from collapse.core.types import Key, Problem
from collapse.data.worlds.rows import WorldRows
from collapse.experiment.condition import Condition
from collapse.experiment.task import Task
from collapse.experiment.text.networks import (
    check_devices,
    network_config,
    train_config,
)
from collapse.models.language.documents import Format
from collapse.models.language.model import Blocks
from collapse.numerics import draws
from collapse.sims.worlds.experiment import Worlds
from collapse.sims.worlds.measures import observer
from collapse.sims.worlds.model import Design, Values, real_documents


def task(condition: Condition[Worlds], data: WorldRows) -> Task:
    """The task of a condition: a transformer that learns a seed's documents.

    Raises:
      InputError: if the devices here cannot be divided among models.
    """
    experiment, n = condition.experiment, condition.n
    check_devices(experiment)
    design = design_of(condition, data)
    values = Values(
        jnp.asarray(data.train),
        jnp.asarray(data.asked),
        jnp.float32(condition["temperature"]),
    )

    def make_problem(root: Key, *arrays: Any) -> Problem:
        given = Values(*arrays)
        real = real_documents(root, given.train, n)
        model = design.model(given, real)

        def draw(key: Key, num: int) -> Blocks:
            return Blocks(real[draws.shuffled(key, n, num)])

        return Problem(draw, model, {}, one_by_one=one_fills_a_device())

    def speed(trace: Mapping[str, Any], seconds: float) -> str:
        read = trace["fit_steps"].sum() * experiment.batch_size
        return f"{read / seconds:,.0f} documents/s"

    return Task(
        make_problem,
        values,
        program=(condition.workflow.label, n, design),
        observe=observer(design, n, data, values, experiment.measured_rows),
        speed=speed,
        one_by_one=one_fills_a_device(),
        model_devices=experiment.model_devices,
    )


def design_of(condition: Condition[Worlds], data: WorldRows) -> Design:
    """The static part of the model of a condition."""
    e = condition.experiment
    batches = condition.workflow.batches(condition.num_generations)
    block = data.train.shape[1]
    network = network_config(e, condition["size"], len(data.vocabulary), block)
    length = (condition["steps"], condition["epochs"], batches * condition.n)
    return Design(
        network,
        Format(data.separator, 0, e.learn),
        train_config(e, network, *length),
        e.top_k,
        e.top_p,
        e.start,
        greedy=condition["temperature"] == 0,
    )
