"""Moments where M models share a pool of rows: each learns 1/M of it, drawn at random.

A generation has n rows. They are dealt out to M models in equal parts, without
replacement; each model is fitted to its part and generates n / M rows, and all are
pooled again (an ecosystem, Hodel and West, arXiv:2512.15011, who train language models;
the laws here are derived). Each model may add r private real rows to its part, the same
in each generation (as in Vu, Reeves and Wenger, arXiv:2505.21677).

The conditions are those of `theory.Moments`: fits have the mean and covariance of their
rows. So the laws hold for Gaussians, for mixtures fitted by EM, and for heterozygosity
(see `discrete.heterozygosity`), which is a variance.

Let W be the pool's variance, squares divided by its N rows, and X the squared distance
of its mean from the true one, both in units of the true variance. Of a part of p rows
the expected variance is W (N - M) / (N - 1), and its mean differs from the pool's by
W (M - 1) / (N - 1), squared. Then the new pool has the second moment of the models, and
its mean that of all models plus independent noise. Without private rows and with ddof
0, under replace,

  W_t = (1 - 1/n) [1 - (n - M) / (n (n - 1))]^t,

so that drift is slower by the factor (n - M) / (n - 1), while each model's own variance
is lower than the pool's by the same factor: more models keep more together, and each of
them knows less.
"""

from typing import NamedTuple

import numpy as np

from collapse.theory.checks import schedule, whole
from collapse.theory.recursions import Moments


class SeveralMoments(NamedTuple):
    """Moments of M models, expected, in units of the true variance.

    Attributes:
      own: of one of the models.
      pooled: of the mixture of all, each with the weight 1 / M. Without private rows
        and with ddof 0 these are the moments of the rows that they are fitted to.
    """

    own: Moments
    pooled: Moments


def replace(
    n: int, num_models: int, num_generations: int, ddof: int, private: int = 0
) -> SeveralMoments:
    """Moments where the pool is the n rows that the models have generated last.

    Args:
      n: rows of a generation, a multiple of M.
      num_models: M.
      num_generations: G; curves are [G + 1].
      ddof: a fit divides squares by its rows less this number, 0 or 1.
      private: real rows r that each model keeps for itself.

    Raises:
      ValueError: for a number out of range, or n that is no multiple of M.
    """
    return _moments(n, num_models, num_generations, ddof, private, grows=False)


def accumulate(
    n: int, num_models: int, num_generations: int, ddof: int, private: int = 0
) -> SeveralMoments:
    """Moments where the pool is all rows so far; arguments as of `replace`.

    Raises:
      ValueError: as `replace`.
    """
    return _moments(n, num_models, num_generations, ddof, private, grows=True)


FORMS = {"replace": replace, "accumulate": accumulate}  # by workflow


def _moments(
    n: int, num_models: int, num_generations: int, ddof: int, private: int, grows: bool
) -> SeveralMoments:
    m, r = whole("num_models", num_models, 1), whole("private", private, 0)
    sizes = schedule(n, num_generations, 0)
    if n % m:
        raise ValueError(f"n must be a multiple of num_models = {m}, got {n}")
    schedule(n // m + r, 0, ddof)  # a part's rows are enough for a fit
    found = np.empty((len(sizes), 4))
    # of the pool: its rows, the square of its mean's error, its variance, and the
    # product of its mean's error with that of a model's private rows
    size, error, variance, product = float(n), 1 / n, 1 - 1 / n, 0.0
    for t in range(len(sizes)):
        part = size / m
        rows = part + r
        spread = variance / (size - 1) if size > 1 else 0.0
        within, between = spread * (size - m), spread * (m - 1)
        # of the mean of one model, and of all of them
        each = (part**2 * (error + between) + r + 2 * part * r * product) / rows**2
        all_ = (part**2 * error + r / m + 2 * part * r * product) / rows**2
        gap = error + between + (1 / r - 2 * product if r else 0.0)
        scatter = part * within + max(r - 1, 0) + part * r / rows * gap
        own = scatter / (rows - ddof)
        found[t] = own, each, own + each - all_, all_
        # of the rows that are generated, then of the pool that they come into
        mean = all_ + own / n
        along = (part * error + r * product) / rows  # pool and new rows' means
        shared = (part * product + (1 / m if r else 0.0)) / rows
        old, new = (size, float(n)) if grows else (0.0, float(n))
        a, b = old / (old + new), new / (old + new)
        second = a * (variance + error) + b * (own + each)
        error = a**2 * error + b**2 * mean + 2 * a * b * along
        variance = second - error
        product = a * product + b * shared
        size = old + new
    own_variance, own_error, pooled_variance, pooled_error = found.T
    return SeveralMoments(
        Moments(own_variance, own_error), Moments(pooled_variance, pooled_error)
    )
