"""The devices that seeds are split over, the same in every process of a run.

Seeds that lie on one device are computed together, and the pool of threads decides in
which order some sums are taken. Both change last digits. So a run keeps the layout that
it began with: in another process, on a machine with other cores, after a stop.
"""

import os
import re
from typing import NamedTuple

import jax

from collapse.core.devices import THREADS_PER_DEVICE, usable_cores
from collapse.data.errors import InputError


class Layout(NamedTuple):
    """How many devices there are, and threads of their pool.

    Attributes:
      devices: of jax, in one process.
      threads: of the pool that CPU devices share; 0 where nothing sets it.
      processes: that compute together, each with so many devices.
    """

    devices: int
    threads: int
    processes: int = 1

    def __str__(self) -> str:
        """`2 devices, 8 threads`, as `read` reads it."""
        several = f", {self.processes} processes" if self.processes > 1 else ""
        return f"{self.devices} devices, {self.threads} threads{several}"


def here() -> Layout:
    """The layout of this process, as it is now."""
    threads = int(os.environ.get("NPROC", "0"))
    return Layout(jax.local_device_count(), threads, jax.process_count())


def planned(devices: int = 0) -> Layout:
    """The layout that a process on this machine gets, if it runs on the CPU.

    Anything else is found once jax has started: see `here`.

    Args:
      devices: that the user asks for; 0 for one a core.
    """
    if devices:
        return Layout(devices, THREADS_PER_DEVICE * devices)
    cores = usable_cores()
    threads = int(os.environ.get("NPROC", THREADS_PER_DEVICE * cores))
    chosen = jax.config.jax_num_cpu_devices  # type: ignore[attr-defined]
    return Layout(cores if chosen == -1 else chosen, threads)


def read(text: str) -> Layout | None:
    """The layout that a text tells; None if it tells none."""
    pattern = r"(\d+) devices, (\d+) threads(?:, (\d+) processes)?"
    found = re.fullmatch(pattern, text.strip())
    return Layout(*map(int, found.groups("1"))) if found else None


def chosen(devices: int, begun: Layout | None, where: object) -> Layout | None:
    """The layout of a run, or None if it is the usual one of this machine.

    Args:
      devices: that the user asks for; 0 for those it was begun with, or the usual ones.
      begun: what it was begun with; None for nothing.
      where: its folder.

    Raises:
      InputError: if both differ.
    """
    if not devices:
        return begun
    asked = planned(devices)
    if begun not in (None, asked):
        raise InputError(
            f"devices: {where} was begun on {begun}; drop --devices to go on with these"
        )
    return asked


def impose(layout: Layout | None) -> None:
    """Let the CPU devices of this process be as in a layout, if jax has not started.

    Args:
      layout: of a run; None to leave everything as it is.
    """
    if layout is None or not layout.threads:
        return
    try:
        jax.config.update("jax_num_cpu_devices", layout.devices)
    except RuntimeError:  # too late
        return
    os.environ["NPROC"] = str(layout.threads)
