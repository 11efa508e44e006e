"""What the tests of language models share: networks of a few hundred weights."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from collapse.models.language.architecture import NetworkConfig, Size
from collapse.models.language.network import network

V, BLOCK = 5, 8
TINY = NetworkConfig(V, BLOCK, Size(2, 8, 2))
BOS = V  # the BOS token
LEARNED = TINY._replace(positions="learned")
KEY = jax.random.key(0)
UNTIED = TINY._replace(tied=False)
ALL_SAVED = {"embedding": "repeated", "attention": "permuted", "mlp": "shared"}
SAVINGS = {  # one part that saves weights, and all of them
    "repeated": UNTIED._replace(embedding="repeated"),
    "permuted": TINY._replace(attention="permuted"),
    "shared": TINY._replace(mlp="shared"),
    "groups": TINY._replace(layer_groups=1),
    "all": UNTIED._replace(**ALL_SAVED, layer_groups=1),
    "all learned": UNTIED._replace(**ALL_SAVED, layer_groups=1, positions="learned"),
}


@functools.cache
def net_of(config=TINY):
    """A compiled network, and weights so large that it prefers some characters."""
    net = network(config)
    net = net._replace(apply=jax.jit(net.apply), extend=jax.jit(net.extend))
    with jax.ensure_compile_time_eval():  # what is kept must not belong to a trace
        weights = jax.jit(net.init)(jax.random.fold_in(KEY, 1))
        return net, jax.tree.map(lambda leaf: 3 * leaf, weights)


def rows_of(num, length=BLOCK, size=V, seed=0):
    """Random tokens [num, length]."""
    key = jax.random.fold_in(KEY, 100 + seed)
    return jax.random.randint(key, (num, length), 0, size, jnp.int32)


def with_bos(rows):
    """Sequences after a BOS token, without their last token."""
    return jnp.pad(rows[:, :-1], ((0, 0), (1, 0)), constant_values=BOS)


def assert_causal(net, weights, tokens):
    """Fail if a later token changes an earlier logit, of any network."""
    apply = jax.jit(net.apply)
    before = np.asarray(apply(weights, tokens))
    for at in range(1, tokens.shape[1]):
        changed = tokens.at[:, at].set((tokens[:, at] + 1) % V)
        after = np.asarray(apply(weights, changed))
        np.testing.assert_array_equal(after[:, :at], before[:, :at])
        assert (after[:, at] != before[:, at]).any(), "it reads no token"
