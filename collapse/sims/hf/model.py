"""The model of a condition, as the three functions of every model of the lab."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from collapse.core import streams
from collapse.core.types import Key, Model
from collapse.lab.hosted import compiled, untraced
from collapse.numerics import draws
from collapse.sims.hf import generation, network, scoring, training
from collapse.sims.hf.data import HfData, TokenRows
from collapse.sims.hf.fields import HfFields
from collapse.sims.hf.generation import Decoding
from collapse.sims.hf.network import Network, Weights

VALIDATION_ROWS = 64


class HfParams(NamedTuple):
    """A fine-tuned model.

    Attributes:
      weights: those that are trained, on the host.
    """

    weights: dict[str, Any]


class Design(NamedTuple):
    """What a condition's models have in common.

    Attributes:
      experiment: that asks for it.
      data: that it is run on.
      temperature: divides the logits in generation.
      repetition_penalty: of tokens that are there already.
    """

    experiment: HfFields
    data: HfData
    temperature: float
    repetition_penalty: float

    @property
    def network(self) -> Network:
        """The network, loaded when it is first asked for."""
        return network.of(self.experiment)

    @property
    def decoding(self) -> Decoding:
        """The settings with which text is generated."""
        e = self.experiment
        length = e.length if e.of_responses else 2 * e.block
        most = (e.new_tokens or length) if e.of_responses else e.block
        return Decoding(
            most,
            length,
            not e.of_responses,
            self.temperature,
            e.top_k,
            e.top_p,
            self.repetition_penalty,
            e.beams,
            e.generation_batch,
        )

    def continued(self, key: Key, weights: Weights, rows: TokenRows) -> TokenRows:
        """What a model generates behind the prompts of some rows; consumes the key.

        Of running text the whole row is the prompt, and what follows it is the new row;
        of responses the prompt is kept before the new one.
        """
        of_responses, decoding = self.experiment.of_responses, self.decoding
        tokens, first, end = (np.asarray(leaf) for leaf in rows)
        prompt_ends = first if of_responses else end
        prompts = [row[:stop] for row, stop in zip(tokens, prompt_ends, strict=True)]
        own = (self.network, weights, prompts, decoding, number(key))
        texts = generation.generate(*own)
        if not of_responses:
            return TokenRows(np.stack(texts), first, end)
        found = np.zeros_like(tokens)
        for row, prompt, text in zip(found, prompts, texts, strict=True):
            row[: len(prompt)] = prompt
            row[len(prompt) : len(prompt) + len(text)] = text
        size = first + np.array([len(text) for text in texts], np.int32)
        return TokenRows(found, first, size)

    def model(self, real: TokenRows) -> Model:
        """The model of a seed.

        Args:
          real: the seed's real rows, whose prompts it continues.
        """
        e, validation = self.experiment, self.data.validation
        some = TokenRows(*(leaf[:VALIDATION_ROWS] for leaf in validation))

        def validate(weights: Weights) -> float:
            own = (self.network, weights, some, e.generation_batch)
            return float(np.nanmean(scoring.losses(*own)))

        def init(key: Key, batch: TokenRows, weights: Array) -> HfParams:
            del key, batch, weights
            return HfParams(dict(self.network.base))

        def fit(
            key: Key, params: HfParams, batch: TokenRows, weights: Array
        ) -> tuple[HfParams, dict[str, Any]]:
            begin = params.weights if e.start == "previous" else self.network.base
            rows = TokenRows(*map(np.asarray, batch))
            own = (self.network, begin, rows, np.asarray(weights), e, number(key))
            found = training.train(*own, validate if e.keep == "best" else None)
            info = found._asdict()
            return HfParams(info.pop("weights")), _info(**info)

        def shapes_of_fit(key: Key, params: HfParams, *rest: Any) -> Any:
            del key, rest
            return jax.tree.map(_shape, (params, _info(0.0, 0, 0, 0)))

        def sample(key: Key, params: HfParams, num: int) -> TokenRows:
            positions = np.arange(num) % len(real.tokens)
            rows = TokenRows(*(np.asarray(leaf)[positions] for leaf in real))
            return TokenRows(
                *map(jnp.asarray, self.continued(key, params.weights, rows))
            )

        def shapes_of_sample(key: Key, params: HfParams, num: int) -> TokenRows:
            del key, params
            shapes = [(num, *leaf.shape[1:]) for leaf in real]
            return TokenRows(
                *(jax.ShapeDtypeStruct(shape, jnp.int32) for shape in shapes)
            )

        return Model(
            init, untraced(fit, shapes_of_fit), untraced(sample, shapes_of_sample)
        )


def real_rows(root: Key, rows: TokenRows, num: int) -> TokenRows:
    """The `num` real rows that all generations of a seed share; `root` is kept."""
    positions = _design(len(rows.tokens), num)(root)
    return TokenRows(*(leaf[positions] for leaf in rows))


def subset(key: Key, rows: TokenRows, num: int) -> TokenRows:
    """`num` different rows in random order; consumes the key."""
    positions = _order(len(rows.tokens), num)(key)
    return TokenRows(*(leaf[positions] for leaf in rows))


@functools.lru_cache(maxsize=8)
def _design(total: int, num: int) -> Callable[[Key], Int[Array, " num"]]:
    """A function from a seed's root key to the positions of its real rows, compiled."""

    def positions(root: Key) -> Int[Array, " num"]:
        key = streams.key(root, 0, streams.Purpose.DESIGN)
        return draws.shuffled(key, total, num)

    return compiled(positions)


@functools.lru_cache(maxsize=8)
def _order(total: int, num: int) -> Callable[[Key], Int[Array, " num"]]:
    return compiled(lambda key: draws.shuffled(key, total, num))


def number(key: Key) -> int:
    """The seed of torch that a key stands for, of 63 bits; consumes the key."""
    high, low = np.asarray(jax.random.key_data(key)).astype(np.uint64)
    return int(high << np.uint64(32) | low) & (2**63 - 1)


def _info(loss: float, steps: int, kept: int, tokens: int) -> dict[str, Any]:
    """The diagnostics of a training, of fixed types."""
    counts = {"steps": steps, "kept": kept, "tokens": tokens}
    return {"loss": jnp.float32(loss)} | {k: jnp.int32(v) for k, v in counts.items()}


def _shape(leaf: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(np.shape(leaf), leaf.dtype)
