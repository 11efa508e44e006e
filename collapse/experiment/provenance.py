"""Provenance of a run: versions, machine, precision, commit."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jax

from collapse.experiment import sources
from collapse.experiment.base import Experiment
from collapse.experiment.toml import to_toml


def attributes(
    experiment: Experiment,
    figures: str,
    digest: str,
    seconds: float,
    surroundings: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, str]:
    """Attributes of a dataset that say what was run and on what, as text.

    Args:
      figures: as JSON.
      seconds: that the simulation took, in all its stretches.
      surroundings: settings and variables that numbers may depend on.
    """
    told = environment(experiment) | {"digest": digest, "seconds": round(seconds, 1)}
    told |= surroundings
    return {
        "experiment": to_toml(experiment),
        "figure": figures,
        "environment": json.dumps(told),
    }


def environment(experiment: Experiment) -> dict[str, Any]:
    """Versions, platform, precision, random generator and commit."""
    ours = ("model-collapse-lab", "jax", "jaxlib", "numpy", "scipy", "xarray")
    packages = (*ours, *experiment.packages)
    return {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in packages},
        "platform": platform.platform(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "devices": [str(device.device_kind) for device in jax.devices()],
        "precision": experiment.precision,
        "random_generator": str(jax.random.key_impl(jax.random.key(0))),
        "commit": sources.commit(),
    }


def of_data(data: Any) -> dict[str, Any]:
    """What is written down of data, by which others are told to be the same."""
    rows, dimension = data.train.shape
    return {"sha256": data.sha256, "rows": rows, "dimension": dimension}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def processor() -> str:
    """The model of the processor, as the system names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names: Sequence[str] = [line for line in lines if line.startswith("model name")]
    return names[0].split(":", 1)[1].strip() if names else platform.processor()
