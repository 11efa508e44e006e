"""Experiments from Python: run, look at the data, draw.

    import collapse

    run = collapse.run("mixing", real_fraction=[0.1, 0.5, 1], num_seeds=500)
    run.dataset.late_test_error.mean("seed")
    run.draw(metrics="late_test_error", x="real_fraction")

What is run is what the command runs: the same numbers, and the same complaints.
"""

import dataclasses
import tempfile
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.figure
import numpy as np
import pandas as pd
import xarray as xr

from collapse.data.errors import InputError
from collapse.experiment import comparisons, registry
from collapse.experiment.base import Experiment
from collapse.experiment.profile import MARGIN, profile
from collapse.experiment.remarks import remarks
from collapse.experiment.toml import from_table
from collapse.figures import draw
from collapse.figures.check import check as check_figure
from collapse.figures.drawable import drawable
from collapse.figures.spec import Figure
from collapse.lab import blocks, keywords, own, report, session
from collapse.lab.parts import simulate
from collapse.lab.prepare import Programs
from collapse.lab.run import prepare


class Run(NamedTuple):
    """An experiment that has been run.

    Attributes:
      experiment: with every field filled in.
      dataset: every seed, labelled, as in a command's results.nc.
    """

    experiment: Experiment
    dataset: xr.Dataset

    def __repr__(self) -> str:
        """The experiment's name and the table or text that the command prints last."""
        return f"{self.experiment.name}: {self.table()}"

    def draw(self, **figure: Any) -> matplotlib.figure.Figure:
        """A figure of the run; keywords are those of a TOML's `[figure]`.

        Without metrics and kind it is the command's first figure, as the keywords
        change it.
        Without a title there is none, and without a caption the family's own.

        Raises:
          InputError: for what cannot be drawn.
        """
        own = {"metrics", "kind"} & {*figure}
        usual = {} if own else self.experiment.figures()[0]
        asked = from_table({**usual, **figure}, Figure, "figure")
        check_figure(self.experiment, asked)
        whole = report.complete(self.experiment, asked, self.dataset)
        whole = dataclasses.replace(whole, title=asked.title)
        return draw.draw(drawable(self.dataset, [whole]), whole)

    def table(self) -> str:
        """The table or text that the command prints last."""
        return report.closing(self.experiment, self.dataset)

    def against_theory(self) -> pd.DataFrame:
        """Measured and exact means, a line for each setting of each metric with theory.

        Of the last generation, or of what has none. `z` is the distance in standard
        errors over seeds. Ratios to other settings are left out: what these are
        divided by has an error of its own.

        Raises:
          InputError: where nothing that was measured has a closed form.
        """
        lines = [
            one for name in self.dataset for one in _lines(self.dataset, str(name))
        ]
        if not lines:
            raise InputError(
                f"metrics: no closed form of {', '.join(self.experiment.measured())} "
                "here; measure another, such as mean_error"
            )
        return pd.DataFrame(lines)

    def crossings(
        self, metric: str = "", level: float | None = None, below: bool = True
    ) -> pd.DataFrame:
        """When curves first cross a level, with intervals; "never" is a time, too.

        Without a level, the usual ones of the metric, or of all without a metric: see
        `comparisons.events`. They say themselves what lies beyond.

        Raises:
          InputError: for a metric that is not measured in every generation, or has no
            usual level; for a level without a metric, or one that is no number.
        """
        if level is not None:
            return _crossed(self.dataset, metric, level, below)
        if not metric:
            return comparisons.events(self.dataset)
        return _events_of(self.dataset, metric)

    def differences(
        self, metric: str, reference: str = "", generation: int = -1
    ) -> pd.DataFrame:
        """Differences of a metric between workflows, seed by seed, with intervals.

        See `comparisons.differences`.

        Raises:
          InputError: for an unknown metric, workflow or generation.
        """
        if isinstance(generation, bool | np.bool_) or not _is_number(generation, int):
            raise InputError(
                f"generation: {generation!r}; give a position, 0 for the first fit, -1 "
                "for the last generation"
            )
        return comparisons.differences(self.dataset, metric, reference, generation)

    def profile(self, margin: float = MARGIN) -> pd.DataFrame:
        """What eight definitions of collapse say of each condition; see `profile`.

        Args:
          margin: smallest worsening that counts, as a share; 0 for any.

        Raises:
          InputError: for a margin that is no share.
        """
        return profile(self.dataset, margin)

    def best(self) -> pd.DataFrame:
        """For each setting of other axes, the best choice, confidence set and theory.

        Raises:
          InputError: where the run leaves nothing to choose.
        """
        return pd.DataFrame(self.experiment.choices(self.dataset))


def run(
    experiment: str | type[Experiment] | Experiment, quick: bool = False, **fields: Any
) -> Run:
    """An experiment with its results, run in memory.

    Args:
      experiment: its name (see `collapse.families`, `collapse.studies`), a Python file
        or a class that defines a family, or an experiment.
      quick: cut down to seconds what `fields` do not set.
      **fields: of the experiment; a single value may stand for a list of one, and an
        array or a range for a list. `data` may be a path.

    Raises:
      InputError: for fields that are unknown or cannot be run.
    """
    if not isinstance(quick, bool | np.bool_):
        raise InputError(f"quick: {quick!r}; give True or False")
    if isinstance(experiment, str):
        experiment = registry.experiment(experiment, "family")
    if isinstance(experiment, type) and issubclass(experiment, Experiment):
        if not registry.is_own(experiment) and not experiment.name:
            raise InputError(
                f"family: {experiment.__name__} is what families derive from; give one "
                "of these, or a name such as 'gaussian'"
            )
        registry.check_class(experiment)
    elif not isinstance(experiment, Experiment):
        raise InputError(
            f"family: {experiment!r}; give a name such as 'gaussian', a Python file, "
            "or a class of collapse.Family"
        )
    if isinstance(experiment, type):
        experiment = keywords.build(experiment, fields)
    elif fields:
        raise InputError("run: give fields with a name or a class, not an experiment")
    for line in remarks(experiment):
        warnings.warn(line, stacklevel=2)
    experiment, data = prepare(experiment, quick, fields)
    for phrase in getattr(data, "decided", ()):
        warnings.warn(f"data: {phrase}", stacklevel=2)
    with (
        session.configured(experiment.precision),
        tempfile.TemporaryDirectory(prefix="collapse-") as folder,
    ):
        for line in own.check(experiment, data):
            warnings.warn(line, RuntimeWarning, stacklevel=2)
        programs: Programs = {}
        place = Path(folder)
        if remark := blocks.choose(experiment, data, place, programs=programs):
            warnings.warn(remark, stacklevel=2)
        traces = simulate(experiment, data, place, programs=programs)
        dataset = report.assembled(experiment, traces, data)
    if said := getattr(data, "said", ""):
        dataset.attrs["data"] = said
    warn_of_failures(dataset)
    return Run(experiment, dataset)


def warn_of_failures(dataset: xr.Dataset) -> None:
    """Warn of what is not finite: a notebook has no exit code to say it."""
    if said := report.failures(dataset):
        warnings.warn(said, RuntimeWarning, stacklevel=4)


def _is_number(value: Any, kind: type[float] | type[int]) -> bool:
    """Whether a value is a finite number, or a whole one, of Python or NumPy."""
    numbers = (int, np.integer)
    return isinstance(value, numbers) or (
        kind is float
        and isinstance(value, float | np.floating)
        and bool(np.isfinite(value))
    )


def _crossed(dataset: xr.Dataset, metric: str, level: Any, below: bool) -> pd.DataFrame:
    """When curves of a metric first cross a level that was given."""
    if not metric:
        raise InputError(f"metric: none, but level {level!r}; name the metric, too")
    if isinstance(level, bool | np.bool_) or not _is_number(level, float):
        raise InputError(f"level: {level!r}; give a finite number")
    return comparisons.crossings(dataset, metric, level, below)


def _events_of(dataset: xr.Dataset, metric: str) -> pd.DataFrame:
    """Crossings of the usual levels of one metric."""
    known = metric in dataset
    if not known or not {"seed", "generation"} <= set(dataset[metric].dims):
        return comparisons.crossings(dataset, metric, 0.0)  # which says what is wrong
    found = comparisons.events(dataset)
    found = found[found["metric"] == metric] if len(found) else found
    if not len(found):
        raise InputError(
            f"level: {metric} has no usual level; give one, such as level=0.5"
        )
    return found.reset_index(drop=True)


def _lines(dataset: xr.Dataset, name: str) -> list[dict[str, Any]]:
    """Each setting's mean of a metric beside its theory; none without theory."""
    if f"{name}_theory" not in dataset or "seed" not in dataset[name].dims:
        return []
    if name == "late_ratio":
        return []
    measured, theory = dataset[name], dataset[f"{name}_theory"]
    if "generation" in measured.dims:
        measured, theory = measured.isel(generation=-1), theory.isel(generation=-1)
    theory = theory.transpose(*[d for d in measured.dims if d != "seed"])
    count, found = measured.sizes["seed"], []
    for index in np.ndindex(*theory.shape):
        where = dict(zip(map(str, theory.dims), index, strict=True))
        seeds = measured.isel(where).values
        error = seeds.std(ddof=1) / np.sqrt(count)
        setting = {d: theory[d].values[i] for d, i in where.items()}
        line = {"metric": name, **setting, "mean": seeds.mean()}
        line |= {"standard error": error, "theory": float(theory.values[index])}
        found.append(line | {"z": (line["mean"] - line["theory"]) / error})
    return [line for line in found if np.isfinite(line["theory"])]
