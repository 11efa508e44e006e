"""Grammars: fits count rules, sentences are leftmost derivations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED, X64
from grammar_cases import CHILDREN, USES, Q

from collapse.models.grammar import RuleCounts, Rules, Trees, grammar
from collapse.theory.grammar import first_support

RTOL = 1e-9 if X64 else 1e-5
KNOWN, END = jnp.asarray(Q > 0), Q.size
LONG, SHORT = Trees(jnp.asarray(CHILDREN), 0, 40), Trees(jnp.asarray(CHILDREN), 0, 4)
TRUTH = Rules(jnp.asarray(Q, float))
close = np.testing.assert_allclose


def key(number=0):
    return jax.random.key(SEED + number)


def sampled(model, params, num):
    """A sample by a program, which is quicker than its steps."""
    return jax.jit(lambda key: model.sample(key, params, num))(key())


# X Y by a x; Y by y v, twice
SENTENCES = [[0, 3, 6, END], [2, 7, 10, END]]


@pytest.mark.parametrize("rows", ["counts", "sentences"])
def test_a_fit_counts_the_rules_of_weighted_rows(rows):
    batch = jnp.asarray(SENTENCES, jnp.int32)
    if rows == "counts":
        counts = [np.bincount(row, minlength=END + 1)[:END] for row in SENTENCES]
        batch = RuleCounts(jnp.asarray(np.reshape(counts, (2, *Q.shape)), float))
    weights = jnp.asarray([1.0, 2.0])
    fit = grammar(SHORT, rows=rows).fit(key(), None, batch, weights)[0]
    close(fit.shares[0], [1 / 3, 0, 2 / 3], rtol=RTOL)
    close(fit.shares[1:], [[1, 0, 0], [1 / 3, 2 / 3, 0], [0, 1, 0]], rtol=RTOL)
    smooth = grammar(SHORT, rows=rows, known=KNOWN, add=0.5)
    found = smooth.fit(key(), None, batch, jnp.asarray([3.0, 3.0]))[0]
    close(found.shares[0], [1.5 / 3.5, 0.5 / 3.5, 1.5 / 3.5], rtol=RTOL)
    close(found.shares[2], [0.5, 0.5, 0], rtol=RTOL)


def test_sentences_are_leftmost_derivations():
    """Each rule is of the leftmost non-terminal that waits, up to the last one."""
    found = np.asarray(sampled(grammar(LONG, rows="sentences"), TRUTH, 300))
    over = 0
    for row in found:
        waiting = [0]
        for cell in row:
            if cell == END:
                break
            own, alternative = divmod(cell, 3)
            assert waiting.pop() == own
            children = CHILDREN[own, alternative]
            waiting += [child for child in children[::-1] if child < 4]
        over += not waiting
    assert over == len(found)  # nothing was cut off
    cut = np.asarray(sampled(grammar(SHORT, rows="sentences"), TRUTH, 300))
    assert cut.shape == (300, 4) and (cut[:, -1] < END).any()


@pytest.mark.x64
@pytest.mark.parametrize("rows", ["counts", "sentences"])
def test_rules_are_used_as_often_as_the_branching_process_does(rows):
    """And the first sample of twelve sentences has its exact number of rules."""
    model = grammar(LONG, 12, rows=rows)

    def counts(key):
        if rows == "counts":
            return model.sample(key, TRUTH, 1).counts[0].reshape(-1)
        return jnp.bincount(model.sample(key, TRUTH, 12).ravel(), length=END)

    found = jax.jit(jax.vmap(counts))(jax.random.split(key(), 5000))
    right = 12 * (USES[:, None] * Q).ravel()
    wrong, some = 12 * Q.ravel(), right > 0
    assert_tells_apart(np.asarray(found)[:, some], right[some], wrong[some])
    right, wrong = (first_support(Q, CHILDREN, 0, num) for num in (12, 11))
    assert_tells_apart((np.asarray(found) > 0).sum(1), right, wrong)


def test_a_lost_nonterminal_ends_a_derivation():
    lost = jnp.asarray(np.where(np.arange(4)[:, None] == 3, 0, Q), float)
    rows = np.asarray(sampled(grammar(LONG, rows="sentences"), Rules(lost), 200))
    assert (rows // 3 != 3).all()
    ended = rows[(rows == 7).any(1)]  # Y -> y Z
    after = np.argmax(ended == 7, axis=1) + 1
    assert len(ended) and (ended[np.arange(len(ended)), after] == END).all()


@pytest.mark.x64
def test_a_temperature_is_of_the_alternatives():
    model = grammar(LONG, rows="sentences", temperature=jnp.asarray(0.5))
    first = np.asarray(sampled(model, TRUTH, 20_000))[:, :1]
    squares = Q[0] ** 2 / (Q[0] @ Q[0])
    assert_tells_apart(first == np.arange(3), squares, Q[0])
