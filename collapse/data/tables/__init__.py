"""Tables of a user's rows: found, read, checked and split.

`load` reads all columns alike, `load_regression` sets one apart to be predicted.
"""

from collapse.data.tables.formats import SHIPPED
from collapse.data.tables.options import Options
from collapse.data.tables.real_data import (
    HELD_OUT_SHARE,
    RealData,
    load,
    load_regression,
    stamp,
)

__all__ = [
    "HELD_OUT_SHARE",
    "SHIPPED",
    "Options",
    "RealData",
    "load",
    "load_regression",
    "stamp",
]
