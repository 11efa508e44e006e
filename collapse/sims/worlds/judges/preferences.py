"""Operators that prefer one answer to others: by truth, or by principles."""

from collections.abc import Sequence

import numpy as np

from collapse.data.quality import principles
from collapse.data.worlds.world import World
from collapse.experiment.text.documents import ReadDocument
from collapse.sims.worlds.experiment import Worlds
from collapse.sims.worlds.judges.judgement import Occasion, Opinion, Rewards


def best_of(
    accuracy: float, documents: Sequence[ReadDocument], occasion: Occasion
) -> Opinion:
    """1 for answers that a judge of this accuracy says are right, else 0."""
    right = np.array([one.verdict.correct for one in documents])
    mistaken = occasion.generator.random(len(documents)) >= accuracy
    return Opinion((right != mistaken).astype(float), len(documents))


def constitution(
    world: World,
    experiment: Worlds,
    documents: Sequence[ReadDocument],
    occasion: Occasion,
) -> Opinion:
    """Number of principles that each answer fulfils, as a judge sees it.

    Each principle of each answer is a call of the judge.
    """
    names = experiment.principles
    pairs = [(one.prompt, one.text.removeprefix(one.prompt)) for one in documents]
    truth = principles.fulfilled(world, names, pairs, [d.verdict for d in documents])
    judge = experiment.judge_accuracy, experiment.judge_bias, occasion.generator
    seen = principles.judged(truth, pairs, *judge)
    rewards = Rewards(seen.mean(1), truth.mean(1))
    return Opinion(seen.sum(1).astype(float), truth.size, rewards)
