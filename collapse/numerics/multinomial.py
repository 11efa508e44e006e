"""Exact draws from categorical, binomial and multinomial laws, vectorised.

Two ways lead to multinomial counts. Few trials: one random word a trial, looked up
among the cumulative shares and counted, O(N log M). Many trials, or a number that is
only known when the program runs: a chain of binomials, O(M) whatever N is.

Every function consumes its key.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, UInt32

from collapse.numerics import draws, threefry
from collapse.numerics.threefry import Key

# Up to this many trials for each symbol a look-up per trial is faster than the chain.
_TRIALS_PER_SYMBOL = 10
# Up to this many symbols it is faster to compare a word with the bound of each.
_COMPARED = 32
_SMALL = 10  # expected successes below which a binomial is drawn by inversion
_NEAR = [  # of `_stirling`, where its series is not yet accurate
    math.lgamma(k + 1) - (k + 0.5) * math.log(k + 1) + k + 1 - math.log(2 * math.pi) / 2
    for k in range(10)
]


def categorical(key: Key, weights: Float[Array, " M"], num: int) -> Int[Array, " num"]:
    """Independent symbols in 0..M-1, each in proportion to its weight.

    Cumulative probabilities are off by 2^-32 at most in float64, and by the rounding of
    their sum in float32. A symbol of weight 0 is never drawn.

    Args:
      weights: non-negative, of any sum but 0.
      num: static number of draws.

    Returns:
      [num] int32 in random order.
    """
    word, upper = _word_and_bounds(key, weights, num)
    levels = upper.size.bit_length()
    spare = (1 << levels) - upper.size
    upper = jnp.pad(upper, (0, spare), constant_values=np.uint32(2**32 - 1))

    def halve(level: Array, found: Array) -> Array:
        step = jnp.int32(1) << (levels - 1 - level).astype(jnp.int32)
        bound = upper.at[found + (step - 1)].get(mode="promise_in_bounds")
        return jnp.where(bound <= word, found + step, found)

    return lax.fori_loop(0, levels, halve, jnp.zeros(num, jnp.int32))


def _word_and_bounds(
    key: Key, weights: Float[Array, " M"], num: int
) -> tuple[UInt32[Array, " num"], UInt32[Array, " M"]]:
    """Random words [num], and the bound of each symbol [M], in ascending order.

    A word stands for the first symbol whose bound is above it.
    """
    # Sums are rounded, not weights: the errors of many rare symbols would add up. They
    # rise where a weight is positive alone, whatever the order in which they are added.
    total = lax.cummax(jnp.where(weights > 0, jnp.cumsum(weights), 0))
    upper = jnp.rint(total / total[-1] * 2.0**31).astype(jnp.uint32)
    return _high_word(_words(key, num), upper[-1]), upper


def multinomial(
    key: Key, trials: int | Int[Array, ""], shares: Float[Array, " M"]
) -> Float[Array, " M"]:
    """Counts of each symbol among independent trials, in the precision of `shares`.

    A symbol of share 0 has count 0, and the counts add up to `trials`.

    Args:
      trials: N; may be traced, and is drawn through binomials then.
      shares: non-negative, of any sum but 0.
    """
    if isinstance(trials, int) and trials <= _TRIALS_PER_SYMBOL * shares.size:
        return _counted(key, trials, shares).astype(shares.dtype)
    wide = shares.astype(jnp.result_type(float))
    rest = lax.cumsum(wide, reverse=True)  # exactly the share, at the last that has one
    probs = jnp.minimum(wide / jnp.where(wide > 0, rest, 1), 1)

    # Symbol by symbol: of many seeds at once a step is short enough for the cache.
    def step(left: Array, symbol: tuple[Array, Array]) -> tuple[Array, Array]:
        index, probability = symbol
        count = binomial(threefry.fold_in(key, index), left, probability[None])
        return left - count, count[0]

    index = jnp.arange(shares.size, dtype=jnp.uint32)
    left = jnp.asarray(trials, jnp.int32)[None]
    return lax.scan(step, left, (index, probs))[1].astype(shares.dtype)


def _counted(
    key: Key, trials: int, shares: Float[Array, " M"]
) -> Int[Array, " M"] | Float[Array, " M"]:
    """How often each symbol occurs among as many draws of `categorical`."""
    if shares.size <= _COMPARED:
        word, upper = _word_and_bounds(key, shares, trials)
        below = (word[None] < upper[:, None]).astype(jnp.float32)
        # A product with ones: on a CPU XLA vectorises it, and no plain sum. Exact.
        return jnp.diff(below @ jnp.ones(trials, jnp.float32), prepend=0)
    symbols = categorical(key, shares, trials)
    counts = jnp.zeros(shares.size, jnp.int32)
    return counts.at[symbols].add(1, mode="promise_in_bounds")


def binomial(
    key: Key, trials: Int[Array, " k"], probability: Float[Array, " k"]
) -> Int[Array, " k"]:
    """Numbers of successes, one for each entry, in whole arrays.

    `jax.random.binomial` is five times slower. Computed in jax's default precision: in
    float32 trials beyond 1e5 would distort the law.

    Args:
      trials: [k], at least 0.
      probability: [k], in [0, 1]; 0 and 1 are exact. Of NaN nothing succeeds.
    """
    probability = probability.astype(jnp.result_type(float))
    rare = jnp.minimum(probability, 1 - probability)
    n = trials.astype(probability.dtype)
    small_key, large_key = threefry.split(key)
    is_small = ~(n * rare >= _SMALL)  # NaN, too, which would be rejected for ever
    few = _inversion(small_key, jnp.where(is_small, n, 0), jnp.where(is_small, rare, 0))
    many = _rejection(large_key, n, rare, is_small)
    found = jnp.where(is_small, few, many).astype(jnp.int32)
    return jnp.where(probability > 0.5, trials - found, found)


def _inversion(key: Key, n: Array, p: Array) -> Array:
    """Binomials of small mean: terms of the law are added until a uniform is passed."""
    u = draws.uniform(key, n.shape, n.dtype)
    odds = p / (1 - p)
    # Never reached but for rounding of the sum.
    last = jnp.minimum(n, jnp.ceil(n * p + 10 * jnp.sqrt(n * p + 1)))

    def going(carry: tuple[Array, Array, Array]) -> Array:
        k, _, rest = carry
        return (rest >= 0) & (k < last)

    def step(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        on = going(carry)
        k, term, rest = carry
        term = jnp.where(on, term * odds * (n - k) / (k + 1), term)
        return jnp.where(on, k + 1, k), term, jnp.where(on, rest - term, rest)

    term = jnp.exp(n * jnp.log1p(-p))
    start = (jnp.zeros_like(n), term, u - term)
    return lax.while_loop(lambda carry: jnp.any(going(carry)), step, start)[0]


def _rejection(key: Key, n: Array, p: Array, done: Array) -> Array:
    """Binomials with n p >= 10 and p <= 1/2, of entries that are not `done`.

    References:
      Hoermann 1993 (J. Stat. Comput. Simul. 46:101), algorithm BTRS.
    """
    n, p = jnp.where(done, 40, n), jnp.where(done, 0.5, p)
    root, odds, mode = jnp.sqrt(n * p * (1 - p)), p / (1 - p), jnp.floor((n + 1) * p)
    b = 1.15 + 2.53 * root
    a = -0.0873 + 0.0248 * b + 0.01 * p
    alpha = (2.83 + 5.1 / b) * root
    at_mode = _stirling(mode) + _stirling(n - mode)
    at_mode = at_mode + (mode + 0.5) * jnp.log((mode + 1) / (odds * (n - mode + 1)))

    def attempt(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        round_, value, done = carry
        both = draws.uniform(threefry.fold_in(key, round_), (2 * n.size,), n.dtype)
        u, v = both[: n.size] - 0.5, 1 - both[n.size :]
        edge = 0.5 - jnp.abs(u)
        edge = jnp.maximum(edge, jnp.finfo(n.dtype).tiny)
        k = jnp.floor((2 * a / edge + b) * u + n * p + 0.5)
        inside = (k >= 0) & (k <= n)
        k = jnp.clip(k, 0, n)
        bound = at_mode - _stirling(k) - _stirling(n - k)
        bound = bound + (n + 1) * jnp.log1p((k - mode) / (n - k + 1))
        bound = bound + (k + 0.5) * jnp.log(odds * (n - k + 1) / (k + 1))
        accept = inside & (jnp.log(v * alpha / (a / edge**2 + b)) <= bound)
        return round_ + 1, jnp.where(accept & ~done, k, value), done | accept

    start = (jnp.uint32(0), jnp.zeros_like(n), done)
    return lax.while_loop(lambda carry: ~jnp.all(carry[2]), attempt, start)[1]


def _stirling(k: Array) -> Array:
    """log(k!) less Stirling's formula for it at k + 1, to 1e-10 for all k."""
    x = jnp.maximum(k + 1, 10)
    square = x * x
    series = 1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * square)) / square) / square
    near = jnp.asarray(_NEAR, k.dtype)[jnp.clip(k, 0, 9).astype(jnp.int32)]
    return jnp.where(k < 10, near, series / x)


def _words(key: Key, num: int) -> UInt32[Array, " num"]:
    """Random words, two for each call of the generator."""
    if not threefry.applies(key):
        return jax.random.bits(key, (num,), jnp.uint32)
    return jnp.concatenate(threefry.words(key, (num + 1) // 2))[:num]


def _high_word(word: UInt32[Array, " num"], bound: Array) -> UInt32[Array, " num"]:
    """floor(word * bound / 2^32), so uniform below the bound."""
    half, mask = np.uint32(16), np.uint32(0xFFFF)  # uint64 needs x64, so by halves
    carry = (word & mask) * (bound & mask) >> half
    middle = (word >> half) * (bound & mask) + carry
    cross = (word & mask) * (bound >> half) + (middle & mask)
    return (word >> half) * (bound >> half) + (middle >> half) + (cross >> half)
