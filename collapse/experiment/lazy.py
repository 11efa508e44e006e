"""Loading of heavy modules, delayed until they are needed.

`--help` and messages about bad input must come within half a second, and importing jax
takes longer. So nothing that a command line needs before it is understood imports jax,
and what a run needs then is loaded here.
"""

import importlib
from importlib import util
from types import ModuleType
from typing import Any


def load(name: str) -> ModuleType:
    """The module of this dotted name."""
    return importlib.import_module(name)


def find(path: str) -> Any:
    """What `package.module:name` names."""
    module, _, name = path.partition(":")
    return getattr(load(module), name)


def exists(name: str) -> bool:
    """Whether there is a module of this dotted name."""
    try:
        return util.find_spec(name) is not None
    except ModuleNotFoundError:  # its parent is no package
        return False


def package_of(kind: type) -> str:
    """Name of the package, or else of the module, that declares a class."""
    return kind.__module__.rpartition(".")[0] or kind.__module__
