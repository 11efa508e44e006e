"""A language model in one condition, ready to run."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core import memory
from collapse.core.devices import one_fills_a_device
from collapse.core.types import (
    Info,
    Key,
    MemoryMetric,
    Model,
    Params,
    Problem,
    Weights,
)
from collapse.data.text.blocks import TextRows, evenly
from collapse.experiment.condition import Condition
from collapse.experiment.task import Task
from collapse.experiment.text.networks import check_devices, train_config
from collapse.models.language.model import Blocks
from collapse.sims.charlm.experiment import Charlm
from collapse.sims.charlm.fields import LEAST_TEMPERATURE
from collapse.sims.charlm.measures import observer
from collapse.sims.charlm.model import (
    Design,
    Values,
    network_of,
    pretrained,
    real_sequences,
    subset,
)
from collapse.sims.charlm.monitors import monitors, of_first

_VALIDATION_ROWS = 64


def task(condition: Condition[Charlm], data: TextRows) -> Task:
    """The task of a condition: a transformer that learns a seed's sequences of text.

    A biased sampler generates at `bias` times the temperature; 1 is unbiased. What is
    measured of its text is generated at the experiment's own temperature, so that
    models are compared and not samplers.

    Raises:
      InputError: if the devices here cannot be divided among models.
    """
    experiment, n, size = condition.experiment, condition.n, condition["size"]
    check_devices(experiment)
    design = design_of(condition, data)
    values = Values(
        jnp.asarray(data.train),
        jnp.asarray(evenly(data.test, experiment.measured_rows)),
        jnp.asarray(evenly(data.validation, _VALIDATION_ROWS)),
        jnp.float32(condition["temperature"]),
        jnp.float32(condition["repetition_penalty"]),
        pretrained(experiment, data, size) if experiment.pretrain else None,
    )

    def make_problem(root: Key, *arrays: Any) -> Problem:
        given = Values(*arrays)
        real = real_sequences(root, given.train, n)
        return _problem(real, design.model(given, real), of_first(design, given))

    def biased(root: Key, bias: Float[Array, ""], sizes: None, *arrays: Any) -> Problem:
        del sizes
        given = Values(*arrays)
        temperature = jnp.maximum(given.temperature * bias, LEAST_TEMPERATURE)
        given = given._replace(temperature=temperature)
        # conditions of other sizes share the program: nothing may depend on n
        real = real_sequences(root, given.train, given.train.shape[0])
        model = _trained_on_any_number(design, given, real)
        return _problem(real, model, of_first(design, given))

    def speed(trace: Mapping[str, Any], seconds: float) -> str:
        read = trace["fit_steps"].sum() * experiment.batch_size * experiment.block
        return f"{read / seconds:,.0f} {experiment.unit}/s"

    return Task(
        make_problem,
        values,
        program=(condition.workflow.label, n, design),
        biased=None if design.greedy or experiment.beams > 1 else biased,
        monitors=monitors(design, n, data.watched),
        observe=observer(design, n, data, values),
        speed=speed,
        one_by_one=one_fills_a_device(),
        model_devices=experiment.model_devices,
    )


def design_of(condition: Condition[Charlm], data: TextRows) -> Design:
    """The static part of the model of a condition."""
    experiment = condition.experiment
    batches = condition.workflow.batches(condition.num_generations)
    network = network_of(experiment, data, condition["size"])
    length = (condition["steps"], condition["epochs"])
    return Design(
        experiment,
        network,
        train_config(
            experiment, network, *length, batches * condition.n, experiment.keep
        ),
        greedy=condition["temperature"] < LEAST_TEMPERATURE,
    )


def _problem(
    real: Array, model: Model, of_first: Mapping[str, MemoryMetric]
) -> Problem:
    """A seed's real sequences and its model, which `observe` measures on the host.

    Generation 0's weights are remembered: they measure the text of later generations,
    and metrics compare with them.
    """

    def draw(key: Key, num: int) -> Blocks:
        return Blocks(subset(key, real, num))

    first = memory.first(lambda params: params.weights)
    alone = one_fills_a_device()
    how: dict[str, Any] = {"one_by_one": alone, "remember": first}
    return Problem(draw, model, {}, **how, memory_metrics=of_first)


def _trained_on_any_number(design: Design, values: Values, real: Array) -> Model:
    """The model, with room for a step for every row that a fit is handed."""

    def fit(
        key: Key, params: Params, batch: Blocks, weights: Weights
    ) -> tuple[Params, Info]:
        training = design.training._replace(most_rows=batch.tokens.shape[0])
        model = design._replace(training=training).model(values, real)
        return model.fit(key, params, batch, weights)

    return design.model(values, real)._replace(fit=fit)
