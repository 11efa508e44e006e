"""NumPy's side of `gaussian.py`: log-variances at the end, one for each seed."""

import numpy as np


def batched(seed, d, n, seeds, generations, precision):
    """All seeds at once, one array a generation; replace."""
    rng, dtype = np.random.default_rng(seed), np.dtype(precision).type
    if d == 1:
        mean, std = np.zeros((seeds, 1), dtype), np.ones((seeds, 1), dtype)
        for _ in range(generations + 1):
            x = mean + std * rng.standard_normal((seeds, n), dtype=dtype)
            mean, std = x.mean(1, keepdims=True), x.std(1, keepdims=True)
        return 2 * np.log(std[:, 0])
    mean = np.zeros((seeds, 1, d), dtype)
    cov = np.broadcast_to(np.eye(d, dtype=dtype), (seeds, d, d))
    # without it NumPy gives up in float32 before generation 100
    jitter = dtype(1e-12 if dtype == np.float64 else 1e-6) * np.eye(d, dtype=dtype)
    for _ in range(generations + 1):
        factor = np.linalg.cholesky(cov + jitter)
        z = rng.standard_normal((seeds, n, d), dtype=dtype)
        x = mean + z @ factor.swapaxes(1, 2)
        mean = x.mean(1, keepdims=True)
        cov = (x - mean).swapaxes(1, 2) @ (x - mean) / n
    return np.log(np.trace(cov, axis1=1, axis2=2) / d)


def one_at_a_time(seed, workflow, d, n, seeds, generations):
    """As a paper's script has it: a loop over seeds and generations."""
    rng, ends = np.random.default_rng(seed), []
    for _ in range(seeds):
        mean, cov, pool = np.zeros(d), np.eye(d), np.empty((0, d))
        for _ in range(generations + 1):
            new = rng.multivariate_normal(mean, cov, n)
            pool = new if workflow == "replace" else np.concatenate([pool, new])
            rows = pool
            if workflow == "fixed_budget":
                rows = pool[rng.choice(len(pool), n, replace=False)]
            mean, cov = rows.mean(0), np.atleast_2d(np.cov(rows.T, bias=True))
        ends.append(np.log(np.trace(cov) / d))
    return ends
