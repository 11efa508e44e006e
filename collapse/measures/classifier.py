"""A small classifier of images, trained once on real ones, through which metrics look.

It is the same for all seeds and generations: what it says of generated images is
compared with what it says of real ones, so that its own errors cancel to first order.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import Array, Float, Int

from collapse.core.types import Key
from collapse.numerics import threefry
from collapse.numerics.minibatches import order

FEATURES, STEPS, BATCH = 32, 1500, 64
_RATE, _DECAY = 3e-3, 1e-3


class Classifier(NamedTuple):
    """A network with one hidden layer, whose activations are features.

    Attributes:
      first: [d, features] and its offsets [features].
      second: [features, classes] and its offsets [classes].
    """

    first: tuple[Float[Array, "d f"], Float[Array, " f"]]
    second: tuple[Float[Array, "f c"], Float[Array, " c"]]


def features(classifier: Classifier, images: Float[Array, "m d"]) -> Array:
    """Activations of the hidden layer [m, features], in (-1, 1)."""
    weights, offset = classifier.first
    return jnp.tanh(images @ weights + offset[None])


def classes(classifier: Classifier, images: Float[Array, "m d"]) -> Int[Array, " m"]:
    """The most likely class of each image [m]."""
    weights, offset = classifier.second
    logits = features(classifier, images) @ weights + offset[None]
    return jnp.argmax(logits, axis=1).astype(jnp.int32)


def shares(
    classifier: Classifier, images: Float[Array, "m d"]
) -> Float[Array, " classes"]:
    """Share of the images that are put into each class [classes]."""
    num = classifier.second[1].size
    found = classes(classifier, images)
    return jnp.mean(jax.nn.one_hot(found, num, dtype=images.dtype), axis=0)


@jax.jit
def train(
    key: Key, images: Float[Array, "rows d"], labels: Float[Array, "rows classes"]
) -> Classifier:
    """A classifier of these images; consumes the key.

    AdamW for a fixed number of steps, with weight decay against memorising.

    Args:
      labels: [rows, classes], 1 for the class of each image.
    """
    first_key, second_key, order_key = (
        threefry.fold_in(key, jnp.uint32(i)) for i in range(3)
    )
    init, dtype = jax.nn.initializers.lecun_normal(), images.dtype
    num = labels.shape[1]
    start = Classifier(
        (
            init(first_key, (images.shape[1], FEATURES), dtype),
            jnp.zeros(FEATURES, dtype),
        ),
        (init(second_key, (FEATURES, num), dtype), jnp.zeros(num, dtype)),
    )
    uses = STEPS * BATCH
    ones = jnp.ones(len(images), dtype)
    used = order(order_key, ones, jnp.int32(uses), uses).reshape(STEPS, BATCH)
    optimiser = optax.adamw(
        optax.cosine_decay_schedule(_RATE, STEPS), weight_decay=_DECAY
    )

    def loss(classifier: Classifier, batch: Array) -> Array:
        weights, offset = classifier.second
        logits = features(classifier, images[batch]) @ weights + offset[None]
        return jnp.mean(optax.softmax_cross_entropy(logits, labels[batch]))

    def step(carry, batch: Array):
        classifier, state = carry
        updates, state = optimiser.update(
            jax.grad(loss)(classifier, batch), state, classifier
        )
        return (optax.apply_updates(classifier, updates), state), None

    found, _ = lax.scan(step, (start, optimiser.init(start)), used)
    return found[0]
