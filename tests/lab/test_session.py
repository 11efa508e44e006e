"""How jax is set up for a run, and given back."""

import jax
import pytest
from conftest import X64

from collapse.data.errors import InputError
from collapse.lab import session


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_run_has_its_precision_and_gives_the_other_back(precision):
    with session.configured(precision, keep_programs=False):
        assert jax.numpy.ones(1).dtype == precision
    assert jax.config.jax_enable_x64 == X64


def test_another_precision_around_a_run_is_refused():
    """A context of the caller's thread is stronger than the setting of the lab."""
    with jax.enable_x64(False), pytest.raises(InputError, match="call it outside"):
        with session.configured("float64", keep_programs=False):
            pass
    assert jax.config.jax_enable_x64 == X64
