"""The language model: generation, initial weights, and losses."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_tells_apart
from language_cases import BLOCK, KEY, LEARNED, TINY, V, net_of, rows_of, with_bos

from collapse.models.language import decoding
from collapse.models.language import losses as losses_of
from collapse.models.language import model as language
from collapse.models.language.architecture import Size
from collapse.models.language.decoding import DecodingConfig, generate
from collapse.models.language.model import Blocks, LanguageParams, language_model
from collapse.models.language.training import TrainConfig

# programs and texts of this file are made once, by one worker
pytestmark = pytest.mark.xdist_group("language")

FLAT = TINY._replace(size=Size(1, 8, 1), tied=False)  # quick to compile
STILL = TrainConfig(steps=2, batch_size=2, learning_rate=1e-30, weight_decay=0.0)
MOVING = TrainConfig(steps=2, batch_size=2, learning_rate=0.1)
ONES = jnp.ones(4)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Optax multiplies floats by counts; caches of one size compile quickly."""
    monkeypatch.setattr(decoding, "_STAGES", 1)
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.fixture
def groups_of_four(monkeypatch):
    monkeypatch.setattr(language, "GENERATION_BATCH", 4)
    monkeypatch.setattr(losses_of, "_EVALUATION_BATCH", 4)


def params_of(weights=None):
    weights = net_of(FLAT)[1] if weights is None else weights
    return LanguageParams(weights)


def sampler(model, num):
    params = params_of()  # made before anything is traced
    return jax.jit(lambda key: model.sample(key, params, num).tokens)


# Writing


def test_as_many_rows_are_written_as_are_asked_for(groups_of_four):
    """Ten in groups of four, each group its own, and the same from one key."""
    write = sampler(language_model(FLAT), 10)
    rows = np.asarray(write(KEY))
    assert rows.shape == (10, BLOCK) and rows.dtype == np.int32
    assert rows.min() >= 0 and rows.max() < V
    assert (rows[:4] != rows[4:8]).any()
    np.testing.assert_array_equal(rows, write(KEY))
    assert (rows != np.asarray(write(jax.random.fold_in(KEY, 5)))).any()


def test_pieces_of_a_group_write_what_the_group_does(monkeypatch):
    """Groups of eight at once, and two by two as on a core: the same random numbers."""
    monkeypatch.setattr(language, "GENERATION_BATCH", 8)
    assert [language._cuts(n) for n in (128, 64, 33, 100, 97, 12)] == [4, 2, 1, 4, 1, 1]
    whole = np.asarray(sampler(language_model(FLAT), 10)(KEY))
    monkeypatch.setattr(language, "_FEWEST_AT_A_TIME", 2)
    monkeypatch.setattr(language, "_MOST_AT_A_TIME", 2)
    assert language._cuts(8) == 4
    np.testing.assert_array_equal(sampler(language_model(FLAT), 10)(KEY), whole)


def test_few_rows_are_written_as_one_group():
    shape = jax.eval_shape(sampler(language_model(FLAT), 3), KEY)
    assert shape.shape == (3, BLOCK)


def test_rows_go_on_from_prompts_in_order_over_and_over(groups_of_four):
    prompts = rows_of(6)
    decoding_config = DecodingConfig(0.0)
    rows = sampler(
        language_model(FLAT, decoding_config=decoding_config, prompts=prompts), 10
    )(KEY)
    net, weights = net_of(FLAT)
    alone = jax.jit(
        lambda own: generate(KEY, net, weights, own, BLOCK, decoding_config)
    )
    each = np.concatenate([alone(own[None]) for own in prompts])
    assert len({row.tobytes() for row in each}) > 1  # or the order would not show
    np.testing.assert_array_equal(rows, each[np.arange(10) % 6])


def test_rows_begin_at_the_bos_token_without_prompts():
    net, weights = net_of(FLAT)
    rows = sampler(language_model(FLAT, decoding_config=DecodingConfig(0.0)), 2)(KEY)
    likeliest = net.apply(weights, with_bos(rows)).argmax(-1)
    np.testing.assert_array_equal(rows, likeliest)


@pytest.mark.parametrize(
    ("config", "arguments", "said"),
    [
        (LEARNED, {"prompts": rows_of(2)}, "prompts need positions = rotary"),
        (FLAT, {"decoding_config": DecodingConfig(beams=3)}, "beams need prompts"),
    ],
)
def test_what_cannot_be_written_is_refused(config, arguments, said):
    with pytest.raises(ValueError, match=said):
        language_model(config, **arguments)


# Fitting


@functools.cache
def fitter(train_config, **options):
    if options.pop("pretrained", False):
        options["pretrained"] = net_of(FLAT)[1]
    model = language_model(FLAT, train_config, **options)
    return jax.jit(model.fit), jax.jit(model.init)


def fitted(params, rows=None, weights=ONES, train_config=MOVING, key=KEY, **options):
    rows = rows_of(4) if rows is None else rows
    return fitter(train_config, **options)[0](key, params, Blocks(rows), weights)


def assert_same(first, second):
    jax.tree.map(np.testing.assert_array_equal, first, second)


def far(first, second):
    """Largest difference of weights."""
    apart = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), first, second)
    return max(jax.tree.leaves(apart))


def begun(**options):
    return fitter(MOVING, **options)[1](KEY, Blocks(rows_of(4)), ONES)


def test_every_fit_takes_its_steps_and_moves_the_weights():
    zero, info = fitted(begun())
    assert int(info["steps"]) == int(info["kept"]) == 2
    one, _ = fitted(zero, rows_of(4, seed=1), key=jax.random.key(1))
    assert far(one.weights, zero.weights) > 0.01


def test_a_fit_begins_where_the_last_one_ended_if_asked_to():
    before = params_of()
    after, _ = fitted(before, train_config=STILL, start="previous")
    assert_same(after.weights, before.weights)


def test_a_fit_begins_anew_with_weights_of_its_own():
    """With other ones in each generation, whatever there was before."""
    ends = [
        fitted(own, key=key)[0].weights
        for own, key in (
            (params_of(), KEY),
            (params_of(jax.tree.map(jnp.zeros_like, net_of(FLAT)[1])), KEY),
            (params_of(), jax.random.key(5)),
        )
    ]
    assert_same(ends[0], ends[1])
    assert far(ends[0], ends[2]) > 0.01


def test_a_fit_begins_with_pretrained_weights():
    options = {"pretrained": True}
    assert_same(begun(**options).weights, net_of(FLAT)[1])
    elsewhere = params_of(jax.tree.map(jnp.zeros_like, net_of(FLAT)[1]))
    after, _ = fitted(elsewhere, train_config=STILL, **options)
    assert_same(after.weights, net_of(FLAT)[1])


def test_rows_of_no_weight_do_not_matter():
    weights = jnp.array([1.0, 1, 0, 0])
    rows = rows_of(4)
    first, info = fitted(begun(), rows, weights)
    other, again = fitted(begun(), rows.at[2:].set(0), weights)
    assert_same((first, info), (other, again))
    seen, _ = fitted(begun(), rows.at[1].set(0), weights)
    assert far(first.weights, seen.weights) > 0.001


# Measuring


def test_bits_are_those_of_a_plain_computation(groups_of_four):
    """Rows that are no multiple of a group."""
    net, weights = net_of(FLAT)
    rows = rows_of(7)
    bits = language.bits_per_character(net, rows)(KEY, params_of())
    logits = np.asarray(net.apply(weights, with_bos(rows)), float)
    probs = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    own = np.take_along_axis(probs, np.asarray(rows)[..., None], 2)
    assert float(bits) == pytest.approx(-np.log2(own).mean(), rel=1e-5)
    each = losses_of.cross_entropy_in_groups(net, weights, rows)
    np.testing.assert_allclose(each, -np.log(own)[..., 0], rtol=1e-3, atol=1e-5)


def test_half_of_the_rows_that_go_on_are_read_without_bos(monkeypatch):
    net, weights = net_of()
    rows = rows_of(6)

    def loss(share, key=KEY, goes_on=True):
        monkeypatch.setattr(language, "_SHARE_WITHOUT_BOS", share)
        return float(language._training_loss(net, False, goes_on, weights, rows, key))

    def mean(without_bos):
        found = losses_of.cross_entropy(net, weights, rows, jnp.full(6, without_bos))
        return float(found.sum() / (rows.size - 6 * without_bos))

    assert loss(0.0) == pytest.approx(mean(False), rel=1e-5)
    assert loss(1.0) == pytest.approx(mean(True), rel=1e-5)
    assert loss(0.5, goes_on=False) == pytest.approx(mean(False), rel=1e-5)
    assert abs(mean(True) - mean(False)) > 0.01
    counts = []

    def counting(net, weights, rows, without_bos, dropout_key, piece):
        counts.append(int(without_bos.sum()))
        return jnp.zeros(rows.shape)

    monkeypatch.setattr(language, "cross_entropy", counting)
    for key in jax.random.split(KEY, 40):
        loss(0.5, key)
    assert len(set(counts)) > 2
    assert_tells_apart(np.array(counts) / 6, 0.5, 5 / 6)
