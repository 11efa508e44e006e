"""The workflows that every command knows.

A workflow of one's own is added by `register`, in the file that defines it.
"""

import math
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from collapse.data.errors import InputError
from collapse.experiment.fields import Bounds
from collapse.experiment.lazy import find, load
from collapse.experiment.workflows.spec import (
    Parameter,
    WorkflowKind,
    WorkflowSpec,
    read_as,
)

_SHARE = Parameter("share", float, Bounds(0, 1), "real_fraction")
_ANCHOR = Parameter("anchor", ("fresh", "fixed"), field="anchor")


def round_share(share: float, n: int) -> int:
    """Rows that a share of n is: the nearest whole number, halves upwards."""
    return math.floor(share * n + 0.5)


def _core() -> ModuleType:
    return load("collapse.core.workflows")


def _mix_moments(
    n: int, num_generations: int, ddof: int, share: float, anchor: str
) -> Any:
    real = round_share(share, n)
    form = find("collapse.theory:mix")
    return form(n, real, n - real, num_generations, ddof, anchor)


def _window_moments(n: int, num_generations: int, ddof: int, size: int) -> Any:
    return find("collapse.theory:window")(n, size, num_generations, ddof)


def _budget_moments(n: int, num_generations: int, ddof: int) -> Any:
    if n < 2:  # every row alone is the fit
        return find("collapse.theory:replace")(n, num_generations, ddof)
    return find("collapse.theory:fixed_budget")(n, num_generations, ddof)


def _growing_moments(n: int, num_generations: int, ddof: int, power: float) -> Any:
    return find("collapse.theory:replace_growing")(n, power, num_generations, ddof)


def _all(num_generations: int) -> int:
    return num_generations + 1


def _growing(num_generations: int, power: float) -> list[int]:
    return [round_share(k**power, 1) for k in range(1, num_generations + 2)]


# Colours of Okabe & Ito (2008): told apart with any kind of colour vision. Workflows
# that have none of their own get those that are free, the palest last.
CYCLE = (
    *("#000000", "#CC79A7", "#56B4E9", "#E69F00"),
    *("#009E73", "#0072B2", "#D55E00", "#F0E442"),
)
REPLACE = WorkflowKind(
    "replace",
    lambda num_generations: _core().replace(),
    colour="#D55E00",
    moments="collapse.theory:replace",
    newest=lambda num_generations: [1] * (num_generations + 1),
)
ACCUMULATE = WorkflowKind(
    "accumulate",
    lambda num_generations: _core().accumulate(num_generations),
    colour="#0072B2",
    additive_maker=lambda num_generations: _core().accumulate_sums(),
    moments="collapse.theory:accumulate",
    batches=_all,
)
FIXED_BUDGET = WorkflowKind(
    "fixed_budget",
    lambda num_generations: _core().fixed_budget(num_generations),
    colour="#009E73",
    moments=_budget_moments,
    picks_single_rows=True,
)
WINDOW = WorkflowKind(
    "window",
    lambda num_generations, size: _core().window(size),
    (Parameter("size", int, Bounds(1), "window"),),
    colour="#E69F00",
    moments=_window_moments,
    batches=lambda num_generations, size: size,
)
REPLACE_MULTIPLE = WorkflowKind(
    "replace_multiple",
    lambda num_generations: _core().replace_multiple(num_generations),
    colour="#56B4E9",
    moments="collapse.theory:replace_multiple",
    newest=lambda num_generations: [*range(1, num_generations + 2)],
    batches=_all,
)
REPLACE_GROWING = WorkflowKind(
    "replace_growing",
    lambda num_generations, power: _core().replace_growing(num_generations, power),
    (Parameter("power", float, Bounds(0, 4)),),
    colour="#882255",
    moments=_growing_moments,
    newest=_growing,
    batches=lambda num_generations, power: _growing(num_generations, power)[-1],
)
MIX = WorkflowKind(
    "mix",
    lambda num_generations, share, anchor: _core().mix(share, anchor),
    (_SHARE, _ANCHOR),
    colour="#CC79A7",
    moments=_mix_moments,
    real_rows=lambda n, share, anchor: round_share(share, n),
)
# that of mixtures, whose numbers of rows are axes of the study; no choice elsewhere. It
# trains generation 0 on its real rows alone, where mix trains it on n of them
ANCHORED = WorkflowKind(
    "anchored",
    "collapse.core.workflows:anchored",
    (_ANCHOR,),
    colour=MIX.colour,
)

_STANDARD = (
    REPLACE,
    ACCUMULATE,
    FIXED_BUDGET,
    WINDOW,
    REPLACE_MULTIPLE,
    REPLACE_GROWING,
    MIX,
)
_KINDS: dict[str, WorkflowKind] = {kind.name: kind for kind in _STANDARD}


def kinds() -> Mapping[str, WorkflowKind]:
    """Name -> workflow: the seven standard ones and those that were registered."""
    return dict(_KINDS)


def register(kind: WorkflowKind) -> WorkflowKind:
    """Make a workflow known by its name to every command; gives it back.

    Raises:
      InputError: if its name is taken by another.
    """
    if {ANCHORED.name: ANCHORED, **_KINDS}.get(kind.name, kind) != kind:
        raise InputError(f"workflows: {kind.name!r} is taken; name it otherwise")
    _KINDS[kind.name] = kind
    return kind


def read(text: str, field: str = "workflows") -> WorkflowSpec:
    """The workflow that a text names, all of its parameters given.

    Raises:
      InputError: for a text that is none; begins with `field`.
    """
    return read_as(text, _KINDS, field)


def specs(texts: Iterable[str], fields: Mapping[str, Any]) -> tuple[WorkflowSpec, ...]:
    """The workflows that an experiment names.

    A name alone, `window`, takes its parameters from the experiment's fields, one
    workflow for each combination of their values.

    Args:
      texts: `replace`, `window`, `window 5`, ...
      fields: field -> value or values, of the experiment.

    Raises:
      InputError: for a text that names no workflow.
    """
    found: list[WorkflowSpec] = []
    for text in texts:
        kind = _KINDS.get(text.strip())
        if kind is None or not kind.parameters:
            found.append(read(text))
            continue
        if not all(parameter.field in fields for parameter in kind.parameters):
            raise InputError(f"workflows: {text}; give {kind.form()}")
        combinations: list[tuple[Any, ...]] = [()]
        for parameter in kind.parameters:
            value = fields[parameter.field]
            several = value if isinstance(value, tuple) else (value,)
            combinations = [(*c, v) for c in combinations for v in several]
        found += [WorkflowSpec(kind, values) for values in combinations]
    return tuple(found)


def takers() -> dict[str, list[str]]:
    """Field -> names of the workflows that may take a parameter from it."""
    found: dict[str, list[str]] = {}
    for kind in _KINDS.values():
        for parameter in kind.parameters:
            if parameter.field:
                found.setdefault(parameter.field, []).append(kind.name)
    return found


def colour_of(label: str) -> str:
    """The colour of a workflow in figures, by its label; empty if it has none."""
    known = {ANCHORED.name: ANCHORED, **_KINDS}
    kind = known.get(label.split()[0] if label.split() else "")
    return kind.colour if kind else ""
