"""The families and studies there are, by name, and those in files of a user's own."""

import importlib.util
import pkgutil
import sys
from functools import cache
from pathlib import Path

from collapse.data.errors import InputError
from collapse.experiment.base import Experiment
from collapse.experiment.family import Family
from collapse.experiment.lazy import load

_ROOM = "collapse.sims"


@cache
def experiments() -> dict[str, type[Experiment]]:
    """Name -> class, of every family and study of `collapse.sims`."""
    found = {}
    for module in pkgutil.iter_modules(load(_ROOM).__path__):
        kind = vars(load(f"{_ROOM}.{module.name}")).get("FAMILY")
        if kind is not None:
            found[kind.name] = kind
    return found


def families() -> dict[str, type[Family]]:
    """Name -> class, of what can be learned."""
    found = experiments().items()
    return {name: kind for name, kind in found if issubclass(kind, Family)}


def studies() -> dict[str, type[Experiment]]:
    """Name -> class, of what can be asked of a family."""
    own = families()
    return {name: kind for name, kind in experiments().items() if name not in own}


def experiment(name: str) -> type[Experiment]:
    """The class of an experiment.

    Args:
      name: of a family or study, or a Python file that defines one family.

    Raises:
      InputError: if there is none.
    """
    if name.endswith(".py"):
        return _in_file(Path(name))
    if name not in experiments():
        known = ", ".join(experiments())
        raise InputError(
            f"model: unknown {name!r}; known are {known}, or give a .py file"
        )
    return experiments()[name]


def family(name: str) -> type[Family]:
    """The class of a family; see `experiment`.

    Raises:
      InputError: if there is none.
    """
    kind = experiment(name)
    if not issubclass(kind, Family):
        known = ", ".join(families())
        raise InputError(f"model: {name} is no family; known are {known}")
    return kind


def _in_file(path: Path) -> type[Family]:
    """The one family that a file defines."""
    spec = importlib.util.spec_from_file_location(f"_collapse_{path.stem}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise InputError(f"model: {path}: no such file; give a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"model: {path} cannot be imported ({reason})") from error
    found = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, Family)
        and kind.__module__ == spec.name
    ]
    if len(found) != 1:
        raise InputError(
            f"model: {path} defines {len(found)} families; define one class of "
            "collapse.Family, or run a file of another kind with python"
        )
    return found[0]
