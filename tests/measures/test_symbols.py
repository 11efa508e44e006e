"""Metrics of shares of symbols, by numbers worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import SEED, X64

from collapse.measures.symbols import symbol_metrics

RTOL = 1e-9 if X64 else 1e-5
KEY = jax.random.key(SEED)
TRUTH = np.array([0.25, 0.07, 0.5, 0.04, 0.14])
MODEL = np.array([0.3, 0.02, 0.4, 0.08, 0.2])


def values(truth, model):
    bound = symbol_metrics(np.asarray(truth))
    shares = jnp.asarray(model, float)
    return {name: float(metric(KEY, shares)) for name, metric in bound.items()}


def test_every_measure_is_what_its_name_says():
    """The rarest symbol alone carries at most a tenth: 4 %, and 11 % with the next."""
    assert values(TRUTH, MODEL) == pytest.approx(
        {
            "heterozygosity": 0.7032 / 0.6614,
            "support": 5,
            "entropy": 1.3298944682,
            "tail_mass_10pct": 2,
            "total_variation": 0.15,
        },
        rel=RTOL,
    )


def test_symbols_without_a_share_are_not_there():
    found = values(TRUTH, [0, 0, 0.25, 0, 0.75])
    assert found["support"] == 2 and found["tail_mass_10pct"] == 0
    assert found["entropy"] == pytest.approx(0.5623351446, rel=1e-6)
    assert found["total_variation"] == pytest.approx(0.61, rel=RTOL)


def test_the_truth_itself_has_lost_nothing():
    found = values(TRUTH, TRUTH)
    assert found["heterozygosity"] == pytest.approx(1, rel=RTOL)
    assert found["tail_mass_10pct"] == pytest.approx(1, rel=RTOL)
    assert found["total_variation"] == 0


def test_one_symbol_is_watched_where_all_are_common():
    assert values([0.25] * 4, [0.1, 0.2, 0.3, 0.4])["tail_mass_10pct"] == (
        pytest.approx(0.4, rel=RTOL)
    )
