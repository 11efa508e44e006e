"""A generator and its student in one condition, ready to run."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from collapse.core import streams
from collapse.core.devices import one_fills_a_device
from collapse.core.types import Key, Problem
from collapse.data.worlds.planted import Defects
from collapse.data.worlds.rows import WorldRows, with_defects
from collapse.experiment.condition import Condition
from collapse.experiment.task import Task
from collapse.experiment.text.network import network_config
from collapse.experiment.text.networks import check_devices, train_config
from collapse.experiment.text.pretraining import trained_once
from collapse.models.language.documents import Format, training_loss
from collapse.models.language.model import Blocks
from collapse.models.language.teaching import (
    RECIPES,
    Learner,
    Material,
    teaching_model,
)
from collapse.numerics import draws
from collapse.sims.students.experiment import Students
from collapse.sims.students.generators import read
from collapse.sims.students.measures import observer


class TeachingArrays(NamedTuple):
    """Arrays that enter the compiled programs of a condition.

    Attributes:
      corpus: [rows, block] real documents.
      poor: [rows, block] documents of which some have faults.
      asked: [m, block] documents whose prompts are unseen.
      recipe: place of the recipe in `RECIPES`.
      temperature: of the generator.
      base: weights that students start from.
    """

    corpus: Int[Array, "rows block"]
    poor: Int[Array, "rows block"]
    asked: Int[Array, "m block"]
    recipe: Int[Array, ""]
    temperature: Float[Array, ""]
    base: dict


def task(condition: Condition[Students], data: WorldRows) -> Task:
    """The task of a condition: a generator makes rows, from which a student learns.

    Raises:
      InputError: if the devices here cannot be divided among models.
    """
    e, n = condition.experiment, condition.n
    check_devices(e)
    generator, student = learners(condition, data)
    form, asked = Format(data.separator, 0), read(condition["generator"])
    poor = with_defects(data, Defects(faults=e.poor), e.seed)
    arrays = TeachingArrays(
        jnp.asarray(data.train),
        jnp.asarray(poor.train),
        jnp.asarray(data.asked),
        jnp.int32(RECIPES.index(condition["recipe"])),
        jnp.float32(asked.temperature),
        _base(e, data, student),
    )

    def make_problem(root: Key, *values: Any) -> Problem:
        given = TeachingArrays(*values)
        chosen = _chosen(root, given.corpus, n)
        own = (given.corpus, chosen, _chosen(root, given.poor, n))
        material = Material(*own, given.recipe, given.temperature)
        model = teaching_model(generator, student, form, given.base, material)

        def draw(key: Key, num: int) -> Blocks:
            return Blocks(chosen[draws.shuffled(key, n, num)])

        return Problem(draw, model, {}, one_by_one=one_fills_a_device())

    def speed(trace: Mapping[str, Any], seconds: float) -> str:
        read = trace["fit_steps"].sum() * e.batch_size
        return f"{read / seconds:,.0f} documents/s"

    return Task(
        make_problem,
        arrays,
        program=(n, generator, student),
        observe=observer(e, generator, student, form, data, arrays.asked, arrays.base),
        speed=speed,
        one_by_one=one_fills_a_device(),
        model_devices=e.model_devices,
    )


def learners(
    condition: Condition[Students], data: WorldRows
) -> tuple[Learner | None, Learner]:
    """The generator, None for the real data, and the student."""
    e, block = condition.experiment, data.train.shape[1]
    own, found = (len(data.vocabulary), block), read(condition["generator"])
    student = network_config(e, condition["size"], *own)
    taught = Learner(student, train_config(e, student, condition["steps"]))
    if not found.size:
        return None, taught
    network = network_config(e, found.size, *own)
    return Learner(network, train_config(e, network, found.steps)), taught


def _base(e: Students, data: WorldRows, student: Learner) -> dict:
    """Weights that students start from, trained on whole real documents."""
    training = train_config(e, student.network, e.base_steps)
    form = Format(data.separator, 0, "documents")
    loss = training_loss(student.network, form, training.target_shift)
    own = (student.network, training, e.seed, lambda: data.train, loss)
    return trained_once((data.sha256, "base"), *own)


def _chosen(root: Key, rows: Int[Array, "rows block"], num: int) -> Array:
    """The rows [num, block] of a seed, the same positions for all recipes."""
    key = streams.key(root, 0, streams.Purpose.DESIGN)
    return rows[draws.shuffled(key, rows.shape[0], num)]
