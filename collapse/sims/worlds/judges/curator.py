"""A judge in the seat between the halves of a step: it weighs what models generate."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from collapse.core import streams
from collapse.core.devices import on_host
from collapse.data.worlds.rows import WorldRows, tokens_of
from collapse.experiment.task import Curated, HostCurator
from collapse.experiment.text.documents import read
from collapse.sims.worlds.experiment import Worlds
from collapse.sims.worlds.judges.accounts import TOLD, told
from collapse.sims.worlds.judges.judgement import Judge, Judgement, Occasion


def host_curator(
    judge: Judge, data: WorldRows, experiment: Worlds, corpus: Judgement | None = None
) -> HostCurator:
    """A curator that asks a judge of the documents of each generation.

    Args:
      judge: of all documents of a seed together.
      data: of the world.
      experiment: whose candidates are judged, and whose metrics are told.
      corpus: what the judge says of the real documents, told of generation 0; None if
        it does not judge them.
    """
    candidates, known = experiment.candidates, experiment.possible()
    names = tuple(name for name in TOLD if name in known)
    first = dict.fromkeys(TOLD, float("nan"))
    if corpus is not None:
        first = told(corpus, [read(data, row) for row in data.train])

    def weigh(
        roots: Any, states: Any, batch: Any, spans: Int[np.ndarray, "S 2"]
    ) -> Curated:
        if batch is None:
            own = {name: np.full(len(roots), first[name]) for name in names}
            return Curated(None, own)
        every = np.asarray(on_host(batch.tokens))
        changed = every.copy()
        generation = int(np.ravel(np.asarray(states.generation))[0]) + 1
        copied = functools.cache(lambda: on_host(states.params.weights))
        weights, counts = np.zeros(every.shape[:2], np.float32), []
        for k, (root, rows) in enumerate(zip(roots, every, strict=True)):
            begin, end = spans[k].tolist()
            documents = [read(data, row) for row in rows[begin:end]]
            weights_of = functools.partial(_weights, copied, k)
            occasion = Occasion(generator_of(root, generation), weights_of)
            found = judge(documents, occasion)
            room = np.cumsum(found.kept) <= (end - begin) // candidates
            found = found._replace(kept=found.kept & room)
            weights[k, begin:end] = found.kept
            _rewrite(data, changed[k, begin:end], found.opinion.rewritten)
            counts.append(told(found, documents))
        entries = {name: np.array([one[name] for one in counts]) for name in names}
        is_same = np.array_equal(changed, every)
        return Curated(
            weights, entries, None if is_same else batch._replace(tokens=changed)
        )

    return HostCurator(candidates, weigh)


def _rewrite(
    data: WorldRows,
    rows: Int[np.ndarray, "documents block"],
    texts: Mapping[int, str],
) -> None:
    """Put other texts, named by their positions, in the place of rows."""
    for position, text in texts.items():
        rows[position] = tokens_of([text], rows.shape[1], data.vocabulary)[0]


def _weights(every: Callable[[], Any], seed: int) -> dict[str, Any]:
    """The weights of one seed's model, given those of all seeds."""
    own: dict[str, Any] = jax.tree.map(
        lambda leaf: jnp.asarray(np.asarray(leaf)[seed]), every()
    )
    return own


def generator_of(root: Any, generation: int) -> np.random.Generator:
    """Random numbers of the host for one seed and generation, of the seed's own key."""
    key = streams.key(root, generation, streams.Purpose.CURATE)
    return np.random.default_rng(np.asarray(jax.random.key_data(key)).tolist())


def corpus_judgement(
    judge: Judge,
    data: WorldRows,
    seed: int,
    weights: Callable[[], dict[str, Any] | None] = lambda: None,
) -> Judgement:
    """What a judge says of all real documents.

    Args:
      judge: of them.
      data: of the world.
      seed: of the experiment.
      weights: () -> those of a base model; nothing without one.
    """
    documents = [read(data, row) for row in data.train]
    return judge(documents, Occasion(np.random.default_rng([seed, 3]), weights))
