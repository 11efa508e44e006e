"""The memory there is, the memory that a program takes, and a choice that it led to."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax

MOST_SEEDS = "most-seeds"  # file among the checkpoints: of a block of this run
UNKNOWN = 2**60  # bytes, where nothing says how many there are
_CGROUPS = Path("/sys/fs/cgroup")
_LIMITS = (  # of version 2, of version 1
    ("memory.max", "memory.current"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes"),
)


def free() -> int:
    """Bytes that arrays may take now, on all devices of this process together.

    Of a GPU or TPU what its allocator has left; of a CPU what the system calls
    available, or what is left of the limit of a container or a job if that is less.
    """
    devices = jax.local_devices()
    if devices[0].platform == "cpu":
        return min([_of_machine(), *_of_groups()])
    every = [device.memory_stats() for device in devices]
    left = [s["bytes_limit"] - s["bytes_in_use"] for s in every if s]
    return len(devices) * min(left) if left else UNKNOWN


def total() -> int:
    """Bytes of memory that the machine has; a large number where it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return UNKNOWN


def taken(program: Any) -> int:
    """Bytes that a compiled program takes on the devices here, arguments included.

    0 where the compiler does not say.
    """
    analysis = getattr(program, "memory_analysis", lambda: None)()
    if analysis is None:
        return 0
    each = (
        analysis.argument_size_in_bytes
        + analysis.output_size_in_bytes
        + analysis.temp_size_in_bytes
        - analysis.alias_size_in_bytes  # results in the place of donated arguments
    )
    leaves = jax.tree.leaves(program.output_shardings)
    return int(each * max(len(leaf.addressable_devices) for leaf in leaves))


def recorded(checkpoints: Path) -> int:
    """The most seeds of a block that a run was begun with; 0 for the usual blocks."""
    try:
        return int((checkpoints / MOST_SEEDS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0


def _of_machine() -> int:
    """Bytes that the system calls available; all there are where it does not say."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            name, _, rest = line.partition(":")
            if name == "MemAvailable":
                return 1024 * int(rest.split()[0])
    return total()


def _of_groups() -> Iterator[int]:
    """Bytes left of each limit that this process, a container or a job has."""
    try:
        told = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in told:
        _, kinds, name = line.split(":", 2)
        if kinds and "memory" not in kinds.split(","):
            continue
        root = _CGROUPS / "memory" if kinds else _CGROUPS
        here = root / name.lstrip("/")
        for folder in (here, *here.parents):
            if folder == root or root in folder.parents:
                yield from _left(folder)


def _left(folder: Path) -> Iterator[int]:
    """Bytes left of the limit of a control group, if it has one."""
    for limit, usage in _LIMITS:
        with contextlib.suppress(OSError, ValueError):
            most = int((folder / limit).read_text(encoding="ascii"))
            used = int((folder / usage).read_text(encoding="ascii"))
            # pages of files can be given up
            yield max(most - used + _pages_of_files(folder), 0)


def _pages_of_files(folder: Path) -> int:
    with contextlib.suppress(OSError, ValueError):
        for line in (folder / "memory.stat").read_text(encoding="ascii").splitlines():
            name, _, number = line.partition(" ")
            if name in ("file", "total_cache"):
                return int(number)
    return 0
