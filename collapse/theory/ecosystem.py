"""Many models that learn from each other's rows.

First, M unigram models that share a pool of N tokens: in every generation the pool is
split at random into M parts of N / M, each model is fitted to one of them and generates
N / M tokens, and these are the next pool. Generation 0 has N real tokens. Values are in
units of the truth's heterozygosity, 1 - sum q^2.

Second, K entities with private data, linear models that are pulled to each other's
synthetic rows, in the simplest isotropic form.

References:
  Hodel & West 2025 (arXiv:2512.15011): the best number of models grows with the
  horizon. Vu, Reeves & Wenger 2025 (arXiv:2505.21677): entities with public, private
  and synthetic data. The formulas are derived here.
"""

import math
from typing import NamedTuple

import numpy as np

from collapse.theory.checks import Curve, in_unit, not_negative, whole


class EntityErrors(NamedTuple):
    """Expected squared errors of an entity's parameter, [G + 1] each."""

    own: Curve  # from its own task's parameter
    other: Curve  # from that of another entity's task
    public: Curve  # from the public task's parameter
    spread: Curve  # half the squared difference between two entities


def heterozygosity_factor(tokens: int, models: int) -> float:
    """What is left of the pool's heterozygosity, 1 - (N-M) / (N (N-1)).

    Two tokens are copies of the same one only if one model generates both, which has
    the chance (n-1) / (N-1), and takes the same of its n = N / M tokens twice, 1 / n.
    So drift is (N-M) / (N-1) of that of one model, and none with a model a token.
    """
    n, m = _parts(tokens, models)
    return 1 - (n - m) / (n * (n - 1)) if n > 1 else 1.0


def pool(tokens: int, models: int, num_generations: int) -> Curve:
    """Expected heterozygosity of the pool [G + 1]: (1 - 1/N) times factors."""
    steps = np.arange(whole("num_generations", num_generations, 0) + 1.0)
    return (1 - 1 / tokens) * heterozygosity_factor(tokens, models) ** steps


def pool_error(tokens: int, models: int, num_generations: int) -> Curve:
    """E |p - q|^2 of the pool's shares [G + 1]: what its heterozygosity lacks of 1."""
    return 1 - pool(tokens, models, num_generations)


def own_error(tokens: int, models: int, num_generations: int) -> Curve:
    """E |p - q|^2 of one model's fit [G + 1], exactly 1 - (1 - M/N) f^t.

    It is the pool's drift 1 - (1 - 1/N) f^t plus the error of a part as a sample of
    the pool, f^t (M-1) / N: a fit to 1/M of the tokens has M times the variance.
    """
    m = _parts(tokens, models)[1]
    drift = pool_error(tokens, m, num_generations)
    return drift + (1 - drift) / (1 - 1 / tokens) * (m - 1) / tokens


def best_number(tokens: int, horizon: int) -> int:
    """The divisor M of N whose models have the least error at generation t.

    (1 - M/N) f^t is largest at M = N - N (N-1) / (t+1), so one model is best up to
    t = N - 1 and ever more are after that.
    """
    n, t = whole("tokens", tokens, 2), whole("horizon", horizon, 0)
    divisors = [m for m in range(1, n + 1) if n % m == 0]

    def kept(m: int) -> float:
        """Logarithm of what the error lacks of 1."""
        if m == n:
            return -math.inf  # one token has no spread
        return math.log1p(-m / n) + t * math.log(heterozygosity_factor(n, m))

    return max(divisors, key=kept)


def entities(
    number: int,
    synthetic: float,
    private: float,
    heterogeneity: float,
    noise: float,
    public_noise: float,
    synthetic_noise: float,
    num_generations: int,
) -> EntityErrors:
    """Errors of entities whose models are pulled to everybody's synthetic rows.

    Generation 0: theta_k = b x_k + (1-b) x_0 with private and public means. Then
    theta_k' = (1-a) (b x_k + (1-b) x_0) + a (mean_j theta_j + xi), the same real rows
    each time. So deviations from the mean of all are multiplied by 1 - a at once, and
    the mean obeys W' = a^2 (W + s/K), which ends at a^2 s / (K (1 - a^2)).

    Args:
      number: K, at least 2.
      synthetic: a, share of synthetic rows from generation 1 on.
      private: b, share of private ones among the real rows.
      heterogeneity: variance of the private tasks' parameters about the public one.
      noise: variance of x_k about its task's parameter.
      public_noise: that of x_0.
      synthetic_noise: s, variance of the mean of what one entity generates.
      num_generations: G.
    """
    steps = np.arange(whole("num_generations", num_generations, 0) + 1.0)
    a = in_unit("synthetic", synthetic)
    s = not_negative("synthetic_noise", synthetic_noise)
    fresh = a**2 * s / whole("number", number, 2)
    wander = fresh * (steps if a == 1 else (1 - a ** (2 * steps)) / (1 - a**2))
    return _entities(
        number,
        np.where(steps == 0, 0.0, a),
        private,
        (heterogeneity, noise, public_noise),
        wander,
    )


def entities_limit(
    number: int,
    synthetic: float,
    private: float,
    heterogeneity: float,
    noise: float,
    public_noise: float,
    synthetic_noise: float,
) -> EntityErrors:
    """Limit of `entities` as generations go on, scalars; inf at a = 1 if s > 0."""
    a = in_unit("synthetic", synthetic)
    s = not_negative("synthetic_noise", synthetic_noise)
    if s == 0:
        wander = 0.0
    else:
        wander = math.inf if a == 1 else a**2 * s / (number * (1 - a**2))
    others = (heterogeneity, noise, public_noise)
    return _entities(number, np.asarray(a), private, others, np.asarray(wander))


def _entities(
    number: int,
    a: Curve,
    private: float,
    variances: tuple[float, float, float],
    wander: Curve,
) -> EntityErrors:
    """Errors from the coefficients of own and other private means, A and B."""
    k, b = whole("number", number, 2), in_unit("private", private)
    names = ("heterogeneity", "noise", "public_noise")
    tasks, noise, public = map(not_negative, names, variances)
    own = b * (1 - a * (1 - 1 / k))
    other = b * a / k
    squares = own**2 + (k - 1) * other**2
    rest = noise * squares + public * (1 - b) ** 2 + wander
    return EntityErrors(
        tasks * ((1 - own) ** 2 + (k - 1) * other**2) + rest,
        tasks * (own**2 + (1 - other) ** 2 + (k - 2) * other**2) + rest,
        tasks * squares + rest,
        (tasks + noise) * (own - other) ** 2,
    )


def _parts(tokens: int, models: int) -> tuple[int, int]:
    """Numbers of tokens and models, checked."""
    n, m = whole("tokens", tokens, 1), whole("models", models, 1)
    if n % m:
        raise ValueError(f"models must divide tokens = {n}, got {models}")
    return n, m
