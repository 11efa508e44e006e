"""Losses of a network on sequences: cross-entropy of each token that is predicted."""

import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int

from collapse.core.types import Key
from collapse.models.language.groups import in_groups
from collapse.models.language.network import Network
from collapse.models.language.parallel import Piece

_EVALUATION_BATCH = 64


def cross_entropy(
    net: Network,
    weights: dict,
    rows: Int[Array, "rows block"],
    without_bos: Bool[Array, " rows"] | None = None,
    dropout_key: Key | None = None,
    piece: Piece | None = None,
    shift: int = 1,
) -> Float[Array, "rows block"]:
    """Loss of each character given those before it in its sequence, in nats.

    Entry t is that of the character which the network predicts once it has read the
    BOS token and t characters: the next one, or with `shift` 2 the one behind it, of
    which the last entry is 0. The trainer released with SLlama (EMNLP 2025, main.1198)
    shifts targets twice and so learns the latter. Only training may ask for it: what is
    measured and generated takes a prediction for that of the next character.

    Args:
      net: the network's functions.
      weights: its weights.
      rows: [rows, block] tokens, without BOS token.
      without_bos: [rows], sequences to which no BOS token is added; their first
        character is not predicted, and the last entry of their loss is 0, too. None for
        a BOS token everywhere.
      dropout_key: consumed; None for no dropout.
      piece: of a microbatch that the rows are, for dropout; None for all of it.
      shift: how far ahead the predicted character is: 1 for the next.
    """
    bos = weights["embed"]["embedding"].shape[0] - 1
    inputs = jnp.pad(rows[:, :-1], ((0, 0), (1, 0)), constant_values=bos)
    labels = _later(rows, shift - 1)
    missing: int | Array = shift - 1  # last positions, whose character is not there
    if without_bos is not None:
        inputs = jnp.where(without_bos[:, None], rows, inputs)
        labels = jnp.where(without_bos[:, None], _later(rows, shift), labels)
        missing = jnp.where(without_bos[:, None], shift, shift - 1)
    logits = net.apply(weights, inputs, dropout_key, piece)
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    if without_bos is None and shift == 1:
        return losses
    at = jnp.arange(rows.shape[1])[None]
    return jnp.where(at < rows.shape[1] - missing, losses, 0)


def cross_entropy_in_groups(
    net: Network,
    weights: dict,
    rows: Int[Array, "rows block"],
    devices: int = 1,
    shift: int = 1,
) -> Float[Array, "rows block"]:
    """`cross_entropy` of many sequences, a few at a time to save memory."""

    def group(rows: Array) -> Array:
        return cross_entropy(net, weights, rows, shift=shift)

    return in_groups(group, _EVALUATION_BATCH, rows, devices=devices)


def predicting(
    losses: Float[Array, "rows block"], shift: int
) -> Float[Array, "rows predicting"]:
    """Losses of the positions whose character is in the sequence, with a BOS token."""
    return losses[:, : losses.shape[1] - shift + 1]


def _later(rows: Int[Array, "rows block"], by: int) -> Int[Array, "rows block"]:
    """Each character's successor, `by` positions later; 0 behind the end."""
    return jnp.pad(rows[:, by:], ((0, 0), (0, by)))
