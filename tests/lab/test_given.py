"""A user's rows for `compare`: which are taken, and how they are drawn."""

import jax
import numpy as np
import pytest

from collapse.data.errors import InputError
from collapse.lab import given


def test_rows_are_drawn_once_each_and_keep_their_kind():
    real, whole = np.arange(30) / 4, np.arange(30)
    sampler = given.sampler(given.rows({"real": real, "whole": whole}))
    draw = jax.jit(sampler, static_argnums=1)
    found = draw(jax.random.key(0), 30)
    assert sorted(np.asarray(found["whole"])) == [*range(30)]
    np.testing.assert_array_equal(found["real"] * 4, found["whole"])
    assert found["whole"].dtype.kind == "i"
    assert found["real"].dtype == jax.numpy.result_type(float)
    other = draw(jax.random.key(1), 30)
    assert (other["whole"] != found["whole"]).any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_by_its_place(value):
    rows = np.ones((30, 2))
    rows[4, 1] = value
    with pytest.raises(InputError, match=f"^data: row 4, column 1 is {value} "):
        given.rows(rows)
