"""Digest of a user's own source: other code is another experiment."""

import contextlib
import functools
import hashlib
import inspect
import itertools
import sys
import sysconfig
from pathlib import Path
from typing import Any

from collapse.experiment.lazy import find

_LAB = __name__.split(".")[0]
_INSTALLED = {"site-packages", "dist-packages"}


def source_digest(*made: Any) -> str:
    """Digests of the source of a user's own classes and functions, one after another.

    That of a class or function is of its file and of all loaded modules in the same
    folder and below, or of the same package; in a shell or a notebook, of its own text.
    "" for what is the lab's: what that does is told by the version of the package.

    Args:
      *made: classes, with those they inherit from; functions; `package.module:function`
        for one that is loaded when it is first used; None for nothing.
    """
    found: dict[str, None] = {}
    for one in made:
        found.update(dict.fromkeys(_digests(one)))
    return "".join(found)


def source_files(*made: Any) -> list[Path]:
    """The files of which `source_digest` takes the digest, where there are files."""
    found: set[Path] = set()
    for part in itertools.chain(*map(_own, made)):
        with contextlib.suppress(OSError, TypeError):
            found |= {*_files(part)}
    return sorted(found)


def _digests(made: Any) -> list[str]:
    """Digest of each part of a user's in a class or a function."""
    return [digest for part in _own(made) if (digest := _digest(part))]


def _own(made: Any) -> list[Any]:
    """The user's own classes and functions in one, those it inherits from included."""
    if isinstance(made, str):
        return [] if _is_lab(made.partition(":")[0]) else _own(find(made))
    while isinstance(made, functools.partial):
        made = made.func
    if made is None:
        return []
    if isinstance(made, type):
        kinds = made.__mro__
        return [k for k in kinds if not _is_lab(k.__module__) and k is not object]
    if not hasattr(made, "__qualname__"):  # an object that can be called
        made = type(made)
    return [] if _is_lab(made.__module__ or "") else [made]


def _is_lab(module: str) -> bool:
    return module.split(".")[0] == _LAB


def _digest(made: Any) -> str:
    """Digest of the source of a class or function; "" where there is none."""
    try:
        contents = [path.read_bytes() for path in _files(made)]
    except (OSError, TypeError):  # no file, as in a shell or a notebook
        contents = [_text(made)]
    return hashlib.sha256(b"\0".join(contents)).hexdigest() if any(contents) else ""


def _files(made: Any) -> list[Path]:
    """The files of a class or function: its own, and those loaded from its folder.

    Raises:
      OSError, TypeError: for what stands in no file.
    """
    path = Path(inspect.getfile(made)).resolve()
    if not _is_user_s(path):
        return []
    up = made.__module__.count(".")  # from the file to the folder of its package
    folder = path.parents[min(up, len(path.parents) - 1)]
    files = [getattr(m, "__file__", None) or "" for m in [*sys.modules.values()]]
    beside = {Path(file).resolve() for file in files if file.endswith(".py")}
    own = {p for p in beside if p.is_relative_to(folder) and _is_user_s(p)}
    return sorted({path, *own})


def _text(made: Any) -> bytes:
    """The text of a class or function without a file; empty where it is not known."""
    try:
        return inspect.getsource(made).encode()
    except (OSError, TypeError):
        return b""


def _is_user_s(path: Path) -> bool:
    """Whether a file is none of python, of an installed package or of the lab."""
    standard = path.is_relative_to(Path(sysconfig.get_path("stdlib")).resolve())
    lab = path.is_relative_to(Path(__file__).resolve().parents[1])
    return not (standard or lab or _INSTALLED.intersection(path.parts))
