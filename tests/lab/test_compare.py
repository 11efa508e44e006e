"""`collapse.compare`: what it measures, and what it says of a model that is wrong."""

import warnings

import jax.numpy as jnp
import numpy as np
import pytest
from compare_cases import MODEL, PROBLEM, compared, sample
from lab_cases import as_a_user_runs_it  # noqa: F401
from matplotlib.text import Text

import collapse
from collapse import Quantity
from collapse.data.errors import InputError, ModelError
from collapse.experiment.summary import summarise
from collapse.figures import panels
from collapse.lab.conformance.suspicious import suspicions

pytestmark = [
    pytest.mark.x64,
    pytest.mark.xdist_group("compare"),
    pytest.mark.usefixtures("as_a_user_runs_it"),
]
RNG = np.random.default_rng(1)


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


def test_progress_is_shown_where_it_is_asked_for(capsys):
    fields = {"workflows": ["replace", "accumulate"], "check": False}
    compared(**fields)
    assert capsys.readouterr().err == ""  # stderr is no terminal here
    compared(**fields, progress=True)
    said = capsys.readouterr().err
    assert "replace:" in said and "accumulate: 100%" in said and "32/32" in said
