"""Metrics of n-gram models, in numbers worked out by hand."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import X64

from collapse.measures.catalogue import NGRAMS
from collapse.measures.ngrams import ngram_metrics

RTOL = 1e-9 if X64 else 1e-5
TRUTH = np.array([[0.5, 0.5, 0.0, 0.0], [0.1, 0.2, 0.3, 0.4], [0.0, 0.0, 1.0, 0.0]])
CONTEXTS = np.array([0.5, 0.3, 0.2])
# after context 0 a known and a lost token, after a lost context, after an unknown one
HELD, OFTEN = np.array([[0, 0], [0, 1], [2, 2], [3, 0]]), np.array([3.0, 1.0, 2.0, 2.0])


class Parameters(NamedTuple):
    shares: jnp.ndarray
    contexts: jnp.ndarray


LEFT = Parameters(
    jnp.asarray([[1.0, 0, 0, 0], [0, 0.5, 0, 0.5], [0, 0, 0, 0]]),
    jnp.asarray([0.6, 0.4, 0]),
)
PERFECT = Parameters(jnp.asarray(TRUTH, float), jnp.asarray(CONTEXTS, float))
LEVEL = 0.5 * 0.5 + 0.3 * (1 - 0.3)
RIGHT = {  # metric -> of a perfect model, of what is left
    "heterozygosity": (1, 0.3 * 0.5 / LEVEL),
    "support": (7, 3),
    "contexts_left": (1, 2 / 3),
    "entropy_rate": (0.5 + 0.3 * 1.8464393446710154, 0.4),
    # the rarest n-grams are those after context 1 of 0.03 and 0.06
    "tail_mass_10pct": (1, 0.4 * 0.5 / 0.09),
    "bits_per_token_floored": (
        -(4 * np.log2(0.4975) + 2 * np.log2(0.9925) + 2 * np.log2(0.0025)) / 8,
        -(3 * np.log2(0.9925) + 5 * np.log2(0.0025)) / 8,
    ),
    "excess_loss": (
        0,
        0.5 * (0.4975 * np.log(0.4975 / 0.9925) + 0.4975 * np.log(0.4975 / 0.0025))
        + 0.3 * (0.1015 * np.log(0.1015 / 0.0025) + 0.2005 * np.log(0.2005 / 0.4975))
        + 0.3 * (0.2995 * np.log(0.2995 / 0.0025) + 0.3985 * np.log(0.3985 / 0.4975))
        + 0.2 * 0.9925 * np.log(0.9925 / 0.0025),
    ),
}


@pytest.mark.parametrize("smooths", [True, False])
@pytest.mark.parametrize("name", NGRAMS)
def test_numbers_worked_out_by_hand(name, smooths):
    metric = ngram_metrics(TRUTH, CONTEXTS, HELD, OFTEN, smooths)[name]
    found = [metric(jax.random.key(0), params) for params in (PERFECT, LEFT)]
    np.testing.assert_allclose(found, RIGHT[name], rtol=RTOL, atol=RTOL)


def test_the_excess_loss_counts_what_smoothing_gives_to_other_ngrams():
    """A model with shares where the truth has none, which others need not look at."""
    even = PERFECT._replace(shares=jnp.full((3, 4), 0.25))
    mixed = 0.99 * TRUTH + 0.0025
    expected = CONTEXTS @ (mixed * np.log(mixed / 0.25)).sum(1)
    metric = ngram_metrics(TRUTH, CONTEXTS, HELD, OFTEN, True)["excess_loss"]
    found = metric(jax.random.key(0), even)
    np.testing.assert_allclose(found, expected, rtol=RTOL)
