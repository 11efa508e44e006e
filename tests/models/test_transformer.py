"""The network: no look ahead, one result with and without a cache, its size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from language_cases import BLOCK, KEY, LEARNED, TINY, V, net_of, rows_of

from collapse.models.language.architecture import SIZES, NetworkConfig, Size
from collapse.models.language.network import network, num_parameters

CONFIGS = pytest.mark.parametrize(
    "config",
    [TINY, LEARNED, TINY._replace(tied=False), TINY._replace(activation="gelu")],
    ids=["rotary", "learned", "untied", "gelu"],
)


@CONFIGS
def test_a_prediction_depends_on_earlier_positions_only(config):
    """By the gradient of every logit to the embedding at each position."""
    net, weights = net_of(config)
    tokens = jnp.arange(BLOCK, dtype=jnp.int32)[None] % 2 + 1
    # one row of the table for each position, and as many logits
    wide = network(config._replace(vocabulary=BLOCK, tied=False))
    weights = wide.init(KEY)
    positions = jnp.arange(BLOCK, dtype=jnp.int32)[None]

    def predictions(table):
        own = {**weights, "embed": {"embedding": table}}
        return wide.apply(own, positions)[0]

    gradient = jax.jacobian(predictions)(weights["embed"]["embedding"])
    seen = np.abs(np.asarray(gradient)).max(-1)[:, :, :BLOCK] > 0
    assert seen.shape == (BLOCK, BLOCK, BLOCK)  # position, logit, position seen
    right = np.broadcast_to(np.tri(BLOCK, dtype=bool)[:, None], seen.shape)
    np.testing.assert_array_equal(seen, right)
    assert net.apply(net_of(config)[1], tokens).shape == (1, BLOCK, V)


@CONFIGS
@pytest.mark.parametrize("first", [1, 3])
def test_a_cache_gives_what_reading_all_gives(config, first):
    net, weights = net_of(config)
    tokens = rows_of(3)
    whole = net.apply(weights, tokens)
    found, caches = net.extend(weights, tokens[:, :first], net.empty_cache(3, BLOCK), 0)
    parts = [found]
    for i in range(first, BLOCK):
        found, caches = net.extend(weights, tokens[:, i : i + 1], caches, i)
        parts.append(found)
    np.testing.assert_allclose(jnp.concatenate(parts, 1), whole, rtol=2e-4, atol=2e-5)


def test_beyond_a_block_the_oldest_position_is_masked():
    """With rotary positions only what is within a block counts, wherever it stands."""
    net = network(TINY._replace(size=Size(1, 8, 2)))
    weights, tokens = net.init(KEY), rows_of(2, 2 * BLOCK)
    long = net.apply(weights, tokens)
    other = tokens.at[:, 0].set((tokens[:, 0] + 1) % V)
    changed = np.abs(np.asarray(net.apply(weights, other) - long)).max((0, 2)) > 1e-6
    assert changed[:BLOCK].all() and not changed[BLOCK:].any()
    end = net.apply(weights, tokens[:, BLOCK:])[:, -1]
    np.testing.assert_allclose(long[:, -1], end, rtol=2e-4, atol=2e-5)


def test_sizes_are_as_named():
    count = {
        name: num_parameters(NetworkConfig(76, 128, size)).total
        for name, size in SIZES.items()
    }
    assert {name: round(n / 1e6, 1) for name, n in count.items()} == {
        "nano": 0.1,
        "micro": 0.8,
        "mini": 3.2,
    }


def test_a_width_that_heads_do_not_divide_is_refused():
    with pytest.raises(ValueError, match="width 10 is no even multiple of 4"):
        network(TINY._replace(size=Size(1, 10, 4)))


def test_dropout_drops_in_training_alone():
    net, weights = net_of(TINY._replace(dropout=0.5))
    tokens = rows_of(2)
    steady = net.apply(weights, tokens)
    np.testing.assert_array_equal(steady, net.apply(weights, tokens))
    dropped = [net.apply(weights, tokens, jax.random.key(i)) for i in (1, 1, 2)]
    np.testing.assert_array_equal(dropped[0], dropped[1])
    assert abs(dropped[0] - dropped[2]).max() > 1e-3
    assert abs(dropped[0] - steady).max() > 1e-3
