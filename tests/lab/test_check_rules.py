"""`collapse.check_model`: what some rules take for broken, and what not."""

import jax.numpy as jnp
import pytest
from broken_models import BROKEN, GOOD, draw, fitting
from lab_cases import as_a_user_runs_it  # noqa: F401

import collapse
from collapse import Model, draws
from collapse.data.errors import ModelError

pytestmark = [
    pytest.mark.x64,
    pytest.mark.usefixtures("as_a_user_runs_it"),
    pytest.mark.xdist_group("check_model"),
    pytest.mark.filterwarnings("ignore:Explicitly requested dtype"),
]


def test_a_fit_to_rows_that_are_all_alike_is_not_tried_on_others():
    def few(key, num):  # of two values, that of few seeds are all one
        return jnp.where(draws.uniform(key, (num,)) < 0.5, 1.0, 2.0)

    assert collapse.check_model(GOOD, few, skip=("order", "draw", "key once")).ok
    report = collapse.check_model(
        GOOD, lambda key, num: jnp.ones(num), on_fail="report"
    )
    assert {"rows", "params"} <= {*report.skipped} and report.failed == ("draw",)
    nowhere = fitting(lambda rows, w: w @ rows * jnp.nan)
    report = collapse.check_model(nowhere, draw, on_fail="report")
    assert {"rows", "params"} <= {*report.skipped} and "finite" in report.failed


def test_empty_positions_are_anywhere():
    model = BROKEN["a prefix taken for the rows of weight 1"][0]
    with pytest.raises(ModelError, match="^fit: depends on the number of positions"):
        collapse.check_model(model, draw, skip=("weight 0", "pure"))


def test_weights_that_are_shares_need_not_count_rows():
    """Here a row of weight 2 is not two rows, but equal ones are what they were."""

    def shrunk(rows, weights):
        effective = jnp.sum(weights) ** 2 / jnp.sum(weights**2)  # Kish
        return weights @ rows / jnp.sum(weights) * (1 - 1 / effective)

    with pytest.raises(ModelError, match="given twice instead.*weights='shares'"):
        collapse.check_model(fitting(shrunk), draw)
    assert collapse.check_model(fitting(shrunk), draw, weights="shares").ok
    masked = BROKEN["weights taken as a mask"][0]
    with pytest.raises(ModelError, match="weights of 2 and 1 give the params of equal"):
        collapse.check_model(masked, draw, weights="shares")


def test_of_a_random_fit_some_rules_cannot_be_told():
    """Numbers that are drawn for each position differ where there are more."""

    def fit(key, params, rows, weights):
        noisy = weights * draws.uniform(key, (len(rows),), rows.dtype)[::-1]
        return noisy @ rows / jnp.sum(noisy), {}

    report = collapse.check_model(GOOD._replace(fit=fit), draw)
    assert report.ok and report.skipped == ("empty", "repeated")


def test_draws_that_coincide_are_seen():
    """Of the lab's own variates as well, whose keys jax cannot follow."""

    def draw_pair(key, num):
        return draws.normal(key, (num, 2))

    def pair(key, params, num):
        one = draws.normal(key, (num,), params.dtype)
        return jnp.stack([one, jnp.exp(draws.normal(key, (num,), params.dtype))], 1)

    def mean(key, params, rows, weights):
        return weights @ rows / jnp.sum(weights), {}

    model = Model(lambda key, rows, weights: rows[0], mean, pair)
    with pytest.raises(ModelError, match="columns 0 and 1 are in exactly the same ord"):
        collapse.check_model(model, draw_pair)
