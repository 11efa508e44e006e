"""Linear regressors in NumPy, that know rows and fits only: no code of the lab."""

import numpy as np
from conftest import SEED

from collapse.theory.linear import Noise

NUM_SEEDS = 20_000
NOISE = Noise(1.0, 2.0)  # of real and of synthetic labels
SWAPPED = Noise(NOISE.synthetic, NOISE.real)
# Cholesky factor of a covariance of inputs
FACTOR = np.array([[1.0, 0, 0], [0.8, 0.6, 0], [-0.5, 0, 1.5]])


def newest(batches):
    return batches[-1:]


def everything(batches):
    return batches


def last_two(batches):
    return batches[-2:]


# workflow: (batches that a fit is given, whether batch t has t + 1 times the rows)
WORKFLOWS = {
    "replace": (newest, False),
    "accumulate": (everything, False),
    "replace_multiple": (newest, True),
}


def solve(x, y, penalty):
    """Ridge fits [S, c, d] to labels [S, c, rows]; without ridge of minimum norm."""
    if penalty == 0:
        return y @ np.swapaxes(np.linalg.pinv(x), 1, 2)
    gram = np.swapaxes(x, 1, 2) @ x + penalty * np.eye(x.shape[2])
    return np.swapaxes(np.linalg.solve(gram, np.swapaxes(y @ x, 1, 2)), 1, 2)


def simulate(
    workflow,
    n,
    d,
    design,
    *,
    factor=None,
    penalty=0.0,
    scale=1.0,
    real=0,
    delta=0.0,
    generations=4,
    seeds=NUM_SEEDS,
):
    """Squared errors [S, G + 1, 3]: of the noise-free twin, of the noise, of both.

    Args:
      workflow: name in WORKFLOWS, or a function of the batches so far.
      scale: standard deviation of each true coefficient.
      real: rows of each later generation whose labels are real.
      delta: [d] error of the coefficients that models label with.
    """
    rule, multiple = WORKFLOWS.get(workflow, (workflow, False))
    factor = np.eye(d) if factor is None else factor
    rng = np.random.default_rng([SEED, n, d])
    truth = rng.standard_normal((seeds, 1, d)) * scale
    models = np.repeat(truth, 2, axis=1)  # the noisy fit and its twin
    first = rng.standard_normal((seeds, n, d)) @ factor.T
    batches, errors = [], []
    for t in range(generations):
        k = t + 1 if multiple else 1
        x = np.tile(first, (1, k, 1))
        if design == "fresh" and t:
            x = rng.standard_normal((seeds, k * n, d)) @ factor.T
        y = models @ np.swapaxes(x, 1, 2)
        y[:, :, :real] = truth @ np.swapaxes(x[:, :real], 1, 2)
        variance = np.full(k * n, NOISE.synthetic if t else NOISE.real)
        variance[:real] = NOISE.real
        y[:, 0] += np.sqrt(variance) * rng.standard_normal((seeds, k * n))
        batches.append((x, y))
        xs, ys = zip(*rule(batches), strict=True)
        fit = solve(np.concatenate(xs, 1), np.concatenate(ys, 2), penalty)
        noisy, twin = fit[:, 0], fit[:, 1]
        gaps = (twin - truth[:, 0], noisy - twin, noisy - truth[:, 0])
        errors.append(np.stack([((gap @ factor) ** 2).sum(1) for gap in gaps], 1))
        models = fit + delta
    return np.stack(errors, 1)
