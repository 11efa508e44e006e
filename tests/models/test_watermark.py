"""The watermark of a language model: green lists, and the text that it generates."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_mean, assert_tells_apart
from language_cases import BLOCK, BOS, KEY, V, net_of, rows_of

from collapse.data.quality.watermark import detect, num_green, pair_counts
from collapse.models.language import decoding
from collapse.models.language.decoding import DecodingConfig
from collapse.models.language.network import Network
from collapse.models.language.watermark import Watermark, green_lists, marked

OPEN = jnp.full((64, 1), BOS, jnp.int32)
GREEN = green_lists(jax.random.key(3), V, 0.4)


def generated(config, prompts=OPEN, **more):
    net, weights = net_of()
    run = jax.jit(
        lambda key: decoding.generate(key, net, weights, prompts, BLOCK, config, **more)
    )
    return np.asarray(run(KEY))


@pytest.mark.parametrize("size, share", [(5, 0.4), (8, 0.5), (13, 0.25), (97, 0.9)])
def test_each_context_has_exactly_its_share_of_green_tokens(size, share):
    green = np.asarray(green_lists(KEY, size, share))
    assert green.shape == (size + 1, size)
    assert (green.sum(1) == num_green(size, share)).all()
    assert abs(num_green(size, share) - share * size) <= 0.5
    assert (green != green[0]).any()
    other = np.asarray(green_lists(jax.random.key(7), size, share))
    assert (green != other).any()


@pytest.mark.parametrize("share", [0.05, 0.95])
def test_a_share_of_none_or_all_is_refused(share):
    with pytest.raises(ValueError, match="share: "):
        green_lists(KEY, V, share)


def test_each_token_is_green_as_often_and_contexts_are_independent():
    keys = jax.random.split(jax.random.key(5), 4000)
    green = np.asarray(jax.vmap(lambda key: green_lists(key, V, 0.4))(keys)).astype(
        float
    )
    assert_mean(green, 0.4)
    both = green[:, 1:] * green[:, :-1]
    assert_tells_apart(both, 0.4**2, 0.4)


def test_strength_0_changes_no_bit():
    logits = jax.random.normal(KEY, (64, V))
    last = rows_of(64)[:, 0]
    np.testing.assert_array_equal(marked(logits, last, Watermark(GREEN, 0.0)), logits)
    assert marked(logits, last, None) is logits
    for temperature in (1.0, 0.0):
        plain = DecodingConfig(temperature)
        still = plain._replace(watermark=Watermark(GREEN, 0.0))
        np.testing.assert_array_equal(generated(still), generated(plain))
        strong = plain._replace(watermark=Watermark(GREEN, 8.0))
        assert (generated(strong) != generated(plain)).any()


@pytest.mark.parametrize("temperature", [0.5, 0.0])
def test_a_mark_is_added_to_the_logits_after_the_token_before(temperature):
    """Against text that is read anew for every token, with prompts of two lengths."""
    net, weights = net_of()
    strength, begin = 3.0, rows_of(6, 2)
    given = np.where(np.arange(BLOCK) < np.array([0, 1, 3] * 2)[:, None], 2, -1)
    config = DecodingConfig(temperature, watermark=Watermark(GREEN, strength))
    found = generated(config, begin, given=jnp.asarray(given, jnp.int32))
    text = np.asarray(begin)
    for i in range(BLOCK):
        padded = np.pad(text, ((0, 0), (0, BLOCK - i)))
        logits = net.apply(weights, jnp.asarray(padded))[:, text.shape[1] - 1]
        logits = logits + jnp.float32(strength) * GREEN[text[:, -1]].astype(jnp.float32)
        none = jnp.zeros(logits.shape, bool)
        key = jax.random.fold_in(KEY, i)
        chosen = np.asarray(
            decoding.choose(key, logits, none, DecodingConfig(temperature))
        )
        chosen = np.where(given[:, i] < 0, chosen, given[:, i])
        text = np.concatenate([text, chosen[:, None]], 1)
    np.testing.assert_array_equal(found, text[:, 2:])


def test_the_green_share_of_uniform_text_is_that_of_the_closed_form():
    """Each token is green with chance g e^delta / (g e^delta + 1 - g)."""

    def extend(weights, tokens, caches, start):
        del weights, start
        return jnp.zeros((*tokens.shape, V)), caches

    flat = Network(None, None, extend, lambda num, length: [])
    begin, strength = jnp.full((2000, 1), BOS, jnp.int32), 1.0
    config = DecodingConfig(watermark=Watermark(GREEN, strength))
    rows = np.asarray(decoding.generate(KEY, flat, {}, begin, BLOCK, config))
    contexts = np.concatenate([begin, rows[:, :-1]], 1)
    shares = np.asarray(GREEN)[contexts, rows].mean(1)
    odds = 0.4 * np.exp(strength)
    assert_tells_apart(shares, odds / (odds + 0.6), 0.4)
    one = detect(pair_counts(rows[:1], np.ones((1, BLOCK), bool), V), np.asarray(GREEN))
    assert one.pairs <= BLOCK and 0 <= one.p_value <= 1


def test_beams_with_a_mark_are_refused():
    config = DecodingConfig(beams=2, watermark=Watermark(GREEN, 1.0))
    with pytest.raises(ValueError, match="watermark: beam search has none"):
        generated(config)
