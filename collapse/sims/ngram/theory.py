"""Closed forms beside the curves of n-grams, where they are exact."""

import numpy as np
from numpy.typing import NDArray

from collapse.data.ngrams import NgramText, draws_of
from collapse.experiment.condition import Condition
from collapse.sims.ngram.experiment import Ngram
from collapse.theory import ngram


def curves(condition: Condition[Ngram]) -> dict[str, NDArray[np.float64]]:
    """Metric -> [G + 1]; where contexts are free, of the first fit alone."""
    e, data = condition.experiment, condition.experiment.load()
    if e.smoothing != "additive":
        return {}
    if condition["contexts"] == "free":
        return {}
    return _fixed(condition, data)


def _fixed(
    condition: Condition[Ngram], data: NgramText
) -> dict[str, NDArray[np.float64]]:
    e, spec, last = condition.experiment, condition.workflow, condition.num_generations
    q, w, n = data.truth, data.shares, condition.n
    draws = draws_of(w, n)
    left = np.full(last + 1, np.mean(draws[w > 0] > 0))
    if e.add:
        if spec.name != "replace":
            return {"contexts_left": left}
        found = ngram.smoothed_heterozygosity(q, w, draws, e.add, last)
        return {"heterozygosity": found, "contexts_left": left}
    found = {"contexts_left": left}
    real = spec.real_rows(n)
    if spec.moments(2, 0) is not None and real is None:
        found["heterozygosity"] = ngram.heterozygosity(
            q, w, draws, lambda size: spec.moments(size, last).variance
        )
    if spec.name == "accumulate":
        found["support"] = ngram.support(q, draws, last)
    if spec.name == "replace":
        alive = ngram.support_replace(q, draws, last)
        found |= {} if alive is None else {"support": alive}
    return found
