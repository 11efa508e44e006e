"""The curator of an operator, made from what is known of rows and from numbers."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core.curation.correction import Correct, corrected, replaced, towards
from collapse.core.curation.covariance import matched
from collapse.core.curation.discriminator import Training
from collapse.core.curation.discriminator_filter import odds_of
from collapse.core.curation.discriminator_weights import by_discriminator
from collapse.core.curation.duplicates import is_first
from collapse.core.curation.farthest import far_apart
from collapse.core.curation.importance import density_ratio
from collapse.core.curation.keeping import ones
from collapse.core.curation.labels import verify_labels
from collapse.core.curation.preference import winners
from collapse.core.curation.ranking import Score, largest
from collapse.core.curation.verifier import decide
from collapse.core.types import Batch, Curator, Key, Params, Weights
from collapse.experiment.row_truth import Knowledge
from collapse.numerics import draws, threefry
from collapse.sims.verification.operators import OperatorSpec

Choose = Callable[[Key, Float[Array, " rows"]], Weights]


class CuratorNumbers(NamedTuple):
    """The numbers of a verifier, scalars that may be traced.

    Attributes:
      reach: radius of a ball in standard deviations.
      share: of the candidates that is kept.
      bias: of what the verifier holds to be true, in standard deviations.
      noise: share of its decisions that are wrong, at most 1/2.
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


def curator_of(spec: OperatorSpec, setting: Setting) -> Curator:
    """The curator that an operator names, or the random control of it."""
    makers = _ORACLES if is_own_program(spec) else _MAKERS
    return randomised(makers[spec.name](setting), setting.numbers.random)


def is_own_program(spec: OperatorSpec) -> bool:
    """Whether it is an oracle that differs from its operator in more than numbers."""
    return spec.kind == "oracle" and spec.name in _ORACLES


def randomised(curator: Curator, random: Float[Array, ""]) -> Curator:
    """The curator, or `shuffled` of it where `random` is 1: one program for both.

    Draw by draw the same as `shuffled` then: as many rows are kept of the same
    candidates, with the same weights, given to rows in random order.
    """

    def weigh(key: Key, batch: Batch, reference: object) -> Weights:
        own, order_key = threefry.split(key)
        weights = curator.weigh(own, batch, reference)
        order = jnp.argsort(draws.uniform(order_key, weights.shape))
        index = jnp.arange(weights.shape[0], dtype=order.dtype)
        return weights[jnp.where(random > 0.5, order, index)]

    return curator._replace(weigh=weigh)


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


def _none(setting: Setting) -> Curator:
    return Curator(
        setting.candidates, lambda key, batch, reference: ones(key, batch, reference)
    )


def _ball(setting: Setting) -> Curator:
    known, own = setting.known, setting.numbers

    def weigh(key: Key, batch: Batch, reference: object) -> Weights:
        del reference
        assert known.score is not None
        return decide(key, known.score(batch, own.bias) >= -own.reach, own.noise)

    return Curator(setting.candidates, weigh)


def _labels(setting: Setting) -> Curator:
    known, own = setting.known, setting.numbers

    def right(batch: Batch, reference: object) -> Any:
        del reference
        assert known.right is not None
        return known.right(batch, own.bias)

    return verify_labels(right, 1 - own.noise, own.noise, setting.candidates)


def _believed(setting: Setting) -> Score:
    """The score of rows by what the verifier holds to be true."""

    def score(batch: Batch, reference: Any) -> Float[Array, " rows"]:
        del reference
        assert setting.known.score is not None
        return setting.known.score(batch, setting.numbers.bias)

    return score


def _by_score(setting: Setting, score: Score, choose: Choose | None = None) -> Curator:
    """The curator that chooses by noisy scores: without a choice, the largest ones."""
    own = setting.numbers

    def top(key: Key, scores: Float[Array, " rows"]) -> Weights:
        del key
        return largest(scores, own.share)

    def weigh(key: Key, batch: Batch, reference: object) -> Weights:
        choose_key, noise_key = threefry.split(key)
        scores = muddled(noise_key, score(batch, reference), own.noise)
        return (choose or top)(choose_key, scores)

    return Curator(setting.candidates, weigh)


def _best_of(setting: Setting) -> Curator:
    def choose(key: Key, scores: Float[Array, " rows"]) -> Weights:
        won = winners(key, scores, setting.candidates, 1.0)
        return won.astype(jnp.result_type(float))

    return _by_score(setting, _believed(setting), choose)


def _top_share(setting: Setting) -> Curator:
    return _by_score(setting, _believed(setting))


def _training(setting: Setting) -> Training:
    assert setting.known.features is not None
    return Training(setting.known.features)


def _realistic(setting: Setting) -> Curator:
    return _by_score(setting, odds_of(_training(setting), None))


def _realistic_oracle(setting: Setting) -> Curator:
    known = setting.known
    assert known.log_truth is not None and known.log_model is not None
    log_truth, log_model = known.log_truth, known.log_model

    def score(batch: Batch, params: Params) -> Float[Array, " rows"]:
        return log_truth(batch) - log_model(params, batch)

    return _by_score(setting, score)._replace(context=_params)


def _confident(setting: Setting) -> Curator:
    log_model = setting.known.log_model
    assert log_model is not None

    def score(batch: Batch, params: Params) -> Float[Array, " rows"]:
        return log_model(params, batch)

    return _by_score(setting, score)._replace(context=_params)


def _muddled_weights(setting: Setting, curator: Curator) -> Curator:
    """The curator whose weights are given to the wrong rows now and then."""
    noise = setting.numbers.noise

    def weigh(key: Key, batch: Batch, reference: object) -> Weights:
        own, noise_key = threefry.split(key)
        return muddled(noise_key, curator.weigh(own, batch, reference), noise)

    return curator._replace(weigh=weigh)


def _importance(setting: Setting) -> Curator:
    own = by_discriminator(
        setting.numbers.number,
        training=_training(setting),
        candidates=setting.candidates,
    )
    return _muddled_weights(setting, own)


def _importance_oracle(setting: Setting) -> Curator:
    known = setting.known
    assert known.log_truth is not None and known.log_model is not None
    log_truth = known.log_truth
    return density_ratio(
        lambda batch, reference: log_truth(batch),
        known.log_model,
        setting.numbers.number,
        candidates=setting.candidates,
    )


def _correct(setting: Setting) -> Curator:
    known, own = setting.known, setting.numbers

    def project(batch: Batch, reference: Any) -> Batch:
        assert known.project is not None
        return known.project(batch, reference, own.bias)

    return _with_correction(setting, towards(project, own.number))


def _correct_oracle(setting: Setting) -> Curator:
    def truth(key: Key, num: int, reference: Any) -> Batch:
        del reference
        return setting.truth(key, num)

    return _with_correction(setting, replaced(truth, setting.numbers.number))


def _with_correction(setting: Setting, correct: Correct) -> Curator:
    return corrected(correct, _none(setting))


def _of_points(
    choose: Callable[[Any, Any, CuratorNumbers], Array],
) -> Callable[[Setting], Curator]:
    """A maker of curators that look at points, reference rows and numbers alone."""

    def make(setting: Setting) -> Curator:
        points = setting.known.points
        assert points is not None
        own = setting.numbers

        def weigh(key: Key, batch: Batch, reference: object) -> Weights:
            del key
            kept = choose(points(batch), reference, own)
            return kept.astype(jnp.result_type(float))

        return _muddled_weights(setting, Curator(setting.candidates, weigh))

    return make


def _params(params: Params, reference: Any) -> Params:
    del reference
    return params


_MAKERS: dict[str, Callable[[Setting], Curator]] = {
    "none": _none,
    "ball": _ball,
    "labels": _labels,
    "best_of": _best_of,
    "top_share": _top_share,
    "realistic": _realistic,
    "importance": _importance,
    "confident": _confident,
    "correct": _correct,
    "deduplicate": _of_points(lambda points, _, own: is_first(points, own.number)),
    "spread": _of_points(lambda points, _, own: far_apart(points, own.share)),
    "covariance": _of_points(
        lambda points, real, own: matched(points, real, own.share)
    ),
}
_ORACLES: dict[str, Callable[[Setting], Curator]] = {
    "realistic": _realistic_oracle,
    "importance": _importance_oracle,
    "correct": _correct_oracle,
}
