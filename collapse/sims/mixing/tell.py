"""The default figures of mixtures of rows, and their caption."""

from typing import Any

from collapse.experiment.base import spelled
from collapse.sims.mixing.fields import MixingFields

_HELD = {
    "budget": "n = {n} rows a generation",
    "price": "n = {n} rows a generation, of which real ones have a price",
    "real_count": "real rows of each generation are given, synthetic ones come on top",
}


def figures(e: MixingFields) -> tuple[dict[str, Any], ...]:
    """Tables `[figure]` of maps and curves over the axes that are free to choose."""
    late = tuple(f"late_{metric}" for metric in e.measured())
    along = e.choice()
    rest = [axis for axis in e.several() if axis != along]
    if along not in e.several():
        return ({},)
    if e.constraint == "real_count" and "real_rows" in rest:
        sides = _sides(axis for axis in rest if axis != "real_rows")
        shown = {"x": along, "y": "real_rows", "metrics": late, "y_scale": "log"}
        return ({"kind": "map", **shown, **sides},)
    if not rest:
        over = {"kind": "map", "x": "generation", "y": along, "y_scale": "log"}
        late_figure = {"name": "late", "x": along, "metrics": late, "hue": "workflow"}
        return over | {"metrics": e.measured()}, late_figure
    if "price" in rest:
        sides = _sides(axis for axis in rest if axis != "price")
        cost = {"x": along, "metrics": ("cost",), "hue": "price", **sides}
        best = {"name": "best", "x": "price", "metrics": ("best",), **sides}
        return cost, best | {"hue": "workflow"}
    sides = _sides(rest[1:])
    return ({"x": along, "metrics": late, "hue": rest[0], **sides},)


def _sides(axes: Any) -> dict[str, str]:
    """The first two axes, as the columns and the rows of panels."""
    columns, rows = (*axes, "", "")[:2]
    return {"columns": columns, "rows": rows}


def caption(e: MixingFields) -> str:
    """The caption of the default figure, with what is held fixed."""
    held = _HELD[e.constraint].format(n=spelled(e.samples_per_generation))
    weights = "its share" if e.weight == (0.0,) else spelled(e.weight)
    bias = f"{spelled(e.bias)} times their {e.learner.bias_of}"
    biased = f"; models generate with {bias}"
    biased = biased if e.bias != (1.0,) else ""
    truth = f"Truth: {e.learner.truth_words()}"
    if e.learner.data:
        truth = f"Data: {e.learner.data}"
    phrases = ", ".join([truth, *e.learner.caption_words()])
    return (
        f"{phrases}. Held fixed: {held}. "
        f"Anchor {e.anchor}; weight of the real loss: {weights}{biased}; "
        f"{e.repetitions()}, the same ones in every cell, so that chance shows as "
        f"stripes; best by {e.error} over the last {e.late} generations."
    )
