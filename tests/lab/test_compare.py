"""`collapse.compare`: what it takes, and what it says of a model that is wrong."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from lab_cases import as_a_user_runs_it  # noqa: F401
from matplotlib.text import Text

import collapse
from collapse import Model, Problem, Quantity, Selection, Workflow, draws, workflows
from collapse.data.errors import InputError, ModelError
from collapse.experiment.summary import summarise
from collapse.figures import panels
from collapse.lab import given
from collapse.lab.conformance.suspicious import suspicions

pytestmark = [
    pytest.mark.x64,
    pytest.mark.xdist_group("compare"),
    pytest.mark.usefixtures("as_a_user_runs_it"),
]
SMALL = {"num_rows": 20, "num_seeds": 4, "num_generations": 3}
RNG = np.random.default_rng(1)


def init(key, rows, weights):
    return jnp.ones((), rows.dtype)


def fit(key, params, rows, weights):
    return jnp.sqrt(weights @ rows**2 / jnp.sum(weights)), {}


def sample(key, scale, num):
    return scale * draws.normal(key, (num,), scale.dtype)


MODEL = Model(init, fit, sample)
PROBLEM = Problem(
    lambda key, num: sample(key, jnp.ones(()), num),
    MODEL,
    {"mean_error": lambda key, scale: (scale - 1) ** 2},
)


def compared(problem=PROBLEM, **fields):
    return collapse.compare(problem, **SMALL | fields)


def of(**functions):
    """The problem with other functions of the model."""
    return PROBLEM._replace(model=MODEL._replace(**functions))


def measuring(metric):
    return PROBLEM._replace(metrics={"own": metric})


def test_weights_that_are_ignored_are_warned_of():
    """Empty positions count as zeros: of 20 positions of which one is filled."""

    def ignoring(key, params, rows, weights):
        return jnp.sqrt(jnp.mean(rows**2)), {}

    with pytest.warns(RuntimeWarning, match="fit: rows of weight 0 have an influence"):
        data = compared(
            of(fit=ignoring),
            num_rows=500,
            workflows=["replace", "accumulate"],
            num_generations=19,
            num_seeds=2,
        )
    first = 1 - np.sqrt(data.mean_error.sel(generation=0))
    assert abs(first.sel(workflow="accumulate") - 20**-0.5).max() < 0.03  # .223
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compared(of(fit=ignoring), workflows="replace", check=False)
        compared(workflows=["replace", "fixed_budget"])


def test_a_generation_0_that_depends_on_the_workflow_is_warned_of():
    def counting(key, params, rows, weights):
        return jnp.sqrt(weights @ rows**2 / len(rows)), {}

    said = r"generation 0 is not the same under replace and accumulate \(mean_error of"
    with pytest.warns(RuntimeWarning, match=said):
        compared(of(fit=counting), workflows=["replace", "accumulate"])


def test_seeds_that_coincide_are_warned_of():
    def numpys(key, scale, num):
        return scale * RNG.normal(size=num)

    with pytest.warns(
        RuntimeWarning, match="same rows for every key, so that seeds co"
    ):
        compared(of(sample=numpys), workflows="replace")
    alike = {"replace": {"own": np.tile([[0.5, 0.2]], (10, 1))}}
    (line,) = suspicions(alike, ["replace"], lambda: False)
    assert line.startswith("all seeds are the same under replace")
    alike["replace"]["own"][3, 1] = 0.3
    assert not suspicions(alike, ["replace"], lambda: False)


def test_random_fits_may_begin_otherwise_but_not_elsewhere():
    """Where a fit draws numbers for each position, only a shift of the mean tells."""
    one, noise = RNG.normal(size=(100, 3)), RNG.normal(size=(100, 3))
    for shift, is_random, number in ((0, False, 1), (0, True, 0), (2, True, 1)):
        traces = {"a": {"own": one}, "b": {"own": one + noise + shift}}
        found = suspicions(traces, ["a", "b"], lambda r=is_random: r)
        assert len(found) == number
        assert not suspicions(traces, ["a"], lambda: False)
    few = {name: {"own": trace["own"][:9]} for name, trace in traces.items()}
    assert not suspicions(few, ["a", "b"], lambda: True)


@pytest.mark.parametrize(
    ("functions", "said"),
    [
        (
            {"fit": lambda k, p, rows, w: (p, {})},
            "fit: gives the same params for very different rows",
        ),
        (
            {"sample": lambda k, s, n: sample(k, jnp.ones((), s.dtype), n)},
            "sample: makes the same rows of params that are fitted to very",
        ),
    ],
)
def test_generations_that_do_not_learn_are_warned_of(functions, said):
    with pytest.warns(RuntimeWarning, match=said):
        compared(of(**functions), workflows="replace", num_generations=1)


def test_workflow_objects_are_those_of_their_names():
    made = {
        "mine": workflows.window(2),
        "all": workflows.accumulate,
        "text": "mix 0.5 fresh",
    }
    own = compared(workflows=made)
    named = compared(workflows=["window 2", "accumulate", "mix 0.5 fresh"])
    assert list(own.workflow.values) == ["mine", "all", "text"]
    np.testing.assert_array_equal(own.mean_error, named.mean_error)
    assert collapse.draw(own, metrics="mean_error").axes


def weighing(weights):
    def weigh(key, origin, generation):
        return Selection(weights(origin))

    return Workflow(2, lambda generation: jnp.minimum(generation, 1), weigh)


def replace_in(slot, weights=lambda origin: jnp.ones(origin.size)):
    return Workflow(1, slot, lambda key, origin, t: Selection(weights(origin)))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (workflows.replace(), 'a Workflow has no name; name it: {"forget": ...}'),
        ([workflows.replace()], "a Workflow has no name"),
        (workflows.replace, "a function has no name"),
        ({}, "empty or repeated"),
        ({"a": 3}, "a: an int; give a text such as 'window 5'"),
        ({"a": lambda num: 3}, "a: an int; give a text"),
        (
            {"a": lambda num: workflows.window(0)},
            "a: ValueError: window must be at lea",
        ),
        ({"a": "windo 5"}, "unknown 'windo 5'; known are"),
        ([3], "3; give a text such as 'window 5'"),
        ({"a": workflows.accumulate(2)}, "a: made for 2 generations, but num_generati"),
        ({"a": workflows.accumulate_sums()}, "a: adds rows up, which only those of th"),
        (
            {"a": weighing(lambda origin: jnp.ones(origin.size))},
            "a: weigh gives an empty position (origin -1) the weight 1 in generation",
        ),
        (
            {"a": weighing(lambda origin: jnp.where(origin < 0, 0, 1))},
            "a: weigh gives weights [2, 20] for [40] positions",
        ),
        (
            {"a": weighing(lambda origin: -1.0 * (origin >= 0).reshape(-1))},
            "a: weigh gives the weight -1 in generation 0; give finite weights, 0 or m",
        ),
        (
            {"a": weighing(lambda origin: jnp.zeros(origin.size))},
            "a: weigh gives all rows weight 0 in generation 0; give some of them more",
        ),
        (
            {"a": replace_in(lambda t: 0, lambda origin: (origin == 0).reshape(-1))},
            "a: weigh gives all rows weight 0 in generation 1; give some of them more",
        ),
        (
            {"a": replace_in(lambda generation: generation)},
            "a: slot gives 1 in generation 1, of 1 slots counted from 0; make more",
        ),
        (
            {"a": weighing(lambda origin: 1 / 0)},
            "a: weigh: ZeroDivisionError: division",
        ),
        (
            {"a": Workflow(1, lambda t: t, lambda *_: jnp.ones(20))},
            "a: weigh gives an array; return a collapse.Selection",
        ),
    ],
)
def test_what_is_no_workflow_is_refused(asked, said):
    with pytest.raises(InputError) as caught:
        compared(workflows=asked)
    assert str(caught.value).startswith(f"workflows: {said}")


def test_a_user_s_rows_are_drawn_without_replacement():
    rows = np.arange(1.0, 31)
    data = compared(
        Problem(None, MODEL, {"own": lambda key, scale: scale}),
        num_rows=None,
        data=rows,
        workflows="replace",
    )
    first = data.own.sel(generation=0).values  # of all 30 rows, in any order
    np.testing.assert_allclose(first, np.sqrt(np.mean(rows**2)), rtol=1e-12)
    draw = given.sampler(given.rows(pd.DataFrame({"a": rows, "b": -rows})))
    chosen = np.asarray(draw(jax.random.key(0), 20))
    assert chosen.shape == (20, 2) and len({*chosen[:, 0]}) == 20
    assert (chosen[:, 0] == -chosen[:, 1]).all() and (np.diff(chosen[:, 0]) < 0).any()
    tree = given.sampler(given.rows((rows, np.arange(30))))(jax.random.key(0), 30)
    np.testing.assert_array_equal(tree[0], tree[1] + 1)
    assert tree[1].dtype.kind == "i"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("rows.csv", "data: 'rows.csv' is text; give the rows, such as"),
        (3.0, "data: no rows; give arrays"),
        ([], "data: no rows"),
        ((np.ones(30), np.ones(29)), "data: arrays of 30, 29 rows; give all the same"),
        (np.array(["a"] * 30), "data: holds <U1, not numbers"),
        (np.array([[1, 2], [3, np.nan]]), "data: row 1, column 1 is nan (counted from"),
        (np.ones(19), "num_rows: 20 rows are needed but data has 19; give at most 19"),
    ],
)
def test_rows_that_cannot_be_used_are_refused(data, said):
    with pytest.raises(InputError) as caught:
        compared(data=data)
    assert str(caught.value).startswith(said)


def test_a_user_s_metric_has_its_own_label():
    """Not that of the lab's metric of the same name."""
    fields = {"workflows": "replace", "check": False}
    summary = summarise(compared(**fields))
    assert panels.label(summary, "mean_error") == ("mean error", "")
    own = {"mean_error": Quantity("error of mine", "cm²")}
    data = compared(**fields, quantities=own)
    assert panels.label(summarise(data), "mean_error") == (
        "error of mine",
        "cm²",
    )
    words = [text.get_text() for text in collapse.draw(data).findobj(Text)]
    assert any("error of mine" in word for word in words)
    with pytest.raises(
        InputError, match="^quantities: unknown metric 'eror'; known are"
    ):
        compared(**fields, quantities={"eror": Quantity("", "")})
    with pytest.raises(InputError, match="^quantities: mean_error: a str; give a coll"):
        compared(**fields, quantities={"mean_error": "error of mine"})


@pytest.mark.parametrize("precision", ["float16", "bfloat16", "double", 64, None])
def test_other_precisions_are_refused(precision):
    with pytest.raises(InputError) as caught:
        compared(precision=precision)
    assert str(caught.value) == f"precision: {precision!r}; give float64 or float32"


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (
            measuring(lambda key, p: 1.0),
            "metric own gives a Python float, 1.0, the same",
        ),
        (measuring(lambda key, p: float(p)), "metric own: float(), int(), .item()"),
        (
            measuring(lambda key, p: jnp.ones(3)),
            "metric own has shape (3,); give one n",
        ),
        (
            measuring(lambda key, p: (p, p)),
            "metric own gives a tuple; return one number",
        ),
        (
            measuring(lambda key, p: np.median(p)),
            "metric own: NumPy or another library",
        ),
        (measuring(lambda key, p: 1 / 0), "metric own: ZeroDivisionError: division by"),
        (PROBLEM._replace(metrics={}), "metrics: none; name what is measured"),
        (
            PROBLEM._replace(metrics={"seed": lambda k, p: p}),
            "metrics: 'seed' is taken",
        ),
        (of(fit=lambda k, p, x, w: p), "fit: gives an array; it must return (params"),
        (
            of(init=lambda *_: 1.0, fit=lambda k, p, x, w: (1.0, {})),
            "fit: params is a float, 1.0; give arrays: jnp.asarray(..., rows.dtype)",
        ),
        (
            of(sample=lambda k, p, n: p),
            "fit: of 20 rows gives params [], of which samp",
        ),
        (3, "problem: an int; give a collapse.Problem, or a function"),
        (lambda root: MODEL, "problem: gives a Model; return a collapse.Problem"),
        (lambda root: {}[root], "problem: TypeError: unhashable"),
    ],
)
def test_a_wrong_problem_is_told_in_terms_of_the_model(problem, said):
    with pytest.raises(InputError) as caught:
        compared(problem)
    assert str(caught.value).startswith(said) and "\n" not in str(caught.value)
    assert isinstance(caught.value, ModelError) or said.startswith(
        ("met", "problem: an")
    )


def test_numbers_that_are_missing_are_refused():
    with pytest.raises(InputError, match="^num_rows: none; give the rows that"):
        compared(num_rows=None)
    with pytest.raises(InputError, match="^num_rows: 0; give a whole number"):
        compared(num_rows=0, data=np.ones(3))


def test_progress_is_shown_where_it_is_asked_for(capsys):
    fields = {"workflows": ["replace", "accumulate"], "check": False}
    compared(**fields)
    assert capsys.readouterr().err == ""  # stderr is no terminal here
    compared(**fields, progress=True)
    said = capsys.readouterr().err
    assert "replace:" in said and "accumulate: 100%" in said and "32/32" in said
