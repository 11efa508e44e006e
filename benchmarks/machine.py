"""The machine in words; loads no jax."""

import os
import platform
from importlib import metadata


def machine() -> str:
    """One line: processor, cores, load and versions."""
    cpu = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as file:
            names = [line.split(":")[1] for line in file if "model name" in line]
        cpu = names[0].strip() if names else cpu
    parts = [
        f"{cpu}, {os.cpu_count()} cores",
        f"load {os.getloadavg()[0]:.1f} at the beginning",
        f"Python {platform.python_version()}",
    ]
    for name in ("jax", "numpy", "scipy", "scikit-learn", "distributed"):
        try:
            parts.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            parts.append(f"no {name}")
    return ", ".join(parts)
