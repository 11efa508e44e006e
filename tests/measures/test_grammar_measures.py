"""Metrics of grammars, in numbers worked out by hand."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import X64
from grammar_cases import CHILDREN, USES, Q

from collapse.measures.catalogue import GRAMMAR
from collapse.measures.grammar import grammar_metrics, judged_right, pair_metrics

RTOL = 1e-9 if X64 else 2e-5
# a x / x a, c x / x c, y w / w y
PAIRS = np.full((3, 2, 1, 3), 12)
PAIRS[:, 0, 0] = [[0, 3, 6], [0, 5, 6], [2, 7, 11]]
# rules that tell them apart: of a, of c, of c or y
TELLING = np.array([[3, 12], [5, 12], [5, 7]])


class Parameters(NamedTuple):
    shares: jnp.ndarray


PERFECT = Parameters(jnp.asarray(Q, float))
# 'b' and 'c' are lost, and Z altogether
LEFT = Parameters(
    jnp.asarray([[0.5, 0.2, 0.3], [1, 0, 0], [0.7, 0.3, 0], [0, 0, 0]], float)
)
W = USES / USES.sum()
LEVEL = W @ (1 - (Q**2).sum(1))
RIGHT = {  # metric -> of a perfect model, of what is left
    "pairs_right": (1, 1 / 3),
    "pairs_learnable": (1, 2 / 3),
    # y = 0.5 * 0.6 * 0.7 + 0.2 * 0.6 y + 0.3 * 0.7
    "sentences_left": (1, (0.21 + 0.21) / (1 - 0.12)),
    "heterozygosity": (1, (W[0] * 0.62 + W[2] * 0.42) / LEVEL),
    "support": (11, 6),
    "nonterminals_left": (1, 3 / 4),
    "chi_square": (0, W[1] * (1 / 0.6 - 1) + W[3]),
    # the rarest: Z -> w of 0.03, X -> c of 0.0875, Z -> v of 0.12; of 3.425 in all
    "tail_mass_10pct": (1, 0),
}


@pytest.mark.parametrize("name", GRAMMAR)
def test_numbers_worked_out_by_hand(name):
    every = grammar_metrics(Q, USES, CHILDREN, 0) | pair_metrics(PAIRS, TELLING, 12)
    metric = every[name]
    found = [metric(jax.random.key(0), params) for params in (PERFECT, LEFT)]
    np.testing.assert_allclose(found, RIGHT[name], rtol=RTOL, atol=1e-12)


def test_without_pairs_there_is_no_measure_of_them():
    none = np.zeros((0, 2, 1, 1), int)
    assert pair_metrics(none, none[:, 0, 0], 12) == {}


def test_probabilities_of_both_sentences_are_compared():
    """Sums over derivations; neither equal nor impossible sentences are right."""
    pairs = np.full((4, 2, 2, 2), 12)
    pairs[0, 0] = [[3, 6], [4, 6]]  # 0.6 * 0.7 + 0.3 * 0.7 = 0.63
    pairs[0, 1, 0] = [6, 12]  # 0.7
    pairs[1] = pairs[0, ::-1]
    pairs[2, :, 0, 0] = 3
    pairs[3, :, 0, 0] = 8  # a rule that there is not
    metric = judged_right(pairs, 12)
    np.testing.assert_allclose(metric(jax.random.key(0), PERFECT), 1 / 4)
