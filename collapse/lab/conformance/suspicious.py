"""What in finished traces looks like a model that ignores its weights or keys."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SURE = 7.0  # standard errors over seeds, where fits are random
_FEW = 10  # seeds, below which these say little

Traces = Mapping[str, NDArray[Any]]  # metric -> [S, G + 1]


def suspicions(
    traces: Mapping[str, Traces],
    alike: Sequence[str],
    is_random: Callable[[], bool],
) -> list[str]:
    """What looks wrong in the traces of workflows, a line each; [] if nothing does.

    Args:
      traces: workflow -> metric -> [S, G + 1].
      alike: workflows whose generation 0 is trained on the same rows.
      is_random: whether a first fit depends on its key, so that its numbers may be
        others where the store has another size.
    """
    return [*_beginnings(traces, alike, is_random), *_twins(traces)]


def _beginnings(
    traces: Mapping[str, Traces],
    alike: Sequence[str],
    is_random: Callable[[], bool],
) -> list[str]:
    """A line for the first metric whose generation 0 depends on the workflow."""
    for name in alike[1:]:
        for metric, values in traces[alike[0]].items():
            usual, other = values[:, 0], traces[name][metric][:, 0]
            if _apart(usual, other, is_random):
                gaps = np.abs(usual.astype(float) - other.astype(float))
                worst = int(np.argmax(np.nan_to_num(gaps, nan=np.inf, posinf=np.inf)))
                return [
                    f"generation 0 is not the same under {alike[0]} and {name} "
                    f"({metric} of seed {worst}: {usual[worst]:.4g} and "
                    f"{other[worst]:.4g}), though both fit the same real rows: fit "
                    "does not leave out rows of weight 0, or counts positions; see "
                    "collapse.check_model"
                ]
    return []


def _apart(usual: Any, other: Any, is_random: Callable[[], bool]) -> bool:
    """Whether two generations 0 of the same seeds differ, beyond rounding.

    Relative to the metric of the seed, or to how much seeds differ. Rounding of numbers
    up to 1000 that cancel in a metric is seen by its mean over seeds, which is 0.
    """
    double = np.asarray(usual).dtype == np.float64
    tolerance = 1e-6 if double else 1e-3
    cancelling = 1e3 * np.finfo(np.float64 if double else np.float32).eps
    usual, other = np.asarray(usual, float), np.asarray(other, float)
    known = usual[np.isfinite(usual)]
    spread = float(known.std()) if known.size else 0.0
    largest = np.maximum(np.maximum(np.abs(usual), np.abs(other)), spread)
    equal = (usual == other) | (np.isnan(usual) & np.isnan(other))
    with np.errstate(invalid="ignore"):
        gaps = other - usual
        same = equal | (np.abs(gaps) <= tolerance * largest)
    same &= equal | np.isfinite(gaps)  # inf <= inf
    if same.all():
        return False
    seen = not (np.abs(gaps[~same]) <= cancelling).all()
    if seen and not is_random():
        return True
    if len(gaps) < _FEW or not np.isfinite(gaps).all():
        return False
    error = gaps.std(ddof=1) / np.sqrt(len(gaps))
    return bool(abs(gaps.mean()) > _SURE * error)


def _twins(traces: Mapping[str, Traces]) -> list[str]:
    """A line for the first workflow under which all seeds measure the same throughout.

    Of a few seeds, metrics that are counts may agree by chance.
    """
    for name, metrics in traces.items():
        rows = np.concatenate([np.asarray(v, float) for v in metrics.values()], axis=1)
        same = len(rows) >= _FEW and bool((rows == rows[:1]).all())
        if same and np.ptp(rows, axis=1).any():
            return [
                f"all seeds are the same under {name}, in every metric and generation: "
                "draw or sample does not use its key; see collapse.check_model"
            ]
    return []
