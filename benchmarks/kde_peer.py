"""SciPy's and scikit-learn's side of `kde.py`: mean log-densities at the end."""

import numpy as np
import scipy.stats
from sklearn.neighbors import KernelDensity

NUM_ROWS, NUM_HELD_OUT, BANDWIDTH = 100, 500, 0.4
# In one dimension all have the same density. In two SciPy's kernel has the shape of the
# data: a little more work, and another density.
RULES = {1: "std", 2: "fixed"}


def scipy_density(pool, at, new_rows, seed=None):
    """New rows and log-density at points, as a script has them."""
    d = pool.shape[1]
    rule = "silverman" if RULES[d] == "std" else BANDWIDTH
    density = scipy.stats.gaussian_kde(pool.T, rule)
    return density.resample(new_rows, seed).T, density.logpdf(at.T)


def sklearn_density(pool, at, new_rows, seed=None):
    n, d = pool.shape
    h = BANDWIDTH
    if RULES[d] == "std":
        h = (n * (d + 2) / 4) ** (-1 / (d + 4)) * np.sqrt(pool.var(0, ddof=1).mean())
    density = KernelDensity(bandwidth=h).fit(pool)
    return density.sample(new_rows, seed), density.score_samples(at)


DENSITIES = {"SciPy": scipy_density, "scikit-learn": sklearn_density}


def one_at_a_time(seed, density, workflow, d, seeds, generations):
    """A loop over seeds and generations."""
    rng, ends = np.random.default_rng(seed), []
    for _ in range(seeds):
        at = rng.standard_normal((NUM_HELD_OUT, d))
        pool = rng.standard_normal((NUM_ROWS, d))
        for _ in range(generations + 1):
            number = int(rng.integers(2**31))
            new, logs = DENSITIES[density](pool, at, NUM_ROWS, number)
            pool = new if workflow == "replace" else np.concatenate([pool, new])
        ends.append(logs.mean())
    return ends
