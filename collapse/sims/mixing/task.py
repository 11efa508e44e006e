"""Mixtures of real and synthetic rows: one condition, ready to run.

Everything that a map sweeps enters as arrays, so that its cells share one compiled
program. Where a family can draw whole batches from the law of their statistics, rows
are two batches, the real one and the synthetic one, whatever their sizes; else they are
single samples, as many positions as the largest cell of a size needs.
"""

from typing import Any

import jax.numpy as jnp

from collapse.core import workflows
from collapse.core.types import Key, Problem, Workflow
from collapse.data.errors import InputError
from collapse.experiment.condition import Condition
from collapse.experiment.task import Task
from collapse.experiment.workflows import WorkflowSpec
from collapse.sims.mixing.fields import MixingFields


def task(condition: Condition[MixingFields], data: Any) -> Task:
    """The task of a condition: a family's model that learns a mixture of rows."""
    study = condition.experiment
    real, synthetic = study.counts(condition.cell)
    weight, total = study.weight_of(condition.cell), real + synthetic
    own = _learned(study, condition.workflow, total, data)
    biased = own.biased
    if biased is None:
        raise InputError(
            f"model: {study.model} cannot say how a biased sampler looks here; drop "
            "its options or name another"
        )
    # of single samples a power of two, for few programs
    positions = 2 if own.batched else 1 << (total - 1).bit_length()
    of_new = (1 - weight) * total / synthetic if synthetic else 0.0
    numbers = (weight * total / real, of_new, condition["bias"])
    values = (
        jnp.asarray(real, jnp.int32),
        jnp.asarray(synthetic, jnp.int32),
        *(jnp.asarray(number, jnp.result_type(float)) for number in numbers),
        *own.values,
    )

    def make_problem(root: Key, real: Any, synthetic: Any, *rest: Any) -> Problem:
        sizes = jnp.stack([real, synthetic]) if own.batched else None
        return biased(root, rest[2], sizes, *rest[3:])

    def workflow(real: Any, synthetic: Any, *rest: Any) -> Workflow:
        counts: tuple[Any, Any] = (1, 1) if own.batched else (real, synthetic)
        weights = (rest[0], rest[1])
        return workflows.anchored(positions, *counts, weights, study.anchor)

    return Task(
        make_problem,
        values,
        workflow=workflow,
        num_rows=positions,
        points=own.points,
        program=positions,
        observe=own.observe,
        one_by_one=own.one_by_one,
        model_devices=own.model_devices,
        on_host=own.on_host,
    )


def _learned(study: MixingFields, spec: WorkflowSpec, total: int, data: Any) -> Task:
    """The task of the family itself, with so many rows."""
    family = study.learner
    cell = {axis: getattr(family, axis)[0] for axis in family.axes()}
    cell["samples_per_generation"] = total
    return family.task(Condition(family, spec, cell), data)
