"""Closed forms of chains of draws that a workflow feeds with different numbers of rows.

A chain is a categorical distribution refitted to its own draws: of the successors of a
context, or of the rules of a non-terminal.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from collapse import theory
from collapse.data.ngrams import draws_of
from collapse.experiment.condition import Condition
from collapse.theory.checks import Curve


def variances(
    condition: Condition[Any],
    shares: Float[np.ndarray, " C"],
    draws: NDArray[np.int64],
    total: int,
) -> tuple[NDArray[np.int64], Callable[[int], Curve]]:
    """A number for each chain that tells curves apart [C], and that number's curve.

    The number of draws; of real and synthetic rows that are mixed, both together.

    Args:
      condition: whose workflow has a closed form of the variance of fits.
      shares: [C], of all draws that a chain has.
      draws: [C], of a generation.
      total: draws of all chains.
    """
    spec, last = condition.workflow, condition.num_generations
    rows = spec.real_rows(total)
    if rows is None:
        return draws, lambda size: spec.moments(size, last).variance
    real, anchor = draws_of(shares, rows), str(spec.parameters["anchor"])

    def mixed(code: int) -> Curve:
        size, own = divmod(code, total + 1)
        found: Curve = theory.mix(size, own, size - own, last, 0, anchor).variance
        return found

    return np.where(draws > 0, draws * (total + 1) + real, 0), mixed
