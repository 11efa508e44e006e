"""The closing table of operators: what each keeps, and what that gains."""

import math
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

from collapse.experiment.closing import aligned, cell_words, in_blocks
from collapse.experiment.lazy import load
from collapse.sims.worlds.fields import WorldsFields
from collapse.sims.worlds.operators import NONE

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

_KEPT = (
    *("fit_kept_share", "phi", "psi", "operator_auc", "lost_skills", "judge_calls"),
    *("judge_reward", "true_reward", "rewritten_share"),  # of single operators
)
_HEADS = ("generation", "operator", "correctness", "gain on random", "gain on none")
_ON_RANDOM, _KEPT_SHARE = "gain on random", "fit_kept_share"
_NEAR = 0.01  # of the candidates: two shares that are as good as equal
_ENOUGH = 2  # seeds of an interval
CONFIDENCE = 0.95  # of all gains of a table together


def closing(e: WorldsFields, dataset: "xr.Dataset") -> str:
    """A table of operators where they first act and in the last generation."""
    lines = list(table(e, dataset))
    axes = [d for d in dataset["correctness"].dims if d not in ("seed", "generation")]
    several = [str(d) for d in axes if d != "operator"]
    named = [d for d in several if dataset.sizes[d] > 1]
    blocks = in_blocks(lines, several, named, _aligned)
    notes = (
        "correctness: share of right answers to unseen prompts. Gains: its difference "
        "to the operator's random control, or to no operator, seeds paired; intervals "
        "hold with 95 % for all of the table together. That on random is left out "
        "where the control has kept more documents, or fewer. kept: share of the "
        "candidates; phi, psi: shares of the correct and of the wrong documents kept; "
        "operator auc: of its scores for correct documents; lost skills: of which it "
        "kept nothing; judge calls: of a verifier or a scorer, for each kept document; "
        "rewards: share of the principles that kept documents fulfil, as the judge "
        "sees it and in truth. -: no document of that kind, or no such operator."
    )
    return "\n\n".join([*blocks, notes])


def table(e: WorldsFields, dataset: "xr.Dataset") -> Iterator[dict[str, Any]]:
    """One line for each condition and generation that is told."""
    correct = dataset["correctness"].transpose("seed", ..., "generation")
    last = int(dataset["generation"].values[-1])
    first = min(0 if e.judged == "all" else 1, last)
    points = [(w, t) for w in _conditions(correct) for t in sorted({first, last})]
    known = {str(name) for name in dataset["operator"].values}
    pairs = [_others(where["operator"], known) for where, _ in points]
    num = sum(map(len, pairs))  # of gains in the table
    for (where, t), others in zip(points, pairs, strict=True):
        at = {**where, "generation": t}
        own, kept = correct.sel(at), dataset.sel(at)
        line = {**at, "correctness": float(own.mean())}
        line |= {name: float(kept[name].mean()) for name in _KEPT if name in kept}
        if not at["generation"]:  # whose rows are real
            line.pop(_KEPT_SHARE, None)
        for head, other in others.items():
            if head == _ON_RANDOM and not _as_many(dataset, at, other):
                continue
            gap = own - correct.sel({**at, "operator": other})
            line[head] = _gain(gap.values, num)
        yield line


def _as_many(dataset: "xr.Dataset", at: Mapping[str, Any], other: str) -> bool:
    """Whether another operator has kept as many documents in each generation so far.

    A control keeps as many of its own documents as the operator would keep of these,
    and these differ from the operator's from the second generation on.
    """
    if _KEPT_SHARE not in dataset:
        return True
    kept = dataset[_KEPT_SHARE].sel(generation=slice(1, at["generation"]))
    where = {name: value for name, value in at.items() if name != "generation"}
    gap = kept.sel(where) - kept.sel({**where, "operator": other})
    return bool((abs(gap.mean("seed")) <= _NEAR).all())


def _conditions(variable: "xr.DataArray") -> Iterator[dict[str, Any]]:
    """The values of the axes of each condition."""
    rest = [str(d) for d in variable.dims if d not in ("seed", "generation")]
    for index in load("numpy").ndindex(*(variable.sizes[d] for d in rest)):
        chosen = zip(rest, index, strict=True)
        yield {d: variable[d].values[i].item() for d, i in chosen}


def _others(operator: str, known: Set[str]) -> dict[str, str]:
    """Head of a gain -> the operator over which it is, of those that were run."""
    others = {"gain on random": f"{operator} random", "gain on none": NONE}
    return {
        head: other
        for head, other in others.items()
        if other in known and other != operator
    }


def _gain(values: "np.ndarray", num: int) -> tuple[float, float, float]:
    """Mean of paired differences and its interval, one of `num` of a table."""
    mean = float(values.mean())
    if len(values) < _ENOUGH:
        return mean, float("nan"), float("nan")
    confidence = 1 - (1 - CONFIDENCE) / max(num, 1)
    low, high = load("collapse.measures.intervals").of_mean(values, confidence)
    return mean, float(low), float(high)


def _aligned(lines: Sequence[dict[str, Any]]) -> list[str]:
    """The table as lines of text."""
    kept = [name for name in _KEPT if any(name in line for line in lines)]
    rows = [[*_HEADS, *(_head(name) for name in kept)]]
    for line in sorted(lines, key=lambda line: line["generation"]):
        own = [cell_words(line["generation"]), line["operator"]]
        own += [f"{line['correctness']:.3f}"]
        own += [_words(line.get(head)) for head in _HEADS[3:]]
        rows.append(own + [_plain(line.get(name)) for name in kept])
    return aligned(rows)


def _head(name: str) -> str:
    return name.removeprefix("fit_").removesuffix("_share").replace("_", " ")


def _words(gain: tuple[float, float, float] | None) -> str:
    if gain is None:
        return "-"
    mean, low, high = gain
    interval = "" if math.isnan(low) else f" ({low:+.3f} to {high:+.3f})"
    return f"{mean:+.3f}{interval}"


def _plain(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.2f}"
