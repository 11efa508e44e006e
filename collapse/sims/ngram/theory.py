"""Closed forms beside the curves of n-grams, where they are exact."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from collapse import theory
from collapse.data.ngrams import draws_of
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
        found["heterozygosity"] = ngram.heterozygosity(q, w, *_variances(condition))
    if spec.name == "accumulate":
        found["support"] = ngram.support(q, draws, last)
    alive = ngram.support_replace(q, draws, last) if spec.name == "replace" else None
    return found if alive is None else {**found, "support": alive}


def _variances(
    condition: Condition[Ngram],
) -> tuple[NDArray[np.int64], Callable[[int], Curve]]:
    """A number for each context that tells curves apart [C], and that number's curve.

    The number of draws; of real and synthetic rows that are mixed, both together.
    """
    spec, n, last = condition.workflow, condition.n, condition.num_generations
    shares = condition.experiment.load().shares
    draws, rows = draws_of(shares, n), spec.real_rows(n)
    if rows is None:
        return draws, lambda size: spec.moments(size, last).variance
    real, anchor = draws_of(shares, rows), str(spec.parameters["anchor"])

    def mixed(code: int) -> Curve:
        size, own = divmod(code, n + 1)
        found: Curve = theory.mix(size, own, size - own, last, 0, anchor).variance
        return found

    return np.where(draws > 0, draws * (n + 1) + real, 0), mixed
