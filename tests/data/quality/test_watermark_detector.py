"""The detector of a watermark: counts by hand, its exact law, and repeated text."""

import itertools
import math

import jax
import numpy as np
import pytest
from calibrated import assert_mean, assert_tells_apart

from collapse.data.errors import DataError
from collapse.data.quality.watermark import detect, pair_counts, z_beside, z_of
from collapse.models.language.watermark import green_lists

V, SHARE, KEYS = 8, 3 / 8, 4000
ROWS = np.random.default_rng(0).integers(0, V, (6, 9)) ** 2 % V  # some are frequent
ALL = np.ones(ROWS.shape, bool)
COUNTS = pair_counts(ROWS, ALL, V)


@pytest.fixture(scope="module")
def tables():
    """Green lists of many keys [KEYS, V + 1, V]."""
    keys = jax.random.split(jax.random.key(1), KEYS)
    return np.asarray(jax.vmap(lambda key: green_lists(key, V, SHARE))(keys))


def test_pairs_are_counted_where_tokens_were_generated():
    rows = np.array([[0, 1, 1, 2], [2, 1, 0, 0]])
    counted = np.array([[True, True, True, False], [False, True, True, False]])
    expected = np.zeros((4, 3), int)
    expected[3, 0] = expected[0, 1] = expected[1, 1] = 1  # 3 is the BOS token
    expected[2, 1] = expected[1, 0] = 1
    np.testing.assert_array_equal(pair_counts(rows, counted, 3), expected)


def test_the_p_value_is_that_of_all_tables():
    """Of three contexts and three tokens, one green: 27 tables, equally likely."""
    counts = np.array([[5, 0, 2], [0, 1, 0], [1, 1, 1]])
    every = [
        np.eye(3, dtype=bool)[list(own)] for own in itertools.product(*[range(3)] * 3)
    ]
    greens = [int((counts > 0)[table].sum()) for table in every]
    for table, green in zip(every, greens, strict=True):
        found = detect(counts, table)
        assert (found.pairs, found.green) == (6, green)
        assert found.p_value == pytest.approx(np.mean([one >= green for one in greens]))
        assert found.z == pytest.approx((green - np.mean(greens)) / np.std(greens))
        assert found.binomial_z == pytest.approx((green - 2) / math.sqrt(6 * 2 / 9))


def test_z_has_mean_0_and_variance_1_over_keys_and_the_binomial_one_less(tables):
    found = [detect(COUNTS, table) for table in tables]
    z, binomial = (
        np.array([getattr(one, n) for one in found]) for n in ("z", "binomial_z")
    )
    assert_mean(z, 0.0)
    drawn = (COUNTS > 0).sum(1)  # variance of each over that of the other law
    ratio = float(drawn @ (V - drawn) / (V - 1) / drawn.sum())
    assert ratio < 0.75
    assert_tells_apart(z**2, 1.0, 1 / ratio)
    assert_tells_apart(binomial**2, ratio, 1.0)


def test_any_weights_have_a_z_of_variance_1(tables):
    reference = pair_counts(np.sort(ROWS, 1), ALL, V)
    for z in (
        np.array([z_of(COUNTS, table) for table in tables]),
        np.array([z_beside(COUNTS, reference, table) for table in tables]),
    ):
        assert_mean(z, 0.0)
        assert_tells_apart(z**2, 1.0, 1.3)


def test_a_text_that_is_repeated_has_the_same_z(tables):
    many = pair_counts(np.tile(ROWS, (100, 1)), np.tile(ALL, (100, 1)), V)
    assert detect(many, tables[0]) == detect(COUNTS, tables[0])
    assert z_of(many, tables[0]) == pytest.approx(z_of(COUNTS, tables[0]))
    reference = pair_counts(np.sort(ROWS, 1), ALL, V)
    both = [z_beside(own, reference, tables[0]) for own in (many, COUNTS)]
    assert both[0] == pytest.approx(both[1])


def test_what_cannot_vary_has_no_z(tables):
    full = np.ones((V + 1, V), int)
    found = detect(full, tables[0])
    assert math.isnan(found.z) and found.p_value == 1
    assert math.isnan(z_beside(COUNTS, COUNTS, tables[0]))
    assert math.isnan(z_of(0.1 * full, tables[0]))
    none = detect(0 * full, tables[0])
    assert math.isnan(none.z) and math.isnan(none.binomial_z) and none.p_value == 1


def test_no_text_has_a_z_beyond_that_of_the_table_itself(tables):
    contexts = V + 1
    assert z_of(tables[0], tables[0]) == pytest.approx(math.sqrt(contexts * (V - 1)))


@pytest.mark.parametrize(
    ("green", "said"),
    [
        (np.eye(3, 4, dtype=int) * 2, "green: has values other than 0 and 1"),
        (np.tri(3, 4, dtype=bool), "green: contexts have different numbers"),
        (np.eye(4, dtype=bool), r"green: shape \(4, 4\), but counts have \(3, 4\)"),
        ([True, False], "green: shape"),
    ],
)
def test_what_is_no_table_of_green_lists_is_refused(green, said):
    counts = np.arange(12).reshape(3, 4)
    with pytest.raises(DataError, match=f"^{said}"):
        detect(counts, green)
    with pytest.raises(DataError, match=f"^{said}"):
        z_of(counts, green)


def test_a_table_may_be_of_zeros_and_ones():
    counts, green = np.arange(12).reshape(3, 4), np.eye(3, 4, dtype=int)
    assert detect(counts, green) == detect(counts, green.astype(bool))
    assert z_of(counts, green) == z_of(counts, green.astype(bool))
