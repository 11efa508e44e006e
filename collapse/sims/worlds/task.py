"""A language model of a world in one condition, ready to run."""

import functools
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool

from collapse.core.devices import one_fills_a_device
from collapse.core.types import Key, Problem
from collapse.data.errors import InputError
from collapse.data.worlds.rows import WorldRows, with_defects
from collapse.experiment.condition import Condition
from collapse.experiment.task import HostCurator, Task
from collapse.experiment.text.network import network_config
from collapse.experiment.text.networks import check_devices, train_config
from collapse.models.language.documents import Format
from collapse.models.language.model import Blocks
from collapse.numerics import draws
from collapse.sims.worlds.experiment import Worlds
from collapse.sims.worlds.judges import corpus_judgement, host_curator, judge_of
from collapse.sims.worlds.measures import observer
from collapse.sims.worlds.model import (
    WorldArrays,
    WorldDesign,
    pretrained,
    real_documents,
)
from collapse.sims.worlds.operators import read


def task(condition: Condition[Worlds], data: WorldRows) -> Task:
    """The task of a condition: a transformer that learns a seed's documents.

    Raises:
      InputError: if the devices here cannot be divided among models.
    """
    experiment, n, size = condition.experiment, condition.n, condition["size"]
    check_devices(experiment)
    defects = experiment.defects(condition["faults"], condition["contamination"])
    if defects is not None:
        data = with_defects(data, defects, experiment.seed)
    design, curator, kept = design_of(condition, data), None, None
    if experiment.operates():
        curator, kept = curated(condition, data, design)
    values = WorldArrays(
        jnp.asarray(data.train),
        None if kept is None else jnp.asarray(kept),
        jnp.asarray(data.asked),
        jnp.float32(condition["temperature"]),
        jnp.asarray(data.contests.reshape(-1, data.train.shape[1])),
        pretrained(experiment, data, size) if experiment.pretrain_steps else None,
        jnp.float32(condition["watermark"]) if experiment.marks() else None,
    )

    def make_problem(root: Key, *arrays: Any) -> Problem:
        given = WorldArrays(*arrays)
        real = real_documents(root, given, n)
        model = design.model(root, given, real)

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
        host_curator=curator,
        observe=observer(design, n, data, values, experiment),
        speed=speed,
        one_by_one=one_fills_a_device(),
        model_devices=experiment.model_devices,
    )


def curated(
    condition: Condition[Worlds], data: WorldRows, design: WorldDesign
) -> tuple[HostCurator, Bool[np.ndarray, " rows"] | None]:
    """The operator as a curator, and which real documents it keeps, if it judges them.

    Every condition of a run with operators has a curator, that of none keeps all, so
    that they share a program.
    """
    e, workflow = condition.experiment, condition.workflow
    made = workflow.make(condition.num_generations, False)
    operator = read(condition["operator"])
    if e.candidates > 1 and (made.span or made.real_fraction is not None):
        raise InputError(
            f"workflows: {workflow.label} generates fewer documents than it has "
            "prompts, so that not each has all of its --candidates; give others"
        )
    if made.slots_per_write > 1:
        raise InputError(
            f"workflows: {workflow.label} generates several batches in a generation, "
            "which operators cannot judge; give others, or --operator none"
        )
    judge = judge_of(operator, data, e, design)
    if e.judged == "generated":
        return host_curator(judge, data, e), None
    base = functools.partial(pretrained, e, data, condition["size"])
    weights = base if e.pretrain_steps else lambda: None
    found = corpus_judgement(judge, data, e.seed, weights)
    if not found.kept.any():
        raise InputError(
            f"operator: {condition['operator']} keeps no real document; give another, "
            "or --judged generated"
        )
    return host_curator(judge, data, e, found), found.kept


def design_of(condition: Condition[Worlds], data: WorldRows) -> WorldDesign:
    """The static part of the model of a condition."""
    e = condition.experiment
    batches = condition.workflow.batches(condition.num_generations)
    block = data.train.shape[1]
    network = network_config(e, condition["size"], len(data.vocabulary), block)
    length = (condition["steps"], condition["epochs"], batches * condition.n)
    return WorldDesign(
        network,
        Format(data.separator, 0, e.learn),
        train_config(e, network, *length),
        e.top_k,
        e.top_p,
        e.start,
        greedy=condition["temperature"] == 0,
        green_share=e.green_share,
    )
