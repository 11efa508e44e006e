"""Parts that save weights: what they compute, how many weights, no look ahead."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from language_cases import (
    ALL_SAVED,
    BLOCK,
    KEY,
    LEARNED,
    SAVINGS,
    TINY,
    UNTIED,
    V,
    assert_causal,
    net_of,
    rows_of,
)

from collapse.models.language import attention
from collapse.models.language import network as module
from collapse.models.language.architecture import PICKED, NetworkConfig, Size
from collapse.models.language.network import NumParameters, network, num_parameters
from collapse.models.language.savings import SharedMlp

EVERY = pytest.mark.parametrize("config", SAVINGS.values(), ids=SAVINGS)
CLOSE = {"rtol": 2e-4, "atol": 2e-5}


def close(found, right):
    np.testing.assert_allclose(found, right, **CLOSE)


# What was there before is what it was


def names(weights):
    leaves = jax.tree_util.tree_leaves_with_path(weights)
    return {"/".join(str(part.key) for part in path): leaf for path, leaf in leaves}


def test_weights_have_the_names_that_saved_ones_have():
    block = ["attention/out/kernel", "attention/qkv/kernel", "down/kernel"]
    block += ["norm_1/scale", "norm_2/scale", "up/kernel"]
    usual = [f"block_{i}/{name}" for i in (0, 1) for name in block]
    usual += ["embed/embedding", "norm/scale"]
    assert list(names(network(TINY).init(KEY))) == usual
    more = set(names(network(LEARNED._replace(tied=False)).init(KEY))) - set(usual)
    assert more == {"positions/embedding", "head/kernel"}


PINNED = {  # logits of three times the weights of key 3, before there were savings
    TINY: [-0.870579, 0.097234, 0.797707, 0.158683, -0.067263],
    LEARNED: [-0.971951, 0.129792, -0.607419, 0.453008, 0.567385],
    UNTIED: [-7.753948, 1.890061, -3.815473, -10.027914, 13.779803],
    TINY._replace(activation="gelu"): [
        *(0.930019, 0.169654, 0.767889, -0.16206, -0.545455)
    ],
}


@pytest.mark.parametrize("config", PINNED, ids=["plain", "learned", "untied", "gelu"])
def test_usual_networks_are_what_they_were(config):
    net = network(config)
    weights = net.init(jax.random.key(3))
    own = weights["block_1"]
    assert float(own["up"]["kernel"][2, 5]) == pytest.approx(-0.16779411, rel=1e-6)
    qkv = own["attention"]["qkv"]["kernel"]
    assert float(qkv[1, 3]) == pytest.approx(-1.16147292, rel=1e-6)
    tokens = jnp.arange(24, dtype=jnp.int32).reshape(3, BLOCK) * 7 % (V + 1)
    found = net.apply(jax.tree.map(lambda leaf: 3 * leaf, weights), tokens)[1, 4]
    np.testing.assert_allclose(found, PINNED[config], rtol=2e-5, atol=2e-5)


# Each saving is a usual network some of whose weights are equal


def test_a_repeated_embedding_is_a_table_of_four_equal_parts():
    net, weights = net_of(SAVINGS["repeated"])
    table = weights["embed"]["embedding"]
    assert table.shape == (V + 1, 2)
    full = {**weights, "embed": {"embedding": jnp.concatenate([table] * 4, 1)}}
    right = net_of(UNTIED)[0].apply(full, rows_of(3))
    close(net.apply(weights, rows_of(3)), right)


def test_permuted_attention_is_one_whose_projections_are_rows_of_one_matrix():
    net, weights = net_of(SAVINGS["permuted"])
    usual = dict(weights)
    orders = np.array(list(itertools.permutations(range(6), 4))).reshape(-1)
    for block in ("block_0", "block_1"):
        shared = np.asarray(weights[block]["attention"]["qkv"]["shared"])
        assert shared.shape == (6, 8)
        parts = [shared[orders[8 * i : 8 * (i + 1)]].T for i in range(3)]
        own = {"qkv": {"kernel": jnp.asarray(np.concatenate(parts, 1))}}
        own["out"] = {"kernel": jnp.eye(8, dtype=jnp.float32)}
        usual[block] = {**weights[block], "attention": own}
    close(net.apply(weights, rows_of(3)), net_of(TINY)[0].apply(usual, rows_of(3)))


def test_queries_keys_and_values_are_picked_by_different_orders():
    parts = [PICKED[8 * i : 8 * (i + 1)] for i in range(3)]
    assert len(set(parts)) == 3


def test_a_shared_mlp_leads_in_by_the_matrix_that_leads_out():
    x = jax.random.normal(KEY, (2, 3, 4), jnp.float32)
    part = SharedMlp(0.5)
    weights = part.init(KEY, x)["params"]
    down = np.asarray(weights["down"], np.float64)
    gate = np.asarray(weights["gate"]["kernel"], np.float64)
    assert gate.shape == (4, 12) and down.shape == (12, 4)
    told = np.asarray(x, np.float64)
    opened = told @ gate
    right = (opened / (1 + np.exp(-opened)) * (told @ down.T)) @ down
    close(part.apply({"params": weights}, x), right)


@pytest.mark.parametrize("groups", [1, 3])
def test_groups_of_layers_are_layers_of_equal_weights_with_their_own_norms(groups):
    layers = 4
    grouped = TINY._replace(size=Size(layers, 8, 2), layer_groups=groups)
    net, weights = net_of(grouped)
    weights = dict(weights)
    usual = {name: weights[name] for name in ("embed", "norm")}
    for i in range(layers):
        first = grouped.first_of_group(i)
        usual[f"block_{i}"] = dict(weights[f"block_{first}"])
        for norm in ("norm_1", "norm_2") if first != i else ():
            # norms that differ, else nothing tells whose they are
            own = weights[f"{norm}_{i}"]["scale"]
            own = own * jnp.linspace(i, 2 * i, own.size, dtype=own.dtype)
            weights[f"{norm}_{i}"] = usual[f"block_{i}"][norm] = {"scale": own}
    alone = net_of(grouped._replace(layer_groups=0))[0]
    close(net.apply(weights, rows_of(3)), alone.apply(usual, rows_of(3)))


def test_layers_of_a_group_drop_different_activations(monkeypatch):
    seen, plain = [], module._dropped

    def watched(dropout, y, deterministic, piece):
        if not deterministic:
            seen.append(
                np.asarray(dropout(jnp.ones((1, 64), jnp.float32), deterministic=False))
            )
        return plain(dropout, y, deterministic, piece)

    monkeypatch.setattr(module, "_dropped", watched)
    net = network(TINY._replace(layer_groups=1, dropout=0.5))
    net.apply(net.init(KEY), rows_of(1), KEY)
    assert len({mask.tobytes() for mask in seen}) == len(seen) == 4


# Every architecture


@EVERY
def test_no_logit_depends_on_a_later_token(config):
    assert_causal(*net_of(config), rows_of(2))


@pytest.mark.parametrize("config", [TINY, SAVINGS["all"]], ids=["usual", "all"])
def test_a_network_that_looks_ahead_is_found(config, monkeypatch):
    weights = net_of(config)[1]
    net = network(config)

    def ahead(weights, tokens):  # as of a projector over all positions
        return net.apply(weights, tokens) + 1e-3 * jnp.mean(tokens)

    with pytest.raises(AssertionError, match="not equal"):
        assert_causal(net._replace(apply=ahead), weights, rows_of(2))

    def everything(positions, num_keys, block):
        return jnp.ones((len(positions), num_keys), bool)

    monkeypatch.setattr(attention, "_attention_mask", everything)
    with pytest.raises(AssertionError, match="not equal"):
        assert_causal(network(config), weights, rows_of(2))


@EVERY
def test_a_cache_gives_what_reading_all_gives(config):
    net, weights = net_of(config)
    tokens = rows_of(3)
    found, caches = net.extend(weights, tokens[:, :3], net.empty_cache(3, BLOCK), 0)
    parts = [found]
    for i in range(3, BLOCK):
        found, caches = net.extend(weights, tokens[:, i : i + 1], caches, i)
        parts.append(found)
    close(jnp.concatenate(parts, 1), net.apply(weights, tokens))


@EVERY
def test_every_weight_has_a_gradient(config):
    net, weights = net_of(config)
    tokens = rows_of(4).at[:, 0].set(V)

    def size(weights):
        return jnp.sum(jnp.square(net.apply(weights, tokens)))

    for name, leaf in names(jax.jit(jax.grad(size))(weights)).items():
        assert np.isfinite(leaf).all() and (leaf != 0).any(), name


# The number of weights


def counted(config):
    """Number of weights in closed form: all, and those that are no embeddings."""
    layers, w, _ = config.size
    repeated = config.embedding == "repeated"
    tables = (config.vocabulary + 1) * (w // 4 if repeated else w)
    tables += 0 if config.tied else config.vocabulary * w
    tables += config.block * w if config.positions == "learned" else 0
    attended = 6 * w if config.attention == "permuted" else 4 * w**2
    mlp = 6 * w**2 if config.mlp == "shared" else 8 * w**2
    norms = (2 * layers + 1) * w
    rest = norms + (config.layer_groups or layers) * (attended + mlp)
    return NumParameters(tables + rest, rest)


def test_weights_are_as_many_as_the_closed_form_says():
    choices = {
        "attention": ("own", "permuted"),
        "mlp": ("own", "shared"),
        "layer_groups": (0, 1, 2),
        "positions": ("rotary", "learned"),
    }
    heads = [(True, "full"), (False, "full"), (False, "repeated")]
    for (tied, embedding), *own in itertools.product(heads, *choices.values()):
        parts = dict(zip(choices, own, strict=True))
        plain = NetworkConfig(30, 10, Size(3, 24, 2), tied=tied, embedding=embedding)
        config = plain._replace(**parts)
        assert num_parameters(config) == counted(config), config


def test_the_sizes_of_the_paper_come_out():
    """SLlama: 2.56 million in embeddings and 2.6 in all; tied 2.4 with three matrices.

    The paper's usual MLP is a gated one with matrices of three widths, 9 width^2 for
    the 8 width^2 here.
    """
    usual = NetworkConfig(32_000, 256, Size(6, 64, 4))
    saved = usual._replace(tied=False, **ALL_SAVED, layer_groups=1)
    found = num_parameters(saved)
    assert round((found.total - found.non_embedding) / 1e6, 2) == 2.56
    assert round(found.total / 1e6, 1) == 2.6
    gated = 6 * 64**2  # more weights of six gated MLPs
    tied, untied = (num_parameters(usual._replace(tied=t)).total for t in (True, False))
    assert [round((n + gated) / 1e6, 1) for n in (tied, untied)] == [2.4, 4.4]
