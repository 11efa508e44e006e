"""A generator and a student in one model: the first writes rows, the second learns.

Generation 0 trains the generator on real documents; the next one trains the student,
which begins as a base model, on rows that the generator made. A generator that is the
real data makes the rows of the reference student.

References:
  Kim et al. (2024), AGORABENCH, arXiv 2412.03679: the three recipes of generation.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from collapse.core.types import Info, Key, Model, Weights
from collapse.models.language.architecture import NetworkConfig
from collapse.models.language.decoding import DecodingConfig
from collapse.models.language.documents import (
    Format,
    in_prompt,
    of_documents,
    training_loss,
    written,
)
from collapse.models.language.losses import cross_entropy_in_groups
from collapse.models.language.model import Blocks
from collapse.models.language.network import network
from collapse.models.language.training import TrainConfig, train
from collapse.numerics import draws, threefry

RECIPES = ("answer", "new", "improve")


class Learner(NamedTuple):
    """A network and how it is trained.

    Attributes:
      network: its architecture.
      training: how it is trained.
    """

    network: NetworkConfig
    training: TrainConfig


class Pair(NamedTuple):
    """Parameters of a generator and its student.

    Attributes:
      generator: weights of the network that writes; {} for the real data.
      student: weights of the network that learns what was written.
      trained: whether the generator is.
    """

    generator: dict
    student: dict
    trained: Bool[Array, ""]


class Material(NamedTuple):
    """What a generator has to work with.

    Attributes:
      corpus: [rows, block] real documents that it is trained on.
      given: [n, block] real documents, whose prompts are answered.
      poor: [n, block] documents with faults, which are improved.
      recipe: place of the recipe in `RECIPES`.
      temperature: of what it writes.
    """

    corpus: Int[Array, "rows block"]
    given: Int[Array, "n block"]
    poor: Int[Array, "n block"]
    recipe: Int[Array, ""]
    temperature: Float[Array, ""]


def teaching_model(
    generator: Learner | None,
    student: Learner,
    form: Format,
    base: dict,
    material: Material,
) -> Model:
    """The model of a generator and a student.

    `fit` trains the generator where it is not trained yet, and then the student, on the
    rows that it is given, each time from the base. `sample` gives the rows of a recipe:

    * answer: real prompts, answered by the generator.
    * new: prompts and answers of the generator's own.
    * improve: each poor document, or the generator's answer to its prompt where it
      finds that the likelier of the two, by their mean loss of a token.

    Info: loss and steps of what was trained.

    Args:
      generator: that writes; None for the real documents `given` themselves.
      student: that learns responses.
      form: how documents are written; `learned` is of no meaning.
      base: weights of the student before.
      material: of the generator.
    """
    fit_generator = _generator_fit(generator, form, material.corpus)
    responses = form._replace(learned="responses")
    loss = training_loss(student.network, responses, student.training.target_shift)

    def init(key: Key, batch: Blocks, weights: Weights) -> Pair:
        del batch, weights
        own = {} if generator is None else network(generator.network).init(key)
        return Pair(own, base, jnp.zeros((), bool))

    def fit(
        key: Key, params: Pair, batch: Blocks, weights: Weights
    ) -> tuple[Pair, Info]:
        def taught() -> tuple[Pair, Info]:
            end = train(key, base, batch.tokens, weights, loss, student.training)
            info = {"loss": end.loss, "steps": end.steps}
            return params._replace(student=end.weights), info

        return lax.cond(params.trained, taught, lambda: fit_generator(key, params))

    def sample(key: Key, params: Pair, num: int) -> Blocks:
        order_key, key = threefry.split(key)
        # in random order: the first k are a sample of k
        order = draws.shuffled(order_key, num, num) % len(material.given)
        own = material._replace(given=material.given[order], poor=material.poor[order])
        if generator is None:
            return Blocks(own.given)
        return Blocks(_rows(key, generator.network, form, params.generator, own))

    return Model(init, fit, sample)


def _generator_fit(
    generator: Learner | None, form: Format, corpus: Int[Array, "rows block"]
) -> Callable[[Key, Pair], tuple[Pair, Info]]:
    """A function that trains the generator on whole real documents."""

    def fit(key: Key, params: Pair) -> tuple[Pair, Info]:
        made = params._replace(trained=jnp.ones((), bool))
        if generator is None:
            return made, {"loss": jnp.float32(0), "steps": jnp.int32(0)}
        whole, training = form._replace(learned="documents"), generator.training
        loss = training_loss(generator.network, whole, training.target_shift)
        own = (params.generator, corpus, jnp.ones(len(corpus)), loss)
        end = train(key, *own, training)
        info = {"loss": end.loss, "steps": end.steps}
        return made._replace(generator=end.weights), info

    return fit


def _rows(
    key: Key, config: NetworkConfig, form: Format, weights: dict, material: Material
) -> Int[Array, "n block"]:
    """The rows that a generator makes; consumes the key."""
    net = network(config)
    is_new, improves = (material.recipe == RECIPES.index(x) for x in ("new", "improve"))
    prompts = jnp.where(improves, material.poor, material.given)
    read = jnp.where(in_prompt(prompts, form) & ~is_new, prompts, -1).astype(jnp.int32)
    own = (config, form, DecodingConfig(material.temperature))
    made = written(key, net, weights, read, len(prompts), *own)
    responses = form._replace(learned="responses")
    poor, own_loss = (
        of_documents(cross_entropy_in_groups(net, weights, rows), rows, responses)
        for rows in (material.poor, made)
    )
    keeps = improves & (poor <= own_loss)
    return jnp.where(keeps[:, None], material.poor, made)
