"""A lab for model collapse: what happens when models learn from earlier models.

    import collapse

    run = collapse.run("gmm", num_seeds=64, workflows=["replace", "accumulate"])
    print(run.table())
    run.draw(metrics="tail_mass_1pct")

`families()` lists what can be learned, `studies()` what can be asked of it. A model of
one's own is a `Model` in a `Problem`, run by `compare`, or a `Family`, which gets the
whole command line by `main`. The names below are loaded when first used, so that
`import collapse` is instant and the command line answers `--help` before jax is
imported.
"""

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collapse.core import streams as streams
    from collapse.core import workflows as workflows
    from collapse.core.generation import generate as generate
    from collapse.core.learning import learn as learn
    from collapse.core.loop import advance as advance
    from collapse.core.loop import init as init
    from collapse.core.loop import run_seeds as run_seeds
    from collapse.core.loop import step as step
    from collapse.core.types import Actions as Actions
    from collapse.core.types import Controller as Controller
    from collapse.core.types import Curator as Curator
    from collapse.core.types import Generated as Generated
    from collapse.core.types import Metric as Metric
    from collapse.core.types import Model as Model
    from collapse.core.types import Problem as Problem
    from collapse.core.types import Selection as Selection
    from collapse.core.types import State as State
    from collapse.core.types import Store as Store
    from collapse.core.types import Trace as Trace
    from collapse.core.types import Workflow as Workflow
    from collapse.data.errors import InputError as InputError
    from collapse.data.errors import ModelError as ModelError
    from collapse.experiment.base import Experiment as Experiment
    from collapse.experiment.condition import Condition as Condition
    from collapse.experiment.family import Family as Family
    from collapse.experiment.fields import Bounds as Bounds
    from collapse.experiment.fields import Only as Only
    from collapse.experiment.registry import families as families
    from collapse.experiment.registry import studies as studies
    from collapse.experiment.task import Task as Task
    from collapse.experiment.task import real_rows as real_rows
    from collapse.experiment.workflows import Parameter as Parameter
    from collapse.experiment.workflows import WorkflowKind as WorkflowKind
    from collapse.experiment.workflows import register as register
    from collapse.lab.api import Run as Run
    from collapse.lab.api import run as run
    from collapse.lab.compare import compare as compare
    from collapse.lab.conformance import check_model as check_model
    from collapse.lab.drawing import draw as draw
    from collapse.lab.look.python import compare_runs as compare_runs
    from collapse.lab.look.python import open_run as open_run
    from collapse.measures.catalogue import Quantity as Quantity
    from collapse.numerics import draws as draws

__version__ = "0.1.0"

# XLA calls every program that it loads from a file one of another machine, since its
# list of this one's features lacks two that it tunes for itself (jaxlib 0.10.1). That
# it is of this machine is seen to by `collapse.lab.cache`. Read when jax is loaded, so
# it stands here; a user's value is kept.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

_HOMES = {
    "core.generation": ("generate",),
    "core.learning": ("learn",),
    "core.loop": ("advance", "init", "run_seeds", "step"),
    "core.types": (
        *("Actions", "Controller", "Curator", "Generated", "Metric", "Model"),
        *("Problem", "Selection", "State", "Store", "Trace", "Workflow"),
    ),
    "data.errors": ("InputError", "ModelError"),
    "experiment.base": ("Experiment",),
    "experiment.condition": ("Condition",),
    "experiment.family": ("Family",),
    "experiment.fields": ("Bounds", "Only"),
    "experiment.registry": ("families", "studies"),
    "experiment.task": ("Task", "real_rows"),
    "experiment.workflows": ("Parameter", "WorkflowKind", "register"),
    "lab.api": ("Run", "run"),
    "lab.compare": ("compare",),
    "lab.conformance": ("check_model",),
    "lab.drawing": ("draw",),
    "lab.look.python": ("compare_runs", "open_run"),
    "measures.catalogue": ("Quantity",),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}
_MODULES = {
    "draws": "numerics.draws",
    "streams": "core.streams",
    "workflows": "core.workflows",
}

__all__ = ["__version__", "main", *_MODULE_OF, *_MODULES]


def main(
    kind: "type[Experiment] | None" = None, arguments: Sequence[str] | None = None
) -> int:
    """The exit code of a command line, after running it.

    Args:
      kind: of the experiment, a family of one's own for example; None for the command
        `collapse`, whose first argument names one.
      arguments: after the command; those of the process if None.
    """
    if kind is None:
        command: Callable[..., int] = _load("lab.commands").main
        return command(arguments, program=_program() or "collapse")
    own: Callable[..., int] = _load("lab.run").main
    return own(kind, arguments, program=_program() or str(kind.name))


def _program() -> str:
    """The command that runs: `python own.py`, `python -m own`; "" in a notebook."""
    module = sys.modules["__main__"]
    spec = getattr(module, "__spec__", None)
    if spec is not None:  # python -m
        return f"python -m {spec.name.removesuffix('.__main__')}"
    file = getattr(module, "__file__", None)
    return f"python {os.path.basename(file)}" if file else ""


def _load(module: str) -> Any:
    return importlib.import_module(f"collapse.{module}")


def __getattr__(name: str) -> Any:
    """Import the module that holds a public name (PEP 562)."""
    if name in _MODULES:
        return _load(_MODULES[name])
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'collapse' has no attribute {name!r}")
    return getattr(_load(_MODULE_OF[name]), name)


def __dir__() -> list[str]:
    """Everything `__getattr__` can answer, for completion."""
    return sorted({*globals(), *_MODULE_OF, *_MODULES})
