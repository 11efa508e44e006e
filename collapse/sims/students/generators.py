"""Generators as they are written: `real`, `nano 640`, `micro 2560 0.5`."""

import dataclasses

from collapse.data.errors import InputError
from collapse.models.language.architecture import SIZES, size_of

REAL = "real"
_MOST_STEPS = 10**6


@dataclasses.dataclass(frozen=True)
class Generator:
    """Who makes the rows of a student.

    Attributes:
      size: of its network; "" for the real data.
      steps: of its training.
      temperature: at which it writes.
    """

    size: str = ""
    steps: int = 0
    temperature: float = 1.0


def read(text: str) -> Generator:
    """The generator that a text names.

    Raises:
      InputError: if it names none.
    """
    words = text.split()
    if words == [REAL]:
        return Generator()
    try:
        size, steps, *rest = words
        size_of(size)  # raises ValueError for none
        (temperature,) = map(float, rest or ["1"])
        found = Generator(size, int(steps), temperature)
    except ValueError:
        found = Generator()
    inside = 1 <= found.steps <= _MOST_STEPS and 0 < found.temperature <= 1000
    if not found.size or not inside:
        raise InputError(
            f"generator: cannot read {text!r}; give real, or a size "
            f"({', '.join(SIZES)}, or 2x64x2), optimiser steps, and a temperature "
            "above 0 if it is not 1, as in 'nano 640 0.5'"
        )
    return found
