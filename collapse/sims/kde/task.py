"""A kernel density estimate in one condition, ready to run."""

import functools

from collapse.data import shapes
from collapse.data.tables import RealData
from collapse.experiment.condition import Condition
from collapse.experiment.density_task import density_task
from collapse.experiment.task import Task
from collapse.measures.density import Density
from collapse.models.kde import kde
from collapse.numerics import kernels
from collapse.sims.kde.experiment import Kde

_KDE = Density(kernels.sample, kernels.log_density, kernels.moments)


def task(condition: Condition[Kde], data: RealData | None) -> Task:
    """The task of a condition: a density that learns a standard normal, or data."""
    rule = condition["bandwidth_rule"]
    # other rules change all kernels whenever rows are added
    seen = _KDE._replace(grown=kernels.grown_log_density if rule == "fixed" else None)
    shape = condition["shape"]
    drawn = None if shape == "normal" else functools.partial(shapes.sample, shape)
    return density_task(
        condition, data, seen, lambda d, h: kde(d, rule, h), ("bandwidth",), drawn
    )
