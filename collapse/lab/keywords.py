"""Experiments from keywords of Python, as `collapse.run` takes them."""

import os
from typing import Any

import numpy as np

from collapse.data.errors import InputError
from collapse.experiment.base import Experiment
from collapse.experiment.toml import from_table
from collapse.lab.conformance.words import kind as kind_of


def build(kind: type[Experiment], fields: dict[str, Any]) -> Experiment:
    """An experiment from keywords.

    Args:
      kind: of the experiment.
      fields: a single value may stand for a list of one, and an array or a range for a
        list.

    Raises:
      InputError: for an unknown field, a value of the wrong type, or data that are
        rows.
    """
    plain = {name: _plain(value) for name, value in _with_file(fields).items()}
    return from_table(plain, kind, kind.name)


def _with_file(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields, their data by the name of its file.

    Raises:
      InputError: for data that are rows, not a file.
    """
    data = fields.get("data", "")
    if isinstance(data, os.PathLike):
        return {**fields, "data": os.fspath(data)}
    if isinstance(data, list | tuple | dict) or hasattr(data, "__array__"):
        raise InputError(
            f"data: {kind_of(data)}; write it to a file, or use "
            "collapse.compare(data=...)"
        )
    return fields


def _plain(value: Any) -> Any:
    """Arrays and ranges as the lists that a TOML would hold."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return list(value) if isinstance(value, range) else value
