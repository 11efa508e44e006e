"""Experiments: what is to be run, read from TOML or the command line and checked.

An experiment is a frozen dataclass of plain values. Fields that are tuples are axes:
every combination of their values is run. Nothing here imports jax, so that the command
line answers before it is loaded.
"""

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from collapse.figures.spec import Figure, InputError

if TYPE_CHECKING:
    from collapse.data.tables import RealData

WORKFLOWS = (
    "replace",
    "accumulate",
    "fixed_budget",
    "window",
    "replace_multiple",
    "mix",
)


# what every family measures; the definitions are in `collapse.measures.metrics`
COMMON_METRICS = (
    "tail_mass_5pct",
    "tail_mass_1pct",
    "hallucinated_mass",
    "test_error",
    "variance_ratio",
    "log_det_ratio",
    "mean_error",
    "entropy",
)


@dataclasses.dataclass(frozen=True)
class Experiment:
    """What every experiment family shares; families add their model's own fields."""

    quick_generations: ClassVar[int] = 6  # at most, of a quick run
    workflows: tuple[str, ...] = ("replace", "accumulate", "fixed_budget")
    """What each generation is trained on: replace, accumulate, fixed_budget, window,
    replace_multiple, mix."""
    num_generations: int = 50
    """Generations after the first fit, which is generation 0."""
    samples_per_generation: tuple[int, ...] = ()
    """Samples n that a generation writes; with data, all training rows if not given."""
    num_seeds: int = 64
    """Independent repetitions."""
    seed: int = 0
    """Root of all randomness."""
    real_fraction: tuple[float, ...] = (0.1,)
    """Share of real rows in [0, 1], for the workflow mix."""
    anchor: Literal["fresh", "fixed"] = "fresh"
    """Real rows of the workflow mix: new each generation, or those of the first."""
    window: tuple[int, ...] = (5,)
    """Generations of rows kept by the workflow window."""
    data: str = ""
    """Real data: 'faithful', 'diabetes', or a .csv or .npy file (rows x dimensions)."""
    precision: Literal["float64", "float32"] = "float64"
    """Floating-point type of data, models and metrics."""
    metrics: tuple[str, ...] = ()
    """Measurements to take; all that the family knows if not given."""
    snapshots: tuple[int, ...] = ()
    """Generations whose model's samples (first seed) are kept with the results."""

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """Fields whose several values become a dimension of the results."""
        return ("samples_per_generation",)

    @classmethod
    def independent_axes(cls) -> tuple[str, ...]:
        """Axes whose values do not share random numbers; along others runs are paired.

        Where they did, all curves of a figure would deviate from theory together.
        """
        return ("samples_per_generation",)

    def cells(self) -> Iterator[dict[str, Any]]:
        """Every combination of the axes' values, as axis -> value."""
        values = [getattr(self, axis) for axis in self.axes()]
        for combination in itertools.product(*values):
            yield dict(zip(self.axes(), combination, strict=True))

    def labels(self) -> tuple[str, ...]:
        """The workflows with their parameters: `window 5`, `mix 0.1 fresh`."""
        spelled = {
            "window": [f"window {size}" for size in self.window],
            "mix": [
                f"mix {_short(share)} {self.anchor}" for share in self.real_fraction
            ],
        }
        return tuple(
            itertools.chain.from_iterable(
                spelled.get(name, [name]) for name in self.workflows
            )
        )

    def repetitions(self) -> str:
        """`64 seeds`, or `1 seed`."""
        return f"{self.num_seeds} seed{'s' * (self.num_seeds != 1)}"

    def note(self, cell: Mapping[str, Any]) -> str:
        """What a reader of a cell's panel must know of it, in a few words; else ""."""
        del cell
        return ""

    def describe(self, metric: str) -> tuple[str, str] | None:
        """Long name and unit of a metric of the family's own; else None."""
        del metric
        return None

    def more_dims(self, name: str) -> dict[str, Sequence[float]]:
        """Axes of a measurement beyond seed and generation, with their values."""
        del name
        return {}

    def diagnostics(self) -> tuple[str, ...]:
        """What fits tell of themselves, as `fit_<name>`; figures may show it."""
        return ()

    def derived(self) -> tuple[str, ...]:
        """What follows from the measurements, and figures may show as well."""
        return ()

    def known_metrics(self) -> tuple[str, ...]:
        """Metrics that the family can measure in this experiment."""
        raise NotImplementedError

    def measured(self) -> tuple[str, ...]:
        """Metrics that are measured."""
        return self.metrics or self.known_metrics()

    def resolved(self, rows: int, dimension: int) -> Self:
        """The experiment with every field that was left open filled in.

        Args:
          rows: training rows of the data, 0 without data.
          dimension: of the data, 0 without data.
        """
        raise NotImplementedError

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        _one_of("workflows", self.workflows, WORKFLOWS)
        if not self.workflows:
            raise InputError(
                "workflows: empty; name at least one of " + _list(WORKFLOWS)
            )
        for field in ("num_generations", "num_seeds"):
            _at_least(field, (getattr(self, field),), 1)
        _at_least("seed", (self.seed,), 0)
        limits = {"seed": 2**63, "num_generations": 10**7, "num_seeds": 10**8}
        for field, limit in limits.items():
            if getattr(self, field) >= limit:
                raise InputError(f"{field}: too large; give less than {limit}")
        for field in ("window", "real_fraction", "samples_per_generation"):
            if not getattr(self, field):
                raise InputError(f"{field}: empty; give at least one value")
        _at_least("samples_per_generation", self.samples_per_generation, 1)
        _at_least("window", self.window, 1)
        _one_of("metrics", self.metrics, self.known_metrics())
        for share in self.real_fraction:
            if not 0 <= share <= 1:
                raise InputError(
                    f"real_fraction: {share:g} is not a share; give a number in [0, 1]"
                )
        for t in self.snapshots:
            if not 0 <= t <= self.num_generations:
                raise InputError(
                    f"snapshots: generation {t} is not run; stay within "
                    f"0..{self.num_generations}"
                )
        for name, value in dataclasses.asdict(self).items():
            if isinstance(value, tuple) and len(set(value)) < len(value):
                raise InputError(f"{name}: a value is repeated; name each once")

    def check_data(self, data: "RealData") -> None:
        """Raise InputError if the experiment asks more of its data than they give."""
        rows, most = len(data.train), max(self.samples_per_generation)
        if most > rows:
            raise InputError(
                f"samples_per_generation: {most} rows are needed but {self.data} has "
                f"{rows} to train on (a quarter is held out); give at most {rows}"
            )

    def check_figure(self, figure: Figure) -> None:
        """Raise InputError for what could not be drawn once the experiment is run."""
        coordinates = ("workflow", *self.axes())
        bins: dict[str, Sequence[float]] = {}
        for metric in figure.metrics:
            bins |= self.more_dims(metric)
        _one_of("x", (figure.x,), ("generation", *self.axes(), *bins))
        for place, name in figure.places().items():
            coordinate = coordinates + (("generation",) if place == "hue" else ())
            _one_of(place, (name,) if name else (), coordinate)
        for metric in figure.metrics:
            if figure.x in bins and figure.x not in self.more_dims(metric):
                raise InputError(
                    f"metrics: {metric} is not counted by {figure.x}; drop it, or name "
                    "another x"
                )
            more = (*self.diagnostics(), *self.derived())
            known = metric in (*self.measured(), *more)
            if not known and figure.x not in bins:
                for name in self.more_dims(metric):
                    raise InputError(f"x: {metric} is counted by {name}; name it as x")
                raise InputError(
                    f"metrics: the figure shows {metric}, which is not measured; known "
                    f"are {_list(self.known_metrics())}"
                )
        values: dict[str, Sequence[Any]] = {a: getattr(self, a) for a in self.axes()}
        values |= {"workflow": self.labels(), **bins}
        figure.check(values | {"generation": range(self.num_generations + 1)})
        if figure.kind == "samples":
            if not self.snapshots:
                raise InputError("snapshots: none, but the figure shows samples")
            return
        several = [name for name in values if len(values[name]) > 1]
        figure = figure.resolved(several)
        taken = [figure.x, *figure.places().values()]
        left = [name for name in several if name not in taken]
        if len(left) > taken.count(""):
            raise InputError(
                f"figure: {left[-1]} has several values and no place; give one, or "
                "name it as x, hue, columns or rows of [figure] in a TOML file"
            )

    def quick(self) -> Self:
        """The same experiment cut down to seconds: what it does, not what it shows."""
        generations = min(self.num_generations, self.quick_generations)
        return dataclasses.replace(
            self,
            num_generations=generations,
            num_seeds=min(self.num_seeds, 8),
            samples_per_generation=capped(self.samples_per_generation, 100),
            snapshots=capped(self.snapshots, generations),
        )

    def digest(self, data: str = "") -> str:
        """Twelve hexadecimal digits that tell experiments apart.

        Args:
          data: fingerprint of the data file, which counts instead of its name.
        """
        fields = {"kind": type(self).__name__, **dataclasses.asdict(self)}
        text = json.dumps(fields | {"data": data}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def _short(share: float) -> str:
    """0.1 for 0.1 and 1 for 1.0, and every digit that there is."""
    return repr(share).removesuffix(".0")


def spelled(values: Iterable[Any]) -> str:
    """Values of an axis for a caption: `10, 100`."""
    return ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in values)


def capped(values: tuple[int, ...], most: int, keep: int = 2) -> tuple[int, ...]:
    """Values no larger than `most`, and of these the first and the last `keep - 1`."""
    few = tuple(dict.fromkeys(min(value, most) for value in values))
    return few if len(few) <= keep else (few[0], *few[1 - keep :])


def _one_of(field: str, values: tuple[str, ...], known: tuple[str, ...]) -> None:
    for value in values:
        if value not in known:
            raise InputError(f"{field}: unknown {value!r}; known are {_list(known)}")


def _at_least(field: str, values: tuple[int, ...], least: int) -> None:
    for value in values:
        if value < least:
            raise InputError(f"{field}: {value} is too small; give at least {least}")


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
