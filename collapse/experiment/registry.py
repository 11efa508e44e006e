"""The families and studies there are, by name, and those in files of a user's own."""

import dataclasses
import importlib.util
import inspect
import pkgutil
import sys
import traceback
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType

from collapse.data.errors import InputError, hint
from collapse.experiment.base import Experiment
from collapse.experiment.family import Family
from collapse.experiment.fields import declared
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
    """Name -> class, of what can be learned, also by a study."""
    return {name: kind for name, kind in _learners().items() if kind.in_studies}


def alone() -> dict[str, type[Family]]:
    """Name -> class, of the families that no study can ask anything of."""
    return {name: kind for name, kind in _learners().items() if not kind.in_studies}


def _learners() -> dict[str, type[Family]]:
    found = experiments().items()
    return {name: kind for name, kind in found if issubclass(kind, Family)}


def studies() -> dict[str, type[Experiment]]:
    """Name -> class, of what can be asked of a family."""
    own = _learners()
    return {name: kind for name, kind in experiments().items() if name not in own}


def experiment(name: str, field: str = "") -> type[Experiment]:
    """The class of an experiment.

    Args:
      name: of a family or study, or a Python file that defines one family.
      field: that gave the name, for messages.

    Raises:
      InputError: if there is none.
    """
    return _named(name, experiments(), field)


def family(name: str, field: str = "model") -> type[Family]:
    """The class of a family; see `experiment`.

    Raises:
      InputError: if there is none.
    """
    kind = _named(name, families(), field)
    assert issubclass(kind, Family)
    return kind


def _named(
    name: str, known: Mapping[str, type[Experiment]], field: str
) -> type[Experiment]:
    head = f"{field}: " if field else ""
    if name.endswith(".py"):
        return _in_file(Path(name), head)
    if name in known:
        return known[name]
    trouble = f"{name} is no family" if name in experiments() else f"unknown {name!r}"
    trouble += " that a study can take" if name in alone() else ""
    raise InputError(
        f"{head}{trouble}; known are {', '.join(known)}, or give a .py file"
        f"{hint(name, known)}"
    )


def owners(keys: Iterable[str]) -> list[str]:
    """Experiments that have fields of all these names."""
    found, wanted = experiments().items(), set(keys)
    return [n for n, k in found if wanted <= {f.name for f in dataclasses.fields(k)}]


def is_own(kind: type) -> bool:
    """Whether a class is a user's own, not one of the lab."""
    return kind.__module__.partition(".")[0] != __name__.partition(".")[0]


def file_of(kind: type) -> str:
    """The file that a class stands in; "" where there is none, as in a shell."""
    try:
        return inspect.getfile(kind)
    except (OSError, TypeError):
        return ""


def line_in(error: BaseException, file: str | Path) -> str:
    """`own.py line 7`, the line of the file where an error came about; else ""."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return f"{file} line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if file and frame.filename == str(file)]
    return f"{Path(file).name} line {lines[-1]}" if lines else ""


def check_class(kind: type[Experiment]) -> None:
    """Raise InputError for a class that cannot be a command."""
    if "__dataclass_fields__" not in vars(kind):
        raise InputError(
            f"{kind.__name__}: is not a dataclass; write @dataclasses.dataclass(frozen="
            "True) above it"
        )
    if not is_own(kind):
        return
    if not str(kind.name or "").strip():
        raise InputError(
            f"name: {kind.__name__} has none; write name: ClassVar[str] = "
            f'"{kind.__name__.lower()}" in the class'
        )
    if kind.name in experiments():
        raise InputError(
            f"name: {kind.name!r} is a command of the lab; name {kind.__name__} "
            "otherwise"
        )
    _check_only(kind)
    default = kind()
    known = dict.fromkeys((*default.catalogue, *default.known_metrics()))
    more = (*default.derived(), *default.diagnostics())
    for field in ("panels", "table"):
        for metric in getattr(kind, field):
            if metric not in (*known, *more):
                raise InputError(
                    f"{field}: unknown metric {metric!r}; known are "
                    f"{', '.join(known)}; add it to the catalogue or drop it"
                    f"{hint(metric, (*known, *more))}"
                )


def _check_only(kind: type[Experiment]) -> None:
    """Raise InputError for a field whose effect depends on an unknown one."""
    fields = declared(kind)
    for name, field in fields.items():
        for only in field.only:
            if only.field not in fields:
                raise InputError(
                    f"{name}: {kind.__name__} has no field {only.field!r}, which "
                    f"{name} depends on by Only; known are {', '.join(fields)}"
                )


def imported(path: Path, head: str = "") -> ModuleType:
    """The module of a user's file, loaded anew.

    Args:
      path: of the file.
      head: of messages.

    Raises:
      InputError: if there is none, or it cannot be loaded; names the line.
    """
    spec = importlib.util.spec_from_file_location(f"_collapse_{path.stem}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise InputError(f"{head}{path}: no such file; give a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except SystemExit as error:
        where = line_in(error, path.absolute()) or line_in(error, path)
        raise InputError(
            f"{head}{path} ends python when it is imported ({where}); write "
            'if __name__ == "__main__": above that'
        ) from error
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        where = line_in(error, path.absolute()) or line_in(error, path)
        if isinstance(error, SyntaxError):  # which says it itself
            where = ""
        at = f"; see {where}" if where else "; mend the file"
        raise InputError(f"{head}{path} cannot be imported ({reason}){at}") from error
    return module


def _in_file(path: Path, head: str) -> type[Family]:
    """The one family that a file defines."""
    module = imported(path, head)
    found = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, Family)
        and kind.__module__ == module.__name__
    ]
    if not found:
        raise InputError(
            f"{head}{path} defines no family; if it registers a workflow, run it: "
            f"python {path} gaussian ..."
        )
    if len(found) > 1:
        raise InputError(
            f"{head}{path} defines {len(found)} families; keep one class of "
            "collapse.Family in a file"
        )
    check_class(found[0])
    return found[0]
