"""How jax is set up for a run, and given back."""

import jax
import pytest
from conftest import X64

from collapse.lab import session


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_run_has_its_precision_and_gives_the_other_back(precision):
    with session.configured(precision, keep_programs=False):
        assert jax.numpy.ones(1).dtype == precision
    assert jax.config.jax_enable_x64 == X64
