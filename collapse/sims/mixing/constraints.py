"""What is held fixed in a mixture of rows, and what is left to choose."""

from typing import Any

from collapse.experiment.family import Family

ABSENT: dict[str, tuple[Any, ...]] = {  # the one value of an axis that has no meaning
    "samples_per_generation": (0,),
    "real_fraction": (0.0,),
    "real_rows": (0,),
    "synthetic_rows": (0,),
    "price": (0.0,),
}
HELD = {  # constraint -> axes that say what is trained on
    "budget": ("samples_per_generation", "real_fraction"),
    "price": ("samples_per_generation", "real_fraction", "price"),
    "real_count": ("real_rows", "synthetic_rows"),
}
DEFAULTS: dict[str, tuple[Any, ...]] = {
    "real_fraction": tuple(k / 20 for k in range(1, 21)),
    "real_rows": (20, 40, 80, 160, 320),
    "synthetic_rows": (0, 10, 20, 40, 80, 160, 320),
    "price": (0.0, 1.0, 3.0, 10.0, 30.0),
}
ALONE: dict[str, float] = {  # axis -> its value that is real rows alone
    "weight": 1.0,
    "real_fraction": 1.0,
    "synthetic_rows": 0,
}
_ROWS_FOR_LEAST_SHARE = round(1 / DEFAULTS["real_fraction"][0])


def default_rows(family: Family) -> tuple[int]:
    """Default number of rows, in hundreds: the least default share determines a fit."""
    return (max(1, -(-_ROWS_FOR_LEAST_SHARE * family.least_rows() // 100)) * 100,)
