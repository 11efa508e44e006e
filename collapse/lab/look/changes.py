"""What a run's declaration says beyond the defaults, and what was changed in it."""

import tomllib
from collections.abc import Mapping
from typing import Any

from collapse.data.errors import InputError
from collapse.experiment import registry
from collapse.experiment.base import Experiment
from collapse.experiment.remarks import without_effect
from collapse.experiment.toml import read_table
from collapse.figures.declaration import read_declaration
from collapse.lab import contents, folder
from collapse.lab.look.labels import Label, experiment, of_table

_MANY_ROWS = 10**9  # of data whose size is not known


def differences(label: Label) -> dict[str, Any]:
    """Field -> value, of those that differ from what the command does by default.

    Left out is what follows from other fields: a field that gets the same value if it
    is not set.
    """
    kind = registry.experiments().get(label.name)
    if kind is None:
        return {}
    default, model = kind(), label.fields.get("model")
    if isinstance(model, str) and model in registry.families():
        default = kind(model=model)  # type: ignore[call-arg]
    usual = [of_table(default.to_table())]
    try:
        rows = _MANY_ROWS if getattr(default, "data", "") else 0
        usual.append(of_table(default.resolved(rows, 0).to_table()))
    except InputError:  # a default that only data fill in
        pass
    found = {
        name: value
        for name, value in label.fields.items()
        if all(_plain(one.get(name)) != _plain(value) for one in usual)
    }
    own = experiment(label)
    left = set() if own is None else _not_set(own, default, _shape(label), found)
    return {name: value for name, value in found.items() if name not in left}


def trouble(label: Label, dataset_attributes: Mapping[str, Any]) -> str:
    """A line on what is wrong with the declaration of a finished run; "" if nothing is.

    Args:
      label: of the run.
      dataset_attributes: those of its results, which tell the experiment, too.
    """
    path = label.place / folder.LABEL
    told = dataset_attributes.get("experiment", "")
    if told:
        ran, now = of_table(tomllib.loads(told)), of_table(read_table(path))
        names = [n for n in {**ran, **now} if ran.get(n) != now.get(n)]
        words = [
            f"{n} was {ran[n]}" if n in ran else f"{n} was not there" for n in names
        ]
        if words:
            return f"{path} was changed after the run: {', '.join(words)}"
    kind = registry.experiments().get(label.name)
    if kind is None:
        command = repr(label.name) if label.name else "none"
        return f"{path}: its command is {command}, which is no family of the lab"
    try:
        read_declaration(path, kind)
    except InputError as error:
        return str(error)
    return ""


def data_of(label: Label) -> Mapping[str, Any]:
    """What a run has written down of its data: their sha256 and their shape."""
    found = (contents.environment(label.place) or {}).get("data", {})
    return found if isinstance(found, Mapping) else {}


def _shape(label: Label) -> tuple[int, int]:
    """Rows and dimension of a run's data; zeros without data."""
    if not label.fields.get("data"):
        return 0, 0
    known = data_of(label)
    return int(known.get("rows", _MANY_ROWS)), int(known.get("dimension", 0))


def _not_set(
    own: Experiment,
    default: Experiment,
    shape: tuple[int, int],
    names: Mapping[str, Any],
) -> set[str]:
    """Those of the fields that need not be set to get the values that they have."""
    found = set()
    parts = zip(own.parts(), default.parts(), strict=True)
    for (part, of_part), (usual, _) in parts:
        idle = without_effect(part)
        for name in names.keys() & set(of_part):
            try:
                open_again = own.with_values({name: getattr(usual, name)})
                again = of_table(open_again.resolved(*shape).to_table()).get(name)
            except (InputError, ValueError, AttributeError, TypeError):
                continue
            if name in idle or _plain(again) == _plain(names[name]):
                found.add(name)
    return found


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
