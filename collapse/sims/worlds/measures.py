"""What is measured of a model of a world, after every generation, on the host."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Array, Int

from collapse.core import streams
from collapse.core.devices import on_host, one_fills_a_device
from collapse.core.seeds import over_seeds
from collapse.core.types import Key
from collapse.data.vocabulary import decode
from collapse.data.worlds.rows import WorldRows, parted
from collapse.data.worlds.world import END
from collapse.measures import worlds
from collapse.models.language.documents import answered, mean_loss
from collapse.models.language.model import LanguageParams
from collapse.models.language.network import network
from collapse.numerics import threefry
from collapse.sims.worlds.model import Design, Values, real_documents

_RARE = 0.25  # share of the prompts that ask for a rare skill


def observer(
    design: Design, n: int, data: WorldRows, values: Values, measured: int
) -> Callable[[Any, Any], dict[str, np.ndarray]]:
    """A function of roots and states that measures, for `Task.observe`.

    Beside metrics it gives `text` [S, rows, block], the documents that each model
    generates, and `continued` [S, block], its answer to the first unseen prompt.

    Args:
      design: of the models.
      n: real documents of a seed.
      data: that they are from.
      values: arrays of the condition.
      measured: generated documents that are measured.
    """
    most = design.training._replace(most_rows=0)  # which differs between workflows
    generate = _compiled(design._replace(training=most), n, data.sha256, measured)
    shares = data.world.skills
    rare = worlds.rarest(shares, _RARE)
    known = {"".join(data.text(row)) for row in data.train}

    def observe(roots: Any, state: Any) -> dict[str, np.ndarray]:
        found = on_host(generate(roots, state.params, state.generation, *values))
        measures = []
        for answers, documents in zip(
            np.asarray(found["answers"]), np.asarray(found["documents"]), strict=True
        ):
            texts, judged = _judged(data, documents)
            of_answers = worlds.of_answers(_judged(data, answers)[1], shares, rare)
            measures.append(
                of_answers | worlds.of_documents(texts, judged, shares, known)
            )
        told = {name: np.array([one[name] for one in measures]) for name in measures[0]}
        if design.form.learned == "responses":  # whose prompts are given
            del told["skill_survival"]
        told["answer_loss"] = np.asarray(found["answer_loss"])
        told["text"] = np.asarray(found["documents"]).astype(np.uint16)
        told["continued"] = np.asarray(found["answers"])[:, 0].astype(np.uint16)
        return told

    return observe


@functools.lru_cache(maxsize=8)
def _compiled(design: Design, n: int, sha256: str, measured: int) -> Callable[..., Any]:
    """A compiled function that generates for all seeds, shared by all workflows."""
    del sha256  # of documents: others may have other sizes
    one = functools.partial(_generated, design, n, measured)
    axes = (0, 0, None, *[None] * len(Values._fields))
    alone, devices = one_fills_a_device(), design.training.devices
    return over_seeds(one, axes, 0, one_by_one=alone, model_devices=devices)


def _judged(
    data: WorldRows, rows: Int[np.ndarray, "rows block"]
) -> tuple[list[str], Sequence[worlds.Judged]]:
    """Texts of rows, and of each the skill of its prompt and the verdict."""
    texts, judged = [], []
    for row in rows:
        text = decode(row, data.vocabulary)
        prompt, response = parted(text, data.world.separator)
        verdict = data.world.verify(prompt, response)
        texts.append(text.partition(END)[0])
        judged.append((data.world.skill_of(prompt), verdict.valid, verdict.correct))
    return texts, judged


def _generated(
    design: Design,
    n: int,
    measured: int,
    root: Key,
    params: LanguageParams,
    generation: Int[Array, ""],
    *arrays: Any,
) -> dict[str, Array]:
    """Answers, documents, and the loss on right answers, of one seed's model."""
    values = Values(*arrays)
    key = streams.key(root, generation, streams.Purpose.MEASURE)
    answer_key, document_key = threefry.split(key)
    net, config = network(design.network), design.network
    answers = answered(
        answer_key,
        net,
        params.weights,
        values.asked,
        len(values.asked),
        config,
        design.form,
        design.decoding(values.temperature),
        design.training.devices,
    )
    model = design.model(values, real_documents(root, values.train, n))
    form = design.form._replace(learned="responses")
    return {
        "answers": answers,
        "documents": model.sample(document_key, params, measured).tokens,
        "answer_loss": mean_loss(net, params.weights, values.asked, form),
    }
