"""Made-up results with a known fate: a Gaussian refitted by its exact law, in NumPy."""

import json

import numpy as np
import scipy.stats
import xarray as xr

from collapse.measures import catalogue

WORKFLOWS = ["replace", "mix 1 fresh"]
DIMS = ["group", "workflow", "seed", "generation"]


def gaussian(groups=1, seeds=30, generations=20, n=20, key=0):
    """Independent groups of runs: fits to their own samples, and to real rows alone.

    The group is an axis, so that a single profile has many of them.
    """
    rng = np.random.default_rng(key)
    shape = (groups, seeds)
    mean, variance = np.zeros((2, groups, 2, seeds, generations + 1))
    for w, refits in enumerate((True, False)):
        m, v = np.zeros(shape), np.ones(shape)  # of what the rows are drawn from
        for t in range(generations + 1):
            found = m + np.sqrt(v / n) * rng.normal(size=shape)
            spread = v * rng.chisquare(n - 1, shape) / n
            mean[:, w, :, t], variance[:, w, :, t] = found, spread
            if refits:
                m, v = found, spread
    error = (np.log(variance) + (1 + mean**2) / variance - 1) / 2
    metrics = {
        "variance_ratio": variance,
        "mean_error": mean**2,
        "test_error": error,
        "tail_mass_1pct": outside(mean, variance, 0.01) / 0.01,
        "hallucinated_mass": outside(mean, variance, 0.001) / 0.001,
    }
    coords = {"group": np.arange(groups), "workflow": WORKFLOWS}
    return xr.Dataset(
        {n: (DIMS, values, attributes(n)) for n, values in metrics.items()},
        coords | {"generation": np.arange(generations + 1)},
        {"axes": ["group"], "real_only": json.dumps({"workflow": ["mix 1 fresh"]})},
    )


def outside(mean, variance, share):
    """Mass of a Gaussian outside the standard normal's central part."""
    edge, scale = scipy.stats.norm.isf(share / 2), np.sqrt(variance)
    high = scipy.stats.norm.sf((edge - mean) / scale)
    return high + scipy.stats.norm.cdf((-edge - mean) / scale)


def attributes(name):
    known = catalogue.find(name)
    told = {"long_name": known.long_name, "units": known.unit, "aspect": known.aspect}
    told |= {} if known.reference is None else {"reference": known.reference}
    return told | ({"tail": 1} if known.is_tail else {})


def made_up(metrics, workflows=("replace", "mix 1 fresh"), axes=None, real_only=None):
    """A dataset of metric -> values [axes..., workflow, S, G + 1]."""
    axes = axes or {}
    dims = [*axes, "workflow", "seed", "generation"]
    return xr.Dataset(
        {n: (dims, np.asarray(v, float), attributes(n)) for n, v in metrics.items()},
        {**axes, "workflow": list(workflows)},
        {"axes": list(axes), "real_only": json.dumps(real_only or {})},
    )
