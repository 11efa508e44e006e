"""`collapse.check_model`: rows far from 0, and parameters that no row changes."""

import re

import jax.numpy as jnp
import numpy as np
import pytest
from broken_models import GOOD, draw
from lab_cases import as_a_user_runs_it  # noqa: F401

import collapse
from collapse import Model, draws
from collapse.data.errors import ModelError
from collapse.lab.conformance import quick
from collapse.lab.conformance.check import RULES, tell
from collapse.lab.conformance.dependence import all_learned
from collapse.lab.conformance.scale import spread
from collapse.lab.conformance.trial import Trial

pytestmark = [
    pytest.mark.x64,
    pytest.mark.usefixtures("as_a_user_runs_it"),
    pytest.mark.xdist_group("check_model"),
]


def mean(weights, numbers):
    return weights @ numbers / jnp.sum(weights)


def of_squares(rows, weights):
    """A variance that is the mean of squares less the square of the mean."""
    return jnp.maximum(mean(weights, rows**2) - mean(weights, rows) ** 2, 0)


def of_gaps(rows, weights):
    return mean(weights, (rows - mean(weights, rows)) ** 2)


def of_location(rows, weights):
    """As of an exponential law, which varies by its mean."""
    return mean(weights, rows) ** 2


def narrow(rows, weights):
    return 1e-4 * of_gaps(rows, weights)


def biased_by_positions(rows, weights):
    return of_gaps(rows, weights) * (1 + 1 / len(rows))


def constant(rows, weights):
    return jnp.ones((), rows.dtype)


def normal(variance):
    """The normal law with a variance `variance(rows, weights)`."""

    def fit(key, params, rows, weights):
        found = {"mean": mean(weights, rows), "variance": variance(rows, weights)}
        return found, {}

    def sample(key, params, num):
        noise = draws.normal(key, (num,), params["mean"].dtype)
        return params["mean"] + jnp.sqrt(params["variance"]) * noise

    return Model(lambda key, rows, w: fit(key, None, rows, w)[0], fit, sample)


def rows_about(location, dtype=np.float32):
    def real(key, num):
        return jnp.asarray(location, dtype) + draws.normal(key, (num,), dtype)

    return real


def trial(variance, real, num_rows=24):
    return Trial(lambda root: (normal(variance), real), num_rows)


@pytest.mark.parametrize("location", [-1e6, 1e4])
def test_a_fit_that_loses_the_spread_of_rows_far_from_0_is_refused(location):
    said = (
        r"^fit: samples vary by \S+ \(column 0\) where real rows vary by [\d.]+ about "
        + re.escape(f"{location:.3g}")
    )
    with pytest.raises(ModelError, match=said) as caught:
        spread(trial(of_squares, rows_about(location)))
    assert "centre or standardise the rows before the run, or take float64" in str(
        caught.value
    )


@pytest.mark.parametrize(
    ("variance", "location", "dtype"),
    [
        (of_squares, 0, np.float32),
        (of_squares, 30, np.float32),
        (of_squares, 1e6, np.float64),
        (of_gaps, 1e6, np.float32),
        (of_location, 1e6, np.float32),  # as wide as it is far, by the model's law
        (narrow, 1e6, np.float32),  # narrower than its rows wherever they are
    ],
)
def test_a_spread_that_is_not_lost_by_rounding_is_kept(variance, location, dtype):
    spread(trial(variance, rows_about(location, dtype)))


def test_the_rule_is_tried_before_what_follows_from_it():
    """That all seeds coincide, for one, where no variance is left."""
    model, real = normal(of_squares), rows_about(1e6)
    with pytest.raises(ModelError) as caught:
        collapse.check_model(model, real, precision="float32", skip=("pure",))
    assert caught.value.rule == "spread"
    first, *_ = quick(lambda root: (model, real), num_rows=24)
    assert first == str(caught.value)


def test_where_two_fits_differ_by_rounding_it_is_asked():
    """In float64 a variance of squares is right to four digits, and not to nine."""
    double = trial(of_squares, rows_about(1e6, np.float64))
    hint = r"; or is it rounding\? Real rows \(column 0\) vary by \S+ about 1e\+06: try"
    with pytest.raises(ModelError, match=f"are given twice instead; .*{hint}"):
        tell("repeated", RULES["repeated"], double)
    biased = trial(biased_by_positions, rows_about(0, np.float64))
    with pytest.raises(ModelError, match="depends on the number of posi") as caught:
        tell("empty", RULES["empty"], biased)
    assert "rounding" not in str(caught.value)


def test_a_model_that_cannot_be_fitted_elsewhere_is_not_judged():
    """A root of rows is not a number once rows are centred."""

    def rooted(rows, weights):
        return of_squares(rows, weights) + 0 * jnp.sum(jnp.sqrt(rows))

    spread(trial(rooted, rows_about(1e6)))


# Parameters that never change


def test_a_parameter_that_no_row_changes_is_remarked_on_and_no_more():
    skip = [name for name in RULES if name not in ("rows", "all params")]
    report = collapse.check_model(
        normal(constant), rows_about(3, np.float64), skip=skip
    )
    assert report.ok
    assert [*report.remarks] == ["all params"]
    said = "fit: params['variance'] is 1 in every fit, to rows of other location and "
    assert report.remarks["all params"].startswith(said)
    assert "if it is a constant of the model, all is well" in str(report).replace(
        "\n           ", " "
    )
    assert "\nremark     all params" in str(report)


def test_parameters_that_rows_change_are_not_remarked_on():
    assert all_learned(trial(of_gaps, rows_about(3))) == ""
    assert all_learned(Trial(lambda root: (GOOD, draw), 24)) == ""


def test_constants_are_told_entry_by_entry_and_zeros_beside_others_are_none():
    def fit(key, params, rows, weights):
        m = mean(weights, rows)
        two, nothing = m * 0 + 2, m * 0
        return {
            "a": jnp.stack([m, two]),
            "b": jnp.stack([two, m, two + 1]),
            "bias": jnp.zeros(2, m.dtype),
            "count": jnp.int32(7),
            "factor": jnp.stack([m, nothing]),  # triangular
            "mean": m,
            "none": jnp.zeros((0,), m.dtype),
        }, {}

    model = Model(
        lambda key, rows, weights: fit(key, None, rows, weights)[0],
        fit,
        lambda key, params, num: GOOD.sample(key, params["mean"], num),
    )
    assert all_learned(Trial(lambda root: (model, draw), 24)).startswith(
        "fit: params['a'][1] is 2, params['b'][0] and 1 more of it is 2, "
        "params['bias'][0] and 1 more of it is 0 in every fit, to rows of other "
    )
