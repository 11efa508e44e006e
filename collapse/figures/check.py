"""Check, before an experiment is run, that a figure of it can be drawn."""

from collections.abc import Sequence
from typing import Any

from collapse.data.errors import InputError, hint
from collapse.experiment.base import Experiment
from collapse.experiment.derived import DIFFERENCE, OUTCOME, source
from collapse.experiment.fields import check_names
from collapse.figures.spec import OF_SAMPLES, Figure


def check(experiment: Experiment, figure: Figure) -> None:
    """Raise InputError for what could not be drawn once the experiment is run."""
    bins: dict[str, Sequence[float]] = {}
    metrics = [source(metric)[0] for metric in figure.metrics]
    for name in figure.metrics if figure.kind == "map" else ():
        if source(name)[1] == OUTCOME:
            raise InputError(
                f"metrics: {name} is stacked, which a map is not; name "
                f"{source(name)[0]}_lost or draw curves"
            )
    for metric in metrics:
        bins |= experiment.more_dims(metric)
    check_coordinates(figure, experiment.every_axis(), (*bins,))
    for name, metric in zip(figure.metrics, metrics, strict=True):
        _check_metric(experiment, figure, metric, bins)
        _check_derived(experiment, name)
    values: dict[str, Sequence[Any]] = {
        axis: getattr(experiment, axis) for axis in experiment.every_axis()
    }
    values |= {"workflow": experiment.labels(), **bins}
    figure.check(values | {"generation": experiment.recorded()})
    if figure.kind in OF_SAMPLES:
        if not experiment.snapshots:
            raise InputError(f"snapshots: none, but the figure shows {figure.kind}")
        return
    several = [name for name in values if len(values[name]) > 1]
    if figure.kind == "map":
        for side, name in (("x", figure.x), ("y", figure.y)):
            if name not in (*several, "generation"):
                raise InputError(f"{side}: {name} has a single value, which is no map")
    figure = figure.resolved(several)
    taken = [figure.x, *figure.roles().values()]
    left = [name for name in several if name not in taken]
    if len(left) > taken.count(""):
        raise InputError(
            f"figure: {left[-1]} has several values and no place; give one, or "
            "name it as x, hue, columns or rows of [figure] in a TOML file"
        )


def check_coordinates(
    figure: Figure, axes: Sequence[str], bins: Sequence[str] = ()
) -> None:
    """Raise InputError for a coordinate that is unknown, or workflows along x.

    Args:
      figure: to be drawn.
      axes: names of those that its data may have, beside workflows and generations.
      bins: names of more that x may be.
    """
    every = ("generation", *axes, *bins)
    if figure.x == "workflow":
        along = f"as x one of {', '.join(every)}"
        if figure.kind == "map":
            along = f'x = "{figure.y}"' if figure.y in every else along
            raise InputError(
                "x: workflow can run upwards in a map, not along x; give "
                f'y = "workflow" and {along}'
            )
        raise InputError(
            f'x: workflow is not drawn along x; give hue = "workflow" and {along}'
        )
    check_names("x", (figure.x,), every)
    for role, name in figure.roles().items():
        known = ("workflow", *axes) + (("generation",) if role == "hue" else ())
        check_names(role, (name,) if name else (), known)


def _check_derived(experiment: Experiment, name: str) -> None:
    """Raise InputError for outcomes of what is no tail, or a difference of nothing."""
    metric, what = source(name)
    if what == DIFFERENCE:
        if len(experiment.labels()) < 2 or experiment.num_seeds < 2:
            raise InputError(
                f"metrics: {name} is a difference between workflows over seeds; give "
                "two of both or more"
            )
    elif what:
        quantity = experiment.quantity(metric)
        if quantity is None or not quantity.is_tail:
            raise InputError(f"metrics: {metric} is no tail; it has no {what}")


def _check_metric(
    experiment: Experiment, figure: Figure, metric: str, bins: dict[str, Any]
) -> None:
    own = experiment.more_dims(metric)
    if figure.x in bins and figure.x not in own:
        raise InputError(
            f"metrics: {metric} is not counted by {figure.x}; drop it, or name "
            "another x"
        )
    more = (*experiment.diagnostics(), *experiment.derived())
    if metric in (*experiment.measured(), *more) or figure.x in bins:
        return
    for name in own:
        raise InputError(f"x: {metric} is counted by {name}; name it as x")
    raise InputError(
        f"metrics: the figure shows {metric}, which is not measured; measured are "
        f"{', '.join(experiment.measured())}{hint(metric, experiment.measured())}"
    )
