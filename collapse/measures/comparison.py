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
    by a bootstrap over seeds, without their stepwise elimination. With two or three
    seeds every setting is kept.

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
    centred = own - means
    _, error = _compared(np.ones((1, len(own))), centred)
    worse = _ratio(means[:, None] - means, error[0]) > _critical(
        centred, confidence, seed
    )
    region = np.zeros(errors.shape[1], bool)
    region[usable] = ~worse.any(-1)
    place = int(np.flatnonzero(usable)[np.argmin(means)])
    return Best(place, region, bool(region.all()))


def _compared(
    times: Float[np.ndarray, "draws seeds"], centred: Float[np.ndarray, "seeds k"]
) -> tuple[Float[np.ndarray, "draws k k"], Float[np.ndarray, "draws k k"]]:
    """Differences of means, and their standard errors, if seeds come so many times."""
    num, k = centred.shape
    means = times @ centred / num
    gaps = means[:, :, None] - means[:, None]
    squares = ((centred[:, :, None] - centred[:, None]) ** 2).reshape(num, k * k)
    second = (times @ squares / num).reshape(-1, k, k)
    return gaps, np.sqrt(np.maximum(second - gaps**2, 0) / (num - 1))


def _ratio(gaps: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Studentised differences; 0 where two are the same."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(gaps == 0, 0, gaps / error)


def _critical(
    centred: Float[np.ndarray, "seeds k"], confidence: float, seed: int
) -> float:
    """What the largest studentised difference stays below if all means are equal.

    Each draw has standard errors of its own, as the data have: with few seeds that is
    most of what makes large ratios.
    """
    rng, largest, num = np.random.default_rng(seed), [], len(centred)
    for _ in range(_DRAWS // _BLOCK):
        times = rng.multinomial(num, np.full(num, 1 / num), _BLOCK)
        largest.append(_ratio(*_compared(times.astype(float), centred)).max((-1, -2)))
    # of the draws themselves: one may be infinite
    found = np.concatenate(largest)
    return float(np.quantile(found, confidence, method="higher"))
