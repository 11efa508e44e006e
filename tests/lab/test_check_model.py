"""`collapse.check_model`: models that break a rule are refused with the reason."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from lab_cases import as_a_user_runs_it  # noqa: F401

import collapse
from collapse import Model, draws
from collapse.data.errors import InputError, ModelError
from collapse.lab.conformance.check import RULES

pytestmark = [
    pytest.mark.x64,
    pytest.mark.usefixtures("as_a_user_runs_it"),
    pytest.mark.xdist_group("check_model"),
    pytest.mark.filterwarnings("ignore:Explicitly requested dtype"),
]


def init(key, rows, weights):
    return jnp.zeros((), rows.dtype)


def fit(key, params, rows, weights):
    return weights @ rows / jnp.sum(weights), {}


def sample(key, scale, num):
    return -scale * jnp.log1p(-draws.uniform(key, (num,), scale.dtype))


def draw(key, num):
    return sample(key, jnp.ones(()), num)


GOOD = Model(init, fit, sample)


def fitting(function):
    """The model with parameters `function(rows, weights)`."""
    return GOOD._replace(fit=lambda k, p, rows, w: (function(rows, w), {}))


def sampling(function):
    """The model with rows `function(key, scale, num)`."""
    return GOOD._replace(sample=function)


def leading(weights):
    """Weights 1 of as many rows as have weight, but the first ones."""
    filled = jnp.arange(len(weights)) < jnp.sum(weights > 0)
    return jnp.where(filled, 1, 0).astype(weights.dtype)


RNG = np.random.default_rng(1)
COUNTER = [0]
LEFT = {}


def counting(key, scale, num):
    COUNTER[0] += 1
    return sample(key, scale, num) + COUNTER[0]


def leave(key, params, rows, weights):
    LEFT["scale"] = weights @ rows / jnp.sum(weights)
    return LEFT["scale"], {}


def by_callback(key, scale, num):
    shape = jax.ShapeDtypeStruct((num,), scale.dtype)
    return jax.pure_callback(
        lambda s: np.asarray(s * RNG.exponential(size=num)),
        shape,
        scale,
        vmap_method="sequential",
    )


def by_scipy(rows, weights):
    shape = jax.ShapeDtypeStruct((), rows.dtype)
    return jax.pure_callback(lambda x: np.asarray(x).mean(), shape, rows)


def over_all_seeds(rows, weights):
    """A mean over the host's whole batch, in which seeds stand beside each other."""
    shape = jax.ShapeDtypeStruct((), rows.dtype)
    scale = weights @ rows / jnp.sum(weights)
    return jax.pure_callback(
        lambda s: np.full_like(s, np.mean(s)), shape, scale, vmap_method="broadcast_all"
    )


def half_way(key, params, rows, weights):
    return (params + weights @ rows / jnp.sum(weights)) / 2, {}


BROKEN = {
    "weights ignored": (
        fitting(lambda rows, w: jnp.mean(rows)),
        "weight 0",
        r"fit: rows of weight 0 have an influence: params is [\d.]+ and [\d.]+ with "
        r"other rows in their place; take sums over weights",
    ),
    "weights ignored where a fit starts": (
        Model(lambda k, rows, w: jnp.mean(rows), half_way, sample),
        "weight 0",
        "init: rows of weight 0 have an influence",
    ),
    "weights taken as a mask": (
        fitting(lambda rows, w: jnp.sum((w > 0) * rows) / jnp.sum(w > 0)),
        "repeated",
        "fit: params is .* where rows of weight 2 are given twice instead",
    ),
    "positions counted": (
        fitting(lambda rows, w: w @ rows / len(rows)),
        "empty",
        "fit: depends on the number of positions: of 24 rows params is .* empty pos",
    ),
    "weights not normalised": (
        fitting(lambda rows, w: w @ rows / (jnp.sum(w) - 1)),
        "scale",
        "fit: params is .* with all weights three times as large; .*weights='counts'",
    ),
    "a prefix taken for the rows of weight 1": (
        fitting(lambda rows, w: leading(w) @ rows / jnp.sum(leading(w))),
        "weight 0",
        "fit: rows of weight 0 have an influence: params is .* with other rows in",
    ),
    "a fit that gives back its start": (
        GOOD._replace(
            init=lambda k, rows, w: w @ rows / jnp.sum(w),
            fit=lambda k, p, rows, w: (p, {}),
        ),
        "rows",
        "fit: gives the same params for very different rows, as if it gave back its st",
    ),
    "rows of the truth": (
        sampling(lambda k, s, n: sample(k, jnp.ones((), s.dtype), n)),
        "params",
        "sample: makes the same rows of params that are fitted to very different rows",
    ),
    "NaN of empty positions": (
        fitting(lambda rows, w: jnp.exp(w @ jnp.log(rows) / jnp.sum(w))),
        "weight 0",
        "fit: .* nan with zeros, as empty positions hold.*jnp.where",
    ),
    "NaN": (
        fitting(lambda rows, w: jnp.sqrt(-(w @ rows))),
        "finite",
        "fit: 1 of 1 numbers of params are nan; look for a division by 0",
    ),
    "numpy.random": (
        sampling(lambda k, s, n: s * RNG.exponential(size=n).astype(s.dtype)),
        "pure",
        "sample: the same key gives other numbers the second time; .*numpy.random",
    ),
    "numpy.random in a callback": (
        sampling(by_callback),
        "pure",
        "sample: the same key gives other numbers the second time",
    ),
    "state in a global": (
        sampling(counting),
        "pure",
        "sample: the same key gives other numbers .* no state in a global",
    ),
    "an array left in a global": (
        Model(init, leave, lambda k, s, n: sample(k, LEFT["scale"], n)),
        "tracing",
        "sample: an array that another call left in a global",
    ),
    "key ignored": (
        sampling(lambda k, s, n: sample(jax.random.key(0), s, n)),
        "key",
        "sample: gives the same rows for every key, so that seeds coincide",
    ),
    "key reused": (
        sampling(
            lambda k, s, n: (
                s * jax.random.uniform(k, (n,), s.dtype)
                + s * jax.random.exponential(k, (n,), s.dtype)
            )
        ),
        "key once",
        "sample: uses a key twice, so that two draws are the same numbers; split it",
    ),
    "one draw for all rows": (
        sampling(lambda k, s, n: jnp.broadcast_to(sample(k, s, 1), (n,))),
        "key once",
        "sample: all rows of a sample are the same",
    ),
    "float32 in fit": (
        fitting(lambda rows, w: (w @ rows / jnp.sum(w)).astype(jnp.float32)),
        "tracing",
        r"sample: makes float32\[24\] of params float32\[\], but real rows are float64",
    ),
    "float64 in sample": (
        sampling(lambda k, s, n: sample(k, jnp.asarray(s, jnp.float64), n)),
        "types",
        r"sample: of float32\[24\] rows gives rows float64\[24\]; let types follow",
    ),
    "sorted rows": (
        sampling(lambda k, s, n: jnp.sort(sample(k, s, n))),
        "order",
        "sample: rows come in an order .*first k rows must be a sample",
    ),
    "a branch on an array": (
        fitting(lambda rows, w: w @ rows if jnp.sum(w) > 3 else rows[0]),
        "tracing",
        r"fit: a Python if, .*jnp.where or jax.lax.cond; see test_check_model.py line",
    ),
    "a number of an array": (
        fitting(lambda rows, w: jnp.asarray(float(w @ rows))),
        "tracing",
        r"fit: float\(\), int\(\), .item\(\) .*keep it an array; see test_check_model",
    ),
    "rows picked by a mask": (
        fitting(lambda rows, w: jnp.mean(rows[w > 0])),
        "tracing",
        "fit: rows picked by a mask, so that shapes would depend on values",
    ),
    "a library": (
        fitting(lambda rows, w: scipy.stats.expon.fit(rows)[1]),
        "tracing",
        'fit: NumPy or another library .*jax.pure_callback.*vmap_method="sequential"',
    ),
    "a callback for one seed": (
        fitting(by_scipy),
        "tracing",
        "fit: its pure_callback cannot run for many seeds; write jax.pure_callback",
    ),
    "seeds mixed": (
        fitting(over_all_seeds),
        "seeds",
        "fit: params is .* beside another seed under jax.vmap",
    ),
    "no diagnostics": (
        GOOD._replace(fit=lambda k, p, rows, w: w @ rows / jnp.sum(w)),
        "tracing",
        r"fit: gives an array; it must return \(params, dict\), the dict may be empty",
    ),
    "a vector among diagnostics": (
        GOOD._replace(fit=lambda k, p, rows, w: (w @ rows, {"all": rows})),
        "tracing",
        r"fit: the diagnostic all has shape \(24,\); give one number",
    ),
    "too many rows": (
        sampling(lambda k, s, n: sample(k, s, 2 * n)),
        "tracing",
        r"fit: of 24 rows gives params \[\], of which sample makes \[48\], but real",
    ),
    "always as many rows": (
        sampling(lambda k, s, n: sample(k, s, 24)),
        "tracing",
        r"sample: asked for 27 rows, makes \[24\]",
    ),
    "params of another shape": (
        GOOD._replace(fit=lambda k, p, rows, w: (jnp.append(p, w @ rows), {})),
        "tracing",
        r"fit: gives params \[2\] and, begun from these, \[3\]; give the same shapes",
    ),
    "a start of another shape": (
        GOOD._replace(init=lambda k, rows, w: jnp.zeros(3, rows.dtype)),
        "tracing",
        r"init: gives params \[3\], but fit \[\]; the first fit starts from init",
    ),
    "params of another type": (
        GOOD._replace(init=lambda k, rows, w: jnp.zeros((), jnp.int32)),
        "tracing",
        r"init: gives params int32\[\], but fit float64\[\]; the first fit starts from",
    ),
}


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
