"""Runs and charts of mixtures of rows for an interactive notebook with sliders.

Everything but the anchor enters a compiled program as numbers, and the program always
runs to the last generation that can be asked for: after the first run with an anchor
nothing is compiled again, and a run takes less than a tenth of a second.
"""

import functools
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import xarray as xr

from collapse.data.errors import InputError
from collapse.experiment.lazy import load
from collapse.experiment.summary import summarise
from collapse.lab import report, session
from collapse.lab.api import Run
from collapse.lab.parts import named
from collapse.lab.programs import Program, compiled, roots_of
from collapse.lab.run import prepare
from collapse.sims.mixing.experiment import Mixing

if TYPE_CHECKING:
    import altair

PANELS = {
    "variance_ratio": "variance (ratio to truth)",
    "mean_error": "squared error of the mean",
    "tail_mass_1pct": "tail mass, rarest 1 % (ratio to truth)",
    "test_error": "test error (excess log-loss)",
}
MOST_GENERATIONS = 200
_SEEDS = 200
_COLOUR = "#cc79a7"  # of mixtures in every figure


def explore(
    real_fraction: float,
    rows: int,
    anchor: Literal["fresh", "fixed"] = "fresh",
    weight: float = 0.0,
    bias: float = 1.0,
    num_generations: int = 100,
) -> Run:
    """The run of one mixture of real and synthetic rows for a Gaussian, 200 seeds.

    The numbers are those of `python -m collapse.sims.mixing` with the same fields.

    Args:
      real_fraction: share of the rows of a generation that is real.
      rows: all rows of a generation.
      anchor: new real rows in each generation, or the same ones for ever.
      weight: of the real rows' loss; 0 for their share.
      bias: variance of what a model generates, as a multiple of its own.
      num_generations: after the first fit, at most `MOST_GENERATIONS`.

    Raises:
      InputError: for what cannot be run.
    """
    if num_generations > MOST_GENERATIONS:
        raise InputError(
            f"num_generations: {num_generations}; give at most {MOST_GENERATIONS}, or "
            "use the command"
        )
    asked = Mixing(
        real_fraction=(real_fraction,),
        samples_per_generation=(rows,),
        anchor=anchor,
        weight=(weight,),
        bias=(bias,),
        metrics=tuple(PANELS),
        num_generations=num_generations,
        num_seeds=_SEEDS,
    )
    experiment, _ = prepare(asked)
    with session.configured(experiment.precision):
        (condition,) = experiment.conditions()
        program, roots = _program(anchor), roots_of(condition)
        values = experiment.task(condition, None).values
        start = program.blank(roots, *values)
        _, trace = program.walk(MOST_GENERATIONS + 1)(roots, start, *values)
        kept = {name: v[:, : num_generations + 1] for name, v in named(trace).items()}
        dataset = report.assembled(experiment, {condition.key: kept})
    return Run(experiment, dataset)


def chart(run: Run) -> "altair.FacetChart":
    """A chart with a panel of curves over generations for each metric (Vega-Altair).

    Mean over seeds, their band from 5 % to 95 % up to twice the highest mean, and
    theory dashed.
    """
    alt = load("altair")  # of an extra
    summary = summarise(run.dataset).isel(workflow=0)
    table = pd.concat([_curves(summary, metric) for metric in PANELS])
    base = alt.Chart().encode(x=alt.X("generation:Q", title="generation t"))
    band = base.mark_area(opacity=0.2, color=_COLOUR).encode(
        y=alt.Y("low:Q", title=None), y2="high:Q"
    )
    mean = base.mark_line(color=_COLOUR).encode(y="mean:Q")
    theory = base.mark_line(color="#444444", strokeDash=[4, 3]).encode(y="theory:Q")
    panel = alt.layer(band, mean, theory, data=table, width=340, height=180)
    order = alt.Facet("metric:N", title=None, sort=list(PANELS.values()))
    drawn = panel.facet(order, columns=2).resolve_scale(y="independent")
    return drawn.properties(usermeta={"embedOptions": {"renderer": "svg"}})


def words(run: Run) -> str:
    """One line with the long-run values of the metrics, measured and exact."""
    late, sentences = run.dataset.isel(workflow=0).mean("seed"), []
    for metric in ("mean_error", "variance_ratio"):
        measured = late[f"late_{metric}"]
        exact = f"theory {late[f'late_{metric}_theory'].item():.4f}"
        name = measured.long_name.capitalize()
        sentences.append(f"{name}: {measured.item():.4f} ({exact}).")
    alone = 1 / next(run.experiment.conditions()).n
    return f"{' '.join(sentences)} Squared error if all rows were real: {alone:.4f}."


@functools.cache
def _program(anchor: Literal["fresh", "fixed"]) -> Program:
    """The compiled program for an anchor, for any share, rows, weight and bias."""
    asked = Mixing(real_fraction=(0.5,), anchor=anchor, metrics=tuple(PANELS))
    condition = next(prepare(asked)[0].conditions())
    return compiled(condition, condition.experiment.task(condition, None))


def _curves(summary: xr.Dataset, metric: str) -> pd.DataFrame:
    """A table of a metric's curve: generation, mean, low, high, theory (may be NaN)."""
    found = {
        s: summary[metric].sel(statistic=s).values for s in ("mean", "low", "high")
    }
    exact = summary.get(f"{metric}_theory")
    nothing = np.full_like(found["mean"], np.nan)
    found["theory"] = nothing if exact is None else exact.values
    top = 2 * np.nanmax([found["mean"], found["theory"]])
    found["high"] = np.minimum(found["high"], top)
    generations = summary.generation.values
    return pd.DataFrame(found).assign(generation=generations, metric=PANELS[metric])
