"""Closed-form curves of collapse: what a run must show if the lab is right.

These files are the independent oracle. They know NumPy and SciPy and nothing of ours,
so that one mistake cannot be in both.

Counting: every curve is a float64 array [G + 1] over the lab's generation t = 0..G,
where t = 0 is the model fitted to real data. The papers count fits: theirs is t + 1. A
value out of range raises ValueError with the argument's name.

Means and variances of fits under every workflow are here; other questions have modules
of their own: `discrete` and `extinction` (symbols), `kde`, `linear`, `ridge`, `mixing`
(how much real data), `anchoring`, `triggers` and `monitoring` (when to use it),
`limits` (large samples). `recursions` is what they share. Rows that are verified,
chosen or weighed: `verifiers`, `labels`, `preferences`, `detectors`, `selection` and
`mad`, on `truncation`; many models: `ecosystem`; where accumulating fails:
`adversarial`.

Sources: where no theorem is cited the formula is derived here and is checked by
simulation in the tests.
"""

from collapse.theory.discrete import heterozygosity
from collapse.theory.extinction import poisson_survival, survival_decay
from collapse.theory.moments import (
    Moments,
    accumulate,
    accumulate_limit,
    expected_sigma,
    fixed_budget,
    fixed_budget_limit,
    log_det_mean,
    log_det_variance,
    log_sigma_mean,
    log_sigma_variance,
    median_sigma,
    mix,
    replace,
    replace_growing,
    replace_multiple,
    w2_squared,
    w2_squared_leading,
    window,
)

__all__ = [
    "Moments",
    "accumulate",
    "accumulate_limit",
    "expected_sigma",
    "fixed_budget",
    "fixed_budget_limit",
    "heterozygosity",
    "log_det_mean",
    "log_det_variance",
    "log_sigma_mean",
    "log_sigma_variance",
    "median_sigma",
    "mix",
    "poisson_survival",
    "replace",
    "replace_growing",
    "replace_multiple",
    "survival_decay",
    "w2_squared",
    "w2_squared_leading",
    "window",
]
