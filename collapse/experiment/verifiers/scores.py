"""Scores of generated rows by operator, and what they are made from."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core.curation.discriminator import Training
from collapse.core.curation.discriminator_filter import odds_of
from collapse.core.curation.ranking import Score
from collapse.core.types import Batch, Key, Params
from collapse.experiment.row_truth import Knowledge
from collapse.numerics import draws, threefry


class CuratorNumbers(NamedTuple):
    """The numbers of a verifier, scalars that may be traced.

    Attributes:
      reach: radius of a ball in standard deviations.
      share: of the candidates that is kept.
      bias: of what the verifier holds to be true, in standard deviations.
      noise: of decisions the share that is wrong, of scores half the share of rows
        that are judged at random; at most 1/2.
      number: the operator's own.
      random: 1 for the random control, else 0.
    """

    reach: Float[Array, ""]
    share: Float[Array, ""]
    bias: Float[Array, ""]
    noise: Float[Array, ""]
    number: Float[Array, ""]
    random: Float[Array, ""]


class Setting(NamedTuple):
    """What an operator is made from.

    Attributes:
      known: of one seed's truth.
      numbers: those of the verifier.
      candidates: rows generated for each row that can be kept.
      truth: (key, num) -> real rows.
    """

    known: Knowledge
    numbers: CuratorNumbers
    candidates: int
    truth: Callable[[Key, int], Batch]


class Scored(NamedTuple):
    """A score of rows, and what it sees beside them.

    Attributes:
      score: (batch, reference) -> [rows], larger is better.
      context: as in `Curator`; None for the problem's reference rows.
    """

    score: Score
    context: Callable[[Params, Any], Any] | None = None


def muddled(
    key: Key, values: Float[Array, " rows"], noise: Float[Array, ""]
) -> Float[Array, " rows"]:
    """Values of which a share 2 * noise is replaced by those of rows at random.

    At noise 1/2 no value has to do with its row any more. Consumes the key.
    """
    coin_key, order_key = threefry.split(key)
    order = jnp.argsort(draws.uniform(order_key, values.shape))
    unit = draws.uniform(coin_key, values.shape)
    return jnp.where(unit < 2 * noise.astype(unit.dtype), values[order], values)


def training(setting: Setting) -> Training:
    """How the discriminator of an operator is trained."""
    assert setting.known.features is not None
    return Training(setting.known.features)


def believed(setting: Setting) -> Scored:
    """By what the verifier holds to be true."""

    def score(batch: Batch, reference: Any) -> Float[Array, " rows"]:
        del reference
        assert setting.known.score is not None
        return setting.known.score(batch, setting.numbers.bias)

    return Scored(score)


def realistic(setting: Setting) -> Scored:
    """By a discriminator of generated rows and of those that the judge knows."""
    return Scored(odds_of(training(setting), None))


def true_ratio(setting: Setting) -> Scored:
    """By the density of the truth over that of the model."""
    known = setting.known
    assert known.log_truth is not None and known.log_model is not None
    log_truth, log_model = known.log_truth, known.log_model

    def score(batch: Batch, params: Params) -> Float[Array, " rows"]:
        return log_truth(batch) - log_model(params, batch)

    return Scored(score, _params)


def confident(setting: Setting) -> Scored:
    """By the density of the model itself."""
    log_model = setting.known.log_model
    assert log_model is not None

    def score(batch: Batch, params: Params) -> Float[Array, " rows"]:
        return log_model(params, batch)

    return Scored(score, _params)


def _params(params: Params, reference: Any) -> Params:
    del reference
    return params


# operators that keep the rows of the largest scores; `operators.RANKED` has their names
SCORES: dict[str, Callable[[Setting], Scored]] = {
    "top_share": believed,
    "realistic": realistic,
    "confident": confident,
}
