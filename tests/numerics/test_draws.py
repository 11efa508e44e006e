"""Random variates: the bits of jax.random where promised, the stated law elsewhere."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from calibrated import (
    NUM_CHECKS,
    SUITE_FALSE_ALARM,
    assert_cdf,
    assert_tells_apart,
    count,
    detectable_gap,
)
from conftest import SEED

from collapse.numerics import draws, threefry

DTYPES = [jnp.float32, pytest.param(jnp.float64, marks=pytest.mark.x64)]
SHAPES = [(), (0,), (7, 3), (100_000,)]
PAIRS = [(draws.normal, jax.random.normal), (draws.uniform, jax.random.uniform)]
IDS = ["normal", "uniform"]
CHECK_ALARM = SUITE_FALSE_ALARM / NUM_CHECKS


def assert_same_bits(ours, theirs):
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    assert ours.tobytes() == theirs.tobytes()


# normal and uniform: beside jax.random


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_uniforms_have_the_bits_of_jax_random(root, dtype, shape):
    both = jax.jit(lambda key: [draw(key, shape, dtype) for draw in PAIRS[1]])
    assert_same_bits(*both(root))


@pytest.mark.x64
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_double_normals_are_those_of_jax_random_up_to_its_accuracy(root, shape):
    ours, theirs = (draw(root, shape, jnp.float64) for draw in PAIRS[0])
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_single_normals_are_normal_wherever_they_stand(root):
    num = 200_001  # odd: the generator makes two at a time
    values = np.asarray(draws.normal(root, (num,), jnp.float32))
    assert values.dtype == np.float32
    half = (num + 1) // 2
    for part in (values[:half], values[half:]):
        assert_cdf(part, scipy.stats.norm.cdf)
    assert len(np.unique(values)) > 0.98 * num  # of 2^23 values 1.2 % repeat
    pairs = values[: half - 1] * values[half:]  # of one call: not correlated
    assert abs(pairs.mean()) * math.sqrt(len(pairs)) < scipy.stats.norm.isf(CHECK_ALARM)
    count()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ours", [draws.normal, draws.uniform], ids=IDS)
def test_values_are_the_same_under_vmap(root, ours, dtype):
    keys = jax.random.split(root, 5)
    mapped = jax.jit(jax.vmap(lambda key: ours(key, (9, 2), dtype)))(keys)
    for key, values in zip(keys, mapped, strict=True):
        # not compiled as one: the compiler may round a product and a sum together
        rtol = 8 * np.finfo(dtype).eps
        np.testing.assert_allclose(values, ours(key, (9, 2), dtype), rtol=rtol)


@pytest.mark.parametrize("ours", [draws.normal, draws.uniform], ids=IDS)
def test_default_dtype_is_that_of_jax(root, ours):
    assert ours(root, (5,)).dtype == jnp.result_type(float)


@pytest.mark.parametrize("impl", ["rbg", "unsafe_rbg"])
@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=IDS)
def test_other_generators_fall_back_to_jax_random(ours, theirs, impl):
    key = jax.random.key(3, impl=impl)
    assert_same_bits(ours(key, (5, 2)), theirs(key, (5, 2)))


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=IDS)
def test_raw_and_unpartitionable_keys_fall_back_too(ours, theirs):
    raw = jax.random.PRNGKey(3)
    assert_same_bits(ours(raw, (5, 2)), theirs(raw, (5, 2)))
    with jax.threefry_partitionable(False):
        key = jax.random.key(3)
        old = theirs(key, (5, 2))
        assert_same_bits(ours(key, (5, 2)), old)
    assert not np.array_equal(old, theirs(jax.random.key(3), (5, 2)))


@pytest.mark.parametrize("ours", [draws.normal, draws.uniform], ids=IDS)
def test_half_precision_is_refused(root, ours):
    with pytest.raises(ValueError, match="float32 or float64, got bfloat16"):
        ours(root, (3,), jnp.bfloat16)


# gamma: the law

GAMMA_SHAPES = [1.0, 2.5, 49.5]
NUM_GAMMA = 200_000


@pytest.fixture(scope="module")
def gammas(root):
    """[shapes, draws] in float32."""
    shape = jnp.broadcast_to(
        jnp.array(GAMMA_SHAPES, jnp.float32)[:, None], (len(GAMMA_SHAPES), NUM_GAMMA)
    )
    return np.asarray(jax.jit(draws.gamma)(root, shape))


@pytest.mark.parametrize("i", range(len(GAMMA_SHAPES)), ids=map(str, GAMMA_SHAPES))
def test_gamma_follows_its_law(gammas, i):
    law = scipy.stats.gamma(GAMMA_SHAPES[i])
    # leaving out the -1/3 of d = a - 1/3 adds a third to the mean
    mistaken = scipy.stats.gamma(GAMMA_SHAPES[i] + 1 / 3)
    assert detectable_gap(NUM_GAMMA) < largest_gap(law, mistaken)
    assert_cdf(gammas[i], law.cdf)
    with pytest.raises(AssertionError):
        assert_cdf(gammas[i], mistaken.cdf)


def largest_gap(law, other):
    x = law.ppf(np.linspace(0.001, 0.999, 999))
    return abs(law.cdf(x) - other.cdf(x)).max()


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_entry_of_gamma_does_not_depend_on_the_others(root, dtype):
    mapped = jax.jit(jax.vmap(draws.gamma, (0, None)))
    keys = jax.random.split(root, 30)
    quick = jnp.full((2, 100), 49.5, dtype)
    slow = quick.at[1].set(1)  # rejected far more often: the loop runs longer
    values = mapped(keys, quick)
    assert values.dtype == dtype and values.shape == (30, 2, 100)
    # what has been accepted is kept while the loop waits for others
    assert_same_bits(mapped(keys, slow)[:, 0], values[:, 0])


def test_gamma_below_one_is_refused(root):
    with pytest.raises(ValueError, match="at least 1, got 0.5"):
        draws.gamma(root, jnp.array([2.0, 0.5]))


# bartlett: the Wishart law

NUM_WISHART = 20_000
# full; singular, its second diagonal entry of one degree of freedom; a single column
WISHARTS = pytest.mark.parametrize(("freedom", "d"), [(7, 3), (2, 4), (1, 1)])


@functools.cache
def wisharts(freedom, d):
    """Factors [draws, d, d] in float32."""
    normals_key, key = jax.random.split(jax.random.key(SEED))
    below = d * (d - 1) // 2
    z = draws.normal(normals_key, (below + 1, NUM_WISHART), jnp.float32)
    make = jax.jit(draws.bartlett, static_argnums=(3, 4))
    return np.asarray(make(key, z[:-1].T, z[-1], freedom, d))


@WISHARTS
def test_bartletts_factor_is_lower_triangular_and_as_wide_as_its_freedom(freedom, d):
    factors = wisharts(freedom, d)
    assert factors.shape == (NUM_WISHART, d, d) and factors.dtype == np.float32
    used = np.tril(np.ones((d, d), bool)) & (np.arange(d) < freedom)
    assert (factors[:, ~used] == 0).all() and (factors[:, used] != 0).all()


@WISHARTS
def test_bartletts_products_have_the_moments_of_wishart_matrices(freedom, d):
    """Means freedom I; entries vary by 2 freedom on the diagonal and freedom off it."""
    below = np.tril_indices(d)
    factors = wisharts(freedom, d).astype(np.float64)
    products = (factors @ factors.swapaxes(1, 2))[:, *below]
    mean, right = np.eye(d)[below], (np.eye(d) + 1)[below] * freedom
    assert_tells_apart(products, freedom * mean, (freedom + 1) * mean)
    squares = (products - freedom * mean) ** 2
    assert_tells_apart(squares, right, right * (freedom + 1) / freedom)


@WISHARTS
def test_bartletts_diagonal_is_chi_squared(freedom, d):
    """Down to one degree of freedom, which gamma variates cannot give."""
    for i in range(min(freedom, d)):
        law, mistaken = (scipy.stats.chi2(freedom - i + more) for more in (0, 1))
        assert detectable_gap(NUM_WISHART) < largest_gap(law, mistaken)
        entry = wisharts(freedom, d)[:, i, i] ** 2
        assert_cdf(entry, law.cdf)
        with pytest.raises(AssertionError):
            assert_cdf(entry, mistaken.cdf)


# subset: Floyd's algorithm


def subsets(key, population, num, repeats):
    """[repeats, num], each sorted; the population is traced."""

    @jax.jit
    def many(keys, population):
        return jax.vmap(lambda key: draws.subset(key, population, num))(keys)

    found = many(jax.random.split(key, repeats), jnp.array(population, jnp.int32))
    return np.sort(np.asarray(found), axis=1)


@pytest.mark.parametrize(
    ("population", "num"),
    [(1, 1), (9, 4), (50, 49), (2**31 - 1, 1000)],
)
def test_subset_is_distinct_and_in_range(root, population, num):
    found = subsets(root, population, num, 50)
    assert found.shape == (50, num) and found.dtype == np.int32
    assert (np.diff(found, axis=1) > 0).all()
    assert found.min() >= 0 and found.max() < population


@pytest.mark.parametrize("num", [1, 7, 1000])
def test_subset_of_everything_is_everything(root, num):
    found = subsets(root, num, num, 20)
    assert (found == np.arange(num)).all()


@pytest.mark.parametrize(("population", "num"), [(60, 50), (1000, 400)])
def test_subset_is_floyds_loop_written_without_a_loop(root, population, num):
    last = np.arange(population - num, population)

    @jax.jit
    @jax.vmap
    def both(key):
        bound = jnp.asarray(last + 1, jnp.uint32)
        return draws.subset(key, jnp.int32(population), num), draws._below(key, bound)

    for ours, draw in zip(*both(jax.random.split(root, 20)), strict=True):
        assert set(ours.tolist()) == floyd(last, draw.tolist())


def floyd(last, draw):
    """The textbook loop: j in place of a draw that is already in the set."""
    taken = set()
    for j, r in zip(last.tolist(), draw, strict=True):
        taken.add(j if r in taken else r)
    return taken


def test_integers_are_the_high_word_of_the_product(root):
    bound = np.array([1, 2, 3, 65_535, 65_536, 65_537, 2**31, 2**32 - 1], np.uint32)
    high, low = threefry.words(root, len(bound))
    words = np.asarray(high ^ low).tolist()
    expected = [w * b >> 32 for w, b in zip(words, bound.tolist(), strict=True)]
    assert draws._below(root, jnp.asarray(bound)).tolist() == expected


REPEATS = 40_000
CASES = [(6, 3), (6, 5)]


@pytest.mark.parametrize(("population", "num"), CASES)
@pytest.mark.statistical
def test_every_subset_is_equally_likely(root, population, num):
    found = subsets(root, population, num, REPEATS)
    assert_uniform_subsets(found, population)
    # a familiar slip: the j-th draw is from 0..j-1, so that row j comes in too rarely
    mistaken = mistaken_subsets(population, num)
    assert detectable_share(math.comb(population, num)) < uneven_share(mistaken)
    with pytest.raises(AssertionError):
        assert_uniform_subsets(mistaken, population)


@pytest.mark.statistical
def test_subset_of_the_fallback_generator_is_uniform_too():
    found = subsets(jax.random.key(SEED, impl="rbg"), 6, 3, REPEATS)
    assert_uniform_subsets(found, 6)


@pytest.mark.parametrize("num", [3, 4])
@pytest.mark.statistical
def test_the_order_of_shuffled_rows_says_nothing(root, num):
    """Every arrangement of some of four rows; a plain subset is the control."""

    def arrangements(draw):
        found = jax.jit(jax.vmap(lambda key: draw(key, 4, num)))(
            jax.random.split(root, REPEATS)
        )
        codes = np.asarray(found) @ 4 ** np.arange(num)
        _, counts = np.unique(codes, return_counts=True)
        return np.pad(counts, (0, math.perm(4, num) - len(counts)))

    size = math.perm(4, num)
    threshold = scipy.stats.chi2.isf(CHECK_ALARM, size - 1)
    for draw, right in ((draws.shuffled, True), (draws.subset, False)):
        counts = arrangements(draw)
        expected = REPEATS / size
        statistic = ((counts - expected) ** 2).sum() / expected
        assert (statistic < threshold) == right, statistic
    count()


def assert_uniform_subsets(found, population):
    """Chi-squared test over all subsets, at the false-alarm rate of one check."""
    size = math.comb(population, found.shape[1])
    _, counts = np.unique(found, axis=0, return_counts=True)
    counts = np.pad(counts, (0, size - len(counts)))
    statistic = ((counts - len(found) / size) ** 2).sum() / (len(found) / size)
    assert statistic < scipy.stats.chi2.isf(CHECK_ALARM, size - 1), statistic
    count()


def detectable_share(size, power=0.999):
    """Least sum (p - 1/size)^2 size that the test sees: noncentrality / repeats."""
    threshold = scipy.stats.chi2.isf(CHECK_ALARM, size - 1)
    grid = np.linspace(0, 0.05, 2001)[1:]
    seen = scipy.stats.ncx2.sf(threshold, size - 1, REPEATS * grid) > power
    return grid[seen.argmax()] if seen.any() else math.inf


def uneven_share(found):
    """The same measure of unevenness, of subsets that were found."""
    _, counts = np.unique(found, axis=0, return_counts=True)
    size = math.comb(found.max() + 1, found.shape[1])
    share = np.pad(counts, (0, size - len(counts))) / len(found)
    return size * ((share - 1 / size) ** 2).sum()


def mistaken_subsets(population, num):
    rng = np.random.default_rng(0)
    last = np.arange(population - num, population)
    bound = np.maximum(last, 1)
    draw = rng.integers(0, bound, (REPEATS, num))
    return np.array([sorted(floyd(last, row)) for row in draw.tolist()])
