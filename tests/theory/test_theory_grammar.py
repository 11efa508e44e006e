"""Grammars: rules of non-terminals as chains, met by a simulation in plain NumPy."""

import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED
from grammar_cases import CHILDREN, USES, Q

from collapse import theory
from collapse.theory import grammar, ngram

DRAWS, LAST, SEEDS = np.array([10, 8, 7, 4]), 3, 6000
W = USES / USES.sum()
SOME = [[(1, 2), (1, 1)], [(3, 2), (0, 1)]]
SETS = [[(3, 0), (3, 1)], [(3, 0), (3, 1), (2, 1)]]  # rules that sentences need


def simulated(accumulates):
    """Shares [SEEDS, G + 1, A, W] of a fixed design, refitted to own draws."""
    rng, pool = np.random.default_rng(SEED), np.zeros((SEEDS, *Q.shape))
    shares, found = np.broadcast_to(Q, pool.shape), []
    for _ in range(LAST + 1):
        pool = pool * accumulates + rng.multinomial(DRAWS, shares)
        shares = pool / pool.sum(2, keepdims=True)
        found.append(shares)
    return np.stack(found, 1)


def test_uses_are_those_of_the_branching_process():
    np.testing.assert_allclose(grammar.uses(Q, CHILDREN, 0), USES)


def test_sentences_without_a_rule():
    """Without 'c': y = 0.9 * 0.5 + 0.9 * 0.2 y + 0.3. Without Z: that has one Y."""
    found = grammar.without(Q, CHILDREN, 0, [(1, 2)])
    np.testing.assert_allclose(found, (0.45 + 0.3) / (1 - 0.18))
    no_z = grammar.without(Q, CHILDREN, 0, [(2, 1)])
    np.testing.assert_allclose(no_z, (0.35 + 0.21) / (1 - 0.2))
    np.testing.assert_allclose(grammar.without(Q, CHILDREN, 0, []), 1)
    every = [[(a, w)] for a, w in np.argwhere(Q > 0)]
    unused = np.array([grammar.without(Q, CHILDREN, 0, rule) for rule in every])
    found = grammar.first_support(Q, CHILDREN, 0, 5)
    np.testing.assert_allclose(found, 11 - (unused**5).sum())


@pytest.mark.parametrize("way", ["replace", "accumulate"])
def test_a_set_of_rules_is_alive_and_chi_square_grows(way):
    shares = simulated(way == "accumulate")
    others = {"replace": "accumulate", "accumulate": "replace"}
    forms = {"replace": theory.replace, "accumulate": theory.accumulate}
    gone = {"replace": grammar.gone_replace, "accumulate": grammar.gone_accumulate}
    alive = [
        np.all([shares[:, :, a, w] > 0 for a, w in rules], axis=0) for rules in SETS
    ]
    right, wrong = (
        grammar.all_alive(Q, DRAWS, SETS, gone[w](LAST)) for w in (way, others[way])
    )
    assert_tells_apart(np.mean(alive, axis=0), right, wrong)
    if way == "replace":  # as if rules of one non-terminal were lost independently
        each = [
            grammar.all_alive(Q, DRAWS, [[rule]], gone[way](LAST)) for rule in SETS[1]
        ]
        wrong = each[0] * each[1] * (1 + each[2]) / 2
        assert_tells_apart(np.mean(alive, axis=0), right, wrong)
    alive = [
        np.any([shares[:, :, a, w] > 0 for a, w in rules], axis=0) for rules in SOME
    ]
    right, wrong = (
        grammar.any_alive(Q, DRAWS, SOME, gone[w](LAST)) for w in (way, others[way])
    )
    assert_tells_apart(np.mean(alive, axis=0), right, wrong)
    chi = np.where(Q > 0, (shares - Q) ** 2 / np.where(Q > 0, Q, 1), 0).sum(3) @ W
    right, wrong = (
        grammar.chi_square(Q, W, DRAWS, lambda n, w=w: forms[w](n, LAST, 0).variance)
        for w in (way, others[way])
    )
    assert_tells_apart(chi, right, wrong)


def test_smoothing_is_that_of_the_rules_that_there_are():
    """Of tables without gaps that of n-grams; a single alternative stays it."""
    found, alike = (
        form(Q[[0, 1, 3]], W[:3] / W[:3].sum(), DRAWS[:3], 0.5, LAST)
        for form in (grammar.smoothed_heterozygosity, ngram.smoothed_heterozygosity)
    )
    np.testing.assert_allclose(found, alike)
    q, w = np.array([[0.5, 0.5, 0], [1, 0, 0]]), np.array([0.5, 0.5])
    found = grammar.smoothed_heterozygosity(q, w, np.array([6, 3]), 0.5, LAST)
    own = theory.discrete.smoothed_homozygosity([0.5, 0.5], 6, 0.5, LAST)
    np.testing.assert_allclose(found, (1 - own) / 0.5)
    never = grammar.smoothed_heterozygosity(q, w, np.array([0, 3]), 0.5, LAST)
    np.testing.assert_allclose(never, 1)


def test_rare_rules_are_lost_by_the_law_of_poisson():
    """For many uses the exact chain tends to it, and pairs with it."""
    q, rule = np.array([[0.997, 0.003]]), [[(0, 1)]]
    exact, limit = (
        grammar.all_alive(q, np.array([1000]), rule, form(20))
        for form in (grammar.gone_replace, grammar.gone_poisson)
    )
    np.testing.assert_allclose(exact, limit, rtol=5e-3)
    np.testing.assert_allclose(limit, theory.poisson_survival(3, 20))
    assert grammar.solvable(np.array([0, 1000]), 10**6)
    assert not grammar.solvable(np.array([5, 5000]), 10**6)
    never = grammar.all_alive(q, np.array([0]), rule, grammar.gone_replace(20))
    np.testing.assert_array_equal(never, 0)


def test_fresh_data_shrink_chi_square_by_their_square():
    """In one step exactly; in runs, fits add their own variance."""
    p, q, fresh = np.array([0.1, 0.2, 0.7]), Q[0], 0.3
    mixture = fresh * q + (1 - fresh) * p
    own = ((p - q) ** 2 / q).sum()
    expected = ((mixture - q) ** 2 / q).sum()
    np.testing.assert_allclose(grammar.mixed_chi_square(own, fresh), expected)
    for real in (0, 3, 10):
        kept = theory.mix(10, real, 10 - real, LAST, 0, "fresh").variance
        found = grammar.fresh_chi_square(3, 10, real, LAST)
        np.testing.assert_allclose(found, 2 * (1 - kept))
    long = grammar.fresh_chi_square(3, 10, 0, 1000)[-1]
    np.testing.assert_allclose(long, 2)  # one alternative is left


def test_bad_arguments_are_refused():
    for wrong in (-1, 11):
        with pytest.raises(ValueError, match=r"real"):
            grammar.fresh_chi_square(3, 10, wrong, 2)
    with pytest.raises(ValueError, match="real_fraction"):
        grammar.mixed_chi_square(1.0, 1.5)
