"""Decoding: how a character is chosen, the cache, and beam search against all texts."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from calibrated import NUM_CHECKS, SUITE_FALSE_ALARM, count
from hypothesis import given
from hypothesis import strategies as st
from language_cases import BLOCK, BOS, KEY, LEARNED, TINY, V, net_of, rows_of

from collapse.models.language import decoding
from collapse.models.language.decoding import DecodingConfig

OPEN = jnp.full((3, 1), BOS, jnp.int32)
logits = st.lists(
    # numbers below the smallest normal one count as 0 on some processors
    st.floats(-20, 20, width=32, allow_subnormal=False),
    min_size=V,
    max_size=V,
    unique=True,
).map(lambda values: np.array([values], np.float32))


@pytest.fixture(autouse=True, scope="module")
def _in_stages():
    """Grow the cache for the few rows of a test, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "_FEW_SEQUENCES", 1)
        yield


def generated(decoding_config, prompts=OPEN, num=BLOCK, config=TINY, key=KEY):
    return np.asarray(generator(config, num, decoding_config)(key, prompts))


@functools.cache
def generator(config, num, decoding_config):
    net, weights = net_of(config)
    return jax.jit(
        lambda k, prompts: decoding.generate(
            k, net, weights, prompts, num, decoding_config
        )
    )


def by_reading_all(decoding_config, prompts, num, config=TINY):
    """The same without a cache: the whole text is read for every character."""
    net, weights = net_of(config)
    begin = prompts.shape[1]
    choose = jax.jit(lambda key, *rest: decoding.choose(key, *rest, decoding_config))
    text = np.pad(np.asarray(prompts), ((0, 0), (0, num - 1)))
    generated = np.zeros((len(text), 0), np.int32)
    for i in range(num):
        # what stands behind has no influence, and one length is compiled
        last = net.apply(weights, jnp.asarray(text))[:, begin + i - 1]
        seen = np.zeros(last.shape, bool)
        for row, tokens in zip(seen, text[:, : begin + i], strict=True):
            row[tokens[tokens < V]] = True
        key = jax.random.fold_in(KEY, i)
        chosen = np.asarray(choose(key, last, jnp.asarray(seen)))[:, None]
        generated = np.concatenate([generated, chosen], 1)
        text[:, begin + i : begin + i + 1] = chosen
    return generated


@pytest.mark.parametrize("config", [TINY, LEARNED], ids=["rotary", "learned"])
@pytest.mark.parametrize(
    "decoding_config",
    [
        DecodingConfig(),
        DecodingConfig(0.0),
        DecodingConfig(0.7, top_k=3),
        DecodingConfig(1.0, repetition_penalty=2.0),
    ],
    ids=["plain", "greedy", "top k", "penalty"],
)
def test_generation_with_a_cache_is_generation_without(config, decoding_config):
    found = generated(decoding_config, config=config)
    np.testing.assert_array_equal(
        found, by_reading_all(decoding_config, OPEN, BLOCK, config)
    )
    assert found.shape == (3, BLOCK) and found.max() < V


def test_a_text_goes_on_beyond_its_block():
    prompts = rows_of(3)
    found = generated(DecodingConfig(), prompts)
    np.testing.assert_array_equal(
        found, by_reading_all(DecodingConfig(), prompts, BLOCK)
    )


def test_a_low_temperature_is_greedy():
    np.testing.assert_array_equal(
        generated(DecodingConfig(1e-4)), generated(DecodingConfig(0.0))
    )
    assert (generated(DecodingConfig(1.0)) != generated(DecodingConfig(0.0))).any()


LIKELIEST = jnp.array([[-5.0, -3.0, -0.5, -9.0], [8.0, 2.0, 70.0, 1.0]], jnp.float32)
NOTHING_SEEN = jnp.zeros(LIKELIEST.shape, bool)


@pytest.mark.parametrize("cut", [{}, {"top_k": 2}, {"top_p": 1e-38}, {"top_p": 0.5}])
@pytest.mark.parametrize("temperature", [1e-300, 1e-45, 1e-38, 1e-30, 1e-9, 1e-3])
def test_any_low_temperature_takes_the_likeliest(temperature, cut):
    """Traced and not: where a quotient overflows, or passes what masks the others."""

    @jax.jit
    def traced(temperature):
        config = DecodingConfig(temperature, **cut)
        return decoding.choose(KEY, LIKELIEST, NOTHING_SEEN, config)

    plain = DecodingConfig(temperature, **cut)
    assert traced(jnp.float32(temperature)).tolist() == [2, 2]
    found = decoding.choose(KEY, LIKELIEST, NOTHING_SEEN, plain)
    assert found.tolist() == [2, 2]


def test_the_likeliest_share_the_probability_at_any_low_temperature():
    even = jnp.array([[1.0, 4.0, 4.0, -2.0]], jnp.float32)
    for temperature in (1e-300, 1e-38, 1e-20):
        probs = decoding.token_probs(even, DecodingConfig(temperature))
        np.testing.assert_array_equal(probs, [[0, 0.5, 0.5, 0]])


def test_logits_that_are_not_finite_are_not_hidden():
    """A network that diverged has no likeliest character."""
    for temperature in (1.0, 1e-38):
        broken = LIKELIEST.at[0, 1].set(jnp.nan)
        probs = decoding.token_probs(broken, DecodingConfig(temperature))
        assert jnp.isnan(probs[0]).all() and jnp.isfinite(probs[1]).all()
    without = LIKELIEST.at[:, 2].set(-jnp.inf)  # a character that is never taken
    probs = decoding.token_probs(without, DecodingConfig(1.0))
    np.testing.assert_array_equal(probs, jax.nn.softmax(without))
    probs = decoding.token_probs(without, DecodingConfig(1e-38))
    np.testing.assert_array_equal(probs, [[0, 1, 0, 0], [1, 0, 0, 0]])


@pytest.mark.parametrize("penalty", [1e-38, 1e-30, 1e30, 3e38])
@pytest.mark.parametrize("temperature", [1e-38, 1.0])
def test_any_penalty_leaves_a_character(penalty, temperature):
    """A huge one leaves those not seen, where there are some; a tiny one favours."""
    config = DecodingConfig(temperature, repetition_penalty=penalty)
    for seen in (jnp.ones_like(NOTHING_SEEN), NOTHING_SEEN.at[:, 2].set(True)):
        scores = decoding.penalised(LIKELIEST, seen, jnp.float32(penalty))
        probs = np.asarray(decoding.token_probs(scores, config))
        assert np.isfinite(probs).all()
        np.testing.assert_allclose(probs.sum(-1), 1, rtol=1e-6)
    assert (probs[1, 2] > 0.5) == (penalty < 1)  # 70, seen


def test_characters_are_as_frequent_as_their_probabilities():
    net, weights = net_of()
    num = 20_000
    prompts = jnp.full((num, 1), BOS, jnp.int32)
    found = np.asarray(
        decoding.generate(KEY, net, weights, prompts, 1, DecodingConfig(0.5))
    )[:, 0]
    probs = jax.nn.softmax(net.apply(weights, prompts[:1])[0, -1] / 0.5)
    counts = np.bincount(found, minlength=V)

    def fit(probs):
        expected = np.asarray(probs, float)
        return scipy.stats.chisquare(counts, num * expected / expected.sum()).pvalue

    p = fit(probs)
    assert p > SUITE_FALSE_ALARM / NUM_CHECKS
    count()
    flat = jax.nn.softmax(net.apply(weights, prompts[:1])[0, -1])
    assert fit(flat) < SUITE_FALSE_ALARM / NUM_CHECKS


@given(values=logits, share=st.floats(0.01, 0.99))
def test_top_p_keeps_exactly_the_nucleus(values, share):
    probs = np.asarray(jax.nn.softmax(values))[0].astype(float)
    order = np.argsort(-probs)
    upto = np.cumsum(probs[order])
    if abs(upto - share).min() < 1e-5:  # rounding decides
        return
    fewest = int(np.searchsorted(upto, share)) + 1
    kept = np.asarray(
        decoding.token_probs(jnp.asarray(values), DecodingConfig(top_p=share))
    )[0]
    assert set(np.flatnonzero(kept)) == set(order[:fewest].tolist()) - {
        int(i) for i in order[:fewest] if probs[i] == 0
    }


@given(values=logits, k=st.integers(1, V))
def test_top_k_keeps_the_k_likeliest(values, k):
    kept = np.asarray(
        decoding.token_probs(jnp.asarray(values), DecodingConfig(top_k=k))
    )[0]
    likeliest = np.argsort(-values[0])[:k]
    assert set(np.flatnonzero(kept)) == set(likeliest.tolist())
    expected = np.exp(values[0, likeliest] - values[0].max())
    np.testing.assert_allclose(
        kept[likeliest], expected / expected.sum(), rtol=1e-4, atol=1e-12
    )


@given(values=logits, key=st.integers(0, 2**31), k=st.integers(1, V))
def test_what_is_cut_off_is_never_chosen(values, key, k):
    decoding_config = DecodingConfig(top_k=k, top_p=0.5)
    own = jnp.asarray(np.repeat(values, 50, 0))
    seen = jnp.zeros(own.shape, bool)
    chosen = np.asarray(
        decoding.choose(jax.random.key(key), own, seen, decoding_config)
    )
    allowed = np.asarray(decoding.token_probs(own, decoding_config))[0] > 0
    assert allowed[chosen].all()


def test_a_penalty_divides_what_is_above_zero_and_multiplies_the_rest():
    scores = jnp.array([[2.0, -2.0, 2.0, -2.0]])
    seen = jnp.array([[True, True, False, False]])
    found = decoding.penalised(scores, seen, 4.0)
    np.testing.assert_array_equal(found, [[0.5, -8.0, 2.0, -2.0]])


def likeliest(prompt, num, penalty=1.0):
    """By the score of every text there is."""
    net, weights = net_of()
    texts = np.array(list(itertools.product(range(V), repeat=num)))
    whole = np.concatenate([np.repeat(prompt[None], len(texts), 0), texts], 1)
    log = np.asarray(jax.nn.log_softmax(net.apply(weights, jnp.asarray(whole))), float)
    begin = len(prompt)
    scores = np.zeros(len(texts))
    for i in range(num):
        before = whole[:, : begin + i]
        seen = (before == texts[:, i : i + 1]).any(1)
        gain = log[np.arange(len(texts)), begin + i - 1, texts[:, i]]
        scores += np.where(seen, penalty, 1.0) * gain
    return texts[scores.argmax()]


@pytest.mark.parametrize("penalty", [1.0, 2.0])
def test_beam_search_that_keeps_everything_finds_the_likeliest_text(penalty):
    prompts = rows_of(3, 4)
    decoding_config = DecodingConfig(repetition_penalty=penalty, beams=V**2)
    found = generated(decoding_config, prompts, 3)
    for prompt, text in zip(np.asarray(prompts), found, strict=True):
        np.testing.assert_array_equal(text, likeliest(prompt, 3, penalty))


def test_few_beams_find_no_less_than_greed():
    net, weights = net_of()
    prompts = rows_of(8, 4, seed=3)

    @functools.partial(jax.jit, static_argnums=0)
    def score(begin, text):
        log = jax.nn.log_softmax(net.apply(weights, text))[:, begin - 1 : -1]
        return jnp.take_along_axis(log, text[:, begin:, None], 2).sum((1, 2))

    def total(found):
        return float(score(4, jnp.concatenate([prompts, found], 1)).sum())

    assert total(generated(DecodingConfig(beams=2), prompts, 6)) > total(
        generated(DecodingConfig(0.0), prompts, 6)
    )
