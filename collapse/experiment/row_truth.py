"""What is known about single rows: which are right, and how far the others are off.

A family whose truth is known says so here, so that a study can judge the rows that its
models generate. A judge may be wrong: to one with the bias Delta all of the truth is
moved by Delta standard deviations, along the first axis of rows that are points, or in
the first coefficient of rows (x, y).
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from jaxtyping import Array, Bool, Float

from collapse.core.types import Batch, Params, Problem

RIGHT_SHARE = 0.9  # of the truth's rows that lie in its region, where rows are points
Bias: TypeAlias = Float[Array, ""]


class Knowledge(NamedTuple):
    """What a judge knows of one seed's truth; None for what a family does not have.

    Attributes:
      score: (batch, bias) -> [rows], larger is nearer to what the judge holds to be
        true; minus a distance in standard deviations where `RowTruth.reach` is given.
      right: (batch, bias) -> [rows], whether the judge holds a row to be right.
      displaced: (batch, bias) -> batch, real rows as the judge knows them.
      project: (batch, reference, bias) -> batch, where rows should be.
      log_truth: batch -> [rows], log-density of the truth.
      log_model: (params, batch) -> [rows], that of a model.
      points: batch -> [rows, d], between which distances have a meaning.
      features: batch -> [rows, f], what a discriminator looks at.
    """

    score: Callable[[Batch, Bias], Float[Array, " rows"]] | None = None
    right: Callable[[Batch, Bias], Bool[Array, " rows"]] | None = None
    displaced: Callable[[Batch, Bias], Batch] | None = None
    project: Callable[[Batch, Batch, Bias], Batch] | None = None
    log_truth: Callable[[Batch], Float[Array, " rows"]] | None = None
    log_model: Callable[[Params, Batch], Float[Array, " rows"]] | None = None
    points: Callable[[Batch], Float[Array, "rows d"]] | None = None
    features: Callable[[Batch], Float[Array, "rows f"]] | None = None


class RowTruth(NamedTuple):
    """What a family knows of its rows.

    Attributes:
      knowledge: (root key, *values) -> Knowledge, with the values of the task.
      reach: share of the truth's rows -> distance within which it lies, in standard
        deviations; None where scores are no distances.
      make_problem: (root key, *values) -> Problem whose rows are single samples; None
        for that of the task.
      known_scale: params -> params with the true scale in place of the fitted one; None
        for families without one.
    """

    knowledge: Callable[..., Knowledge]
    reach: Callable[[float], float] | None = None
    make_problem: Callable[..., Problem] | None = None
    known_scale: Callable[[Params], Params] | None = None


def moved_points(batch: Float[Array, "rows d"], bias: Bias) -> Float[Array, "rows d"]:
    """Rows that are points, moved by the bias along the first axis."""
    return batch.at[:, 0].add(bias.astype(batch.dtype))
