"""The closing table: the last generation, measured beside exact values."""

import numpy as np
import pandas as pd
import xarray as xr

from collapse.experiment.axes import axes_of
from collapse.experiment.summary import runs
from collapse.measures.catalogue import LOST, OVERSHOT

_MOST_ROWS = 40
_ENDS = {"low": min, "high": max}  # of few runs


def text(summary: xr.Dataset, metrics: tuple[str, ...]) -> str:
    """A table of the last generation: means beside theory, else medians.

    A mean of tails is carried by the few runs that drift into them: of these the shares
    of runs that lost and overshot them stand behind.
    """
    axes = axes_of(summary)
    shown = [m for m in metrics if m in summary]
    last = summary.isel(generation=-1)
    rows = []
    stacked = last.stack(cell=[*axes, "workflow"]) if axes else last
    over = "cell" if axes else "workflow"
    for index in range(stacked.sizes[over]):
        one = stacked.isel({over: index})
        names = {axis: str(one[axis].values) for axis in [*axes, "workflow"]}
        rows.append(names | {metric: _cell(one, metric) for metric in shown})
    note = ""
    if len(rows) >= _MOST_ROWS:
        note = f"\n... {len(rows) + 1 - _MOST_ROWS} more rows in summary.csv"
        rows = rows[: _MOST_ROWS - 1]
    t = int(summary.generation.values[-1])
    ends = "least .. largest" if runs(summary) else "5 % .. 95 %"
    head = f"generation {t}: mean (standard error) [theory], or median ({ends})"
    if any(f"{metric}_lost" in last for metric in shown):
        head += (
            f"\nlost: share of runs below {LOST:g} of the true mass; over: above "
            f"{OVERSHOT:g} times"
        )
    return f"{head}\n\n{_aligned(pd.DataFrame(rows, dtype=str))}{note}"


def _aligned(table: pd.DataFrame) -> str:
    """Columns of text, each as wide as its longest entry, to the left."""
    widths = {c: max(map(len, [c, *table[c]])) for c in table}
    lines = table.to_string(
        index=False,
        justify="left",
        formatters={c: f"{{:<{width}}}".format for c, width in widths.items()},
    )
    return "\n".join(line.strip() for line in lines.splitlines())


def _outcomes(one: xr.Dataset, metric: str) -> str:
    """The shares of runs that lost and overshot a tail; "" for what is none."""
    if f"{metric}_lost" not in one:
        return ""
    lost, more = (
        float(one[f"{metric}_{outcome}"].sel(statistic="mean"))
        for outcome in ("lost", "overshot")
    )
    return f" lost {lost:.0%}, over {more:.0%}"


def _cell(one: xr.Dataset, metric: str) -> str:
    def value(statistic: str) -> float:
        return float(one[metric].sel(statistic=statistic))

    theory = one.get(f"{metric}_theory")
    if theory is None or not np.isfinite(float(theory)):
        most = one[metric].attrs.get("more_than", np.inf)

        single = [value(run) for run in runs(one)]
        alone = not np.isfinite(value("standard_error")) and not single

        def spell(name: str, digits: int) -> str:
            found = value(name)
            if single and name in _ENDS:
                found = _ENDS[name](single)
            return f">{most}" if found > most else f"{found:.{digits}g}"

        told = spell("median", 4)
        if not alone:
            told += f" ({spell('low', 3)} .. {spell('high', 3)})"
        return told + _outcomes(one, metric)
    text = f"{value('mean'):.4g}"
    if np.isfinite(value("standard_error")):  # one seed has none
        text += f" ({value('standard_error'):.1g})"
    return f"{text} [{float(theory):.4g}]"
