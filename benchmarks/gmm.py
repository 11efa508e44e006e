"""The Gaussian mixture's recursive loop timed beside scikit-learn's.

    python benchmarks/gmm.py [--quick]

One process, candidates interleaved, the peer on one thread. A speed is a number of
seed-generations a second: one model sampled and one fitted. Only ratios travel from
machine to machine.
"""

import timing  # isort: skip - sets the number of threads

import argparse
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from collapse.core import streams
from collapse.core.devices import use_all_cores
from collapse.core.loop import over_seeds, run
from collapse.core.types import Problem
from collapse.core.workflows import replace
from collapse.models.gmm.model import GmmParams, gmm, sample_points

NUM_COMPONENTS, DIMENSION, NUM_ROWS = 5, 2, 1000
EM = {"tol": 1e-3, "max_iter": 100, "reg_covar": 1e-6}
GOALS = {"float64": (50, 35), "float32": (100, 70)}  # times scikit-learn (k), (w)
K_MEANS = "(k) scikit-learn, k-means, float64"
PEER = f"scikit-learn {sklearn.__version__} on 1 thread"
WARM = "(w) scikit-learn, warm, float64"


def truth(dtype):
    """Five unit Gaussians on a circle, near enough to overlap a little."""
    angle = 2 * np.pi * np.arange(NUM_COMPONENTS) / NUM_COMPONENTS
    means = 3.5 * np.stack([np.cos(angle), np.sin(angle)], 1)
    return GmmParams(
        jnp.full(NUM_COMPONENTS, 1 / NUM_COMPONENTS, dtype),
        jnp.asarray(means, dtype),
        jnp.broadcast_to(jnp.eye(DIMENSION, dtype=dtype), (NUM_COMPONENTS, 2, 2)),
    )


def lab(dtype, start, num_seeds, num_generations):
    """The compiled program, how long it took to compile, and how to call it."""
    true_mixture = truth(dtype)
    problem = Problem(
        draw=lambda key, num: sample_points(key, true_mixture, num),
        model=gmm(NUM_COMPONENTS, dimension=DIMENSION, start=start, **EM),
        metrics={},
    )
    roots = streams.seeds(0, num_seeds)
    program = over_seeds(
        lambda root: run(root, problem, replace(), NUM_ROWS, num_generations)
    )
    compiled, seconds = timing.compile_timed(program, roots)

    def call():
        _, trace = jax.block_until_ready(compiled(roots))
        assert bool(trace.finite.all())
        return float(trace.info["iterations"][:, 1:].mean())

    return call, seconds


def peer(warm, num_generations):
    """scikit-learn, one seed: each generation is sampled from the one before."""
    start = np.asarray(sample_points(jax.random.key(1), truth(np.float64), NUM_ROWS))

    def call():
        model, rows, iterations = None, start, []
        for generation in range(num_generations + 1):
            if generation:
                rows = model.sample(NUM_ROWS)[0]
            model = GaussianMixture(
                NUM_COMPONENTS, random_state=generation, **EM, **initial(model, warm)
            ).fit(rows)
            iterations.append(model.n_iter_)
        return float(np.mean(iterations[1:]))

    return call


def initial(model, warm):
    if model is None or not warm:
        return {}
    return {
        "weights_init": model.weights_,
        "means_init": model.means_,
        "precisions_init": model.precisions_,
    }


def agreement(dtype):
    """Worst disagreement with scikit-learn in float64 over 10 data sets, same start."""
    fit = jax.jit(gmm(NUM_COMPONENTS, dimension=DIMENSION, start="previous", **EM).fit)
    same, worst = 0, 0.0
    for seed in range(10):
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
    return f"{same}/10 fits with equal iterations, log-likelihood within {worst:.0e}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="seconds, rough numbers")
    quick = parser.parse_args().quick
    num_seeds, generations, peer_generations, repeats = (
        (16, 10, 5, 5) if quick else (64, 50, 20, 7)
    )
    jax.config.update("jax_enable_x64", True)
    use_all_cores()
    warnings.simplefilter("ignore", ConvergenceWarning)

    candidates, compile_seconds, work = {}, {}, {}
    for dtype in GOALS:
        for start, label in (("previous", "warm"), ("kmeans++", "k-means++")):
            name = f"lab {label}, {dtype}"
            candidates[name], compile_seconds[name] = lab(
                jnp.dtype(dtype), start, num_seeds, generations
            )
            work[name] = num_seeds * (generations + 1)
    for name, warm in ((K_MEANS, False), (WARM, True)):
        candidates[name] = peer(warm, peer_generations)
        work[name] = peer_generations + 1
    seconds, iterations = timing.interleave(candidates, repeats)
    speed = {name: work[name] / seconds[name] for name in candidates}

    print(f"{timing.machine(PEER)}\n")
    print(
        f"K={NUM_COMPONENTS}, d={DIMENSION}, n={NUM_ROWS}, {EM}; replace; lab "
        f"{num_seeds} seeds x {generations} generations, peer 1 x {peer_generations}; "
        f"median of {repeats}\n"
    )
    for dtype in GOALS:
        print(f"lab {dtype} against scikit-learn float64: {agreement(dtype)}")
    print("\n| | iterations a fit | seed-generations/s | compile s | x (k) | x (w) |")
    print("|---|---|---|---|---|---|")
    for name in candidates:
        compiled = f"{compile_seconds[name]:.1f}" if name in compile_seconds else ""
        k, w = speed[name] / speed[K_MEANS], speed[name] / speed[WARM]
        print(
            f"| {name} | {iterations[name]:.2f} | {speed[name]:,.0f} | {compiled} "
            f"| {k:.1f} | {w:.1f} |"
        )
    print("\nGoals of the warm lab:", end=" ")
    print("; ".join(f"{dtype} x (k) {k}, x (w) {w}" for dtype, (k, w) in GOALS.items()))


if __name__ == "__main__":
    main()
