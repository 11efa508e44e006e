"""Which of several settings has the lowest error, with a confidence set."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

_DRAWS = 1000  # bootstrap samples of the seeds
_BLOCK = 50  # bootstrap samples computed at a time


class Best(NamedTuple):
    """The best of several settings, and those that are not significantly worse.

    Attributes:
      best: index of the setting with the lowest mean.
      confidence_set: [settings], true for settings that are not significantly worse
        than any other; the truly best one is among them with the stated confidence.
      flat: whether the confidence set has every setting: the best cannot be determined.
    """

    best: int
    confidence_set: Bool[np.ndarray, " settings"]
    flat: bool


def best_setting(
    errors: Float[np.ndarray, "seeds settings"], confidence: float = 0.95, seed: int = 0
) -> Best:
    """The setting of the lowest mean error, and a confidence set of settings.

    Seeds are the independent units, and settings are compared within seeds. A setting
    is excluded if its mean difference to another one, divided by its standard error,
    exceeds a quantile of the largest such ratio of all pairs under the null hypothesis
    of equal means: the range statistic of a model confidence set (Hansen, Lunde & Nason
    2011, Econometrica 79:453), with its null law from a bootstrap over seeds.
    Deviation: no stepwise elimination. With two or three seeds no setting is excluded.

    Args:
      errors: of each seed in each setting; lower is better. A setting with an error
        that is not finite is never the best, and not in the confidence set.
      confidence: probability that the best setting is in the confidence set.
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
    confidence_set = np.zeros(errors.shape[1], bool)
    confidence_set[usable] = ~worse.any(-1)
    index = int(np.flatnonzero(usable)[np.argmin(means)])
    return Best(index, confidence_set, bool(confidence_set.all()))


def _compared(
    times: Float[np.ndarray, "draws seeds"], centred: Float[np.ndarray, "seeds k"]
) -> tuple[Float[np.ndarray, "draws k k"], Float[np.ndarray, "draws k k"]]:
    """Differences of means and their standard errors, with seeds counted `times`."""
    num, k = centred.shape
    means = times @ centred / num
    gaps = means[:, :, None] - means[:, None]
    squares = ((centred[:, :, None] - centred[:, None]) ** 2).reshape(num, k * k)
    second = (times @ squares / num).reshape(-1, k, k)
    return gaps, np.sqrt(np.maximum(second - gaps**2, 0) / (num - 1))


def _ratio(gaps: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Studentised differences; 0 where the means are equal."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(gaps == 0, 0, gaps / error)


def _critical(
    centred: Float[np.ndarray, "seeds k"], confidence: float, seed: int
) -> float:
    """Quantile of the largest studentised difference if all means are equal.

    Each bootstrap sample has its own standard errors, as the data do: with few seeds
    most large ratios come from small standard errors.
    """
    rng, largest, num = np.random.default_rng(seed), [], len(centred)
    for _ in range(_DRAWS // _BLOCK):
        times = rng.multinomial(num, np.full(num, 1 / num), _BLOCK)
        largest.append(_ratio(*_compared(times.astype(float), centred)).max((-1, -2)))
    # without interpolation, since a ratio may be infinite
    found = np.concatenate(largest)
    return float(np.quantile(found, confidence, method="higher"))
