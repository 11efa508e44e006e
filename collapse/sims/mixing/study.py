"""How much real data is enough: `python -m collapse.sims.mixing --model gaussian`.

Every generation is trained on real rows and on rows that the newest model wrote. There
is no best share of real ones before it is said what is held fixed: `--constraint` says
it. Swept numbers enter as arrays, so that a map is one program.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from collapse.experiment.spec import spelled
from collapse.figures.spec import Figure
from collapse.lab import run as runner
from collapse.sims.mixing.best import derive, verdict
from collapse.sims.mixing.experiment import MixingExperiment, counts, weight_of
from collapse.sims.mixing.task import setup
from collapse.theory import mixing

_NATURES = {
    "gaussian": "a standard normal, d = {d}, ddof = {ddof}",
    "linear": "y = x'w + noise of variance 1, d = {d}, new inputs in each generation",
    "gmm": "the mixture rare, K = 3",
}
_HELD = {
    "budget": "n = {n} rows a generation",
    "price": "n = {n} rows a generation, of which real ones have a price",
    "real_count": "real rows of each generation are given, synthetic ones come on top",
}


def curves(
    experiment: MixingExperiment, cell: Mapping[str, Any], label: str
) -> dict[str, np.ndarray]:
    """Exact mean error and variance of a Gaussian; of a mixture if b = 1."""
    del label
    exact = experiment.model == "gaussian"
    if not exact and (experiment.model != "gmm" or cell["bias"] != 1):
        return {}
    numbers = (*counts(experiment, cell), weight_of(experiment, cell))
    last = experiment.num_generations
    kind = (experiment.ddof, experiment.anchor, cell["bias"])
    found = mixing.moments(*numbers, last, *kind)
    return {"mean_error": found.mean_error, "variance_ratio": found.variance}


def figures(experiment: MixingExperiment) -> tuple[Figure, ...]:
    """Maps and curves of what the constraint leaves to choose."""
    several = [a for a in experiment.axes() if len(getattr(experiment, a)) > 1]
    late = tuple(f"late_{metric}" for metric in experiment.measured())
    along = experiment.choice()
    rest = [axis for axis in several if axis != along]
    if along not in several:
        return (Figure(),)
    if experiment.constraint == "real_count" and "real_rows" in rest:
        others = tuple(axis for axis in rest if axis != "real_rows")
        return (_map(along, "real_rows", late, others),)
    if not rest:
        over = Figure(
            kind="map",
            x="generation",
            y=along,
            metrics=experiment.measured(),
            y_scale="log",
        )
        return over, Figure(name="late", x=along, metrics=late, hue="workflow")
    if "price" in rest:
        others = tuple(axis for axis in rest if axis != "price")
        cost = _curves("", along, ("cost",), "price", others)
        return cost, _curves("best", "price", ("best",), "workflow", others)
    return (_curves("", along, late, rest[0], tuple(rest[1:])),)


def _map(x: str, y: str, metrics: tuple[str, ...], others: tuple[str, ...]) -> Figure:
    columns, rows = (*others, "", "")[:2]
    return Figure(
        kind="map", x=x, y=y, metrics=metrics, columns=columns, rows=rows, y_scale="log"
    )


def _curves(
    name: str, x: str, metrics: tuple[str, ...], hue: str, others: tuple[str, ...]
) -> Figure:
    columns, rows = (*others, "", "")[:2]
    return Figure(name=name, x=x, metrics=metrics, hue=hue, columns=columns, rows=rows)


def caption(experiment: MixingExperiment) -> str:
    """What a reader of the default figure must know, the constraint above all."""
    e = experiment
    held = _HELD[e.constraint].format(n=spelled(e.samples_per_generation))
    weights = "its share" if e.weight == (0.0,) else spelled(e.weight)
    biased = f"; models write with {spelled(e.bias)} times their variance"
    biased = biased if e.bias != (1.0,) else ""
    nature = _NATURES[e.model].format(d=e.dimension, ddof=e.ddof)
    return (
        f"Nature: {nature}. Held fixed: {held}. "
        f"Anchor {e.anchor}; weight of the real loss: {weights}{biased}; "
        f"{e.repetitions()}; best by {e.error} over the last {e.late} generations."
    )


FAMILY = runner.Family(
    module="mixing",
    default=MixingExperiment(),
    description="How much real data is enough, and for what.",
    panels=("test_error", "tail_mass_1pct"),
    table=(),
    setup=setup,
    theory=curves,
    caption=caption,
    derive=derive,
    figures=figures,
    closing=verdict,
)
