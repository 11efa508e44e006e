"""What is said and shown of operators: the closing table, figures, a caption."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from collapse.experiment.base import spelled
from collapse.experiment.closing import aligned
from collapse.experiment.closing import ratio_words as _ratio
from collapse.experiment.lazy import load
from collapse.experiment.verifiers.operators import NONE, REFERENCE, read
from collapse.sims.verification.fields import (
    LEARNERS,
    VerificationFields,
)

if TYPE_CHECKING:
    import xarray as xr

_MEANS = (
    "late_error",
    "late_kept",
    "late_effective",
    "cost",
    "lost_tail",
    "phi",
    "psi",
    "wrong",
)
_RATIOS = ("growth", "gain", "gain_none")
THRESHOLD = "p*"  # wrong candidates up to which most kept rows are right (Feng et al.)
_HEADS = {  # variable -> head of its column
    "operator": "operator",
    "late_error": "late error",
    "growth": "over the first",
    "gain": "gain on random",
    "gain_none": "gain on none",
    "late_kept": "kept",
    "late_effective": "effective",
    "cost": "candidates a row",
    "lost_tail": "lost tails",
    "phi": "phi",
    "psi": "psi",
    "wrong": "wrong",
    THRESHOLD: THRESHOLD,
}
_PERCENT = ("late_kept", "late_effective", "lost_tail")
Ratio = tuple[float, float, float]
TableLine = Mapping[str, Any]


def figures(e: VerificationFields) -> tuple[dict[str, Any], ...]:
    """Tables `[figure]`: errors over generations, or late ones over a swept number."""
    swept = [axis for axis in e.several() if axis != "operator"]
    if len(swept) >= 2:
        shown = {"kind": "map", "x": swept[0], "y": swept[1]}
        return (shown | {"metrics": ("late_error",), "columns": "operator"},)
    mean = {"statistic": "mean", "band": "mean"}
    if swept:
        over = {"x": swept[0], "metrics": ("late_error", "cost"), "hue": "operator"}
        return (over | mean,)
    return ({"metrics": (e.error, "kept_share"), "hue": "operator"} | mean,)


def caption(e: VerificationFields) -> str:
    """The caption of the default figure: model, verifier, sizes."""
    words = ", ".join([f"Truth: {e.learner.truth_words()}", *e.learner.caption_words()])
    real = f", of which {spelled(e.real_fraction)} real" if any(e.real_fraction) else ""
    return (
        f"{words}. n = {spelled(e.samples_per_generation)} rows a generation{real}; "
        f"selectivity {spelled(e.selectivity)}, bias {spelled(e.verifier_bias)} "
        f"standard deviations, noise {spelled(e.noise)}. Random controls keep as many "
        f"of their own candidates, whatever they are. {e.repetitions()}; bands: 95 % "
        "confidence of the mean."
    )


def closing(e: VerificationFields, dataset: "xr.Dataset") -> str:
    """A table of what each operator keeps, reaches and costs, and the answer."""
    lines = table(dataset)
    axes = [str(d) for d in dataset["late_error"].dims if d not in ("seed", "operator")]
    shown = [axis for axis in axes if dataset.sizes[axis] > 1]
    notes = (
        f"late error: {e.error}, mean of the last {e.late} generations; over the "
        "first: its ratio to that of generation 0. Gains: late error of the random "
        "control, or of no curator, over the operator's; that on random is left out "
        "where the control has fewer rows, or more. Intervals: 95 % of all in a column "
        f"together, seeds paired.{_of_judge(e)}"
    )
    rows = "\n".join(_table(lines, shown))
    return f"{rows}\n\n{notes}\n{answer(lines, shown)}"


def _of_judge(e: VerificationFields) -> str:
    """How many real rows operators know that learn from some; "" if there are none."""
    if not any("displaced" in spec.needs for spec in e.operators()):
        return ""
    return f" {LEARNERS} know {REFERENCE} real rows, which are not counted."


def table(dataset: "xr.Dataset") -> list[dict[str, Any]]:
    """One line an operator and setting of the other axes."""
    np = load("numpy")
    means = dataset[[n for n in _MEANS if n in dataset]].mean("seed")
    rest = [str(d) for d in means["late_error"].dims]
    lines = []
    for index in np.ndindex(*(dataset.sizes[d] for d in rest)):
        where = dict(zip(rest, index, strict=True))
        line = {d: dataset[d].values[i].item() for d, i in where.items()}
        line |= {str(n): float(v) for n, v in means.isel(where).data_vars.items()}
        for name in _RATIOS:
            if name in dataset:
                ratio = dataset[name].isel(where)
                line[name] = tuple(
                    float(ratio.sel(statistic=s)) for s in ("mean", "low", "high")
                )
        if line["late_kept"] > 0:
            line["cost"] = 1 / line["late_kept"]
        if line.get("phi", 0) + line.get("psi", 0) > 0:  # neither of them NaN
            line[THRESHOLD] = load("collapse.theory.labels").threshold(
                *(min(line[name], 1.0) for name in ("phi", "psi"))
            )
        lines.append(line)
    return lines


def answer(lines: Sequence[TableLine], axes: Sequence[str] = ()) -> str:
    """One sentence: whether verification holds this model, and what it costs.

    Where the verifier's bias or noise has several values, of the largest: nobody can
    choose them. Of operators that are better than their random controls the one with
    the least late error speaks; where there are none, the one with the largest gain.

    Args:
      lines: of `table`.
      axes: that have several values, beside the operator.
    """
    for axis in ("verifier_bias", "noise"):
        if axis in axes:
            worst = max(line[axis] for line in lines)
            lines = [line for line in lines if line[axis] == worst]
    fair = [line for line in lines if _is_fair(line)]
    if not fair:
        return (
            "No operator that can be had in practice was run beside its random "
            "control, by two seeds or more and with as many rows as this."
            f"{_beside_none(lines, axes)}"
        )
    helpful = [line for line in fair if line["gain"][1] > 1]
    best = max(fair, key=lambda line: line["gain"][0])
    if helpful:
        best = min(helpful, key=lambda line: line["late_error"])
    said = _judgement(best, axes, len(fair))
    plain = min(
        (line for line in lines if line.get("operator") == NONE),
        key=lambda line: line["late_error"],
        default=best,
    )
    if plain["late_error"] < best["late_error"]:
        where = ", ".join(_settings(plain, axes))
        where = f", with {where}," if where else ""
        said += (
            f" Without a curator{where} it is smaller, {plain['late_error']:.3g} "
            f"instead of {best['late_error']:.3g}."
        )
    return said


def _beside_none(lines: Sequence[TableLine], axes: Sequence[str]) -> str:
    """What the operator of the least late error gains over no curator, if it is run."""
    there = [
        line
        for line in lines
        if not math.isnan(line.get("gain_none", (math.nan,))[0])
        and read(str(line["operator"])).kind == "itself"
    ]
    nothing = [line for line in there if line.get("late_kept", 1.0) == 0]
    there = [line for line in there if line not in nothing]
    if nothing and not there:
        return f" {nothing[0]['operator']} keeps no row: the model stays as it was."
    if not there:
        return ""
    best = min(there, key=lambda line: line["late_error"])
    name = ", ".join([str(best["operator"]), *_settings(best, axes)])
    return (
        f" With {name} the late error is {_ratio(best['growth'])} times that of the "
        f"first fit; without a curator it is {_ratio(best['gain_none'])} times as "
        "large as with it."
    )


def _judgement(best: TableLine, axes: Sequence[str], num: int) -> str:
    """What the best of `num` settings reaches, beside its control and the first fit."""
    gain, growth = best["gain"], best["growth"]
    name = ", ".join(
        [str(best.get("operator", "the operator")), *_settings(best, axes)]
    )
    selects = read(str(best.get("operator", NONE))).rule.selects
    if gain[1] <= 1:
        does = (
            "makes this model worse"
            if gain[2] < 1
            else "does not clearly help this model"
        )
        control = "as many rows at random have" if selects else "no curator has"
        return (
            f"Verification {does}: {control} {_ratio(gain)} times the late error of "
            f"{name.rstrip(',')}."
        )
    does = (
        "holds this model"
        if growth[2] <= 1
        else "helps this model but does not hold it"
    )
    return (
        f"Verification {does}: with {name} the late error is {_ratio(growth)} times "
        f"that of the first fit and {_ratio(gain)} times less than "
        f"{'with as many rows at random' if selects else 'without a curator'}; "
        f"{_cost(best)}."
    )


def _settings(line: TableLine, axes: Sequence[str]) -> list[str]:
    """The values of axes in a line: `workflow accumulate`."""
    return [f"{axis} {_cell(axis, line[axis])}" for axis in axes]


def _is_fair(line: TableLine) -> bool:
    """Whether an operator could be used in practice, and has its control beside it."""
    spec = read(str(line.get("operator", NONE)))
    gain = line.get("gain", (math.nan,))
    acts = spec.kind == "itself" and spec.name != NONE and line.get("late_kept", 1) > 0
    return acts and not math.isnan(gain[0])


def _cost(line: TableLine) -> str:
    """What an operator costs, in words."""
    said = f"it costs {line['cost']:.3g} candidates for each kept row"
    if line["late_effective"] < 0.995:
        said += f", has the effective size of {line['late_effective']:.0%} of n"
    if "lost_tail" in line:
        said += f", and {line['lost_tail']:.0%} of the runs lost the rarest 1 %"
    return said


def _table(lines: Sequence[TableLine], axes: Sequence[str]) -> list[str]:
    """Lines of a table, one an operator and setting of the axes."""
    columns = [*axes, *(n for n in _HEADS if any(n in line for line in lines))]
    rows = [[_HEADS.get(name, name) for name in columns]]
    rows += [[_cell(name, line.get(name)) for name in columns] for line in lines]
    return aligned(rows)


def _cell(name: str, value: Any) -> str:
    if value is None or isinstance(value, float) and math.isnan(value):
        return "-"
    if isinstance(value, tuple):
        return "-" if math.isnan(value[0]) else _ratio(value)
    if isinstance(value, float):
        return f"{value:.0%}" if name in _PERCENT else f"{value:.3g}"
    return str(value)
