"""What a reader needs to know of a metric: its name in words, unit, reference.

Nothing here imports jax; see `measures.catalogue`, which lists all metrics.
"""

from typing import Literal, NamedTuple

Aspect = Literal["", "error", "tails", "variance", "support", "hallucination", "drift"]


class Quantity(NamedTuple):
    """What a reader of a figure or a file needs to know about a metric.

    Attributes:
      long_name: in words.
      unit: in words; empty for a plain number.
      reference: value of a perfect model; None where it is not known.
      better: "lower" for errors, "higher", or "reference" where both sides are wrong.
      is_tail: whether it is the mass of rare things over its true value: what single
        runs lose, keep or overshoot.
      aspect: of collapse that it measures, for the collapse profile
        (`experiment.profile`); empty for none.
    """

    long_name: str
    unit: str
    reference: float | None = None
    better: Literal["lower", "higher", "reference"] = "reference"
    is_tail: bool = False
    aspect: Aspect = ""


# A tail is lost below a tenth of its true mass, and overshot above twice of it. First
# fits of a Gaussian are between the two in nearly every run.
LOST, OVERSHOT = 0.1, 2.0

RATIO_TO_TRUTH = "ratio to truth"
RATIO_TO_REAL = "ratio to real rows alone"


def ratio(long_name: str, aspect: Aspect = "") -> Quantity:
    """The quantity of a ratio to the truth, 1 for a perfect model."""
    return Quantity(long_name, RATIO_TO_TRUTH, 1.0, aspect=aspect)


def tail(
    long_name: str, unit: str = RATIO_TO_TRUTH, aspect: Aspect = "tails"
) -> Quantity:
    """The quantity of a tail's mass over its true one, 1 for a perfect model."""
    return Quantity(long_name, unit, 1.0, is_tail=True, aspect=aspect)


def error(long_name: str, unit: str, aspect: Aspect = "") -> Quantity:
    """The quantity of an error: 0 for a perfect model, lower is better."""
    return Quantity(long_name, unit, 0.0, "lower", aspect=aspect)


def loss(long_name: str, unit: str) -> Quantity:
    """The quantity of a test error whose best value is not known."""
    return Quantity(long_name, unit, None, "lower", aspect="error")


def diversity(long_name: str, unit: str, reference: float | None = None) -> Quantity:
    """The quantity of a spread that collapse narrows."""
    return Quantity(long_name, unit, reference, aspect="variance")
