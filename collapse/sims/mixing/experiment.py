"""What an experiment on mixtures of real and synthetic rows may ask for."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Literal, Self

import tyro

from collapse.experiment.spec import Experiment, InputError, capped

ABSENT: dict[str, tuple[Any, ...]] = {  # the one value of an axis that has no meaning
    "samples_per_generation": (0,),
    "real_fraction": (0.0,),
    "real_rows": (0,),
    "synthetic_rows": (0,),
    "price": (0.0,),
}
_HELD = {  # constraint -> axes that say what is trained on
    "budget": ("samples_per_generation", "real_fraction"),
    "price": ("samples_per_generation", "real_fraction", "price"),
    "real_count": ("real_rows", "synthetic_rows"),
}
_DEFAULTS: dict[str, tuple[Any, ...]] = {
    "real_fraction": tuple(k / 20 for k in range(1, 21)),
    "real_rows": (20, 40, 80, 160, 320),
    "synthetic_rows": (0, 10, 20, 40, 80, 160, 320),
    "price": (0.0, 1.0, 3.0, 10.0, 30.0),
}
METRICS = {
    "gaussian": (
        "test_error",
        "w2_squared",
        "mean_error",
        "variance_ratio",
        "tail_mass_5pct",
        "tail_mass_1pct",
    ),
    "linear": ("test_error",),
    "gmm": (
        "test_error",
        "l2_squared",
        "mean_error",
        "variance_ratio",
        "tail_mass_5pct",
        "tail_mass_1pct",
        "survival_3",
    ),
}
ERRORS = ("test_error", "mean_error", "w2_squared", "l2_squared")  # 0 is right
ALONE: dict[str, float] = {  # axis -> its value that is real rows alone
    "weight": 1.0,
    "real_fraction": 1.0,
    "synthetic_rows": 0,
}
_MEASURED = ("test_error", "tail_mass_1pct")  # without names
_DIMENSION = {"gaussian": 1, "linear": 10, "gmm": 2}
_ROWS = {"gaussian": 100, "linear": 300, "gmm": 100}
_COMPONENTS = 3  # of the mixture that nature is


@dataclasses.dataclass(frozen=True)
class MixingExperiment(Experiment):
    """The fields of every experiment and those of a mixture of rows."""

    workflows: tyro.conf.Suppress[tuple[str, ...]] = ("mix",)
    num_generations: int = 99
    """Generations after the first fit, generation 0, which sees real rows only."""
    num_seeds: int = 200
    """Independent repetitions."""
    model: Literal["gaussian", "linear", "gmm"] = "gaussian"
    """A Gaussian, a linear regressor with new inputs in each generation, or a mixture
    of three Gaussians, one of them rare."""
    constraint: Literal["budget", "real_count", "price"] = "budget"
    """What is held fixed: the number of all rows, that of real rows (synthetic ones
    come on top), or the number of all rows where real ones have a price."""
    samples_per_generation: tuple[int, ...] = ()
    """Budget: all rows n of a generation."""
    real_fraction: tuple[float, ...] = ()
    """Budget: share of the n rows that is real, above 0."""
    real_rows: tuple[int, ...] = ()
    """Real count: real rows of a generation."""
    synthetic_rows: tuple[int, ...] = ()
    """Real count: rows that the newest model adds to them."""
    price: tuple[float, ...] = ()
    """Price of n real rows, in units of the error of a fit to n real rows."""
    weight: tuple[float, ...] = (0.0,)
    """Weight of the real rows' loss, in (0, 1]; 0 takes their share of the rows."""
    bias: tuple[float, ...] = (1.0,)
    """Variance of what a model writes, as a multiple of its own: below 1 it samples
    like a language model at a low temperature."""
    dimension: int = 0
    """Dimension d; 1 of a Gaussian and 10 of a regressor if 0. A mixture has two."""
    ddof: Literal[0, 1] = 0
    """Divide a Gaussian's squares by n - ddof: 0 maximum likelihood, 1 unbiased."""
    late: int = 30
    """Generations, the last ones, over which long-run values are averaged; all, if
    fewer are run."""
    error: str = "test_error"
    """Measure whose least long-run value makes a setting the best."""
    window: tyro.conf.Suppress[tuple[int, ...]] = (5,)
    data: tyro.conf.Suppress[str] = ""
    snapshots: tyro.conf.Suppress[tuple[int, ...]] = ()

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """What may hold several values; what has no meaning has one value."""
        return (
            "samples_per_generation",
            "real_rows",
            "synthetic_rows",
            "real_fraction",
            "weight",
            "bias",
            "price",
        )

    @classmethod
    def independent_axes(cls) -> tuple[str, ...]:
        """What is chosen, and its bias or price, are compared on the same seeds."""
        return ("samples_per_generation", "real_rows")

    def labels(self) -> tuple[str, ...]:
        """The one workflow: its shares are axes."""
        return (f"mix {self.anchor}",)

    def choice(self) -> str:
        """The axis along which the best setting is looked for."""
        if len(self.weight) > 1:
            return "weight"
        return "synthetic_rows" if self.constraint == "real_count" else "real_fraction"

    def describe(self, metric: str) -> tuple[str, str] | None:
        """The error of a regressor is squared; others are named by their metrics."""
        if self.model == "linear" and metric == "test_error":
            return "test error (beyond the noise of labels)", "label units squared"
        return None

    def known_metrics(self) -> tuple[str, ...]:
        """Those of the model."""
        return METRICS[self.model]

    def measured(self) -> tuple[str, ...]:
        """Without names the test error and the tail, and the error that is sought."""
        known = self.known_metrics()
        some = (m for m in (*_MEASURED, self.error) if m in known)
        return self.metrics or tuple(dict.fromkeys(some))

    def derived(self) -> tuple[str, ...]:
        """Long-run values, and what is the best choice."""
        late = tuple(f"late_{metric}" for metric in self.measured())
        more = (
            "late_ratio",
            "best",
            *(("cost",) if self.constraint == "price" else ()),
        )
        return (*late, *more)

    def resolved(self, rows: int, dimension: int) -> Self:
        """Fill in what the constraint needs; refuse what contradicts it."""
        del rows, dimension
        held = _HELD[self.constraint]
        values: dict[str, Any] = {}
        defaults = _DEFAULTS | {"samples_per_generation": (_ROWS[self.model],)}
        for axis, nothing in ABSENT.items():
            given = getattr(self, axis)
            if axis in held:
                values[axis] = given or defaults[axis]
            elif given not in ((), nothing):
                raise InputError(
                    f"{axis}: the constraint {self.constraint} holds "
                    f"{' and '.join(held)}; drop it or choose another --constraint"
                )
            else:
                values[axis] = nothing
        own = self.dimension or _DIMENSION[self.model]
        late = min(self.late, self.num_generations + 1)
        found = dataclasses.replace(self, dimension=own, late=late, **values)
        return found if self.real_fraction else found._without_too_few()

    def _without_too_few(self) -> Self:
        """Without shares that nobody asked for and that cannot be run."""
        sizes = self.samples_per_generation
        if self.constraint == "real_count" or min(sizes, default=0) < 1:
            return self
        n, least = min(sizes), least_rows(self)
        enough = tuple(a for a in self.real_fraction if _real(a, n) >= least)
        return dataclasses.replace(self, real_fraction=enough or (1.0,))

    def quick(self) -> Self:
        """Also few values of each axis, those of real rows alone among them."""
        axes: dict[str, Any] = {axis: _few(getattr(self, axis)) for axis in ABSENT}
        axes |= {axis: _few(getattr(self, axis)) for axis in ("weight", "bias")}
        for axis, value in ALONE.items():
            if value in getattr(self, axis) and value not in axes[axis]:
                axes[axis] = (*axes[axis], value)
        for axis in ("samples_per_generation", "real_rows", "synthetic_rows"):
            axes[axis] = capped(axes[axis], 100, keep=3)
        small = dataclasses.replace(super().quick(), **axes, late=min(self.late, 5))
        least = least_rows(self)
        enough = {  # the others would be refused with so few rows
            cell["real_fraction"]: None
            for cell in small.cells()
            if small.constraint == "real_count" or counts(small, cell)[0] >= least
        }
        return dataclasses.replace(small, real_fraction=tuple(enough) or (1.0,))

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        fixed = {"workflows": ("mix",), "data": "", "snapshots": (), "window": (5,)}
        for field, value in fixed.items():
            if getattr(self, field) != value:
                raise InputError(f"{field}: has no meaning for mixtures; drop it")
        for field in self.axes():
            if not getattr(self, field):
                raise InputError(f"{field}: empty; give at least one value")
        filled = self.samples_per_generation
        filled = (1,) if self.constraint == "real_count" else filled
        Experiment.check(dataclasses.replace(self, samples_per_generation=filled))
        _check_numbers(self)
        known = [name for name in self.known_metrics() if name in ERRORS]
        if self.error not in known:
            raise InputError(
                f"error: {self.error} is not least where a model is best; known are "
                f"{', '.join(known)}"
            )
        if self.error not in self.measured():
            raise InputError(
                f"error: {self.error} is sought but not measured; add it to --metrics, "
                "or name another --error"
            )
        if self.ddof and self.model != "gaussian":
            raise InputError("ddof: only of a Gaussian; drop it")
        if self.model == "gmm" and self.dimension != _DIMENSION["gmm"]:
            raise InputError("dimension: the mixture has 2; drop it")
        for cell in self.cells():
            _check_cell(self, cell)
        if self.constraint == "price" and 1.0 not in self.real_fraction:
            raise InputError(
                "real_fraction: prices are in units of the error of real rows alone; "
                "add 1"
            )


def counts(experiment: MixingExperiment, cell: Mapping[str, Any]) -> tuple[int, int]:
    """Real and synthetic rows of a cell's generations."""
    if experiment.constraint == "real_count":
        return cell["real_rows"], cell["synthetic_rows"]
    n = cell["samples_per_generation"]
    r = _real(cell["real_fraction"], n)
    return r, n - r


def _real(share: float, n: int) -> int:
    return math.floor(share * n + 0.5)


def weight_of(experiment: MixingExperiment, cell: Mapping[str, Any]) -> float:
    """Weight of the real rows' loss."""
    r, s = counts(experiment, cell)
    return cell["weight"] or r / (r + s)


def least_rows(experiment: MixingExperiment) -> int:
    """Real rows that determine a model."""
    if experiment.model == "gmm":
        return _COMPONENTS
    return experiment.dimension + (2 if experiment.model == "linear" else 1)


def _check_numbers(e: MixingExperiment) -> None:
    """Raise InputError for numbers outside their ranges; NaN is in none."""
    least = {"real_rows": 0, "synthetic_rows": 0, "price": 0, "bias": 0}
    for field, low in least.items():
        for value in getattr(e, field):
            if not low <= value < 1e9:
                raise InputError(f"{field}: {value:g}; give {low} or more")
    for value in e.weight:
        if not 0 <= value <= 1:
            raise InputError(
                f"weight: {value:g}; give a number in (0, 1], or 0 for the share"
            )
    if len(e.weight) > 1 and 0 in e.weight:
        raise InputError(
            "weight: 0 (the share) among others; give the share as a number, since the "
            "best weight is looked for"
        )
    if e.constraint != "real_count" and min(e.real_fraction) == 0:
        raise InputError(
            "real_fraction: 0 leaves nothing to begin with; give more, or see the "
            "workflow replace of collapse.sims.gaussian"
        )
    for field in ("late", "dimension"):
        if not 1 <= getattr(e, field) <= 10**4:
            raise InputError(f"{field}: {getattr(e, field)}; give 1 to 10000")


def _check_cell(e: MixingExperiment, cell: Mapping[str, Any]) -> None:
    """Raise InputError where generation 0, or a weight, has no rows to act on."""
    (r, s), least = counts(e, cell), least_rows(e)
    if r < least:
        field, of = "real_rows", ""
        if e.constraint != "real_count":
            n, share = cell["samples_per_generation"], cell["real_fraction"]
            field, of = "real_fraction", f"{share:g} of {n} rows: "
        raise InputError(
            f"{field}: {of}{r} real rows, but generation 0 needs {least}; give more"
        )
    if 0 < cell["weight"] < 1 and s == 0:
        raise InputError(
            f"weight: {cell['weight']:g} of {r} real and no synthetic rows; leave that "
            "out (--real-fraction below 1, --synthetic-rows above 0), or weigh it by 1"
        )


def _few(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The first, the middle and the last."""
    if len(values) <= 3:
        return values
    return values[0], values[len(values) // 2], values[-1]
