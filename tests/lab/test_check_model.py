"""`collapse.check_model`: models that break a rule are refused with the reason."""

import re

import jax.numpy as jnp
import pytest
from broken_models import BROKEN, GOOD, RNG, draw, fit, fitting, sample
from lab_cases import as_a_user_runs_it  # noqa: F401

import collapse
from collapse.data.errors import InputError, ModelError
from collapse.lab.conformance.check import RULES

pytestmark = [
    pytest.mark.x64,
    pytest.mark.usefixtures("as_a_user_runs_it"),
    pytest.mark.xdist_group("check_model"),
    pytest.mark.filterwarnings("ignore:Explicitly requested dtype"),
]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_model_is_refused_with_the_reason(name):
    model, rule, said = BROKEN[name]
    with pytest.raises(ModelError, match=f"^{said}") as caught:
        collapse.check_model(model, draw)
    assert "\n" not in str(caught.value)
    assert caught.value.rule == rule


def test_a_good_model_keeps_every_rule():
    report = collapse.check_model(GOOD, draw)
    assert report.ok and not report.failed and not report.skipped
    assert [one.rule for one in report.checks] == [*RULES]
    assert str(report).count("\n") == len(RULES) - 1
    assert str(report).startswith("kept       tracing      Functions can be traced")


def test_a_report_lists_all_that_is_broken():
    model = fitting(lambda rows, w: w @ rows / (jnp.sum(w) - 1))._replace(
        sample=lambda k, s, n: jnp.sort(sample(k, s, n))
    )
    report = collapse.check_model(model, draw, on_fail="report")
    assert report.failed == ("order", "scale") and not report.ok
    assert report.messages["scale"].startswith("fit: params is")
    assert re.search(r"BROKEN +scale .*\n +fit: params is", str(report))
    counted = collapse.check_model(model, draw, weights="counts", skip=("order",))
    assert counted.skipped == ("order", "scale")
    untraced = GOOD._replace(fit=lambda k, p, rows, w: rows)
    report = collapse.check_model(untraced, draw, on_fail="report")
    assert report.failed == ("tracing",)
    assert len(report.skipped) == len(RULES) - 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            lambda key, num: jnp.arange(float(num)),
            "draw: gives the same rows for every",
        ),
        (lambda key, num: jnp.sort(draw(key, num)), "draw: rows come in an order"),
        (lambda key, num: draw(key, 5), r"draw: asked for 24 rows, makes \[5\]"),
        (lambda key, num: (), "draw: asked for 24 rows, makes no array"),
        (
            lambda key, num: draw(key, num) / 0,
            "draw: 24 of 24 numbers of real rows are",
        ),
        (
            lambda key, num: jnp.asarray(RNG.normal(size=num)),
            "draw: the same key",
        ),
    ],
)
def test_real_rows_are_tried_as_well(wrong, said):
    with pytest.raises(ModelError, match=f"^{said}"):
        collapse.check_model(GOOD, wrong)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"model": fit}, "model: a function; give collapse.Model"),
        ({"model": GOOD._replace(fit=3)}, "fit: 3 is no function"),
        ({"draw": None}, "draw: None is no function"),
        ({"num_rows": 3}, "num_rows: 3; give a whole number, 4 or more"),
        ({"weights": "all"}, "weights: 'all'; give one of both, shares, counts"),
        ({"skip": ("weigh",)}, "skip: unknown 'weigh'; known are tracing, pure"),
        ({"on_fail": "warn"}, "on_fail: 'warn'; give one of raise, report"),
    ],
)
def test_what_cannot_be_tried_is_refused(fields, said):
    with pytest.raises(InputError, match=f"^{said}"):
        collapse.check_model(**{"model": GOOD, "draw": draw} | fields)
