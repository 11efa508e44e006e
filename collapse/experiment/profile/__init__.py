"""The collapse profile: eight definitions of collapse, of every condition of a run.

Each looks at one metric (its quantity says of which aspect it is) and compares the last
generation with generation 0, seed by seed: the models of generation 0 have seen real
rows alone, so that what a model lacks from the start is no collapse.

The verdict of a line is at 95 % for all definitions of its condition together
(Bonferroni): a condition in which nothing gets worse gets some "collapse" with a
probability of 5 % at most. Intervals in the table are of 95 % each.
"""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from collapse.data.errors import InputError
from collapse.experiment.profile.cases import Case
from collapse.experiment.profile.lines import Line, lines
from collapse.measures.changes import Estimate

MARGIN = 0.1  # smallest worsening that counts, as a share
SAID = (
    "Each definition looks at one metric, at the last generation against generation 0 "
    "of the same seed: of errors the ratio of means, of other metrics the median of "
    "ratios. Real-only training is compared at the last generation; of the scaling law "
    "it is the change of what ten times the rows divide the error by. Collapse: worse "
    f"by more than {MARGIN:.0%}."
)


def profile(dataset: xr.Dataset, margin: float = MARGIN) -> pd.DataFrame:
    """What each definition of collapse says, a line for each in each condition.

    `worse` is the factor by which the metric became worse since generation 0: above 1
    means towards collapse, of every metric. `first` and `last` are the metric itself,
    `difference` its paired change; each with the ends of a 95 % interval. `lost` is the
    share of runs in which a tail is lost. `verdict` is "collapse" if the factor is
    above 1 + margin, "no collapse" if it is below, "undecided" if these seeds do not
    tell, "not defined" where the run lacks what `note` names.

    Args:
      dataset: every seed, as in results.nc.
      margin: smallest worsening that counts, as a share; 0 for any.

    Raises:
      InputError: for a margin that is no share.
    """
    known = isinstance(margin, int | float | np.integer | np.floating)
    if not known or isinstance(margin, bool) or not 0 <= margin < np.inf:
        told = margin if known and not isinstance(margin, bool) else repr(margin)
        raise InputError(f"margin: {told}; give a number of at least 0, such as 0.1")
    return pd.DataFrame([_row(line) for line in lines(dataset, margin)])


def _row(line: Line) -> dict[str, Any]:
    case, row = line.case, dict(line.where)
    row["definition"] = line.definition.name
    row["metric"] = "" if case is None else case.metric
    row["statistic"] = "" if case is None else line.definition.statistic
    row["seeds"] = 0 if case is None else len(case.last)
    for name, found in _estimates(case).items():
        row |= found.columns(name)
    row |= {"joint_low": line.joint[0], "joint_high": line.joint[1]}
    return row | {"verdict": line.verdict, "note": line.note}


def _estimates(case: Case | None) -> dict[str, Estimate]:
    if case is None:
        names = ("first", "last", "difference", "worse", "lost")
        return dict.fromkeys(names, Estimate(np.nan, np.nan, np.nan))
    return {
        "first": case.level(case.first),
        "last": case.level(case.last),
        "difference": case.difference(),
        "worse": case.worsening(),
        "lost": case.lost(),
    }
