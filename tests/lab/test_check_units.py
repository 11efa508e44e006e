"""`collapse.check_model`: each parameter is looked at in its own unit."""

import contextlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import collapse
from collapse import Model, draws
from collapse.data.errors import ModelError
from collapse.lab import session

pytestmark = [pytest.mark.x64, pytest.mark.xdist_group("check_model")]
SLOW = ("pure", "draw", "key once", "types", "order")


@pytest.fixture(autouse=True)
def _as_a_user_runs_it(monkeypatch):
    monkeypatch.setattr(session, "configured", lambda *_: contextlib.nullcontext())
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


class Pairs:
    """A normal model of pairs of rows, of which a part may ignore its weights."""

    def __init__(self, scale, dtype=np.float64, ignoring=(), residual=False):
        self.scale = np.asarray(scale, dtype)
        self.ignoring, self.residual = ignoring, residual
        self.model = Model(self.init, self.fit, self.sample)

    def draw(self, key, num):
        return self.scale * (1 + draws.normal(key, (num, 2), self.scale.dtype))

    def init(self, key, rows, weights):
        return self.fit(key, None, rows, weights)[0]

    def fit(self, key, params, rows, weights):
        share = weights / jnp.sum(weights)
        seen = {name: share for name in ("mean", "variance")}
        for name in self.ignoring:
            seen[name] = jnp.full_like(share, 1 / len(rows))
        mean, own = seen["mean"] @ rows, share @ rows
        found = {"mean": mean, "variance": seen["variance"] @ (rows - own) ** 2}
        if self.residual:  # 0 up to rounding
            found["residual"] = share @ (rows - own)
        return found, {}

    def sample(self, key, params, num):
        noise = draws.normal(key, (num, 2), params["mean"].dtype)
        return params["mean"] + jnp.sqrt(params["variance"]) * noise


SCALES = [
    ([2e-5, 2e-5], np.float64),
    ([1e-2, 1e-2], np.float32),
    ([1e6, 1e-4], np.float64),
    ([1e6, 1e-4], np.float32),
    ([1, 1], np.float64),
]


@pytest.mark.parametrize(("scale", "dtype"), SCALES)
@pytest.mark.parametrize("ignoring", ["mean", "variance"])
def test_each_parameter_is_looked_at_in_its_own_unit(scale, dtype, ignoring):
    """Small ones, those of the smaller of two columns, and those in float32."""
    one = Pairs(scale, dtype, (ignoring,))
    small = Pairs(scale, dtype)

    def fit(key, params, rows, weights):  # of the second column only
        right, wrong = (p.fit(key, None, rows, weights)[0] for p in (small, one))
        mixed = jax.tree.map(lambda a, b: a.at[1].set(b[1]), right, wrong)
        return mixed, {}

    model = one.model._replace(fit=fit)
    with pytest.raises(
        ModelError, match=rf"^fit: rows of weight 0.* params\['{ignoring}'\]\[1\]"
    ):
        collapse.check_model(model, one.draw, skip=SLOW)


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize(("scale", "dtype"), SCALES)
def test_rounding_is_no_influence(scale, dtype, residual):
    """Nor that of a parameter which is 0 up to rounding."""
    good = Pairs(scale, dtype, residual=residual)
    skip = (*SLOW, "finite") if residual else SLOW
    report = collapse.check_model(good.model, good.draw, skip=skip, on_fail="report")
    assert report.ok, str(report)


def test_a_parameter_that_should_be_0_and_is_not_is_seen():
    good = Pairs([1, 1], residual=True)

    def fit(key, params, rows, weights):
        found, info = good.fit(key, params, rows, weights)
        out = jnp.where(weights > 0, 0, 1) @ rows
        return found | {"residual": found["residual"] + 1e-6 * out}, info

    with pytest.raises(ModelError, match=r"weight 0 have.* params\['residual'\]"):
        collapse.check_model(good.model._replace(fit=fit), good.draw, skip=SLOW)
