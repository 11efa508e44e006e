"""Which of several settings is best, as far as so many seeds can tell."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

_DRAWS = 1000  # of seeds, with replacement
_BLOCK = 50  # of them at a time


class Best(NamedTuple):
    """The best of several settings, and those that may be as good.

    Attributes:
      place: of the lowest mean.
      region: [settings], those that are not worse than any other; the truly best one
        is among them with the stated confidence.
      flat: whether the region holds every setting: no best one can be told.
    """

    place: int
    region: Bool[np.ndarray, " settings"]
    flat: bool


def best_setting(
    errors: Float[np.ndarray, "seeds settings"], confidence: float = 0.95, seed: int = 0
) -> Best:
    """The setting of the lowest mean error, with a region of confidence.

    Seeds are the independent units, and settings are compared within them. A setting is
    left out if its mean difference to some other, over its standard error, is larger
    than the largest of all pairs is by chance: the range statistic of a model
    confidence set (Hansen, Lunde & Nason 2011, Econometrica 79:453), its null law drawn
    by a bootstrap over seeds, without their stepwise elimination, so that the region is
    rather too wide.

    Args:
      errors: of each seed in each setting; lower is better. A setting with an error
        that is not finite is never the best, and out of the region.
      confidence: that the best setting is in the region.
      seed: of the bootstrap.

    Raises:
      ValueError: for fewer than two seeds, or if no setting has finite errors.
    """
    if len(errors) < 2:
        raise ValueError(f"errors must be of two seeds at least, got {len(errors)}")
    usable = np.isfinite(errors).all(0)
    if not usable.any():
        raise ValueError("errors must be finite in some setting")
    own = errors[:, usable]
    means = own.mean(0)
    worse = _studentised(means[None], own)[0] > _critical(own, confidence, seed)
    region = np.zeros(errors.shape[1], bool)
    region[usable] = ~worse.any(-1)
    place = int(np.flatnonzero(usable)[np.argmin(means)])
    return Best(place, region, bool(region.all()))


def _studentised(
    means: Float[np.ndarray, "draws k"], own: Float[np.ndarray, "seeds k"]
) -> Float[np.ndarray, "draws k k"]:
    """Differences of means over their standard errors; 0 where two are the same."""
    centred = own - own.mean(0)
    products = centred.T @ centred
    power = np.diag(products)
    squares = power[:, None] + power[None] - 2 * products
    error = np.sqrt(np.maximum(squares, 0)) / len(own)
    gaps = means[:, :, None] - means[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(gaps == 0, 0, gaps / error)


def _critical(own: Float[np.ndarray, "seeds k"], confidence: float, seed: int) -> float:
    """What the largest studentised difference stays below if all means are equal."""
    rng, largest = np.random.default_rng(seed), []
    centred = own - own.mean(0)
    for _ in range(_DRAWS // _BLOCK):
        times = rng.multinomial(len(own), np.full(len(own), 1 / len(own)), _BLOCK)
        means = times @ centred / len(own)
        largest.append(_studentised(means, own).max((-1, -2)))
    return float(np.quantile(np.concatenate(largest), confidence))
