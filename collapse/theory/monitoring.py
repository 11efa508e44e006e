"""What a monitor of drift can see, and how often it is wrong.

A monitor compares the mean of a model with that of n_ref held-out real rows. Its own
error is the floor below which it sees noise alone, and a threshold there triggers
without any drift.

A detector that bets against "no drift" has a wealth E_t, whose mean does not grow as
long as that is true (an e-process). Ville's inequality bounds its false alarms for all
generations at once. The e-CUSUM begins the bet anew whenever that is better.

References:
  Ville 1939; Ramdas, Grunwald, Vovk & Shafer 2023 (arXiv:2210.01948): e-processes.
  Shin, Ramdas & Rinaldo 2022 (arXiv:2203.03532): run length of an e-CUSUM. Siegmund
  1985 (Sequential Analysis, chapter 2 and 10): run length of a normal CUSUM.
"""

import math
from typing import NamedTuple

import numpy as np
import scipy  # its parts are loaded when first used

from collapse.theory.checks import not_negative, positive
from collapse.theory.triggers import OVERSHOOT


class RunLength(NamedTuple):
    """Mean numbers of generations until a detector says that there is drift.

    Attributes:
      without: drift, of a false alarm.
      under: the drift that it is built for, from its first generation on.
    """

    without: float
    under: float


def floor(
    reference: float,
    dimension: float = 1.0,
    variance: float = 1.0,
    generated: float = math.inf,
) -> float:
    """Mean of the squared drift that a monitor sees where there is none.

    d sigma^2 (1 / n_ref + 1 / m).

    Args:
      reference: n_ref, number of held-out real rows.
      dimension: d, number of coordinates.
      variance: sigma^2 of a row in each coordinate.
      generated: m, number of generated rows; inf where the model's mean is known.
    """
    n, d = positive("reference", reference), positive("dimension", dimension)
    if np.ndim(generated) or not generated > 0:
        raise ValueError(f"generated must be above 0, got {generated}")
    return d * not_negative("variance", variance) * (1 / n + 1 / generated)


def least_reference(
    tolerance: float,
    dimension: float = 1.0,
    variance: float = 1.0,
    generated: float = math.inf,
) -> float:
    """The number of held-out rows whose `floor` is a tolerance: its inverse.

    inf if the generated rows alone have a floor above it.
    """
    d = positive("tolerance", tolerance)
    one = floor(1.0, dimension, variance)
    left = d - floor(generated, dimension, variance) if generated < math.inf else d
    return one / left if left > 0 else math.inf


def idle_trigger(threshold: float, monitor: float, dimension: float = 1.0) -> float:
    """P(a monitor triggers in a generation without any drift).

    P(chi2_d > d h^2 / f) for the floor f of a normal mean with d equal coordinates: 0.3
    to 0.5 at h^2 = f. A threshold there reacts to noise.

    Args:
      threshold: h, on the distance that the monitor sees.
      monitor: its `floor` f.
      dimension: d.
    """
    h, f = not_negative("threshold", threshold), not_negative("monitor", monitor)
    d = positive("dimension", dimension)
    if f == 0:
        return float(h == 0)
    return float(scipy.stats.chi2.sf(d * h**2 / f, d))


def false_alarms(level: float) -> float:
    """Bound of P(an e-process ever reaches a level), where there is no drift.

    min(1, 1 / level): to be wrong with probability delta at most, in all generations
    together, the level is 1 / delta (Ville).
    """
    return min(1.0, 1 / positive("level", level))


def run_length(level: float) -> float:
    """Bound from below of the mean number of generations to a false alarm.

    Of an e-CUSUM that says so at a level L: L at least (Shin et al.), and 1 always.
    """
    return max(1.0, positive("level", level))


def normal_cusum(level: float, shift: float) -> RunLength:
    """Run lengths of the e-CUSUM for a shift of normal increments, approximately.

    Each generation shows x of variance 1; the bet max(E, 1) exp(shift x - shift^2 / 2)
    is on a mean of `shift`. With b = log L + 2 * 0.5826 shift (Siegmund's correction)
    the run lengths are 2 (e^b - 1 - b) / shift^2 without drift, several times the bound
    L, and 2 (e^-b - 1 + b) / shift^2 under it. Close for shifts up to 1.
    """
    m = positive("shift", shift)
    b = math.log(max(positive("level", level), 1.0)) + 2 * OVERSHOOT * m
    return RunLength(2 * (math.expm1(b) - b) / m**2, 2 * (math.expm1(-b) + b) / m**2)
