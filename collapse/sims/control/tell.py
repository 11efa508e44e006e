"""What is said and shown of policies: the closing table, default figures, a caption."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from collapse.experiment.base import spelled
from collapse.sims.control.fields import DRIFT, ControlFields

if TYPE_CHECKING:
    import xarray as xr

_REACHED = ("mean_drift", "largest_drift", "gain")


def figures(e: ControlFields) -> tuple[dict[str, Any], ...]:
    """Tables `[figure]`: what policies reach against their budget, and one run."""
    several = e.several()
    over = {"name": "runs", "metrics": (DRIFT, "spent"), "hue": "policy"}
    if "budget" not in several:
        return ({**over, "name": "", "statistic": "mean", "band": "mean"},)
    front = {"x": "budget", "metrics": _REACHED, "hue": "policy", "x_scale": "log"}
    return (front | {"statistic": "mean", "band": "mean", "y_scale": "log"},)


def caption(e: ControlFields) -> str:
    """The caption of the default figure: model, budget, monitor and tolerance."""
    truth = f"Data: {e.learner.data}" if e.learner.data else ""
    truth = truth or f"Truth: {e.learner.truth_words()}"
    first = ", ".join([truth, *e.learner.caption_words()])
    budgets = f"{spelled(e.budget)} real rows a generation on average"
    return (
        f"{first}. n = {spelled(e.samples_per_generation)} rows a generation, of which "
        f"a policy chooses how many are real: {budgets}. Policies see the monitor "
        f"{e.monitor}: {e.monitor_rows} real rows that nothing else uses, against "
        f"{e.monitor_samples} generated ones. Drift: {e.error}. {e.repetitions()}."
    )


def closing(e: ControlFields, dataset: "xr.Dataset") -> str:
    """A table of what each policy spent and reached, and the answer in a sentence."""
    from collapse.sims.control import held

    lines = held.table(e, dataset)
    axes = [d for d in dataset["mean_drift"].dims if d not in ("seed", "policy")]
    blocks = []
    for where in dict.fromkeys(tuple(line[a] for a in axes) for line in lines):
        some = [ln for ln in lines if tuple(ln[a] for a in axes) == where]
        head = ", ".join(f"{a} {v}" for a, v in zip(axes, where, strict=True))
        blocks.append("\n".join([*([head] if head else []), *_table(some)]))
    return "\n\n".join([*blocks, answer(lines)])


def _table(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines of a table: policy, rows, drift, share beyond, gain with interval."""
    heads = ("policy", "rows", "mean drift", "passed", "drift of a constant over it")
    rows = [heads]
    for line in lines:
        said = "–"
        if "gain" in line and not math.isnan(line["gain"]):
            said = f"{line['gain']:.3g} ({line['low']:.3g} to {line['high']:.3g})"
            said += "" if line["equal"] else ", of as many rows"
        rows.append(
            (
                str(line.get("policy", "")),
                f"{line['real_rows']:.3g}",
                f"{line['mean_drift']:.4g}",
                f"{line['passed']:.0%}",
                said,
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(heads))]
    return [
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def answer(lines: Sequence[Mapping[str, Any]]) -> str:
    """One sentence: whether a policy beats the constant share of as many real rows."""
    fair = [ln for ln in lines if ln.get("equal") and _practical(ln["policy"])]
    if not fair:
        return "No policy is compared with a constant share of as many real rows."
    best = max(fair, key=lambda line: line["gain"])
    interval = f"{best['gain']:.3g} ({best['low']:.3g} to {best['high']:.3g})"
    if best["low"] > 1:
        return (
            f"With as many real rows, {best['policy']} keeps the drift "
            f"{interval} times smaller than a constant share (95 % confidence for this "
            f"policy alone, of {len(fair)} that spent the same)."
        )
    return (
        f"No policy clearly beats a constant share of as many real rows: the best of "
        f"{len(fair)}, {best['policy']}, has {interval} times less drift."
    )


def _practical(policy: Any) -> bool:
    """Whether a policy sees only what is seen in practice."""
    return str(policy).split()[-1] not in ("oracle", "noise")
