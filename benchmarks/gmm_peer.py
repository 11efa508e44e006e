"""scikit-learn's side of `gmm.py`: log-likelihoods of a row at the end, one a seed."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

NUM_COMPONENTS, NUM_ROWS = 5, 1000
EM = {"tol": 1e-3, "max_iter": 100, "reg_covar": 1e-6}


def truth():
    """Means of five unit Gaussians on a circle, near enough to overlap a little."""
    angle = 2 * np.pi * np.arange(NUM_COMPONENTS) / NUM_COMPONENTS
    return 3.5 * np.stack([np.cos(angle), np.sin(angle)], 1)


def one_at_a_time(seed, warm, seeds, generations):
    """Each generation is sampled from the mixture before, fitted as by default.

    The second half of the numbers is the mean number of iterations of a fit.
    """
    warnings.simplefilter("ignore", ConvergenceWarning)
    rng, ends, iterations = np.random.default_rng(seed), [], []
    for _ in range(seeds):
        which = rng.integers(NUM_COMPONENTS, size=NUM_ROWS)
        rows = truth()[which] + rng.standard_normal((NUM_ROWS, 2))
        model, count = None, []
        for generation in range(generations + 1):
            if generation:
                rows = model.sample(NUM_ROWS)[0]
            number = int(rng.integers(2**31))
            model = GaussianMixture(
                NUM_COMPONENTS, random_state=number, **EM, **initial(model, warm)
            ).fit(rows)
            count.append(model.n_iter_)
        ends.append(model.lower_bound_)
        iterations.append(np.mean(count[1:]))
    return [*ends, *iterations]


def initial(model, warm):
    """Where a fit starts: at the parameters before, if warm."""
    if model is None or not warm:
        return {}
    return {
        "weights_init": model.weights_,
        "means_init": model.means_,
        "precisions_init": model.precisions_,
    }
