"""How jax is set up for a run, and given back afterwards."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import jax

from collapse.core.devices import use_all_cores
from collapse.data.errors import InputError
from collapse.lab import cache


@contextlib.contextmanager
def configured(precision: str, keep_programs: bool = True) -> Iterator[None]:
    """Set jax up for a precision, as long as the block runs.

    Must come before the first array of the process to use all cores.

    Args:
      precision: "float64" or "float32".
      keep_programs: keep compiled programs in the user's cache folder.

    Raises:
      InputError: within a context that sets another precision for this thread.
    """
    before = _x64_elsewhere()
    with cache.enable(None if keep_programs else "off"):
        jax.config.update("jax_enable_x64", precision == "float64")
        try:
            if jax.dtypes.canonicalize_dtype(float) != precision:
                raise InputError(
                    f"precision: {precision}, but jax.enable_x64 around this call sets "
                    "another one; call it outside"
                )
            use_all_cores()
            yield
        finally:
            jax.config.update("jax_enable_x64", before)


def _x64_elsewhere() -> bool:
    """Whether jax's default is float64 in threads that have no context of their own."""
    with ThreadPoolExecutor(1) as pool:
        return bool(pool.submit(getattr, jax.config, "jax_enable_x64").result())
