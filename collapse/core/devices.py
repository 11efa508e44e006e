"""Host devices: one a core, so that seeds run side by side on a CPU.

XLA runs a CPU device's program on a thread of one shared pool, and a batched LAPACK
call inside it waits for further threads of the same pool. With as many devices as
threads all of them wait for each other for ever (seen with jaxlib 0.10.1: two devices,
two cores, a QR inside a scan). A pool larger than the number of devices cures it, and
its size is read from the environment variable NPROC when the first array is made.
"""

import contextlib
import os
from typing import Any

import jax
from jax.experimental import multihost_utils

THREADS_PER_DEVICE = 4
MODEL_AXIS = "model"  # of a mesh: devices that compute one model together


def usable_cores() -> int:
    """The number of cores that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return max(cores, 1)


def use_all_cores() -> None:
    """Let jax see one CPU device a core; call before the first array is made.

    Does nothing to accelerators, and nothing if the number of CPU devices has been
    chosen already, as it has once anything of jax has run.
    """
    cores = usable_cores()
    os.environ.setdefault("NPROC", str(THREADS_PER_DEVICE * cores))
    if jax.config.jax_num_cpu_devices == -1:  # type: ignore[attr-defined]
        with contextlib.suppress(RuntimeError):  # too late: seeds share one device
            jax.config.update("jax_num_cpu_devices", cores)


def seed_devices() -> list[jax.Device]:
    """The devices that seeds may be split over: all, unless that could hang.

    Several CPU devices are used only where the thread pool is known to be larger than
    their number, as after `use_all_cores`; else one is.
    """
    devices = jax.devices()
    if devices[0].platform != "cpu" or len(devices) == 1:
        return devices
    threads = int(os.environ.get("NPROC", "0"))
    return devices if threads >= 2 * jax.local_device_count() else devices[:1]


def one_fills_a_device() -> bool:
    """Whether a small network's operations keep a device busy, as they do a core's.

    Seeds then run one after the other, so that each fits into the core's caches; an
    accelerator computes them together.
    """
    return seed_devices()[0].platform == "cpu"


def leads() -> bool:
    """Whether this process writes: the first of several that compute together."""
    return jax.process_index() == 0


def on_host(tree: Any) -> Any:
    """The tree with arrays of the host, whole though other processes hold parts of it.

    All processes have to call it together. With one process the tree as it is.
    """
    if jax.process_count() == 1:
        return tree
    return multihost_utils.process_allgather(tree, tiled=True)


def from_first(tree: Any) -> Any:
    """The tree of arrays that the first process has; others give one of its shapes."""
    if jax.process_count() == 1:
        return tree
    return multihost_utils.broadcast_one_to_all(tree)
