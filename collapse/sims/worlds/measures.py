"""What is measured of a model of a world, after every generation, on the host."""

import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from collapse.core import streams
from collapse.core.devices import on_host, one_fills_a_device
from collapse.core.seeds import over_seeds
from collapse.core.types import Key
from collapse.data.quality.watermark import pair_counts, z_beside
from collapse.data.worlds.rows import WorldRows, parted
from collapse.experiment.text.documents import read
from collapse.measures import worlds
from collapse.models.language.documents import (
    answered,
    learned,
    mean_losses,
    total_losses,
)
from collapse.models.language.model import LanguageParams
from collapse.models.language.network import network
from collapse.numerics import threefry
from collapse.sims.worlds.experiment import Worlds
from collapse.sims.worlds.leaks import teller
from collapse.sims.worlds.model import WorldArrays, WorldDesign, real_documents

_OF_MARKS = ("documents", "plain", "green")  # what a mark is found from
_RARE = 0.25  # share of the prompts that ask for a rare skill


def observer(
    design: WorldDesign,
    n: int,
    data: WorldRows,
    values: WorldArrays,
    experiment: Worlds,
) -> Callable[[Any, Any], dict[str, np.ndarray]]:
    """A function of roots and states that measures, for `Task.observe`.

    Beside metrics it gives `text` [S, rows, block], documents that each model generates
    to be measured (the next one learns others), `continued` [S, block], its answer to
    the first unseen prompt, and `answers` [S, skills, faults], how many of its answers
    to prompts of each skill have each fault, those without any first.

    Args:
      design: of the models.
      n: real documents of a seed.
      data: that they are from.
      values: arrays of the condition.
      experiment: that asks for the measurements.
    """
    most = design.training._replace(most_rows=0)  # which differs between workflows
    own = (experiment.measured_rows, experiment.attempts)
    generate = _compiled(design._replace(training=most), n, data.sha256, *own)
    measure = functools.partial(_measured, data, experiment, _known(data))
    marks = _detector(design, data) if experiment.marks() else None
    leaks = teller(n, data, values) if experiment.leaks() else None

    def observe(roots: Any, state: Any) -> dict[str, np.ndarray]:
        found = on_host(generate(roots, state.params, state.generation, *values))
        names = ("answers", "documents", "contests")
        every = (np.asarray(found[name]) for name in names)
        seeds = [measure(*one) for one in zip(*every, strict=True)]
        told = {name: np.array([one[name] for one in seeds]) for name in seeds[0]}
        told["answer_loss"] = np.asarray(found["answer_loss"])
        if marks:
            told |= marks(*(np.asarray(found[name]) for name in _OF_MARKS))
        if leaks:
            told |= leaks(roots, np.asarray(found["losses"]))
        told["text"] = np.asarray(found["documents"]).astype(np.uint16)
        told["continued"] = np.asarray(found["answers"])[:, 0].astype(np.uint16)
        return told

    return observe


def _known(data: WorldRows) -> frozenset[str]:
    """The text of all documents that seeds have theirs from."""
    return frozenset("".join(data.text(row)) for row in data.train)


def _measured(
    data: WorldRows,
    experiment: Worlds,
    known: frozenset[str],
    answers: Int[np.ndarray, "m block"],
    documents: Int[np.ndarray, "rows block"],
    contests: Float[np.ndarray, " losses"],
) -> dict[str, Any]:
    """The metrics of one seed's model that are possible, and its counts of faults."""
    world, shares = data.world, data.world.skills
    answered = [read(data, row) for row in answers]
    told = [read(data, row) for row in documents]
    judged = [one.judged for one in answered]
    rare = worlds.rarest(shares, _RARE)
    found: dict[str, Any] = worlds.of_answers(judged, shares, rare)
    texts, verdicts = [one.text for one in told], [one.judged for one in told]
    found |= worlds.of_documents(texts, verdicts, shares, known)
    if experiment.leaks():
        leaked = np.repeat(data.leaks, experiment.attempts).tolist()
        found |= worlds.inflation(judged, leaked, shares)
    if world.groups:
        groups = [world.group_of(*parted(t, world.separator)) for t in texts]
        found["group_shift"] = worlds.group_shift(groups, world.groups)
    if (n := experiment.attempts) > 1:  # answers to one prompt stand side by side
        each = [judged[i : i + n] for i in range(0, len(judged), n)]
        found["pass_at_k"] = worlds.pass_at(each, experiment.pass_k, shares)
    losses = contests.reshape(data.contests.shape[:2])
    found |= worlds.of_contests(losses, data.right, world.contest)
    kept = {name: found[name] for name in found if name in experiment.possible()}
    faults = [(one.skill, one.verdict.fault) for one in answered]
    own = (list(shares), ["", *world.faults])
    return kept | {"answers": worlds.counts_of(faults, *own)}


def _detector(
    design: WorldDesign, data: WorldRows
) -> Callable[..., dict[str, np.ndarray]]:
    """A function that finds the mark in documents of all seeds, beside the corpus.

    It takes documents [S, rows, block] with the mark, others of the same models without
    it, and green lists [S, V + 1, V], and gives watermark_z and radioactive_z, [S].
    """

    def counts(rows: Int[np.ndarray, "rows block"]) -> Int[np.ndarray, "contexts v"]:
        own = np.asarray(learned(jnp.asarray(rows), design.form))
        return pair_counts(rows, own, design.network.vocabulary)

    corpus = counts(data.train)

    def found(documents: Any, plain: Any, green: Any) -> dict[str, np.ndarray]:
        each = {"watermark_z": documents, "radioactive_z": plain}
        return {
            name: np.array(
                [
                    z_beside(counts(own), corpus, lists)
                    for own, lists in zip(rows, green, strict=True)
                ]
            )
            for name, rows in each.items()
        }

    return found


@functools.lru_cache(maxsize=8)
def _compiled(
    design: WorldDesign, n: int, sha256: str, measured: int, attempts: int
) -> Callable[..., Any]:
    """A compiled function that generates for all seeds, shared by all workflows."""
    del sha256  # of documents: others may have other sizes
    one = functools.partial(_generated, design, n, measured, attempts)
    axes = (0, 0, None, *[None] * len(WorldArrays._fields))
    alone, devices = one_fills_a_device(), design.training.devices
    return over_seeds(one, axes, 0, one_by_one=alone, model_devices=devices)


def _generated(
    design: WorldDesign,
    n: int,
    measured: int,
    attempts: int,
    root: Key,
    params: LanguageParams,
    generation: Int[Array, ""],
    *arrays: Any,
) -> dict[str, Array]:
    """Answers, documents, and losses on right answers and in contests, of one seed."""
    values = WorldArrays(*arrays)
    key = streams.key(root, generation, streams.Purpose.MEASURE)
    answer_key, document_key, plain_key = threefry.split(key, 3)
    net, config = network(design.network), design.network
    asked = jnp.repeat(values.asked, attempts, axis=0)
    answers = answered(
        answer_key,
        net,
        params.weights,
        asked,
        len(asked),
        config,
        design.form,
        design.decoding(root, values),
        design.training.devices,
    )
    real = real_documents(root, values, n)
    model = design.model(root, values, real)
    form = design.form._replace(learned="responses")
    losses = mean_losses(net, params.weights, values.asked, form)
    contests = jnp.zeros(0)
    if len(values.contests):
        contests = total_losses(net, params.weights, values.contests, form)
    unmarked = {}
    if values.watermark is not None:
        plain = design.model(root, values._replace(watermark=None), real)
        unmarked["plain"] = plain.sample(plain_key, params, measured).tokens
        unmarked["green"] = design.green(root)
    return unmarked | {
        "contests": contests,
        "answers": answers,
        "documents": model.sample(document_key, params, measured).tokens,
        "answer_loss": jnp.mean(losses),
        "losses": losses,
    }
