"""A run as a worker gets it: everything that its parts depend on, and nothing else."""

import importlib
import inspect
import platform
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from collapse.data.errors import InputError
from collapse.experiment import registry
from collapse.experiment.base import Experiment
from collapse.experiment.files import sha256
from collapse.experiment.source import source_files
from collapse.experiment.toml import from_table, to_toml
from collapse.experiment.workflows import WorkflowKind
from collapse.lab import folder, layout, pinned, weighing
from collapse.lab.layout import Layout


class Description(NamedTuple):
    """A run, for another process on this or another machine.

    Attributes:
      kind: name of the experiment's class, or the file of a user's own.
      own: modules or files that register a user's own workflows.
      declaration: of the experiment as resolved, in TOML.
      data: that it is run on, or None.
      sources: files of the user's own source, with the digest of each.
      layout: of the devices that it is computed on.
      machine: kind of these devices.
      versions: of this package and the compiler.
      earlier: seeds of a shorter run that it extends.
      keep_programs: in the cache of the process that computes it.
      most_seeds: of a part; 0 for the usual blocks.
    """

    kind: str
    own: tuple[str, ...]
    declaration: str
    data: Any
    sources: tuple[tuple[str, str], ...]
    layout: Layout
    machine: str
    versions: str
    earlier: int
    keep_programs: bool
    most_seeds: int = 0


def describe(
    experiment: Experiment,
    data: Any,
    field: str,
    earlier: int,
    keep_programs: bool,
    most_seeds: int = 0,
) -> Description:
    """The description of a run that this process has set up jax for.

    Args:
      experiment: as resolved.
      data: that it is run on, or None.
      field: option that asks for workers, for messages.
      earlier: seeds of a shorter run that it extends.
      keep_programs: in the cache of the process that computes it.
      most_seeds: of a part; 0 for the usual blocks.

    Raises:
      InputError: for a family or a workflow that stands in no file.
    """
    kind = type(experiment)
    name = kind.name
    if registry.is_own(kind):
        name = own_file(kind)
        if not name:
            raise InputError(
                f"{field}: {kind.__name__} is defined in no file, from which workers "
                "could load it; write it to one"
            )
    files = source_files(*experiment.made_of())
    return Description(
        kind=name,
        own=tuple(dict.fromkeys(_own_workflows(experiment, field))),
        declaration=to_toml(experiment),
        data=data,
        sources=tuple((str(path), sha256(path)) for path in files),
        layout=layout.here(),
        machine=pinned.machine(),
        versions=folder.versions(),
        earlier=earlier,
        keep_programs=keep_programs,
        most_seeds=most_seeds,
    )


def experiment_of(description: Description) -> Experiment:
    """The experiment that a description tells, once it is known to be the same.

    Raises:
      InputError: where versions or the user's own source are others here.
    """
    where = platform.node()
    if folder.versions() != description.versions:
        raise InputError(
            f"versions: the worker on {where} has {folder.versions()}, the run "
            f"{description.versions}; install the same there"
        )
    for name in description.own:
        _import(name)
    kind = registry.experiment(description.kind)
    table = tomllib.loads(description.declaration)
    data = description.data
    rows, dimension = data.train.shape if data else (0, 0)
    experiment = from_table(table, kind, "run").resolved(rows, dimension)
    if to_toml(experiment) != description.declaration:
        raise InputError(f"source: the worker on {where} reads another experiment")
    for file, digest in description.sources:
        if Path(file).is_file() and sha256(Path(file)) != digest:
            raise InputError(
                f"source: the worker on {where} has other source in {file}; give all "
                "the same file"
            )
    return experiment


def own_file(kind: type[Experiment]) -> str:
    """The file that a user's own class stands in, as a full path; "" for none."""
    file = registry.file_of(kind)
    return str(Path(file).resolve()) if file else ""


def _own_workflows(experiment: Experiment, field: str) -> Iterator[str]:
    """Modules or files in which a user's own workflows are registered."""
    for spec in experiment.workflow_specs():
        if weighing.is_own(spec.kind):
            found = _where(spec.kind)
            if not found:
                raise InputError(
                    f"{field}: workflow {spec.name} is defined in no file, from which "
                    "workers could load it; write it to one"
                )
            yield found


def _where(kind: WorkflowKind) -> str:
    """The module, or the file of the script, that a workflow's maker stands in."""
    maker: Any = kind.maker
    if isinstance(maker, str):
        return maker.partition(":")[0]
    while hasattr(maker, "func"):  # functools.partial
        maker = maker.func
    module = str(getattr(maker, "__module__", ""))
    if module not in ("__main__", "") and not module.startswith("_collapse_"):
        return module
    try:
        return str(Path(inspect.getfile(maker)).resolve())
    except (OSError, TypeError):
        return ""


_loaded: set[str] = set()  # files that register workflows


def _import(name: str) -> None:
    """Load a module by its name, or the file of a script by its path."""
    if not name.endswith(".py"):
        importlib.import_module(name)
    elif name not in _loaded:
        registry.imported(Path(name), "workflows: ")
        _loaded.add(name)


def module_folders() -> list[str]:
    """`sys.path` with full paths, for another process on this machine."""
    return [
        str(Path(entry).resolve()) if entry else str(Path.cwd()) for entry in sys.path
    ]
