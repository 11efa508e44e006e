"""Declarations that come with the package: the published figures, by name."""

from pathlib import Path

import collapse
from collapse.data.errors import InputError


def folder() -> Path:
    """The folder of declarations: in the package, or beside it in a checkout."""
    package = Path(collapse.__file__).parent
    inside = package / "declarations"
    return inside if inside.is_dir() else package.parent / "sims"


def found(name: str, experiment: str) -> Path:
    """The declaration that an argument names: a file, or a published figure.

    Args:
      name: path of a TOML file, or the stem of one that comes with the package.
      experiment: whose figure it is.

    Raises:
      InputError: if there is none; a figure of another command is named with it.
    """
    path = Path(name)
    if path.suffix or path.exists():
        return path
    for file in sorted(folder().glob(f"*/{name}.toml")):
        if file.parent.name != experiment:
            raise InputError(f"{name}: is a figure of {file.parent.name}; use that")
        return file
    return path  # whose absence is told when it is read
