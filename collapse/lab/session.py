"""How jax is set up for a run."""

import jax

from collapse.core.devices import use_all_cores


def configure(precision: str) -> None:
    """Set jax up for a precision; must come before the first array."""
    jax.config.update("jax_enable_x64", precision == "float64")
    use_all_cores()
