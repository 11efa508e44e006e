"""The opinion of each operator on documents: scores, and what they cost."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from collapse.data.quality import classifier, clusters, duplicates
from collapse.data.worlds.rows import WorldRows, tokens_of, unasked
from collapse.experiment.text.documents import ReadDocument
from collapse.measures.ngram_lines import document_bits
from collapse.sims.worlds.experiment import Worlds
from collapse.sims.worlds.judges import enhance, influence, preferences
from collapse.sims.worlds.judges.judgement import Finder, Occasion, Opinion, Scores
from collapse.sims.worlds.model import WorldDesign
from collapse.sims.worlds.operators import NONE, TextOperator

_REFERENCE, _ORDER = 2000, 5  # clean documents that operators know, and n of n-grams
# Documents of a world are made from templates: at lower similarities chains of them
# link nearly all.
_SIMILAR, _ALIKE = 0.8, 0.99  # Jaccard similarity, and cosine, of near duplicates


def finder_of(
    operator: TextOperator,
    data: WorldRows,
    experiment: Worlds,
    design: WorldDesign | None = None,
) -> Finder:
    """What an operator itself finds of documents.

    A control of one that keeps a share needs no scores to know how many it keeps: there
    all are 0.

    Args:
      operator: which.
      data: of the world.
      experiment: that asks for it.
      design: of the models, which influence asks; others need none.
    """
    if operator.rule.keeps == "share" and operator.used_as != "itself":
        return lambda documents, occasion: Opinion(np.zeros(len(documents)))
    if operator.name == "influence":
        assert design is not None  # a condition has one
        return influence.finder(data, experiment, design)
    if operator.name == "enhance":
        return enhance.finder(operator, data, experiment)
    if operator.name == "best_of":
        return functools.partial(preferences.best_of, experiment.judge_accuracy)
    if operator.name == "constitution":
        return functools.partial(preferences.constitution, data.world, experiment)
    if operator.name in _CHOOSERS:
        return functools.partial(_chosen, operator.name)
    generator = np.random.default_rng([experiment.seed, 2])
    clean = unasked(data.world, generator, _REFERENCE)
    scorer = {"classifier": _classifier, "perplexity": _perplexity}[operator.name]
    return functools.partial(
        _scored, scorer(data, [d.prompt + d.response for d in clean])
    )


def _chosen(
    name: str, documents: Sequence[ReadDocument], occasion: Occasion
) -> Opinion:
    """1 for documents that an operator of this name keeps, else 0."""
    which = _CHOOSERS[name](documents, occasion.generator)
    return Opinion(which.astype(float), 0 if name == NONE else len(documents))


def _scored(
    scores: Callable[[list[str]], Scores],
    documents: Sequence[ReadDocument],
    occasion: Occasion,
) -> Opinion:
    """Scores of the texts of documents."""
    del occasion
    return Opinion(scores([one.text for one in documents]), len(documents))


_CHOOSERS: Mapping[str, Callable[[Sequence[ReadDocument], Any], Any]] = {
    "none": lambda every, generator: np.ones(len(every), bool),
    "rules": lambda every, generator: np.array([d.verdict.valid for d in every]),
    "answers": lambda every, generator: np.array([d.verdict.correct for d in every]),
    "exact": lambda every, generator: duplicates.exact([d.text for d in every]),
    "near": lambda every, generator: duplicates.near(
        [d.text for d in every], threshold=_SIMILAR
    ),
    "clusters": lambda every, generator: clusters.semantic(
        [d.text for d in every], generator, 1 - _ALIKE
    ),
}


def _classifier(data: WorldRows, clean: list[str]) -> Callable[[list[str]], Any]:
    """Log-odds that a document is clean and not one of those that are judged.

    As in DCLM (arXiv 2406.11794): the negatives are what is to be filtered.
    """
    del data
    return lambda texts: classifier.fitted(clean, texts).score(texts)


def _perplexity(data: WorldRows, clean: list[str]) -> Callable[[list[str]], Any]:
    """Minus the bits a token that n-grams of clean documents need for each document."""
    block = data.asked.shape[1]
    known = tokens_of(clean, block, data.vocabulary)

    def scores(texts: list[str]) -> Scores:
        rows = tokens_of(texts, block, data.vocabulary)
        return -document_bits(known, rows, len(data.vocabulary), _ORDER, end=0)

    return scores
