"""Recursions in the second moments of fits, one for each way of choosing rows.

They hold for every model that does two things. Fitted to rows of mean m and variance c
(the trace of their covariance, squares divided by the number of rows), it has the mean
m and the variance v = scale * c + shift, with a scale and a shift that depend on the
generation alone. Given the model, the rows that it generates are independent and have
its mean and its variance. Then all second moments obey linear recursions, since a new
batch of rows has the model's mean plus independent noise of variance v / n.

A maximum likelihood fit has v = c, an unbiased one v = c N / (N - 1) for N rows, and a
kernel density of bandwidth h has v = c + d h^2. Everything is in units of the real
rows' variance, and distances are from their mean.
"""

from typing import NamedTuple

import numpy as np

from collapse.theory.checks import Curve


class Moments(NamedTuple):
    """What a workflow does to mean and covariance; real rows have mean mu, cov Sigma.

    Holds in any dimension and for any model, normal or not, if three things are true.
    Given a model its rows are independent with that model's mean and covariance; which
    rows are trained on does not depend on their values; the fit has the mean and the
    covariance of its rows. With ddof 0 a mixture fitted by EM qualifies: after an M
    step, whatever the responsibilities, sum_k pi_k m_k is the mean of the rows and
    sum_k pi_k (S_k + m_k m_k') their second moment (a ridge on S_k breaks this).

    With ddof 0 the two sum to 1: by the law of total variance, a row drawn from a
    fitted model has the second moment of a row of its training set.
    """

    variance: Curve  # [G + 1] E tr S_t / tr Sigma
    mean_error: Curve  # [G + 1] E |mu_t - mu|^2 / tr Sigma


class Widening(NamedTuple):
    """Variance of a fitted model, v = scale * c + shift, given that of its rows, c."""

    scale: Curve  # [G + 1]
    shift: Curve  # [G + 1]

    def of(self, generation: int, variance: float) -> float:
        """The variance of a generation's model, given that of the rows fitted to."""
        return self.scale[generation] * variance + self.shift[generation]


def divided_by(rows: Curve, ddof: int) -> Widening:
    """`Widening` of fits to `rows` [G + 1] rows that divide by rows - `ddof`."""
    return Widening(rows / (rows - ddof), np.zeros_like(rows))


def rows_in_window(sizes: Curve, size: int) -> Curve:
    """Rows in the last `size` batches, at each generation [G + 1]."""
    return np.convolve(sizes, np.ones(min(size, len(sizes))))[: len(sizes)]


def accumulate(sizes: Curve, widening: Widening) -> Moments:
    """Moments of fits to all rows so far: a recursion in the variance of the pool."""
    moments = Moments(*np.empty((2, len(sizes))))
    pool, spread, error = 0.0, 0.0, 0.0  # rows so far, their variance, mean error
    variance = 1.0  # of the rows generated next
    for t, rows in enumerate(sizes):
        squares = (rows - 1) * variance + variance * pool / (pool + rows)
        spread = (pool * spread + squares) / (pool + rows)
        error += variance * rows / (pool + rows) ** 2
        pool += rows
        variance = widening.of(t, spread)
        moments.variance[t], moments.mean_error[t] = variance, error
    return moments


def window(sizes: Curve, size: int, widening: Widening) -> Moments:
    """Moments of fits to the last `size` batches: a recursion in pairs of their means.

    Size 1 is replace. Time and memory grow like the square of `size`.
    """
    moments = Moments(*np.empty((2, len(sizes))))
    pairs = np.zeros((0, 0))  # E (b_i - mu).(b_j - mu) of the batches in the window
    within = np.zeros(0)  # their sums of squares about their own means
    variance, error, cross = 1.0, 0.0, np.zeros(0)
    for t, rows in enumerate(sizes):
        pairs = np.block([[pairs, cross[:, None]], [cross, error + variance / rows]])
        pairs = pairs[-size:, -size:]
        within = np.append(within, (rows - 1) * variance)[-size:]
        seen = sizes[max(0, t + 1 - size) : t + 1]
        cross, total = pairs @ seen / seen.sum(), seen.sum()
        error = cross @ seen / total
        squares = within.sum() + seen @ np.diag(pairs)
        variance = widening.of(t, squares / total - error)
        moments.variance[t], moments.mean_error[t] = variance, error
    return moments


def fixed_budget(n: int, widening: Widening) -> Moments:
    """Moments of fits to n rows drawn without replacement from all so far; n >= 2."""
    moments = Moments(*np.empty((2, len(widening.scale))))
    spread, error = 1 - 1 / n, 1 / n  # of the pool: variance, mean error
    for t in range(len(widening.scale)):
        pool = (t + 1) * n
        miss = spread * (pool - n) / (n * (pool - 1))  # subset mean about pool mean
        variance = widening.of(t, spread - miss)
        moments.variance[t], moments.mean_error[t] = variance, error + miss
        gap = miss + variance / n  # mean of the new rows about the pool mean
        within = pool * spread + (n - 1) * variance
        spread = (within + gap * pool * n / (pool + n)) / (pool + n)
        error += gap * (n / (pool + n)) ** 2
    return moments


def mix(n: int, real: int, synthetic: int, fixed: bool, widening: Widening) -> Moments:
    """Moments of fits to real rows, new ones or the same ones, and synthetic rows.

    Generation 0 is fitted to n real rows. `fixed` real rows are among those.
    """
    r, s, total = real, synthetic, real + synthetic
    moments = Moments(*np.empty((2, len(widening.scale))))
    spread, error = 1 - 1 / n, 1 / n
    cross = fixed / n  # E (mu_t - mu).(mean of the fixed rows - mu)
    for t in range(len(widening.scale)):
        variance = widening.of(t, spread)
        moments.variance[t], moments.mean_error[t] = variance, error
        between = r * s * (error - 2 * cross) / total
        within = r - r / total + variance * (s - s / total) + between
        error = (r + s * variance + s * s * error + 2 * r * s * cross) / total**2
        spread = within / total
        cross = fixed * (1 + s * cross) / total
    return moments
