"""The Gaussian mixture's recursive loop timed beside scikit-learn's.

    python benchmarks/gmm.py [--quick] [--one-core]

Lab and scikit-learn have the same cores. A speed is a number of seed-generations a
second: one model sampled and one fitted. Compared is the mean over seeds of the
log-likelihood of a row in the last fit.
"""

import timing  # isort: skip - sets the number of threads

import functools

import alone
import jax
import jax.numpy as jnp
import numpy as np
from entries import Peer, compared, entry
from floor import Need, triangle
from gmm_peer import EM, NUM_COMPONENTS, NUM_ROWS
from gmm_peer import truth as means_of_truth
from sklearn.mixture import GaussianMixture

from collapse.core.types import Problem
from collapse.core.workflows import replace
from collapse.models.gmm.model import GmmParams, gmm, sample_points

DIMENSION = 2
GOAL = 40  # times scikit-learn as it is by default, in float64
STARTS = {"previous": "warm", "kmeans++": "k-means++"}


def truth(dtype):
    """Five unit Gaussians on a circle, near enough to overlap a little."""
    return GmmParams(
        jnp.full(NUM_COMPONENTS, 1 / NUM_COMPONENTS, dtype),
        jnp.asarray(means_of_truth(), dtype),
        jnp.broadcast_to(jnp.eye(DIMENSION, dtype=dtype), (NUM_COMPONENTS, 2, 2)),
    )


def lab(dtype, start, num_seeds, num_generations):
    """A call that returns log-likelihoods at the end, and compile seconds.

    The trace's iterations of a fit are kept in its attribute `iterations`.
    """
    true_mixture = truth(dtype)
    problem = Problem(
        draw=lambda key, num: sample_points(key, true_mixture, num),
        model=gmm(NUM_COMPONENTS, dimension=DIMENSION, start=start, **EM),
        metrics={},
    )
    iterations = []

    def read(trace):
        iterations.append(float(trace.info["iterations"][:, 1:].mean()))
        return trace.info["log_likelihood"][:, -1]

    shape = (NUM_ROWS, num_generations, num_seeds)
    call, seconds = timing.lab(lambda root: problem, replace(), *shape, read=read)
    return call, seconds, iterations


def need(iterations):
    """Of one generation: rows drawn, and so many passes over rows and components."""
    d, n, k = DIMENSION, NUM_ROWS, NUM_COMPONENTS
    density = 2 * triangle(d) + 3 * d + 2  # a quadratic form, its share
    moments = 2 * (1 + d + triangle(d))
    passes = iterations * n * k
    flops = n * 2 * triangle(d) + passes * (density + moments)
    return Need(n * d, n, passes, flops)


def compare(setting, dtype, start):
    """One row of the table."""
    seeds, last = (16, 5) if setting.quick else (64, 20)
    call, compiled, iterations = lab(jnp.dtype(dtype), start, seeds, last)
    ask = functools.partial(timing.peer, setting, "gmm_peer", "one_at_a_time")
    calls = {"lab": call}
    others = {}
    for name, warm in (("default", False), ("warm", True)):
        calls[name] = ask(warm=warm, seeds=1, generations=last)
        goal = GOAL if name == "default" and (dtype, start) == GOALS else 0
        others[name] = Peer(
            calls[name],
            setting.cores * (last + 1),
            goal,
            ends=lambda found: found.reshape(-1, 2)[:, 0],
        )
    timed = timing.interleave(calls, setting)
    theirs = {
        name: np.mean([found.reshape(-1, 2)[:, 1] for found in timed.found[name]])
        for name in others
    }
    told = ", ".join(f"{name} {count:.2f}" for name, count in theirs.items())
    case = f"start: {STARTS[start]}; iterations a fit: lab {iterations[0]:.2f}, {told}"
    mine = (call, compiled, seeds * (last + 1))
    row = (case, dtype, mine, others, tuple(others), need(iterations[0]), timed)
    found = compared(setting, *row)
    return found | {"case": f"{STARTS[start]}, {dtype}"}


GOALS = ("float64", "previous")


def agreement(setting, dtype):
    """Worst disagreement with scikit-learn in float64 over data sets, same start."""
    fit = jax.jit(gmm(NUM_COMPONENTS, dimension=DIMENSION, start="previous", **EM).fit)
    num = 3 if setting.quick else 10
    same, worst = 0, 0.0
    for seed in range(num):
        rows = sample_points(jax.random.key(seed), truth(jnp.float64), NUM_ROWS)
        start = truth(jnp.float64)
        start = start._replace(means=start.means + rows[:NUM_COMPONENTS] / 4)
        theirs = GaussianMixture(
            NUM_COMPONENTS,
            weights_init=start.weights,
            means_init=start.means,
            precisions_init=np.linalg.inv(start.covariances),
            **EM,
        ).fit(rows)
        _, info = fit(
            jax.random.key(0),
            jax.tree.map(lambda leaf: leaf.astype(dtype), start),
            rows.astype(dtype),
            jnp.ones(NUM_ROWS, dtype),
        )
        same += int(info["iterations"]) == theirs.n_iter_
        worst = max(worst, abs(float(info["log_likelihood"]) - theirs.lower_bound_))
    columns = ["same data, same start", "fits with as many iterations"]
    columns += ["log-likelihood of a row, largest difference"]
    return entry(columns, dtype, [dtype, f"{same} of {num}", f"{worst:.0e}"])


def jobs(setting):
    """Rows of both tables; float32 on all cores alone."""
    rows = [("float64", "previous"), ("float64", "kmeans++"), ("float32", "previous")]
    for dtype, start in rows[:1] if setting.quick else rows:
        if dtype == "float64" or setting.cores > 1:
            name = f"{STARTS[start]}, {dtype}"
            yield "gmm", name, functools.partial(compare, setting, dtype, start)
    if setting.cores > 1:
        for dtype in ("float64", "float32"):
            yield "gmm_same", dtype, functools.partial(agreement, setting, dtype)


if __name__ == "__main__":
    alone.main(__doc__, jobs)
