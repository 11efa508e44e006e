"""The closing table of generators: their own score, their rows, their students."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from collapse.experiment.closing import aligned, cell_words, in_blocks
from collapse.experiment.lazy import load

if TYPE_CHECKING:
    import xarray as xr

_HEADS = ("recipe", "generator", "solver", "data correct", "student", "gap recovered")


def closing(dataset: "xr.Dataset") -> str:
    """A table of what each generator's student recovers, and what predicts it."""
    gap = load("collapse.sims.students.gap")
    correct = dataset["correctness"]
    rest = [str(d) for d in correct.dims if d not in ("seed", "generation")]
    lines = []
    for _, where in gap.conditions(correct, rest):
        last = dataset.sel(where).isel(generation=-1)
        line = {**where, "student": float(last["correctness"].mean())}
        for head, name in (
            ("solver", "solver_correctness"),
            ("data", "data_correctness"),
        ):
            line[head] = float(last[name].mean()) if name in last else math.nan
        ends = [math.nan] * 3
        if "pgr" in dataset:
            own = dataset["pgr"].sel(where)
            ends = own.sel(statistic=["mean", "low", "high"]).values.tolist()
        lines.append(line | {"gap": tuple(ends)})
    axes = [d for d in rest if d not in ("generator", "recipe")]
    named = [d for d in axes if dataset.sizes[d] > 1]
    blocks = in_blocks(lines, axes, named, _aligned)
    base = float(correct.isel(generation=0).mean())
    notes = (
        f"student: share of right answers to unseen prompts; the base has {base:.3f}. "
        "gap recovered: per cent of what the student of real documents gains on the "
        "base, with Fieller's 95 % set, seeds paired; seeds do not tell it where "
        "the reference may be no better than the base."
    )
    return "\n\n".join([*blocks, notes, *_prediction(gap.predicted(dataset))])


def _aligned(lines: Sequence[dict[str, Any]]) -> list[str]:
    """The table as lines of text, a recipe after the other."""
    rows = [list(_HEADS)]
    for line in sorted(lines, key=lambda line: line.get("recipe", "")):
        mean, low, high = line["gap"]
        words = "-"
        if not math.isnan(mean):
            words = f"{mean:.0f} %"
            if math.isinf(low) or math.isinf(high):
                words = "not told by these seeds"
            elif not math.isnan(low):
                words += f" ({low:.0f} to {high:.0f})"
        own = [f"{line[name]:.3f}" for name in ("solver", "data", "student")]
        who = [cell_words(line.get(name, "")) for name in ("recipe", "generator")]
        rows.append([*who, *own, words])
    return aligned(rows)


def _prediction(found: Any) -> list[str]:
    """What metrics of the rows say of the gap, beside chance; nothing of few cells."""
    if found is None:
        return []
    held, own, solver = found.held, found.of_components, found.of_solver
    return [
        f"Over {found.cells} generators with their recipes: the first {found.k} "
        f"components of the metrics of rows hold {held.share:.0%} of their variance "
        f"(of metrics in random order {held.null_mean:.0%}; p = {held.p_value:.2g}). "
        f"The gap regressed on them has R2 = {own.r2:.2f} (by chance "
        f"{own.null_mean:.2f}), and {own.r2_out:.2f} for cells that are left out; "
        f"on the generator's own score {solver.r2:.2f}, and {solver.r2_out:.2f}."
    ]
