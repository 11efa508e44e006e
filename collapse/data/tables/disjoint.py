"""Rows that two uses of data share: a leak, which is refused."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float

from collapse.data.errors import DataError

_SHOWN = 4  # values of a row that a message tells

Rows = Float[np.ndarray, "rows d"]


def shared(rows: Rows, others: Rows) -> Bool[np.ndarray, " rows"]:
    """Which of the rows are among the others, value for value."""
    if not len(rows) or not len(others):
        return np.zeros(len(rows), bool)
    known = {row.tobytes() for row in _plain(others)}
    return np.array([row.tobytes() in known for row in _plain(rows)])


def check_disjoint(field: str, rows: Rows, uses: Mapping[str, Rows]) -> None:
    """Raise DataError if a row is also among those of another use.

    Args:
      field: that names the rows, for the message.
      rows: of a monitor, for example.
      uses: name of a use in words -> its rows.
    """
    for use, others in uses.items():
        found = shared(rows, others)
        if found.any():
            count, one = int(found.sum()), rows[found.argmax()]
            some = ", ".join(f"{value:g}" for value in one[:_SHOWN])
            more = ", ..." if len(one) > _SHOWN else ""
            raise DataError(
                f"{field}: {count} of {len(rows)} rows, such as ({some}{more}), are "
                f"among {use}; give rows that nothing else uses"
            )


def _plain(rows: Rows) -> Rows:
    """The rows in one order of bytes, where -0 is 0."""
    return np.ascontiguousarray(rows, np.float64) + 0.0
