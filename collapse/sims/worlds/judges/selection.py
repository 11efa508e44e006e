"""Which documents are kept, given their scores."""

from collections.abc import Sequence

import numpy as np

from collapse.data.quality import kept
from collapse.experiment.text.documents import ReadDocument
from collapse.sims.worlds.experiment import Worlds
from collapse.sims.worlds.judges.judgement import Kept, Scores
from collapse.sims.worlds.operators import TextOperator


def selected(
    operator: TextOperator,
    experiment: Worlds,
    documents: Sequence[ReadDocument],
    scores: Scores,
    rate: float | None,
    generator: np.random.Generator,
) -> Kept:
    """What is kept by these scores; of an operator that names some, at this rate."""
    keeps, candidates = operator.rule.keeps, experiment.candidates
    if keeps == "all":
        scores = np.ones(len(documents))
    if keeps == "best" or (keeps == "all" and candidates > 1):
        return best(documents, scores, candidates, generator)
    if keeps == "share":
        rate = experiment.keep_rate
    if rate is None:
        return scores > 0
    return kept.top(scores, rate, generator)


def best(
    documents: Sequence[ReadDocument],
    scores: Scores,
    candidates: int,
    generator: np.random.Generator,
) -> Kept:
    """The answers to each prompt with the highest scores: one in so many, rounded up.

    A prompt that several real documents have has as many times the answers.
    """
    groups: dict[str, list[int]] = {}
    for k, one in enumerate(documents):
        groups.setdefault(one.prompt, []).append(k)
    found = np.zeros(len(documents), bool)
    ties = generator.random(len(documents))
    for own in groups.values():
        ranked = sorted(own, key=lambda k: (scores[k], ties[k]), reverse=True)
        found[ranked[: -(-len(own) // candidates)]] = True
    return found
