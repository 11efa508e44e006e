"""Experiments from Python, for notebooks: run, look at the data, draw.

    from collapse.sims import interactive, mixing

    run = interactive.run(mixing.FAMILY, real_fraction=[0.1, 0.5, 1], num_seeds=500)
    run.dataset.late_test_error.mean("seed")
    run.draw(metrics="late_test_error", x="real_fraction")

What is run is what the command runs: the same numbers, and the same complaints. A model
of one's own, which no command knows, is run by `compare`.
"""

import dataclasses
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.figure
import numpy as np
import pandas as pd
import xarray as xr

from collapse.experiment import results
from collapse.experiment.spec import WORKFLOWS, Experiment, InputError
from collapse.experiment.toml import from_table
from collapse.experiment.workflow_spec import check_label, make_workflow
from collapse.figures import draw as plotting
from collapse.figures.spec import Figure
from collapse.lab import report
from collapse.lab import run as runner
from collapse.lab.parts import simulate
from collapse.sims.mixing.best import choices

EVERY = (*WORKFLOWS[:3], "window 5", "replace_multiple", "mix 0.1 fresh")


class Run(NamedTuple):
    """An experiment that has been run.

    Attributes:
      family: what it is one of.
      experiment: with every field filled in.
      dataset: every seed, labelled, as in a command's results.nc.
    """

    family: runner.Family
    experiment: Experiment
    dataset: xr.Dataset

    def __repr__(self) -> str:
        """The family, and what the command prints at the end."""
        return f"{self.family.module}: {self.table()}"

    def draw(self, **figure: Any) -> matplotlib.figure.Figure:
        """A figure of it: keywords are those of a TOML's `[figure]`.

        Without a title there is none, and without a caption the family's own.

        Raises:
          InputError: for what cannot be drawn.
        """
        asked = from_table(figure, Figure, "figure")
        self.experiment.check_figure(asked)
        whole = report.complete(self.family, self.experiment, asked, self.dataset)
        whole = dataclasses.replace(whole, title=asked.title)
        return plotting.draw(results.summarise(self.dataset), whole)

    def table(self) -> str:
        """What the command prints at the end."""
        return report.closing(self.family, self.experiment, self.dataset)

    def against_theory(self) -> pd.DataFrame:
        """Measured over exact: one line for each setting of each metric with theory.

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

    def best(self) -> pd.DataFrame:
        """The best choice in each circumstance, its region of confidence, and theory.

        Raises:
          InputError: where the run leaves nothing to choose.
        """
        if "best" not in self.dataset:
            raise InputError(
                "best: there is nothing to choose from; give mixing several values of "
                "a field, and two seeds or more"
            )
        return pd.DataFrame(choices(self.dataset))


def run(family: runner.Family, quick: bool = False, **fields: Any) -> Run:
    """Run an experiment in memory.

    Args:
      family: `FAMILY` of a module of `collapse.sims`.
      quick: cut it down to seconds.
      **fields: of the experiment; a single value may stand for a list of one, and an
        array or a range for a list.

    Raises:
      InputError: for fields that are unknown or cannot be run.
    """
    plain = {name: _plain(value) for name, value in fields.items()}
    experiment = from_table(plain, type(family.default), family.module)
    experiment, data = runner.prepare(experiment, quick, family.load)
    runner.configure(experiment.precision)
    with tempfile.TemporaryDirectory(prefix="collapse-") as folder:
        traces = simulate(
            experiment,
            lambda cell, label: family.setup(experiment, cell, label, data),
            Path(folder),
        )
    dataset = report.assembled(family, experiment, traces)
    _warn_of_failures(dataset)
    return Run(family, experiment, dataset)


def _plain(value: Any) -> Any:
    """Arrays and ranges as the lists that a TOML would hold."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return list(value) if isinstance(value, range) else value


def compare(
    make_problem: Callable[[Any], Any],
    num_rows: int,
    labels: Sequence[str] = EVERY,
    num_generations: int = 50,
    num_seeds: int = 200,
    seed: int = 0,
    precision: str = "float64",
) -> xr.Dataset:
    """Run a model of one's own under several workflows.

    Args:
      make_problem: root key of a seed -> `collapse.Problem`.
      num_rows: n, rows a generation writes.
      labels: workflows with their parameters, as they stand in results.
      num_generations: after the first fit, which is generation 0.
      num_seeds: independent repetitions, paired between workflows.
      seed: root of all randomness.
      precision: "float32" or "float64", of everything that does not say its own.

    Returns:
      Metrics with the dims (workflow, seed, generation), for `draw`, and `finite`,
      whether all was finite; a warning says where it was not.

    Raises:
      InputError: for a label that is no workflow's, or a number that is too small.
    """
    from collapse.core import loop, streams

    labels = [labels] if isinstance(labels, str) else list(labels)
    if not labels or len(set(labels)) < len(labels):
        raise InputError("labels: empty or repeated; name each workflow once")
    for label in labels:
        check_label(label)
    least = {"num_rows": 1, "num_generations": 0, "num_seeds": 1, "seed": 0}
    given = {"num_rows": num_rows, "num_generations": num_generations}
    for name, value in (given | {"num_seeds": num_seeds, "seed": seed}).items():
        if int(value) != value or value < least[name]:
            raise InputError(
                f"{name}: {value}; give a whole number, {least[name]} or more"
            )
    runner.configure(precision)
    roots, found = streams.seeds(seed, num_seeds), []
    for label in labels:
        workflow = make_workflow(label, num_generations)
        own = loop.run_seeds(roots, make_problem, workflow, num_rows, num_generations)
        found.append({**own[1].metrics, "finite": own[1].finite})
    dims = ["workflow", "seed", "generation"]
    variables = {
        name: (dims, np.stack([np.asarray(one[name]) for one in found]))
        for name in found[0]
    }
    coords = {"workflow": list(labels), "generation": np.arange(num_generations + 1)}
    dataset = xr.Dataset(variables, coords, {"axes": []})
    _warn_of_failures(dataset)
    return dataset


def draw(dataset: xr.Dataset, **figure: Any) -> matplotlib.figure.Figure:
    """Curves of what `compare` returns; keywords are those of a TOML's `[figure]`."""
    asked = from_table(figure, Figure, "figure")
    return plotting.draw(results.summarise(dataset), asked)


def _warn_of_failures(dataset: xr.Dataset) -> None:
    """A notebook has no exit code to say that a curve ends early."""
    if said := report.failures(dataset):
        warnings.warn(said, RuntimeWarning, stacklevel=3)


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
    for place in np.ndindex(*theory.shape):
        where = dict(zip(map(str, theory.dims), place, strict=True))
        seeds = measured.isel(where).values
        error = seeds.std(ddof=1) / np.sqrt(count)
        setting = {d: theory[d].values[i] for d, i in where.items()}
        line = {"metric": name, **setting, "mean": seeds.mean()}
        line |= {"standard error": error, "theory": float(theory.values[place])}
        found.append(line | {"z": (line["mean"] - line["theory"]) / error})
    return [line for line in found if np.isfinite(line["theory"])]
