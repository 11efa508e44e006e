"""What is measured of a student, of its generator, and of the rows between them."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from collapse.core import streams
from collapse.core.devices import on_host, one_fills_a_device
from collapse.core.seeds import over_seeds
from collapse.core.types import Key
from collapse.data.worlds.rows import WorldRows, tokens_of
from collapse.experiment.text.documents import ReadDocument, read
from collapse.measures import worlds
from collapse.measures.ngram_lines import document_bits
from collapse.models.language.decoding import DecodingConfig
from collapse.models.language.documents import Format, answered, mean_loss
from collapse.models.language.network import network
from collapse.models.language.teaching import Learner, Pair
from collapse.numerics import threefry
from collapse.sims.students.experiment import Students

_RARE = 0.25  # share of the prompts that ask for a rare skill
_CLEAN, _ORDER = 2000, 5  # documents, and n, of the n-grams of the perplexity


def observer(
    e: Students,
    generator: Learner | None,
    student: Learner,
    form: Format,
    data: WorldRows,
    asked: Int[Array, "m block"],
    base: dict,
) -> Callable[[Any, Any], dict[str, np.ndarray]]:
    """A function of roots and states that measures, for `Task.observe`.

    Beside metrics it gives `text` [S, rows, block], the rows that the student has
    learned from (in generation 0 real ones), and `continued` [S, block], its answer to
    the first unseen prompt.
    """
    answer = _compiled(generator, student, form, data.sha256)
    clean = data.world.make(np.random.default_rng([e.seed, 2]), _CLEAN)
    known = [d.prompt + d.response for d in clean]
    expected = tokens_of(known, data.train.shape[1], data.vocabulary)
    trained = frozenset("".join(data.text(row)) for row in data.train)

    def observe(roots: Any, state: Any) -> dict[str, np.ndarray]:
        rows = np.asarray(on_host(state.store.data.tokens))
        rows = rows.reshape(len(rows), -1, rows.shape[-1])
        found = on_host(
            answer(
                roots, state.params, state.generation, asked, base, jnp.asarray(rows)
            )
        )
        seeds = []
        for k, made in enumerate(rows):
            told = _of_answers(data, found["student"][k])
            if generator is not None:
                solver = _of_answers(data, found["generator"][k])
                told["solver_correctness"] = solver["correctness"]
            else:
                told["solver_correctness"] = 1.0  # real answers are right
            seeds.append(told | _of_rows(data, made, expected, trained))
        metrics = {name: np.array([one[name] for one in seeds]) for name in seeds[0]}
        metrics["base_loss"] = np.asarray(found["base_loss"])
        metrics["text"] = rows.astype(np.uint16)
        metrics["continued"] = np.asarray(found["student"])[:, 0].astype(np.uint16)
        return metrics

    return observe


def _of_answers(data: WorldRows, rows: Any) -> dict[str, float]:
    """correctness, rare_correctness and validity of answers."""
    judged = [read(data, row).judged for row in np.asarray(rows)]
    shares = data.world.skills
    return worlds.of_answers(judged, shares, worlds.rarest(shares, _RARE))


def _of_rows(
    data: WorldRows,
    rows: Int[np.ndarray, "rows block"],
    expected: Int[np.ndarray, "clean block"],
    trained: frozenset[str],
) -> dict[str, float]:
    """The metrics of the rows that a student learns from."""
    documents = [read(data, row) for row in rows]
    texts = [one.text for one in documents]
    shares = data.world.skills
    told = worlds.of_documents(texts, [d.judged for d in documents], shares, trained)
    bits = document_bits(expected, rows, len(data.vocabulary), _ORDER, end=0)
    return {
        "data_correctness": told["generated_correctness"],
        "data_validity": float(np.mean([one.verdict.valid for one in documents])),
        "skill_survival": told["skill_survival"],
        "duplicate_share": told["duplicate_share"],
        "copied_documents": told["copied_documents"],
        "document_length": float(np.mean([len(text) for text in texts])),
        "letter_entropy": _entropy(documents),
        "perplexity_bits": float(bits.mean()),
    }


def _entropy(documents: Sequence[ReadDocument]) -> float:
    """Entropy of the characters of all documents, in bits."""
    codes = np.frombuffer("".join(d.text for d in documents).encode(), np.uint8)
    if not len(codes):
        return 0.0
    shares = np.unique(codes, return_counts=True)[1] / len(codes)
    return float(-(shares * np.log2(shares)).sum())


@functools.lru_cache(maxsize=16)
def _compiled(
    generator: Learner | None, student: Learner, form: Format, sha256: str
) -> Callable[..., Any]:
    """A compiled function that answers for all seeds, shared by all recipes."""
    del sha256  # of documents: others may have other sizes
    one = functools.partial(_answers, generator, student, form)
    alone, devices = one_fills_a_device(), student.training.devices
    axes = (0, 0, None, None, None, 0)
    return over_seeds(one, axes, 0, one_by_one=alone, model_devices=devices)


def _answers(
    generator: Learner | None,
    student: Learner,
    form: Format,
    root: Key,
    params: Pair,
    generation: Int[Array, ""],
    asked: Int[Array, "m block"],
    base: dict,
    rows: Int[Array, "rows block"],
) -> dict[str, Array]:
    """Answers of one seed's student and generator, and the base's loss on rows."""
    key = streams.key(root, generation, streams.Purpose.MEASURE)
    keys, plain = threefry.split(key), DecodingConfig()
    responses = form._replace(learned="responses")

    def of(key: Key, learner: Learner, weights: dict) -> Array:
        own = (asked, len(asked), learner.network, responses, plain)
        net, devices = network(learner.network), student.training.devices
        return answered(key, net, weights, *own, devices)

    found = {"student": of(keys[0], student, params.student)}
    if generator is not None:
        found["generator"] = of(keys[1], generator, params.generator)
    net = network(student.network)
    found["base_loss"] = mean_loss(net, base, rows, responses)
    return found
