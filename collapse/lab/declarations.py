"""Declarations that come with the package: the published figures, by name."""

import re
from pathlib import Path

import collapse
from collapse.data.errors import InputError, hint
from collapse.experiment import registry
from collapse.experiment.base import Experiment
from collapse.figures.declaration import NEEDS

CLAIMS = "claims"  # the folder beside them that holds no experiments
_OWNER = "# collapse "  # at the head of a run's declaration, before its command


def folder() -> Path:
    """The folder of declarations: in the package, or beside it in a checkout."""
    package = Path(collapse.__file__).parent
    inside = package / "declarations"
    return inside if inside.is_dir() else package.parent / "sims"


def every() -> list[Path]:
    """The declarations of all published figures, by command and name.

    Those are left out that need what not every machine has: see `needing`.
    """
    return [file for file in _all() if not _needs(file)]


def needing() -> dict[Path, str]:
    """Declarations that `every` leaves out -> what they need, in words."""
    return {file: words for file in _all() if (words := _needs(file))}


def _all() -> list[Path]:
    files = sorted(folder().glob("*/*.toml"))
    return [file for file in files if file.parent.name != CLAIMS]


def _needs(path: Path) -> str:
    """What a declaration says that it needs; "" if it can be run anywhere."""
    text = path.read_text(encoding="utf-8")
    found = re.search(rf'^{NEEDS} = "(.+)"$', text, re.MULTILINE)
    return found[1] if found else ""


def found(name: str, kind: type[Experiment]) -> Path:
    """The declaration that an argument names: a file, or a published figure.

    Args:
      name: path of a TOML file, or the stem of one that comes with the package.
      kind: of the experiment that is to be declared.

    Raises:
      InputError: if there is none; a figure of another command is named with it.
    """
    path = Path(name)
    if path.suffix or path.exists():
        owner = _owner(path)
        if owner not in ("", kind.name) and not registry.is_own(kind):
            raise InputError(f"{name}: is a declaration of {owner}; use that command")
        return path
    files = _all()
    files.sort(key=lambda file: file.parent.name != kind.name)  # its own come first
    for file in files:
        if file.stem == name and file.parent.name != kind.name:
            raise InputError(f"{name}: is a figure of {file.parent.name}; use that")
        if file.stem == name:
            return file
    own = [file.stem for file in files if file.parent.name == kind.name]
    near = hint(name, own) or hint(name, [file.stem for file in files])
    raise InputError(f"{name}: no such file; give an experiment's TOML{near}")


def _owner(path: Path) -> str:
    """The command that a file says it belongs to, by its place or its head; or ""."""
    if path.resolve().parent.parent == folder().resolve():
        return path.resolve().parent.name
    try:
        lines = path.read_text(encoding="utf-8").splitlines()[:8]
    except (OSError, UnicodeDecodeError):
        return ""  # what is wrong with it is told when it is read
    told = [line for line in lines if line.startswith(_OWNER)]
    return told[0].removeprefix(_OWNER).strip() if told else ""
