"""What is said and shown of policies: the closing table, default figures, a caption."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from collapse.experiment.base import spelled
from collapse.experiment.closing import aligned, cell_words, in_blocks, ratio_words
from collapse.experiment.lazy import load
from collapse.experiment.verifiers import operators
from collapse.experiment.verifiers.operators import NONE, OperatorSpec
from collapse.sims.control.fields import DRIFT, EQUAL, ControlFields
from collapse.sims.control.policies import read

if TYPE_CHECKING:
    import xarray as xr

WATCHED = "monitor_rows"  # attribute of results: real rows that the monitor had
_REACHED = ("mean_drift", "largest_drift")
_HEADS = ("policy", "real rows", "mean drift", "passed", "gain", "gain on the best")
_KEPT = "mean_kept"
_UNTOLD = "Whether {} pays is told beside the operator none."
_ONE_SPLIT = (
    "All seeds share one split of the data into rows to learn, to judge by and to "
    "monitor with, and no interval covers it: repeat this with other --seed."
)
_NOTES = {"fewer": " with fewer rows", "between": " of as many rows"}


def figures(e: ControlFields) -> tuple[dict[str, Any], ...]:
    """Tables `[figure]`: what policies reach against their budget, or over time."""
    several, mean = e.several(), {"statistic": "mean", "band": "mean"}
    axes = [axis for axis in ("operator", "trust") if axis in several]
    columns = dict(zip(("columns", "rows"), axes, strict=False))
    alone = len(axes) > 1  # rows of panels are for one of these, or for metrics
    if "budget" in several:
        scales = {"x_scale": "log", "y_scale": "log"}
        gains = ("gain_best",) if e.compared() else ()
        metrics = _REACHED[:1] if alone else (*_REACHED, *gains)
        front = {"x": "budget", "metrics": metrics, "hue": "policy"}
        return (front | mean | scales | columns,)
    over = {"metrics": (DRIFT,) if alone else (DRIFT, "spent"), "hue": "policy"}
    if e.learner.usual_monitor != "loss":  # else drifts may be below 0
        over["y_scale"] = "log"
    return (over | mean | columns,)


def caption(e: ControlFields, dataset: "xr.Dataset") -> str:
    """The caption of the default figure: model, budget, monitor and tolerance."""
    truth = f"Data: {e.learner.data}" if e.learner.data else ""
    truth = truth or f"Truth: {e.learner.truth_words()}"
    first = ", ".join([truth, *e.learner.caption_words()])
    return (
        f"{first}. n = {spelled(e.samples_per_generation)} rows a generation, of which "
        f"{spelled(e.budget)} may be real on average. Policies see the monitor "
        f"{e.monitor}: {_watched(e, dataset)} real rows that nothing else uses and "
        f"that the budget leaves out, against {e.monitor_samples} generated ones. "
        f"{_of_rows(e)}Drift: {e.error}.{_of_theory(dataset)} {e.repetitions()}; "
        "bands: 95 % confidence of the mean, of gains of all together."
    )


def _of_rows(e: ControlFields) -> str:
    """What is done to generated rows, a sentence; empty if nothing."""
    if e.trust_by == "rows":
        return "Real rows weigh more since generated ones are left out. "
    if e.operator == (NONE,):
        return ""
    when = "after an alarm" if e.verify == "alarm" else "in every generation"
    return (
        f"Operators keep {e.selectivity:g} of the candidates {when}; bias "
        f"{e.verifier_bias:g}, noise {e.noise:g}. "
    )


def _of_theory(dataset: "xr.Dataset") -> str:
    """Of which policy the closed form is, a sentence; empty if there is none."""
    name = f"{DRIFT}_theory"
    if name not in dataset or bool(dataset[name].isnull().all()):
        return ""
    return " Theory: a constant share whose rows count alike."


def closing(e: ControlFields, dataset: "xr.Dataset") -> str:
    """A table of what each policy spent and reached, and the answer in a sentence."""
    lines = [
        {"policy": e.policy[0], "weighed": line.get("trust", e.trust[0])} | line
        for line in table(dataset)
    ]
    axes = [str(d) for d in dataset["mean_drift"].dims if d not in ("seed", "policy")]
    told = [a for a in axes if dataset.sizes[a] > 1]
    blocks = in_blocks(lines, axes, told, _table)
    verifies = e.operator != (NONE,)
    plain = [x for x in lines if not verifies or _operator(e, x).name == NONE]
    looking = _UNTOLD.format("looking")
    if plain:
        looking = answer(plain, e.num_seeds, [a for a in told if a != "trust"])
    last = f"{_monitor_words(e, dataset)}\n{looking}"
    if verifies and e.num_seeds > 1:
        last += f"\n{answer_verified(e, lines)}"
    if e.learner.data and e.learner.reads_tables:
        last += f"\n{_ONE_SPLIT}"
    return "\n\n".join([*blocks, last])


def table(dataset: "xr.Dataset") -> list[dict[str, Any]]:
    """One line a policy and setting of the other axes: what it spent and reached."""
    np = load("numpy")
    names = ["mean_drift", "real_rows", "passed"]
    names += [_KEPT] if _KEPT in dataset else []
    means = dataset[names].mean("seed")
    alarms = dataset["alarms"].isel(generation=-1).mean("seed")
    rest = [str(d) for d in means["mean_drift"].dims]
    lines = []
    for index in np.ndindex(*(dataset.sizes[d] for d in rest)):
        where = dict(zip(rest, index, strict=True))
        line = {d: dataset[d].values[i].item() for d, i in where.items()}
        line |= {str(n): float(v) for n, v in means.isel(where).data_vars.items()}
        line["alarms"] = float(alarms.isel(where))
        for name in ("gain", "gain_best", "gain_none"):
            if name in dataset:
                some = {d: i for d, i in where.items() if d in dataset[name].dims}
                ratio = dataset[name].isel(some)
                line[name] = tuple(
                    float(ratio.sel(statistic=s)) for s in ("mean", "low", "high")
                )
                line["spending"] = str(dataset["spending"].isel(some).values)
        lines.append(line)
    return lines


def _table(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines of a table: policy, rows, drift, share beyond, gains with intervals.

    Args:
      lines: of `table`, each with its policy.
    """
    heads = {_KEPT: "kept", "gain_none": "gain on none"}
    rows = [_HEADS + tuple(head for name, head in heads.items() if name in lines[0])]
    for line in lines:
        passed = line["passed"]
        note = _NOTES.get(line.get("spending", ""), "")
        rows.append(
            (
                str(line["policy"]),
                f"{line['real_rows']:.3g}",
                f"{line['mean_drift']:.4g}",
                "-" if math.isnan(passed) else f"{passed:.0%}",
                ratio_words(line.get("gain")) + note,
                ratio_words(line.get("gain_best")),
            )
            + ((f"{line[_KEPT]:.0%}",) if _KEPT in line else ())
            + ((ratio_words(line["gain_none"]),) if "gain_none" in line else ())
        )
    return aligned(rows)


def _watched(e: ControlFields, dataset: "xr.Dataset") -> int:
    """Real rows that the monitor had: data may have fewer than are asked for."""
    return int(dataset.attrs.get(WATCHED, e.monitor_rows))


def _monitor_words(e: ControlFields, dataset: "xr.Dataset") -> str:
    """What the rows of the monitor would have been as a budget."""
    rows = _watched(e, dataset)
    each = rows / e.num_generations
    none = "; on none: of the same policy without an operator"
    none = none if len(e.operator) > 1 and NONE in e.operator else ""
    return (
        "gain: drift of a constant share of as many real rows, all rows counting "
        "alike, over the policy's; on the best: of the best fixed share and weight "
        f"that was run{none}; 95 % confidence of all in a column together. "
        f"Means leave out the first {e.settle:.0%} of the generations; real rows "
        "that were bought in these count as far as a constant share would have left "
        "them. "
        f"The monitor's real rows are not counted: {rows}, or "
        f"{each:.3g} a generation."
    )


def answer(
    lines: Sequence[Mapping[str, Any]], num_seeds: int, axes: Sequence[str] = ()
) -> str:
    """One sentence: whether looking at the drift pays, at equal spending.

    The intervals of all settings hold together, so that the best may be looked at.
    Those of few seeds are wide, but hold as often as those of many; one has none.

    Args:
      lines: of `table`.
      num_seeds: behind each.
      axes: that have several values, beside policy and trust; the best is told with
        its values of these.
    """
    if num_seeds < 2:
        return "One seed has no interval to compare policies by: give two or more."
    fair = [
        line
        for line in lines
        if "gain_best" in line and not math.isnan(line["gain_best"][0])
    ]
    fair = [line for line in fair if _looks(line) and line["real_rows"] > 0]
    if not fair:
        if not any(_looks(line) for line in lines):
            return "No policy looks at the monitor; name event, or --trust measured."
        if not any("gain_best" in line for line in lines):
            return (
                "There is nothing to compare with: name a fixed share, such as "
                "constant, with --trust equal or predicted."
            )
        return (
            "No policy that looks at the drift can be compared at equal spending: each "
            "bought more real rows than a constant share, or none, or a drift is not "
            "above 0."
        )
    best = _best(fair, "gain_best")
    value, low, high = best["gain_best"]
    name = " with trust ".join(
        [str(best["policy"]), *([best["trust"]] if "trust" in best else [])]
    )
    where = ", ".join(f"{axis} {cell_words(best[axis])}" for axis in axes)
    name += f" ({where})" if where else ""
    said = f"{value:.3g} ({low:.3g} to {high:.3g})"
    if low > 1 + EQUAL:  # spending is equal to no more than that
        return (
            f"Looking at the drift pays: with no more real rows {name} keeps it {said} "
            "times smaller than the best fixed share and weight that was run."
        )
    pays = "costs" if high < 1 - EQUAL else "does not clearly pay"
    alike = best.get("weighed", "equal") == "equal" and "trust" not in best
    weighed = ", with rows that all count alike (see --trust)" if alike else ""
    return (
        f"Looking at the drift {pays}{weighed}: with no more real rows "
        f"the best policy that looks, {name}, has a gain of {said} over the best fixed "
        "share and weight that was run."
    )


def answer_verified(e: ControlFields, lines: Sequence[Mapping[str, Any]]) -> str:
    """One sentence: whether verifying the generated rows pays, all else being equal."""
    if NONE not in e.operator:
        return _UNTOLD.format("verifying")
    own = [x for x in lines if _operator(e, x).kind == "itself" and _acts(e, x)]
    fair = [x for x in own if "gain_none" in x and not math.isnan(x["gain_none"][0])]
    if not fair:
        return (
            "No operator that can be had in practice has acted and can be compared "
            "with none at equal spending."
        )
    best = _best(fair, "gain_none")
    value, low, high = best["gain_none"]
    plain = ("operator", "policy", "trust")
    name = ", ".join(
        f"{'' if axis in plain else axis + ' '}{cell_words(best[axis])}"
        for axis in (*plain, *(a for a in e.every_axis() if a not in plain))
        if axis in best
    )
    pays = "pays" if low > 1 + EQUAL else "does not clearly pay"
    return (
        f"Verifying generated rows {pays} here: without an operator the same policy "
        f"has {value:.3g} ({low:.3g} to {high:.3g}) times the drift that it has with "
        f"the best of them ({name}){_at_random(e, lines, best)}, as far as {e.error} "
        f"tells{_unbiased(e, best)}."
    )


def _unbiased(e: ControlFields, best: Mapping[str, Any]) -> str:
    """That a verifier has no bias, which nobody can know of theirs; else empty."""
    if not _operator(e, best).rule.bias or e.verifier_bias:
        return ""
    return ", by a verifier without bias (--verifier-bias is 0)"


def _at_random(
    e: ControlFields, lines: Sequence[Mapping[str, Any]], best: Mapping[str, Any]
) -> str:
    """What as many rows at random have gained, in words; empty if none were run."""
    axes = [axis for axis in e.every_axis() if axis in best and axis != "operator"]
    for line in lines:
        same = all(line.get(axis) == best[axis] for axis in axes)
        gain = line.get("gain_none", (math.nan,))
        random = same and _operator(e, line).kind == "random"
        if random and not math.isnan(gain[0]):
            return f"; with as many rows at random {ratio_words(gain)}"
    return ""


def _acts(e: ControlFields, line: Mapping[str, Any]) -> bool:
    """Whether an operator has chosen among rows in some generation."""
    return _operator(e, line).name != NONE and (
        e.verify == "always" or line["alarms"] > 0
    )


def _best(lines: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    """The line whose interval begins highest, if any begins above 1.

    Else that of the largest gain.
    """
    sure = [line for line in lines if line[name][1] > 1]
    return max(sure or lines, key=lambda line: line[name][1 if sure else 0])


def _operator(e: ControlFields, line: Mapping[str, Any]) -> OperatorSpec:
    """The operator of a line."""
    return operators.read(str(line.get("operator", e.operator[0])))


def _looks(line: Mapping[str, Any]) -> bool:
    """Whether a policy looks at the drift, and at what is seen in practice alone."""
    spec = read(str(line.get("policy", "constant")))
    trust = line.get("weighed", line.get("trust"))
    weighed = trust == "measured" and not spec.rule.weighs
    looks = spec.rule.watches or weighed
    return looks and spec.fed == "monitor"
