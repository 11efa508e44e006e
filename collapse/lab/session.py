"""How jax is set up for a run, and given back afterwards."""

import contextlib
from collections.abc import Iterator

from collapse.core.devices import use_all_cores
from collapse.lab import cache, pinned


@contextlib.contextmanager
def configured(precision: str, keep_programs: bool = True) -> Iterator[None]:
    """Set jax up for a precision, as long as the block runs.

    Whatever else the user has set, or has in the environment, a run has the settings
    of `collapse.lab.pinned`. Must come before the first array of the process to use all
    cores.

    Args:
      precision: "float64" or "float32".
      keep_programs: keep compiled programs in the user's cache folder.

    Raises:
      InputError: within a context that sets something else for this thread, under
        flags of the compiler that change numbers, or where there is no device.
    """
    pinned.check_flags()
    settings = pinned.wanted(precision)
    before = pinned.elsewhere(settings)
    with cache.enable(None if keep_programs else "off"):
        pinned.configure(settings)
        try:
            pinned.check_contexts(settings)
            use_all_cores()
            pinned.check_devices()
            yield
        finally:
            pinned.configure(before)
