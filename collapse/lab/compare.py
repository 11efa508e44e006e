"""A model of one's own under several workflows, without an experiment."""

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib.figure
import numpy as np
import xarray as xr

from collapse.core import loop, streams
from collapse.core.types import Problem
from collapse.data.errors import InputError
from collapse.experiment.summary import summarise
from collapse.experiment.toml import from_table
from collapse.experiment.workflows import read
from collapse.figures import draw as drawing
from collapse.figures.spec import Figure
from collapse.lab import session
from collapse.lab.api import warn_of_failures

EVERY = (
    "replace",
    "accumulate",
    "fixed_budget",
    "window 5",
    "replace_multiple",
    "mix 0.1 fresh",
)


def compare(
    make_problem: Callable[[Any], Problem],
    num_rows: int,
    labels: Sequence[str] = EVERY,
    num_generations: int = 50,
    num_seeds: int = 200,
    seed: int = 0,
    precision: str = "float64",
) -> xr.Dataset:
    """Metrics of a model of one's own, dims (workflow, seed, generation).

    For `draw`; `finite` says whether all was finite, and a warning where it was not.

    Args:
      make_problem: root key of a seed -> `collapse.Problem`.
      num_rows: n, rows a generation generates.
      labels: workflows with their parameters, as they stand in results.
      num_generations: after the first fit, which is generation 0.
      num_seeds: independent repetitions, paired between workflows.
      seed: root of all randomness.
      precision: "float32" or "float64", of everything that does not say its own.

    Raises:
      InputError: for a label that is no workflow's, or a number that is too small.
    """
    labels = [labels] if isinstance(labels, str) else list(labels)
    if not labels or len(set(labels)) < len(labels):
        raise InputError("labels: empty or repeated; name each workflow once")
    specs = [read(label, "labels") for label in labels]
    least = {"num_rows": 1, "num_generations": 0, "num_seeds": 1, "seed": 0}
    given = {"num_rows": num_rows, "num_generations": num_generations}
    for name, value in (given | {"num_seeds": num_seeds, "seed": seed}).items():
        if int(value) != value or value < least[name]:
            raise InputError(
                f"{name}: {value}; give a whole number, {least[name]} or more"
            )
    with session.configured(precision):
        roots, found = streams.seeds(seed, num_seeds), []
        for spec in specs:
            sizes = (num_rows, num_generations)
            workflow = spec.make(num_generations)
            trace = loop.run_seeds(roots, make_problem, workflow, *sizes)[1]
            arrays = {**trace.metrics, "finite": trace.finite}
            found.append({name: np.asarray(array) for name, array in arrays.items()})
    dims = ["workflow", "seed", "generation"]
    variables = {
        name: (dims, np.stack([one[name] for one in found])) for name in found[0]
    }
    coords = {"workflow": list(labels), "generation": np.arange(num_generations + 1)}
    dataset = xr.Dataset(variables, coords, {"axes": []})
    warn_of_failures(dataset)
    return dataset


def draw(dataset: xr.Dataset, **figure: Any) -> matplotlib.figure.Figure:
    """Curves of what `compare` returns; keywords are those of a TOML's `[figure]`."""
    asked = from_table(figure, Figure, "figure")
    return drawing.draw(summarise(dataset), asked)
