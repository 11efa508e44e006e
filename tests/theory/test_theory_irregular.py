"""Laws of irregular families against simulations of all their rows."""

import math

import numpy as np
import pytest
import scipy.stats
from calibrated import assert_mean, assert_tells_apart
from conftest import SEED

from collapse.theory import irregular

NUM_SEEDS, N, G = 20_000, 8, 4
close = np.testing.assert_allclose


def edges(everything):
    """Fitted edges of uniform laws [S, G + 1]."""
    rng, found = np.random.default_rng([SEED, 61]), []
    rows = rng.random((NUM_SEEDS, N))
    for _ in range(G + 1):
        found.append(rows.max(1))
        new = rng.random((NUM_SEEDS, N)) * found[-1][:, None]
        rows = np.concatenate([rows, new], 1) if everything else new
    return np.stack(found, 1)


@pytest.mark.parametrize("workflow", ["replace", "accumulate"])
def test_the_edge_of_a_uniform_law(workflow):
    found = edges(workflow == "accumulate")
    draws = np.stack([found**2, 3 * (1 - found) ** 2], 1)
    right = irregular.uniform_replace(N, G), irregular.uniform_accumulate(N, G)
    right = right if workflow == "replace" else right[::-1]
    assert_tells_apart(draws, np.stack(right[0]), np.stack(right[1]))


def test_the_whole_law_of_the_edge():
    found = edges(False)
    below = [irregular.uniform_below(N, G, edge) for edge in (0.5, 0.8)]
    draws = np.stack([found < 0.5, found < 0.8], 1).astype(float)
    assert_tells_apart(draws, np.stack(below), np.stack(below[::-1]))
    close(irregular.uniform_below(N, G, 0.0), 0)
    close(irregular.uniform_below(N, G, 1.0), 1)


def test_edges_of_growing_samples():
    """Of 8 and then 16 rows: the product of two factors."""
    moments = irregular.uniform_replace([8, 16], 1)
    first, second = 8 / 9 * 16 / 17, 8 / 10 * 16 / 18
    close(moments.variance[1], second)
    close(moments.mean_error[1], 3 * (1 - 2 * first + second))


def spiky_runs(everything, n, d):
    """Whether fits copy rows, and their squared error over d, [2, S, G + 1]."""
    rng, S = np.random.default_rng([SEED, 62]), NUM_SEEDS
    total, count = rng.standard_normal((S, n, d)).sum(1), np.full(S, n)
    copies, found = np.zeros(S, bool), []
    for _ in range(G + 1):
        theta = total / np.maximum(count, 1)[:, None] / 2
        theta[copies] = 1.0
        found.append((copies, (theta**2).sum(1) / d))
        off = rng.random((S, n)) < -np.expm1(-(theta**2).sum(1) / 2)[:, None]
        rows = theta[:, None] + rng.standard_normal((S, n, d))
        new, plane = np.where(off[:, :, None], 0, rows).sum(1), (~off).sum(1)
        copies = copies | off.any(1)
        total = total + new if everything else new
        count = count + plane if everything else plane
    return np.array(found, float).transpose(1, 2, 0)


@pytest.mark.parametrize("workflow", ["replace", "accumulate"])
@pytest.mark.parametrize(("n", "d"), [(8, 2), (3, 5)])
def test_spikes_by_simulation(workflow, n, d):
    """Copies stay here: a batch without any has the chance e^(-n d/2)."""
    draws = spiky_runs(workflow == "accumulate", n, d).transpose(1, 0, 2)
    forms = irregular.spiky_replace, irregular.spiky_accumulate
    right, wrong = (np.stack(form(n, G, d)) for form in forms)
    if workflow == "accumulate":
        right, wrong = wrong, right
    varying = draws[:, :, 1:], right[:, 1:], wrong[:, 1:]
    assert_tells_apart(*varying)
    assert_mean(draws[:, 1, 0], right[1, 0])
    assert not draws[:, 0, 0].any() and right[0, 0] == 0


def test_more_rows_do_not_help():
    """The share of failed runs does not depend on n, while first fits improve."""
    few, many = (irregular.spiky_accumulate(n, 20, 20) for n in (10, 10**6))
    close(few.failed, many.failed, rtol=1e-12)
    close(few.mean_error[0] / many.mean_error[0], 1e5)
    close(few.failed[1], irregular.spiky_first(20))
    assert irregular.spiky_first(20) > 0.89
    in_dimension = [irregular.spiky_first(d) for d in (1, 10, 100, 1000)]
    assert np.diff(in_dimension).min() > 0 and in_dimension[-1] > 1 - 1e-12
    assert in_dimension[0] < 1 - math.sqrt(0.5)  # the bound of any such family


def test_a_hundred_places_are_enough():
    """A batch has more than 100 rows off the plane with chance 1e-12 at most."""
    d, n = 100, 10**6
    squares = np.linspace(0, 1000, 200_001)  # n |m|^2, chi-squared
    weight = scipy.stats.chi2.pdf(squares, d) * (squares[1] - squares[0])
    share = -np.expm1(-squares / (8 * n))
    more = weight @ scipy.stats.binom.sf(100, n, share)
    assert more < 1e-12


BAD = {
    "n": [
        lambda: irregular.uniform_replace(0, 3),
        lambda: irregular.uniform_accumulate(0, 3),
        lambda: irregular.uniform_below(0, 3, 0.5),
        lambda: irregular.spiky_replace(0, 3, 2),
    ],
    "num_generations": [lambda: irregular.spiky_accumulate(5, -1, 2)],
    "edge": [lambda: irregular.uniform_below(5, 3, 1.5)],
    "dimension": [
        lambda: irregular.spiky_accumulate(5, 3, 0),
        lambda: irregular.spiky_first(0),
    ],
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    for call in BAD[name]:
        with pytest.raises(ValueError, match=f"^{name} "):
            call()
