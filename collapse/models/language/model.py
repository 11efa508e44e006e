"""A language model over characters: a transformer that reads rows of text and writes.

A row is a block of consecutive characters behind an opening mark. Models write from the
mark on (unconditional), or go on where blocks of real text end, as in Shumailov et al.
2024 (doi 10.1038/s41586-024-07566-y), whose synthetic text so is as long as the real.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from collapse.core.types import Info, Key, Metric, Model, Weights
from collapse.models.language.decoding import Rules, write
from collapse.models.language.network import Config, Network, network
from collapse.models.language.training import Recipe, train
from collapse.numerics import draws, threefry

# rows that are written, or read, at a time: more leave the processor's caches
WRITTEN_TOGETHER = 128
_READ_TOGETHER = 64
_BEAMS_COST = 3  # times the cache of sampling, for a beam: it moves from row to row
_UNMARKED = 0.5  # share of rows without a mark, where texts go on beyond a block
BITS = 1.4426950408889634  # in a nat


class Blocks(NamedTuple):
    """Rows of text.

    Attributes:
      tokens: [rows, block], places in the vocabulary.
    """

    tokens: Int[Array, "rows block"]


class LanguageParams(NamedTuple):
    """A language model.

    Attributes:
      weights: of the network.
      first: those of generation 0, a witness of what later generations write.
      fitted: whether there was a generation 0 yet.
    """

    weights: dict
    first: dict
    fitted: Bool[Array, ""]


def language_model(
    config: Config,
    recipe: Recipe = Recipe(),  # noqa: B008 - immutable
    rules: Rules = Rules(),  # noqa: B008
    *,
    start: Literal["scratch", "previous"] = "scratch",
    pretrained: dict | None = None,
    prompts: Int[Array, "num block"] | None = None,
    validation: Int[Array, "held block"] | None = None,
) -> Model:
    """A transformer trained on blocks of text.

    Args:
      config: the network.
      recipe: how it is trained.
      rules: how it writes.
      start: weights a fit begins with: new ones, or those of the generation before.
      pretrained: weights to begin with instead of new ones.
      prompts: blocks that the rows of a generation go on from, in this order, over and
        over; None to write from the opening mark.
      validation: blocks that choose the best weights, if the recipe keeps the best.

    Returns:
      A model whose info is `loss` (nats a character at the end of training), `steps`
      and `kept` (the step whose weights were kept).

    Raises:
      ValueError: for prompts with learned positions, which end with a block, and for
        beam search without prompts, which would write one text for all rows.
    """
    if prompts is not None and config.positions == "learned":
        raise ValueError(
            "prompts need positions = rotary: learned ones end with a block"
        )
    if prompts is None and rules.beams > 1:
        raise ValueError("beams need prompts: from the mark all rows would be alike")
    net = network(config)

    def loss(weights: dict, rows: Array, key: Key) -> Float[Array, ""]:
        goes_on = prompts is not None
        return _training_loss(net, bool(config.dropout), goes_on, weights, rows, key)

    def validate(weights: dict) -> Float[Array, ""]:
        assert validation is not None
        return jnp.mean(nats_in_groups(net, weights, validation))

    def init(key: Key, batch: Blocks, weights: Weights) -> LanguageParams:
        del batch, weights
        begin = pretrained
        if begin is None and start == "previous":
            begin = net.init(key)
        if begin is None:  # each fit makes its own: here only shapes matter
            shapes = jax.eval_shape(net.init, key)
            begin = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
        return LanguageParams(begin, begin, jnp.array(False))

    def fit(
        key: Key, params: LanguageParams, batch: Blocks, weights: Weights
    ) -> tuple[LanguageParams, Info]:
        init_key, key = threefry.split(key)
        begin = params.weights
        if start == "scratch":
            begin = net.init(init_key) if pretrained is None else pretrained
        check = None if validation is None else validate
        end = train(key, begin, batch.tokens, weights, loss, recipe, check)
        first = jax.tree.map(
            lambda old, new: jnp.where(params.fitted, old, new),
            *(params.first, end.weights),
        )
        info = {"loss": end.loss, "steps": end.steps, "kept": end.kept}
        return LanguageParams(end.weights, first, jnp.array(True)), info

    def sample(key: Key, params: LanguageParams, num: int) -> Blocks:
        if prompts is None:
            begin = jnp.full((num, 1), config.vocabulary, jnp.int32)
        else:
            begin = prompts[jnp.arange(num) % prompts.shape[0]]

        def group(key: Key, begin: Array) -> Array:
            return write(key, net, params.weights, begin, config.block, rules)

        rows = rules.beams * (_BEAMS_COST if rules.beams > 1 else 1)
        return Blocks(_in_groups(group, max(1, WRITTEN_TOGETHER // rows), begin, key))

    return Model(init, fit, sample)


def _training_loss(
    net: Network, drops: bool, goes_on: bool, weights: dict, rows: Array, key: Key
) -> Float[Array, ""]:
    """Mean loss of a minibatch; half its rows are unmarked where texts go on."""
    mark_key, dropout_key = threefry.split(key)
    drop = dropout_key if drops else None
    if not goes_on:
        return jnp.mean(nats(net, weights, rows, None, drop))
    unmarked = draws.uniform(mark_key, (rows.shape[0],)) < _UNMARKED
    found = nats(net, weights, rows, unmarked, drop)
    return jnp.sum(found) / (rows.size - jnp.sum(unmarked)).astype(found.dtype)


def nats(
    net: Network,
    weights: dict,
    rows: Int[Array, "rows block"],
    unmarked: Bool[Array, " rows"] | None = None,
    dropout_key: Key | None = None,
) -> Float[Array, "rows block"]:
    """Loss of each character given those before it in its row, in nats.

    Args:
      unmarked: rows that begin without the opening mark; their first character is not
        predicted, and its loss is 0.
    """
    size = weights["embed"]["embedding"].shape[0] - 1
    ahead = jnp.pad(rows[:, :-1], ((0, 0), (1, 0)), constant_values=size)
    if unmarked is None:
        logits = net.apply(weights, ahead, dropout_key)
        return optax.softmax_cross_entropy_with_integer_labels(logits, rows)
    shifted = jnp.pad(rows[:, 1:], ((0, 0), (0, 1)))
    read = jnp.where(unmarked[:, None], rows, ahead)
    asked = jnp.where(unmarked[:, None], shifted, rows)
    logits = net.apply(weights, read, dropout_key)
    found = optax.softmax_cross_entropy_with_integer_labels(logits, asked)
    last = jnp.arange(rows.shape[1]) == rows.shape[1] - 1
    return jnp.where(unmarked[:, None] & last[None], 0, found)


def nats_in_groups(
    net: Network, weights: dict, rows: Int[Array, "rows block"]
) -> Float[Array, "rows block"]:
    """`nats` of many rows in the memory of a few."""
    return _in_groups(lambda own: nats(net, weights, own), _READ_TOGETHER, rows)


def bits_per_character(net: Network, rows: Int[Array, "rows block"]) -> Metric:
    """Mean loss on blocks of text that no generation is trained on, in bits."""
    return lambda key, params: (
        BITS * jnp.mean(nats_in_groups(net, params.weights, rows))
    )


def _in_groups(
    function: Callable[..., Array], size: int, rows: Array, key: Key | None = None
) -> Array:
    """`function` of `size` rows at a time, one after the other, with a key for each."""
    num = rows.shape[0]
    size = min(size, num)
    count = -(-num // size)
    rows = jnp.concatenate([rows, rows[: count * size - num]])
    groups = rows.reshape(count, size, *rows.shape[1:])

    def one(which: Array) -> Any:
        own = groups[which]
        if key is None:
            return function(own)
        return function(threefry.fold_in(key, which), own)

    found = lax.map(one, jnp.arange(count, dtype=jnp.int32))
    return found.reshape(count * size, *found.shape[2:])[:num]
