"""What a simulation leaves behind: files, a figure, and a table in the terminal."""

import dataclasses
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from collapse.experiment import results
from collapse.experiment.spec import Experiment, Figure
from collapse.figures import draw as plotting
from collapse.lab import command, folder

if TYPE_CHECKING:
    from collapse.lab.run import Family

_TABLE_ROWS = 40


def write(
    family: "Family",
    call: command.Call,
    experiment: Experiment,
    traces: Mapping[tuple[Any, ...], Mapping[str, np.ndarray]],
    digest: str,
    place: Path,
    seconds: float,
) -> int:
    """Write everything into `place`; the exit code of the command."""
    dataset = assembled(family, experiment, traces)
    figures = [complete(family, experiment, f, dataset) for f in call.figures]
    dataset.attrs |= results.provenance(experiment, figures, digest, seconds)
    summary = results.summarise(dataset)
    results.write_dataset(dataset, place / "results.nc")
    results.write_summary(summary, place / "summary.csv")
    environment = json.loads(dataset.attrs["environment"])
    with results.atomic(place / "environment.json") as temporary:
        temporary.write_text(json.dumps(environment, indent=2) + "\n")
    for figure in figures:
        drawn = plotting.draw(summary, figure)
        plotting.save(drawn, place / figure.stem("figure"))
        if call.options.publish:
            _publish(summary, figure, Path(call.options.publish), call.name)
    folder.finish(place)
    if not call.options.quiet:
        print(closing(family, experiment, dataset))
        print(f"\n{_size(experiment)} in {seconds:.1f} s; results in {place}/")
    return _count_failures(dataset)


def assembled(
    family: "Family",
    experiment: Experiment,
    traces: Mapping[tuple[Any, ...], Mapping[str, np.ndarray]],
) -> xr.Dataset:
    """Traces as one dataset, with closed forms and all that follows from them."""
    dataset = results.assemble(
        experiment,
        traces,
        lambda cell, label: family.theory(experiment, cell, label),
        experiment.note,
    )
    return family.derive(experiment, dataset)


def closing(family: "Family", experiment: Experiment, dataset: xr.Dataset) -> str:
    """The family's last words, or a table of the last generation."""
    if family.closing is not None:
        return family.closing(experiment, dataset)
    return table(results.summarise(dataset), experiment.metrics or family.table)


def table(summary: xr.Dataset, metrics: tuple[str, ...]) -> str:
    """The last generation: means with theory beside them, medians of what has none.

    A mean of tails is carried by the few runs that drift into them.
    """
    axes = [str(a) for a in np.atleast_1d(summary.attrs["axes"]) if a]
    shown = [m for m in metrics if m in summary]
    last = summary.isel(generation=-1)
    rows = [[*axes, "workflow", *shown]]
    stacked = last.stack(cell=[*axes, "workflow"]) if axes else last
    over = "cell" if axes else "workflow"
    for index in range(stacked.sizes[over]):
        one = stacked.isel({over: index})
        names = [str(one[a].values) for a in [*axes, "workflow"]]
        rows.append([*names, *(_cell(one, metric) for metric in shown)])
    note = ""
    if len(rows) > _TABLE_ROWS:
        note = f"\n... {len(rows) - _TABLE_ROWS} more rows in summary.csv"
        rows = rows[:_TABLE_ROWS]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    form = "  ".join(f"{{:{width}}}" for width in widths)
    lines = [form.format(*row) for row in rows]
    t = int(summary.generation.values[-1])
    head = f"generation {t}: mean (standard error) [theory], or median (5 % .. 95 %)"
    return "\n".join([head, "", *(line.rstrip() for line in lines)]) + note


def _cell(one: xr.Dataset, metric: str) -> str:
    def value(statistic: str) -> float:
        return float(one[metric].sel(statistic=statistic))

    theory = one.get(f"{metric}_theory")
    if theory is None or not np.isfinite(float(theory)):
        most = one[metric].attrs.get("more_than", np.inf)

        def spell(name: str, digits: int) -> str:
            found = value(name)
            return f">{most}" if found > most else f"{found:.{digits}g}"

        return f"{spell('median', 4)} ({spell('low', 3)} .. {spell('high', 3)})"
    text = f"{value('mean'):.4g}"
    if np.isfinite(value("standard_error")):  # one seed has none
        text += f" ({value('standard_error'):.1g})"
    return f"{text} [{float(theory):.4g}]"


def complete(
    family: "Family", experiment: Experiment, figure: Figure, dataset: xr.Dataset
) -> Figure:
    """A figure with what its declaration left open filled in."""
    figure = figure.resolved(dataset.sizes)
    panels = figure.metrics or tuple(m for m in family.panels if m in dataset)
    places = {"columns": figure.columns, "rows": figure.rows}
    if figure.kind != "samples":
        taken = {figure.x, *figure.places().values()}
        free = [a for a in ("workflow", *dataset.attrs["axes"]) if a not in taken]
        dims = {d for metric in panels for d in dataset[metric].dims}
        free = [a for a in free if a in dims and dataset.sizes[a] > 1]
        for place in [name for name, coordinate in places.items() if not coordinate]:
            places[place] = free.pop(0) if free else ""
    return dataclasses.replace(
        figure,
        metrics=panels,
        rows=places["rows"],
        columns=places["columns"],
        title=figure.title or family.description.splitlines()[0].rstrip("."),
        caption=figure.caption or family.caption(experiment),
    )


def _publish(summary: xr.Dataset, figure: Figure, place: Path, name: str) -> None:
    (place / "data").mkdir(parents=True, exist_ok=True)
    small = results.published(summary, figure)
    small.attrs["figure"] = results.figure_text([figure])
    path = place / "data" / f"{figure.stem(name)}.nc"
    results.write_dataset(small, path)
    plotting.redraw(path, place)


def _size(experiment: Experiment) -> str:
    cells = len(list(experiment.cells())) * len(experiment.labels())
    return (
        f"{cells} x {experiment.repetitions()} x "
        f"{experiment.num_generations + 1} generations"
    )


def failures(dataset: xr.Dataset) -> str:
    """A line about what is not finite, and where; empty if all is well."""
    bad = ~dataset["finite"].values.astype(bool)
    if not bad.any():
        return ""
    seeds = int(bad.any(axis=-1).sum())
    first = int(np.argwhere(bad)[:, -1].min())
    names = [
        str(n)
        for n, v in dataset.data_vars.items()
        if "seed" in v.dims and v.dtype.kind == "f" and not np.isfinite(v.values).all()
    ]
    return (
        f"{int(bad.sum())} measurements in {seeds} runs are not finite, the "
        f"first at generation {first} ({', '.join(names) or 'parameters'})"
    )


def _count_failures(dataset: xr.Dataset) -> int:
    """1, with a line about where, if any measurement is not finite."""
    said = failures(dataset)
    if said:
        print(f"error: {said}", file=sys.stderr)
    return int(bool(said))
