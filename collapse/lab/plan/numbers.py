"""The numbers of a plan, each with the interval that the measured noise gives it.

Nothing is read or printed here; the formulas are those of `collapse.theory`.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from collapse.lab.plan.measured import MeasuredNoise
from collapse.theory import anchoring, mixing, triggers

SQUARED = "squared drift"
SHARE = "share of rows"
ROWS = "rows a generation"
GENERATIONS = "generations"
MONITOR_FACTOR = 10  # held-out rows, in multiples of the least number, that are advised


class Situation(NamedTuple):
    """What is known of a recursion.

    Attributes:
      noise: variance that a generation adds to the drift, all directions together.
      tolerance: mean squared drift that may stay.
      dimension: number d of equal directions of the drift.
      share: of real rows in the present mix.
      rows: of a generation, real and synthetic; None if not given.
      price: of a real row, in units of squared drift; None if not given.
      generations: that the plan is for, besides for ever; None for no number.
      monitor_rows: held-out rows of a monitor; None if not given.
    """

    noise: MeasuredNoise
    tolerance: float
    dimension: float = 1.0
    share: float = 0.0
    rows: int | None = None
    price: float | None = None
    generations: int | None = None
    monitor_rows: int | None = None


class Planned(NamedTuple):
    """One number of a plan.

    Attributes:
      label: what it is, in a few words.
      value: at the most likely noise; inf for never, or for what no share does.
      low: lower end of the interval.
      high: upper end.
      unit: of all three.
    """

    label: str
    value: float
    low: float
    high: float
    unit: str


def plan(given: Situation) -> dict[str, Planned]:
    """The numbers of a plan by their names, in the order of a table.

    A number is left out if what it needs was not given. Those of a trigger are left out
    if one generation adds more than the tolerance: the formulas are for longer waits.
    """
    s = given.noise
    found = {
        "noise": _ranged(given, "drift added by a generation", float, SQUARED),
        "tolerance": _exact("drift that may stay", given.tolerance, SQUARED),
    }
    found |= _constant(given) | _price(given) | _period(given)
    if s.value <= given.tolerance:
        found |= _trigger(given)
    return found | _present(given) | _monitor(given)


def floor(given: Situation) -> float:
    """The squared drift that the monitor sees where there is none: s n / n_ref.

    s is what a fit to n rows adds; the mean of n_ref held-out rows has the error of a
    fit to as many. Generated rows, which cost little, are as good as infinitely many.
    """
    assert given.rows is not None and given.monitor_rows is not None
    return given.noise.value * given.rows / given.monitor_rows


def _constant(given: Situation) -> dict[str, Planned]:
    """Least constant shares, and their real rows."""
    most, rows = given.tolerance, given.rows

    def least(s: float) -> float:
        return anchoring.least_share(most, s)

    def pooled(s: float) -> float:
        return anchoring.least_share(most, s, pooled=True)

    found = {
        "least_share": _ranged(given, "least real share", least, SHARE),
        "least_share_pooled": _ranged(
            given, "the same if real rows are noisy, too", pooled, SHARE
        ),
    }
    if rows is not None:
        found["least_rows"] = _ranged(
            given, "real rows at the least share", lambda s: rows * least(s), ROWS
        )
    if given.generations is not None:
        until, words = given.generations, f"for {given.generations} generations"

        def short(s: float) -> float:
            return anchoring.share_until(most, s, until)

        found["share_until"] = _ranged(given, f"least real share {words}", short, SHARE)
        if rows is not None:
            found["rows_until"] = _ranged(
                given,
                f"real rows in all {words}",
                lambda s: rows * until * short(s),
                "rows",
            )
    return found


def _price(given: Situation) -> dict[str, Planned]:
    """The best constant share at a price: min of s / [a (2-a)] + price n a."""
    if given.price is None or given.rows is None:
        return {}
    rows, cost = given.rows, given.price * given.rows

    def best(s: float) -> float:
        return mixing.best_share_at_price(cost / s)

    return {
        "best_share": _ranged(given, "best share at the price", best, SHARE),
        "best_rows": _ranged(
            given, "real rows at the best share", lambda s: rows * best(s), ROWS
        ),
        "best_drift": _ranged(
            given,
            "drift at the best share",
            lambda s: anchoring.constant(best(s), s, pooled=True).drift,
            SQUARED,
        ),
    }


def _period(given: Situation) -> dict[str, Planned]:
    """How often a generation of real rows alone is needed."""

    def period(s: float) -> float:
        return anchoring.longest_period(given.tolerance, s)

    return {"period": _ranged(given, "all rows real every", period, GENERATIONS)}


def _trigger(given: Situation) -> dict[str, Planned]:
    """Re-anchoring on sight, corrected for steps that are not small."""
    most, d, rows = given.tolerance, given.dimension, given.rows

    def height(s: float) -> float:
        return triggers.threshold(most, s, d, in_steps=True)

    def use(s: float) -> float:
        return triggers.triggered(height(s), s, d, in_steps=True).use

    def saving(s: float) -> float:
        return anchoring.least_share(most, s) / use(s)

    # its formulas end where one generation adds the tolerance
    cut = given._replace(noise=given.noise._replace(high=min(given.noise.high, most)))
    found = {
        "threshold": _ranged(cut, "trigger: all rows real above", height, "distance"),
        "wait": _ranged(
            cut, "then real every, on average", lambda s: 1 / use(s), GENERATIONS
        ),
        "saving": _ranged(cut, "fewer real rows than constant", saving, "times"),
        "saving_limit": _exact(
            "the same for a large tolerance", triggers.saving(d), "times"
        ),
    }
    if rows is not None:
        found["trigger_rows"] = _ranged(
            cut, "real rows at the trigger", lambda s: rows * use(s), ROWS
        )
    return found


def _present(given: Situation) -> dict[str, Planned]:
    """What the present mix does."""
    a = given.share
    found = {
        "passes": _ranged(
            given,
            "present mix passes the tolerance",
            lambda s: anchoring.first_passage(given.tolerance, a, s),
            "generation",
        ),
        "present_limit": _ranged(
            given,
            "drift of the present mix in the end",
            lambda s: anchoring.constant(a, s).drift,
            SQUARED,
        ),
    }
    if given.generations is not None:
        t = given.generations
        found["present_drift"] = _ranged(
            given,
            f"drift of the present mix at generation {t}",
            lambda s: anchoring.drift_at(t, a, s),
            SQUARED,
        )
    return found


def _monitor(given: Situation) -> dict[str, Planned]:
    """Held-out rows that a monitor needs to see the tolerance at all."""
    if given.rows is None:
        return {}
    rows, most, held_out = given.rows, given.tolerance, given.monitor_rows
    found = {
        "monitor_rows": _ranged(
            given,
            "held-out rows of a monitor, at least",
            lambda s: s * rows / most,
            "rows",
        )
    }
    if held_out is not None:
        found["monitor_floor"] = _ranged(
            given,
            f"drift that {held_out} rows see in none",
            lambda s: s * rows / held_out,
            SQUARED,
        )
    return found


def _exact(label: str, value: float, unit: str) -> Planned:
    """A number on which the noise has no influence."""
    return Planned(label, value, value, value, unit)


def _ranged(
    given: Situation, label: str, number: Callable[[float], float], unit: str
) -> Planned:
    """A number and the range of its values while the noise is in its interval."""
    noise = given.noise
    value = number(noise.value)
    if noise.low == noise.high:
        return _exact(label, value, unit)
    # not all are monotone in the noise: a threshold falls at first, then grows
    every = [number(float(s)) for s in np.geomspace(noise.low, noise.high, 65)]
    every += [value, number(noise.low), number(noise.high)]
    return Planned(label, value, min(every), max(every), unit)
