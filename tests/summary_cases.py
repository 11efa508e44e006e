"""Made-up results of every seed, with a tail and an error."""

import numpy as np
import xarray as xr


def dataset(num_seeds=40, generations=6):
    """Tails of which under replace three quarters are lost and a tenth overshoots."""
    rng = np.random.default_rng(3)
    tails = np.ones((2, num_seeds, generations))
    seeds = np.arange(num_seeds)
    tails[0, seeds < 0.75 * num_seeds, 3:] = 0.01
    tails[0, seeds >= 0.9 * num_seeds, 3:] = 5.0
    error = rng.normal(1, 0.1, size=tails.shape) + rng.normal(size=(1, num_seeds, 1))
    error[1] = error[0] - 0.5
    dims = ["workflow", "seed", "generation"]
    tail = {"long_name": "tail", "units": "ratio to truth", "tail": 1}
    return xr.Dataset(
        {
            "tail_mass_1pct": (dims, tails, tail),
            "test_error": (
                dims,
                error,
                {"long_name": "error", "units": "nats", "reference": 0.0},
            ),
            "finite": (dims, np.ones(tails.shape, bool)),
        },
        {"workflow": ["replace", "accumulate"], "generation": np.arange(generations)},
        {"axes": []},
    )
