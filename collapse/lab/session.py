"""How jax is set up for a run, and given back afterwards."""

import contextlib
from collections.abc import Iterator

import jax

from collapse.core.devices import use_all_cores
from collapse.lab import cache


@contextlib.contextmanager
def configured(precision: str, keep_programs: bool = True) -> Iterator[None]:
    """Set jax up for a precision, as long as the block runs.

    Must come before the first array of the process to use all cores.

    Args:
      precision: "float64" or "float32".
      keep_programs: keep compiled programs in the user's cache folder.
    """
    before = jax.config.jax_enable_x64  # type: ignore[attr-defined]
    with cache.enable(None if keep_programs else "off"):
        jax.config.update("jax_enable_x64", precision == "float64")
        use_all_cores()
        try:
            yield
        finally:
            jax.config.update("jax_enable_x64", before)
