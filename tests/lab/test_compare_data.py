"""`collapse.compare`: rows of a user's own, how many are drawn, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from compare_cases import MODEL, PROBLEM, compared
from lab_cases import as_a_user_runs_it  # noqa: F401

from collapse import Problem
from collapse.data.errors import InputError, ModelError
from collapse.lab import given

pytestmark = [
    pytest.mark.x64,
    pytest.mark.xdist_group("compare"),
    pytest.mark.usefixtures("as_a_user_runs_it"),
]


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


def test_numbers_that_are_missing_are_refused():
    with pytest.raises(InputError, match="^num_rows: none; give the rows that"):
        compared(num_rows=None)
    with pytest.raises(InputError, match="^num_rows: 0; give a whole number"):
        compared(num_rows=0, data=np.ones(3))


@pytest.mark.parametrize("data", [np.arange(1, 31), np.arange(30) > 3])
def test_whole_numbers_are_named_where_the_model_needs_floats(data):
    with pytest.raises(InputError) as caught:
        compared(data=data, workflows="replace")
    said = f"data: holds whole numbers ({data.dtype}), with which the model fails and w"
    assert str(caught.value).startswith(said) and not isinstance(
        caught.value, ModelError
    )
    assert str(caught.value).endswith("give data.astype(float)")


def test_a_model_that_fails_with_floats_too_is_told_of_itself():
    broken = MODEL._replace(sample=lambda key, scale, num: scale)
    with pytest.raises(ModelError, match="^fit: of 20 rows gives params"):
        compared(PROBLEM._replace(model=broken), data=np.arange(1, 31))


def test_whole_numbers_of_a_model_of_whole_numbers_are_kept():
    """Bits with a share of ones: of integers, as real rows are."""
    coin = MODEL._replace(
        init=lambda key, rows, weights: jnp.ones((), weights.dtype),
        fit=lambda key, p, rows, weights: (weights @ rows / jnp.sum(weights), {}),
        sample=lambda key, p, num: (
            jax.random.uniform(key, (num,), p.dtype) < p
        ).astype(int),
    )
    problem = Problem(None, coin, {"own": lambda key, p: p})
    found = compared(problem, data=np.arange(20) % 2, workflows="replace", check=False)
    np.testing.assert_allclose(found.own.sel(generation=0), 0.5, rtol=1e-12)
