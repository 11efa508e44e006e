"""What is measured of a Gaussian, whichever experiment it is in."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core.types import Key
from collapse.measures import metrics as m
from collapse.models import gaussian

_DIRECTIONS = 64  # for tail masses in more than one dimension


def metrics(truth: Any, held_out: Any, known: bool = True) -> dict[str, Any]:
    """Every metric of the family, bound to a Gaussian truth and held-out rows.

    With known = False the test error is the whole log-loss: an excess over a density
    fitted to the same rows would be biased.
    """

    def moments_of(params: gaussian.GaussianParams) -> m.Moments:
        return params.mean, params.scale

    exact = (truth.mean, truth.scale)
    of_moments = m.moment_metrics(moments_of, exact)

    def det_ratio(key: Key, params: gaussian.GaussianParams) -> Float[Array, ""]:
        """Determinant of the model's covariance over the truth's; 0 if singular."""
        return jnp.exp(of_moments["log_det_ratio"](key, params))

    tails = {name: (m.FLOOR, share) for name, share in m.TAILS.items()}
    tails["hallucinated_mass"] = (0.0, m.FLOOR)
    return {
        **{
            name: m.gaussian_tail_mass(moments_of, exact, shares, _DIRECTIONS)
            for name, shares in tails.items()
        },
        "test_error": m.test_error(
            gaussian.log_density,
            held_out,
            gaussian.log_density(truth, held_out) if known else None,
        ),
        **of_moments,
        "det_ratio": det_ratio,
        **m.absolute_errors(moments_of, exact),
        "w2_squared": m.w2_squared(moments_of, exact),
        "entropy": m.gaussian_entropy(moments_of),
    }
