"""The curator of an operator, made from what is known of rows and from numbers."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core.curation.correction import Correct, corrected, replaced, towards
from collapse.core.curation.covariance import matched
from collapse.core.curation.discriminator_weights import by_discriminator
from collapse.core.curation.duplicates import is_first
from collapse.core.curation.farthest import far_apart
from collapse.core.curation.importance import density_ratio
from collapse.core.curation.keeping import ones
from collapse.core.curation.labels import verify_labels
from collapse.core.curation.preference import winners
from collapse.core.curation.ranking import largest
from collapse.core.curation.verifier import decide
from collapse.core.types import Batch, Curator, Key, Weights
from collapse.experiment.verifiers.operators import OperatorSpec
from collapse.experiment.verifiers.scores import (
    SCORES,
    CuratorNumbers,
    Scored,
    Setting,
    believed,
    muddled,
    training,
    true_ratio,
)
from collapse.numerics import draws, threefry


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


def _by_score(
    scores: Callable[[Setting], Scored],
    choose: Callable[[Setting, Key, Array], Weights] | None = None,
) -> Callable[[Setting], Curator]:
    """A maker of curators that choose by noisy scores; the largest if not said how."""

    def make(setting: Setting) -> Curator:
        own, (score, context) = setting.numbers, scores(setting)

        def noisy(key: Key, batch: Batch, reference: object) -> Array:
            return muddled(key, score(batch, reference), own.noise)

        def weigh(key: Key, batch: Batch, reference: object) -> Weights:
            choose_key, noise_key = threefry.split(key)
            found = noisy(noise_key, batch, reference)
            if choose is None:
                return largest(found, own.share)
            return choose(setting, choose_key, found)

        return Curator(setting.candidates, weigh, context=context)

    return make


def _winners(setting: Setting, key: Key, scores: Array) -> Weights:
    """Weights of 1 for one row of each group of candidates, the better the likelier."""
    won = winners(key, scores, setting.candidates, 1.0)
    return won.astype(jnp.result_type(float))


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
        training=training(setting),
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


_MAKERS: dict[str, Callable[[Setting], Curator]] = {
    **{name: _by_score(score) for name, score in SCORES.items()},
    "none": _none,
    "ball": _ball,
    "labels": _labels,
    "best_of": _by_score(believed, _winners),
    "importance": _importance,
    "correct": _correct,
    "deduplicate": _of_points(lambda points, _, own: is_first(points, own.number)),
    "spread": _of_points(lambda points, _, own: far_apart(points, own.share)),
    "covariance": _of_points(
        lambda points, real, own: matched(points, real, own.share)
    ),
}
_ORACLES: dict[str, Callable[[Setting], Curator]] = {
    "realistic": _by_score(true_ratio),
    "importance": _importance_oracle,
    "correct": _correct_oracle,
}
