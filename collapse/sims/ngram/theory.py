"""Closed forms beside the curves of n-grams, where they are exact."""

import numpy as np

from collapse.data.ngrams import draws_of
from collapse.experiment import chains
from collapse.experiment.condition import Condition
from collapse.sims.ngram.experiment import Ngram
from collapse.theory import ngram
from collapse.theory.checks import Curve


def curves(condition: Condition[Ngram]) -> dict[str, Curve]:
    """Metric -> [G + 1], where contexts are fixed; else nothing is exact but a fit."""
    e, spec, last = condition.experiment, condition.workflow, condition.num_generations
    if condition["contexts"] == "free" or e.smoothing == "kneser_ney":
        return {}
    data, n = e.load(), condition.n
    q, w, draws = data.truth, data.shares, draws_of(data.shares, n)
    found = {"contexts_left": np.full(last + 1, np.mean(draws[w > 0] > 0))}
    if e.add and spec.name == "replace":
        own = ngram.smoothed_heterozygosity(q, w, draws, e.add, last)
        found["heterozygosity"] = own
    if e.add:
        return found
    if spec.moments(2, 0) is not None:
        fits = (q, w, *chains.variances(condition, w, draws, n))
        found["heterozygosity"] = ngram.heterozygosity(*fits)
    if spec.name == "accumulate":
        found["support"] = ngram.support(q, draws, last)
    alive = ngram.support_replace(q, draws, last) if spec.name == "replace" else None
    return found if alive is None else {**found, "support": alive}
