"""What a run leaves behind: files, figures, and a table in the terminal."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from collapse.experiment import provenance, results, sources
from collapse.experiment.axes import axes_of
from collapse.experiment.base import Experiment
from collapse.experiment.derived import OUTCOME, OUTCOMES, source
from collapse.experiment.profile import SAID
from collapse.experiment.summary import summarise
from collapse.figures import draw
from collapse.figures.declaration import from_json, to_declaration, to_json
from collapse.figures.drawable import drawable
from collapse.figures.published import published
from collapse.figures.redraw import redraw
from collapse.figures.spec import OF_SAMPLES, Figure
from collapse.lab import (
    checksums,
    command,
    contents,
    folder,
    outputs,
    pinned,
    restoring,
    table,
    terminal,
)


def write(
    call: command.Call,
    traces: Mapping[tuple[Any, ...], Mapping[str, NDArray[Any]]],
    digest: str,
    run_folder: Path,
    seconds: float,
    data: Any = None,
) -> int:
    """The exit code of a run, after writing its results into `run_folder`.

    Args:
      call: with the experiment as resolved.
      traces: as of `results.assemble`.
      digest: of the experiment.
      run_folder: which this process has.
      seconds: that the simulation took.
      data: that it was run on, or None.
    """
    experiment = call.experiment
    dataset = assembled(experiment, traces, data)
    figures = [complete(experiment, figure, dataset) for figure in call.figures]
    told = (to_json(figures), digest, seconds)
    about = {"data": provenance.of_data(data)} if data else {}
    around = {**pinned.surroundings(), **about}
    dataset.attrs |= provenance.attributes(experiment, *told, around)
    dataset.attrs |= _cited(figures)
    results.write_dataset(dataset, run_folder / folder.RESULTS)
    outputs.write(dataset, figures, run_folder)
    _publish_all(call, dataset, figures)
    checksums.write(run_folder, contents.files(run_folder))
    folder.finish(run_folder)
    if not call.options.quiet:
        size = f"{_size(experiment)} in {seconds:.1f} s"
        terminal.say(
            f"{closing(experiment, dataset)}\n\n{size}; results in {run_folder}/"
        )
    return _count_failures(dataset)


def again(call: command.Call, claim: folder.Claim) -> int:
    """The exit code of a finished run, after telling its results once more.

    Figures that are declared otherwise than they were drawn are drawn again, and files
    that were removed or damaged are written anew from the results. Nothing is written
    else, so that the folder may be one that cannot be written to.

    Args:
      call: with the experiment as resolved.
      claim: to the folder of the run.

    Raises:
      InputError: if the results cannot be read.
    """
    experiment, run_folder = call.experiment, claim.folder
    checksums.check(run_folder, folder.RESULTS, "repeat the run by --force")
    dataset = results.read_dataset(run_folder / folder.RESULTS)
    figures = [complete(experiment, figure, dataset) for figure in call.figures]
    if call.options.publish:
        record = json.loads(dataset.attrs["environment"])
        sources.check_clean(record["commit"], "repeat the run by --force")
    said = "is complete"
    if to_json(figures) != dataset.attrs["figure"]:
        with folder.held(claim):
            _draw_again(call, dataset, figures, run_folder)
        said = "is complete, and its figure drawn again"
    said += restoring.restored(claim, dataset, figures)
    _publish_all(call, dataset, figures)
    if not call.options.quiet:
        terminal.say(
            f"{closing(experiment, dataset)}\n\n{_size(experiment)}: {run_folder}/ "
            f"{said}; --force repeats the run"
        )
    return _count_failures(dataset)


def _cited(figures: list[Figure]) -> dict[str, str]:
    """The attribute with what the figures repeat; empty if they do not say."""
    cites = dict.fromkeys(figure.cites for figure in figures if figure.cites)
    return {"cites": "; ".join(cites)} if cites else {}


def _draw_again(
    call: command.Call, dataset: xr.Dataset, figures: list[Figure], run_folder: Path
) -> None:
    """Draw other figures of a finished run in place of those that are there."""
    summary = drawable(dataset, figures)
    for figure in figures:
        draw.draw(summary, figure)  # before anything of the old one is lost
    kept = {*(checksums.read(run_folder) or contents.files(run_folder))}
    checksums.remove(run_folder)  # until all is written
    for figure in from_json(dataset.attrs["figure"]):
        for path in run_folder.glob(f"{figure.stem('figure')}.*"):
            path.unlink()
    dataset.attrs["figure"] = to_json(figures)
    dataset.attrs.pop("cites", None)
    dataset.attrs |= _cited(figures)
    folder.label_again(run_folder, to_declaration(call.experiment, call.figures))
    results.write_dataset(dataset, run_folder / folder.RESULTS)
    for figure in figures:
        fig = draw.draw(summary, figure)
        draw.save(fig, run_folder / figure.stem("figure"), figure)
    kept = {name for name in kept if (run_folder / name).is_file()}
    checksums.write(run_folder, kept | {*outputs.names(figures)})


def _publish_all(
    call: command.Call, dataset: xr.Dataset, figures: list[Figure]
) -> None:
    """Publish the figures of a run if that is asked for."""
    if call.options.publish:
        summary = drawable(dataset, figures)
        for figure in figures:
            _publish(summary, figure, Path(call.options.publish), call.name)


def assembled(
    experiment: Experiment,
    traces: Mapping[tuple[Any, ...], Mapping[str, NDArray[Any]]],
    data: Any = None,
) -> xr.Dataset:
    """Traces as one dataset, with closed forms and all that follows from them."""
    dataset = results.assemble(experiment, traces)
    dataset.attrs |= experiment.told_by(data)
    return experiment.derive(dataset)


def closing(experiment: Experiment, dataset: xr.Dataset) -> str:
    """The experiment's closing text, or else a table of the last generation."""
    shown = experiment.metrics or experiment.default_table()
    last = dataset.isel(generation=[-1])
    return experiment.closing(dataset) or table.text(summarise(last), shown)


def complete(experiment: Experiment, figure: Figure, dataset: xr.Dataset) -> Figure:
    """The figure, with the fields filled in that its declaration left open."""
    figure = figure.resolved(dataset.sizes)
    panels: tuple[str, ...] = ()
    if figure.kind == "profile":
        figure = _profiled(figure, dataset)
    else:
        panels = figure.metrics or experiment.default_panels(dataset)
    if figure.kind == "map":
        panels = tuple(map(_in_map, panels))
    sides = {"columns": figure.columns, "rows": figure.rows}
    if figure.kind not in OF_SAMPLES:
        taken = {figure.x, *figure.roles().values()}
        free = [a for a in ("workflow", *dataset.attrs["axes"]) if a not in taken]
        dims = {d for metric in panels for d in dataset[source(metric)[0]].dims}
        dims |= set(free) if figure.kind == "profile" else set()
        free = [a for a in free if a in dims and dataset.sizes[a] > 1]
        for side in [name for name, coordinate in sides.items() if not coordinate]:
            sides[side] = free.pop(0) if free else ""
    return dataclasses.replace(
        figure,
        metrics=panels,
        rows=sides["rows"],
        columns=sides["columns"],
        title=figure.title or experiment.description.splitlines()[0].rstrip("."),
        caption=figure.caption or _caption(experiment, figure, dataset),
    )


def _in_map(panel: str) -> str:
    """What a map shows of a panel: one number a cell, of three outcomes the first."""
    metric, what = source(panel)
    return f"{metric}_{OUTCOMES[0]}" if what == OUTCOME else panel


def _profiled(figure: Figure, dataset: xr.Dataset) -> Figure:
    """The profile with an axis told apart by colour where there is one workflow."""
    alone = figure.hue == "workflow" and dataset.sizes["workflow"] == 1
    taken = (figure.columns, figure.rows)
    every = axes_of(dataset)
    free = [axis for axis in every if axis not in taken and dataset.sizes[axis] > 1]
    return dataclasses.replace(figure, hue=free[0]) if alone and free else figure


def _caption(experiment: Experiment, figure: Figure, dataset: xr.Dataset) -> str:
    """The family's caption, with what a profile shows."""
    said = experiment.caption_of(dataset)
    return f"{said} {SAID}" if figure.kind == "profile" else said


def _publish(summary: xr.Dataset, figure: Figure, target: Path, name: str) -> None:
    (target / "data").mkdir(parents=True, exist_ok=True)
    small = published(summary, figure)
    small.attrs["figure"] = to_json([figure])
    path = target / "data" / f"{figure.stem(name)}.nc"
    results.write_dataset(small, path)
    redraw(path, target)


def _size(experiment: Experiment) -> str:
    seeds = Experiment.repetitions(experiment)  # without what a family says of models
    return (
        f"{len(list(experiment.conditions()))} x {seeds} x "
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
        terminal.tell(f"error: {said}")
    return int(bool(said))
