"""Tables as text, for a terminal."""

from collections.abc import Mapping, Sequence

import numpy as np


def aligned(rows: Sequence[Mapping[str, str]]) -> str:
    """Lines of columns, each as wide as its longest entry, below their names.

    Args:
      rows: column -> entry; every row has the columns of the first, and there is one.
    """
    lines = [dict(zip(rows[0], rows[0], strict=True)), *rows]
    widths = {name: max(len(line[name]) for line in lines) for name in rows[0]}
    return "\n".join(
        "  ".join(line[name].ljust(width) for name, width in widths.items()).rstrip()
        for line in lines
    )


def plain(value: object) -> str:
    """Text of a value; a float has at most six significant digits."""
    return f"{value:g}" if isinstance(value, float | np.floating) else str(value)
