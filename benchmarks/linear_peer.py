"""NumPy's side of `linear.py`: squared errors at the end, one for each seed."""

import numpy as np


def one_at_a_time(seed, workflow, n, d, noise, seeds, generations):
    """As a paper's script has it: lstsq on all rows, in float64."""
    rng, ends = np.random.default_rng(seed), []
    for _ in range(seeds):
        w, xs, ys = np.zeros(d), [], []
        for _ in range(generations + 1):
            x = rng.standard_normal((n, d))
            y = x @ w + np.sqrt(noise) * rng.standard_normal(n)
            if workflow == "replace":
                xs, ys = [], []
            xs.append(x)
            ys.append(y)
            w = np.linalg.lstsq(np.concatenate(xs), np.concatenate(ys))[0]
        ends.append(w @ w)
    return ends


def batched(seed, workflow, n, d, noise, seeds, generations, precision):
    """All seeds at once, running normal equations, in the precision of the row."""
    rng, dtype = np.random.default_rng(seed), np.dtype(precision)
    root = dtype.type(np.sqrt(noise))
    w = np.zeros((seeds, d, 1), dtype)
    gram, moment = np.zeros((seeds, d, d), dtype), np.zeros((seeds, d, 1), dtype)
    for _ in range(generations + 1):
        x = rng.standard_normal((seeds, n, d), dtype)
        y = x @ w + root * rng.standard_normal((seeds, n, 1), dtype)
        turned = x.swapaxes(1, 2)
        if workflow == "replace":
            gram, moment = turned @ x, turned @ y
        else:
            gram, moment = gram + turned @ x, moment + turned @ y
        w = np.linalg.solve(gram, moment)
    return (w**2).sum((1, 2))
