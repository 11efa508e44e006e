"""The files of a run that follow from its results: tables, figures, environment."""

import functools
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import xarray as xr

from collapse.experiment.comparisons import events
from collapse.experiment.files import atomic
from collapse.experiment.profile import profile
from collapse.experiment.summary import write_summary
from collapse.figures import draw
from collapse.figures.drawable import drawable
from collapse.figures.spec import Figure
from collapse.lab.contents import ENVIRONMENT


def write(
    dataset: xr.Dataset,
    figures: Sequence[Figure],
    run_folder: Path,
    only: Sequence[str] | None = None,
) -> list[str]:
    """Names of the files that were written, each whole or not at all.

    Args:
      dataset: every seed, with the environment among its attributes.
      figures: to draw, with every field filled in.
      run_folder: which this process has.
      only: names of those that are written; None for all.
    """
    summary = functools.cache(lambda: drawable(dataset, figures))

    def crossings(path: Path) -> None:
        events(dataset).to_csv(path, index=False, float_format="%.9g")

    def profiles(path: Path) -> None:
        profile(dataset).to_csv(path, index=False, float_format="%.9g")

    def environment(path: Path) -> None:
        record = json.loads(dataset.attrs["environment"])
        path.write_text(json.dumps(record, indent=2) + "\n")

    makers: dict[str, Callable[[Path], None]] = {
        "crossings.csv": crossings,
        "profile.csv": profiles,
        ENVIRONMENT: environment,
    }
    written = names(figures) if only is None else list(only)
    if "summary.csv" in written:
        write_summary(summary(), run_folder / "summary.csv")
    for name, make in makers.items():
        if name in written:
            with atomic(run_folder / name) as temporary:
                make(temporary)
    for figure in figures:
        stem = run_folder / figure.stem("figure")
        if any(path.name in written for path in draw.files(stem, figure)):
            draw.save(draw.draw(summary(), figure), stem, figure)
    return written


def absent(figures: Sequence[Figure], run_folder: Path) -> list[str]:
    """Names of the files that are not in the folder of a complete run."""
    return [name for name in names(figures) if not (run_folder / name).is_file()]


def names(figures: Sequence[Figure]) -> list[str]:
    """All files of a run that follow from its results."""
    drawn = (draw.files(Path(figure.stem("figure")), figure) for figure in figures)
    tables = ["summary.csv", "crossings.csv", "profile.csv", ENVIRONMENT]
    return [*tables, *(path.name for paths in drawn for path in paths)]
