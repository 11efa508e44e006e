"""Semantic deduplication: a text goes if it is like an earlier kept one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import texts

from collapse.data.errors import DataError
from collapse.data.quality import clusters
from collapse.data.quality.grams import hashed
from collapse.data.worlds import tools

SEEDS = st.integers(0, 2**16)


def rows_of(seed, num=40, d=4):
    rows = np.random.default_rng(seed).normal(size=(num, d))
    rows[3] = 0
    rows[5:8] = rows[4]
    return clusters._unit(rows)


@given(SEEDS, st.sampled_from([0.001, 0.05, 0.3, 1.0]))
def test_a_row_goes_if_it_is_like_an_earlier_kept_one(seed, epsilon):
    rows = rows_of(seed)
    labels = np.random.default_rng(seed).integers(0, 3, len(rows))
    labels[4:8] = 0
    expected: list[int] = []
    for k, row in enumerate(rows):
        own = [i for i in expected if labels[i] == labels[k]]
        if not any(rows[i] @ row > 1 - epsilon for i in own):
            expected.append(k)
    found = clusters.distinct(rows, labels, epsilon)
    assert np.flatnonzero(found).tolist() == expected
    assert len(expected) < len(rows)


@given(SEEDS, st.integers(1, 60))
def test_means_never_become_worse(seed, num):
    rows = rows_of(seed)

    def total(steps):
        labels, centres = clusters.spherical(
            rows, num, np.random.default_rng(seed), steps
        )
        assert labels.max() < len(centres) == min(num, len(rows))
        return (rows * centres[labels]).sum()

    sums = [total(steps) for steps in range(1, 7)]
    assert (np.diff(sums) > -1e-9).all()


def test_groups_that_lie_apart_are_found():
    generator = np.random.default_rng(4)
    group = np.repeat(np.arange(2), 50)
    rows = clusters._unit(np.eye(8)[group] + 0.1 * generator.normal(size=(100, 8)))
    for seed in range(5):
        labels = clusters.spherical(rows, 2, np.random.default_rng(seed)).labels
        assert len(set(zip(labels.tolist(), group.tolist(), strict=True))) == 2


def test_projected_similarities_are_about_those_of_the_counts():
    """The size of their errors is right within a factor of 2: pairs are not alike."""
    world = tools()
    written = [d.prompt for d in world.make(np.random.default_rng(1), 400)]
    full = hashed(written, normalised=True)
    true = (full[:200] * full[200:]).sum(axis=1)
    for dimension in (32, 128, 512):
        rows = clusters.projected(written, dimension)
        error = (rows[:200] * rows[200:]).sum(1) - true
        size = np.sqrt((error**2).mean() / ((1 - true**2) ** 2).mean())
        assert 0.5 < size * np.sqrt(dimension) < 2, dimension


@given(texts(), SEEDS, st.floats(0, 1), st.none() | st.integers(1, 5))
def test_any_texts_keep_their_first_and_the_same_again(written, seed, epsilon, num):
    found, again = (
        clusters.semantic(written, np.random.default_rng(seed), epsilon, num, size=64)
        for _ in range(2)
    )
    np.testing.assert_array_equal(found, again)
    assert found.shape == (len(written),) and found[:1].all()
    first = [text not in written[:k] for k, text in enumerate(written)]
    assert (found <= first).all() or epsilon == 0
    assert epsilon > 0 or found.all()


def test_rewordings_go_and_other_texts_stay():
    generator = np.random.default_rng(5)
    letters = [*"abcdefghijklmnopqrstuvwxyz "]
    first = ["".join(generator.choice(letters, 100)) for _ in range(50)]
    nearly = [f"{text[50:]} {text[:50]}" for text in first]
    kept = clusters.semantic([*first, *nearly], generator, 0.1, num=1)
    assert kept[:50].all() and not kept[50:].any()
    assert clusters.semantic([*first, *nearly], generator, 1e-6, num=1).all()


def test_numbers_that_make_no_sense_are_refused():
    for options, field in (
        ({"epsilon": 1.01}, "epsilon: 1.01"),
        ({"epsilon": -1e-9}, "epsilon: -1e-09"),
        ({"epsilon": float("nan")}, "epsilon: nan"),
        ({"num": 0}, "num: 0"),
        ({"dimension": 0}, "dimension: 0"),
        ({"size": 0}, "size: 0"),
    ):
        with pytest.raises(DataError, match=field):
            clusters.semantic(["a", "b"], np.random.default_rng(0), **options)
