"""Where accumulating fails: exact laws of families in which real rows do not save it.

With regular maximum likelihood the model stays near the truth under `accumulate`,
though the share of real rows goes to 0. Here are four ways to lose that, each with an
exact law: a fit to the largest row alone, a family whose models generate marks unless
they are the truth, a generator whose mean is off, and one whose scale is off. A fifth,
biased selection, is in `selection`.

References:
  Barzilai & Shamir 2025 (arXiv:2505.19046) prove both: that regular families do not
  collapse, and that consistency at the truth is not enough. The families here are ours.
"""

import math

import numpy as np
import scipy  # its parts are loaded when first used

from collapse.theory.checks import Curve, not_negative, whole
from collapse.theory.recursions import Moments


def uniform_scale(
    n: int, num_generations: int, workflow: str, slack: float | str
) -> Curve:
    """E theta_t / theta of uniform rows on [0, theta], fitted by their maximum [G + 1].

    theta_t = (1 + e) max of its rows. A slack e of 0 is maximum likelihood, "unbiased"
    is 1 / (rows fitted to), and any number is a fit that overreacts, or corrects for n
    rows where there are more. Under `replace` each generation multiplies by
    (1 + e) n / (n+1). Under `accumulate` the maximum M of the pool obeys
    M' = max(M, (1 + e) M U^(1/n)), so it is multiplied by
    (1 + e) (n + (1 + e)^-(n+1)) / (n+1) on average: for e = 0 nothing changes after the
    first fit, the unbiased fit converges, and for any constant e > 0 the scale grows
    geometrically for ever. The real rows are still there; the maximum passes them by.
    """
    rows = whole("n", n, 1)
    replaced = _is_replace(workflow)
    batches = np.arange(1, whole("num_generations", num_generations, 0) + 2)
    if slack == "unbiased":
        more = 1 / (rows * (np.ones(len(batches)) if replaced else batches))
    elif isinstance(slack, str):
        raise ValueError(f"slack must be a number or 'unbiased', got {slack!r}")
    else:
        more = np.full(len(batches), not_negative("slack", slack))
    stay = np.zeros(len(more)) if replaced else (1 + more) ** -(rows + 1.0)
    growth = (1 + more) * (rows + stay) / (rows + 1)  # of the largest row
    return (1 + more) * rows / (rows + 1) * np.cumprod(np.append(1.0, growth[:-1]))


def uniform_log_growth(n: int, workflow: str, slack: float) -> float:
    """Growth of log theta_t per generation, which is also its rate in every run.

    With L = log(1 + e): L - 1/n under `replace`, which is negative for a small slack,
    and L - (1 - e^(-n L)) / n under `accumulate`, which is positive for every slack.
    With e = 1/n, right for n rows, the former shrinks and the latter explodes.
    """
    rows, gain = whole("n", n, 1), math.log1p(not_negative("slack", slack))
    if _is_replace(workflow):
        return gain - 1 / rows
    return gain + math.expm1(-rows * gain) / rows


def marked_survival(
    rate: float, dimension: int, num_generations: int, workflow: str
) -> Curve:
    """Chance that no row fitted to so far has a mark [G + 1]; after one all is lost.

    The family: a model theta in d dimensions generates a row from N(theta, I) with
    probability e^(-rate |theta|^2), else a mark, a uniform number. The truth is 0,
    whose rows have no marks. Besides there are models (c, h) that generate N(0, I) with
    probability 1 % and else a mark uniform in [c, c + h], for every h > 0.

    Without marks the likelihood is largest at theta = mean / (1 + 2 rate), which
    converges to the truth. With one mark, at c, it is unbounded as h -> 0: the fit
    generates copies of that mark, whatever number of real rows is there.

    Exact, and the same for every n: sqrt(n) times the mean of the rows fitted to is
    normal if no mark was seen, and stays so if it is weighed by the chance of no mark.
    """
    lam, d = not_negative("rate", rate), whole("dimension", dimension, 1)
    replaced, pull = _is_replace(workflow), 1 / (1 + 2 * lam)
    found = np.ones(whole("num_generations", num_generations, 0) + 1)
    variance = 1.0  # of a coordinate of sqrt(n) times the mean
    for t in range(1, len(found)):
        spared = 1 + 2 * lam * pull**2 * variance
        found[t] = found[t - 1] * spared ** (-d / 2)
        part = 1.0 if replaced else 1 / (t + 1)  # of the newest rows among all
        kept = 1 - part + part * pull
        variance = kept**2 * variance / spared + part**2
    return found


def marked_exponent(rate: float, dimension: int) -> float:
    """The power of t with which `marked_survival` falls to 0 under `accumulate`.

    d k / 2 with k = 1 / (1 + 2 rate): the variance there falls like c / t with
    2 rate k^2 c^2 + (1 - 2k) c = 1, whose positive root is c = 1 / (1 - k). 0 for a
    rate of 0; a small one takes long to show, but then fits are pulled to 0 less.
    """
    lam, d = not_negative("rate", rate), whole("dimension", dimension, 1)
    return d / (2 * (1 + 2 * lam)) if lam else 0.0


def flawed_mean(shift: float, num_generations: int, workflow: str) -> Curve:
    """E m_t - mu if every generated row is off by `shift` [G + 1].

    Under `replace` shift t. Under `accumulate`, and under `fixed_budget`, the pool's
    mean moves by shift / (t+1): shift (H_{t+1} - 1), which grows like log t for ever.
    Unbiased noise is averaged away by the pool; what is off in one direction is not.
    """
    steps = np.arange(whole("num_generations", num_generations, 0) + 1.0)
    if workflow in ("accumulate", "fixed_budget"):
        return shift * (scipy.special.digamma(steps + 2) + np.euler_gamma - 1)
    _is_replace(workflow)
    return shift * steps


def flawed_scale(n: int, bias: float, num_generations: int, workflow: str) -> Moments:
    """Exact moments of maximum likelihood fits if the sampler has `bias` b, not 1.

    Generated rows have b times the variance of their model. Under `replace` the
    variance is b^t (1 - 1/n)^(t+1). Under `accumulate` it is multiplied by
    [t + b (1 - 1/(n (t+1)))] / (t+1) in generation t, which for many rows is
    Gamma(t+1+b) / (Gamma(1+b) Gamma(t+2)): it falls like t^-(1-b) if b < 1 and grows
    like t^(b-1) if b > 1. So a sampler that is a little too narrow collapses with all
    real rows kept.
    """
    rows, b = whole("n", n, 1), not_negative("bias", bias)
    replaced = _is_replace(workflow)
    t = np.arange(1, whole("num_generations", num_generations, 0) + 1)
    if replaced:
        factors, part = b * (1 - 1 / rows) * np.ones(len(t)), np.ones(len(t))
    else:
        factors, part = (t + b * (1 - 1 / (rows * (t + 1)))) / (t + 1), 1 / (t + 1)
    variance = (1 - 1 / rows) * np.cumprod(np.append(1.0, factors))
    noise = part**2 * b * variance[:-1] / rows
    return Moments(variance, np.cumsum(np.append(1 / rows, noise)))


def _is_replace(workflow: str) -> bool:
    if workflow not in ("replace", "accumulate"):
        raise ValueError(f"workflow must be replace or accumulate, got {workflow!r}")
    return workflow == "replace"
