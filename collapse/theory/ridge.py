"""Ridge regression: exact recursions for a given design, averaged over drawn ones.

Given X, every fit is linear in w* and in the noise, so its error follows from matrix
recursions without any simulation of labels. With X fixed all matrices are functions of
S = X'X, so the recursions run on its eigenvalues. What is left is the mean over
designs, taken over `num_designs` drawn by NumPy.

The penalty lambda |w|^2 is not scaled by rows: data that accumulate feel it less and
less. w* ~ N(0, signal I). lambda = 0 is the fit of minimum norm.

Settings: Gerstgrasser et al. (arXiv:2404.01413; no theorem on ridge is known to us),
Dohmatob et al. (2402.07712): learners with ridge on labels of models without it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from collapse.theory.checks import Curve, not_negative, whole
from collapse.theory.linear import ErrorParts, Noise

Matrix = NDArray[np.float64]


class Spectra(NamedTuple):
    """Drawn designs, as eigenvalues of S = X'X and the norm seen from its eigenvectors.

    Attributes:
      eigenvalues: [designs, d]; exactly 0 along directions that X does not see.
      norms: [designs, d], v'Sigma v of each eigenvector v.
    """

    eigenvalues: Matrix
    norms: Matrix


def draw_spectra(n: int, covariance: Matrix, num_designs: int, seed: int) -> Spectra:
    """Spectra of `num_designs` designs of n rows from N(0, covariance [d, d])."""
    n, d = whole("n", n, 1), len(covariance)
    rng, factor = np.random.default_rng(seed), np.linalg.cholesky(covariance)
    values, norms = np.empty((2, whole("num_designs", num_designs, 1), d))
    for i in range(num_designs):
        x = rng.standard_normal((n, d)) @ factor.T
        _, singular, vectors = np.linalg.svd(x, full_matrices=n < d)
        values[i] = np.pad(singular**2, (0, d - singular.size))
        norms[i] = np.einsum("jk,kl,jl->j", vectors, covariance, vectors)
    return Spectra(values, norms)


def fixed(
    workflow: str,
    spectra: Spectra,
    penalty: float,
    num_generations: int,
    noise: Noise,
    signal: float,
) -> ErrorParts:
    """Error of `replace`, `accumulate` or `replace_multiple` with X fixed.

    Along an eigenvector of S with eigenvalue s fit k solves a scalar problem: on k
    batches r_k = 1 / (k s + lambda), on one r_1. Under `accumulate` the sum of all
    moments, m_k = m_{k-1} + s r_{k-1} m_{k-1} + noise of variance s, is a Markov chain.
    """
    s, sizes = spectra.eigenvalues, noise.schedule(num_generations)
    not_negative("penalty", penalty)
    not_negative("signal", signal)
    open_ = s > 0
    found = ErrorParts(*np.empty((2, sizes.size)))
    known = np.ones_like(s)  # the fit along v is `known` times that of w*
    noisy = np.zeros_like(s)  # variance of the fit; of the summed moments if kept
    total = np.zeros_like(s)  # the summed moments' part in w*, over s
    for t, size in enumerate(sizes):
        k = 1 if workflow == "replace" else t + 1
        r = np.where(open_, 1 / np.where(open_, k * s + penalty, 1), 0)
        if workflow == "accumulate":
            before = np.where(open_, 1 / np.where(open_, max(t, 1) * s + penalty, 1), 0)
            noisy = (1 + s * before * (t > 0)) ** 2 * noisy + size * s
            total = total + known
            known, spread = r * s * total, r**2 * noisy
        elif workflow in ("replace", "replace_multiple"):
            known = r * k * s * known
            spread = noisy = (r * k * s) ** 2 * noisy + size * k * s * r**2
        else:
            raise ValueError(f"workflow has no recursion here, got {workflow!r}")
        found.bias[t] = signal * ((known - 1) ** 2 * spectra.norms).sum(1).mean()
        found.variance[t] = (spread * spectra.norms).sum(1).mean()
    return found


def fresh_replace(
    spectra: Spectra, penalty: float, num_generations: int, noise: Noise, signal: float
) -> ErrorParts:
    """Error of `replace` with a new X in every generation; Sigma is the identity.

    E A = a I and E A'A = b I for A = (S + lambda)^-1 S, by rotational invariance.
    """
    a, b, v = _terms(spectra, not_negative("penalty", penalty))
    d, sizes = spectra.eigenvalues.shape[1], noise.schedule(num_generations)
    not_negative("signal", signal)
    found = ErrorParts(*np.empty((2, sizes.size)))
    first = second = 1.0
    variance = 0.0
    for t, size in enumerate(sizes):
        first, second, variance = a * first, b * second, b * variance + size * v
        found.bias[t] = signal * d * (1 - 2 * first + second)
        found.variance[t] = variance
    return found


class Learner(NamedTuple):
    """Error of a learner, in its three parts: signal, teacher's error, own noise.

    E error = signal * bias + rho * (teacher's error) + noise variance * variance, for a
    teacher whose error has mean zero and covariance proportional to Sigma^-1, which is
    that of a fit without ridge.
    """

    bias: float
    rho: float
    variance: float


def learner(
    n: int, covariance: Matrix, penalty: float, num_designs: int, seed: int
) -> Learner:
    """A ridge fit to n rows that a teacher labelled (Dohmatob et al., 2402.07712).

    rho, how much of the teacher's error is handed on, is 1 without ridge (n >= d) and
    falls with lambda: that is why more synthetic data ask for more ridge.
    """
    n, d, rng = whole("n", n, 1), len(covariance), np.random.default_rng(seed)
    not_negative("penalty", penalty)
    factor = np.linalg.cholesky(covariance)
    inverse = np.linalg.inv(covariance)
    parts = np.empty((whole("num_designs", num_designs, 1), 3))
    for i in range(num_designs):
        x = rng.standard_normal((n, d)) @ factor.T
        s, vectors = np.linalg.eigh(x.T @ x)
        open_ = np.arange(d) >= d - min(n, d)  # in ascending order
        r = np.where(open_, 1 / np.where(open_, s + penalty, 1), 0)
        a = (vectors * (r * s)) @ vectors.T
        noise = (vectors * (r**2 * s)) @ vectors.T
        miss = np.eye(d) - a
        parts[i] = (
            np.trace(miss @ covariance @ miss),
            np.trace(covariance @ a @ inverse @ a) / d,
            np.trace(covariance @ noise),
        )
    return Learner(*map(float, parts.mean(0)))


def _terms(spectra: Spectra, penalty: float) -> tuple[float, float, Curve]:
    """E tr A / d, E tr A^2 / d and E tr (S + lambda)^-2 S."""
    s = spectra.eigenvalues
    open_ = s > 0
    r = np.where(open_, 1 / np.where(open_, s + penalty, 1), 0)
    return (r * s).mean(), ((r * s) ** 2).mean(), (r**2 * s).sum(1).mean()
