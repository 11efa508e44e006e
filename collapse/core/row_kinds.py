"""The three kinds of row that closed-form models are fitted to."""

from typing import Literal, get_args

RowKind = Literal["samples", "statistics", "law"]
"""What one row of a batch is.

samples: one data point. statistics: sufficient statistics of a whole batch of points,
computed from the points. law: the same statistics, drawn from their exact distribution
without drawing the points.
"""


def check_row_kind(kind: str) -> None:
    """Raise ValueError for an unknown kind of row."""
    if kind not in get_args(RowKind):
        raise ValueError(f"rows must be one of {get_args(RowKind)}, got {kind!r}")
