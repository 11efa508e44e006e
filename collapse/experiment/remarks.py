"""What a user should know of an experiment that can be run all the same."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from collapse.experiment.base import Experiment
from collapse.experiment.family import Family
from collapse.experiment.fields import Only, declared
from collapse.experiment.study import Study
from collapse.experiment.workflows import takers


def remarks(experiment: Experiment) -> tuple[str, ...]:
    """One line for each field that was set and has no effect, or leaves no fit.

    Args:
      experiment: as given, before open fields are filled in.
    """
    found = [
        line for part, names in experiment.parts() for line in _unused(part, names)
    ]
    if isinstance(experiment, Study):
        found += [
            f"{name}: has no effect here, only {words}"
            for name, words in experiment.idle().items()
            if _is_set(experiment, name)
        ]
    if isinstance(experiment, Family):
        found += [*_unused_by_workflows(experiment), *_single_row(experiment)]
    return tuple(found)


def without_effect(part: Experiment) -> set[str]:
    """Fields that have no effect with what the others say, set or not."""
    fields = declared(type(part)).items()
    return {n for n, f in fields if not all(_holds(part, only) for only in f.only)}


def _unused(part: Experiment, names: Sequence[str]) -> Iterator[str]:
    """A line for each field that what another field says leaves without effect."""
    for name, field in declared(type(part)).items():
        if name in names and _is_set(part, name):
            for only in field.only:
                if not _holds(part, only):
                    yield f"{name}: has no effect here, only {only}"


def _holds(part: Experiment, only: Only) -> bool:
    if isinstance(part, Study) and only.field not in declared(type(part)):
        part = part.learner  # such as a study's own table beside the model's data
    if not only.values:
        return _is_set(part, only.field)
    value = getattr(part, only.field)
    several = value if isinstance(value, tuple) else (value,)
    return any(one in only.values or _kind(one) in only.values for one in several)


def _kind(value: Any) -> Any:
    """The first word of a text, which names what the others are parameters of."""
    words = value.split() if isinstance(value, str) else []
    return words[0] if words else value


def _unused_by_workflows(family: Family) -> Iterator[str]:
    """A line for each field that is a parameter of other workflows than those run."""
    named = {text.strip() for text in family.workflows}
    for field, workflows in takers().items():
        if _is_set(family, field) and named.isdisjoint(workflows):
            yield (
                f"{field}: has no effect under {', '.join(family.workflows)}, only "
                f"under {' and '.join(workflows)}, named without parameters"
            )


def _single_row(family: Family) -> Iterator[str]:
    """A line if a fit to a single row is degenerate, and there is only one."""
    if 1 in family.samples_per_generation and (words := family.of_one_row()):
        yield f"samples_per_generation: a fit to 1 row {words}; give more"


def _is_set(part: Experiment, name: str) -> bool:
    """Whether a field has another value than its default."""
    field: Any = type(part).__dataclass_fields__.get(name)
    if field is None:
        return False
    made = field.default_factory
    default = field.default if made is dataclasses.MISSING else made()
    return bool(getattr(part, name) != default)
