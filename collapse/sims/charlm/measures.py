"""What is measured on the text of language models, after every generation."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from collapse.data.text_blocks import TextRows, evenly, rare_places
from collapse.data.vocabulary import decode
from collapse.measures import text as text_measures
from collapse.sims.charlm.experiment import (
    EDGES,
    HISTOGRAM,
    QUANTILES,
    CharlmExperiment,
)

_REFERENCES: dict[Any, text_measures.Reference] = {}


def observer(
    experiment: CharlmExperiment,
    cell: Mapping[str, Any],
    data: TextRows,
    net: Any,
    make: Callable[..., Any],
    values: tuple[Any, ...],
) -> Callable[[Any, Any], dict[str, np.ndarray]]:
    """A function of roots and states, for `programs.Setup`.

    Beside metrics it gives `text` [S, rows, block], what each model writes, `continued`
    [S, characters], how it goes on from the first half of a test row, and
    `first_histogram` [S, bins], shares of written rows by generation 0's perplexity.
    """
    look = _look(experiment, cell, data, make, net)
    letters = data.text.vocabulary
    real = _reference(data, experiment.measured_rows)
    # of the rows that are measured, so that there are some
    rare = rare_places(data.train.ravel(), evenly(data.test, experiment.measured_rows))

    def observe(roots: Any, state: Any) -> dict[str, np.ndarray]:
        params, generation = state.params, state.generation
        looked = look(roots, params, generation, *values)
        seen = {name: np.asarray(value) for name, value in looked.items()}
        found = _losses(seen, rare)
        rows = [
            [decode(row, letters) for row in of_seed] for of_seed in seen["written"]
        ]
        told = [text_measures.measure(of_seed, real) for of_seed in rows]
        found |= {name: np.array([one[name] for one in told]) for name in told[0]}
        found["text"] = seen["written"].astype(np.uint16)
        found["continued"] = seen["continued"].astype(np.uint16)
        return found

    return observe


def _losses(seen: Mapping[str, np.ndarray], rare: np.ndarray) -> dict[str, np.ndarray]:
    """Measures of losses [S, rows, block], each [S] or [S, bins]."""
    bits = seen["test"] / np.log(2)
    of_rare = bits[:, rare].mean(-1) if rare.any() else np.full(len(bits), np.nan)
    of_rows = np.exp(seen["first"].mean(-1))  # perplexity of each written row
    found = {
        "bits_per_character": bits.mean((1, 2)),
        "perplexity": np.exp(seen["test"].mean((1, 2))),
        "rare_bits_per_character": of_rare,
        "rare_perplexity": 2**of_rare,
        "self_perplexity": np.exp(seen["own"].mean((1, 2))),
        "first_perplexity": np.exp(seen["first"].mean((1, 2))),
    }
    for q in QUANTILES:
        found[f"first_perplexity_q{q:02d}"] = np.quantile(of_rows, q / 100, axis=1)
    inside = np.clip(of_rows, EDGES[0], EDGES[-1])
    counts = [np.histogram(row, EDGES)[0] for row in inside]
    return found | {HISTOGRAM: np.array(counts) / of_rows.shape[1]}


def _reference(data: TextRows, num: int) -> text_measures.Reference:
    """Real text to compare with, as many rows as are measured.

    Words of the test part do not count as known, so that it can tell how many a new
    text has that are not.
    """
    num = min(num, len(data.train))  # of a very short text all rows
    name = (data.sha256, data.train.shape[1], num)
    if name not in _REFERENCES:
        rows = [decode(row, data.text.vocabulary) for row in data.train]
        others = (data.text.validation,)
        _REFERENCES[name] = text_measures.reference(data.text.train, others, rows, num)
    return _REFERENCES[name]


def real_level(data: TextRows, num: int) -> dict[str, float]:
    """Measures of real rows that no generation sees: what a perfect model would have.

    Args:
      num: test rows, as many as are measured of a model; all if there are fewer.
    """
    num = min(num, len(data.test))
    rows = [decode(row, data.text.vocabulary) for row in evenly(data.test, num)]
    return text_measures.measure(rows, _reference(data, num))


_LOOKS: dict[Any, Callable[..., Any]] = {}  # compiled once for all workflows


def _look(
    experiment: CharlmExperiment,
    cell: Mapping[str, Any],
    data: TextRows,
    make: Callable[..., Any],
    net: Any,
) -> Callable[..., Any]:
    """The part of the measuring that is compiled: writes texts, and losses on them."""
    from collapse.core import loop

    warm = cell["temperature"] > 0
    name = (experiment, data.sha256, cell["samples_per_generation"], warm)
    if name not in _LOOKS:
        one = functools.partial(_look_at_one, experiment, make, net)
        axes = (0, 0, None, *[None] * 6)
        _LOOKS[name] = loop.over_seeds(one, axes, 0, one_by_one=True)
    return _LOOKS[name]


def _look_at_one(
    experiment: CharlmExperiment,
    make: Callable[..., Any],
    net: Any,
    root: Any,
    params: Any,
    generation: Any,
    *values: Any,
) -> dict[str, Any]:
    """Texts and losses of one seed's model."""
    import jax.numpy as jnp

    from collapse.core import streams
    from collapse.models.language.decoding import write
    from collapse.models.language.model import nats_in_groups
    from collapse.models.language.training import Recipe
    from collapse.numerics import threefry

    train, test, _, heat, penalty, weights = values
    _, model, rules = make(root, train, heat, penalty, weights, Recipe())
    key = streams.key(root, generation, streams.Purpose.MEASURE)
    text_key, page_key = threefry.split(key)
    written = model.sample(text_key, params, experiment.measured_rows).tokens
    half = experiment.block // 2
    mark = jnp.full((1, 1), params.weights["embed"]["embedding"].shape[0] - 1)
    begin = jnp.concatenate([mark, test[:1, : half - 1]], 1).astype(jnp.int32)
    rest = write(page_key, net, params.weights, begin, half, rules)
    return {
        "written": written,
        "own": nats_in_groups(net, params.weights, written),
        "first": nats_in_groups(net, params.first, written),
        "test": nats_in_groups(net, params.weights, test),
        "continued": jnp.concatenate([begin[:, 1:], rest], 1)[0],
    }
