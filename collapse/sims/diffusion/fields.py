"""The fields of an experiment with denoising diffusion."""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from collapse.experiment.family import Family
from collapse.experiment.fields import Bounds, NonNegative, Only, OnlyIfSet, Shown
from collapse.measures import catalogue
from collapse.measures.catalogue import Quantity

# law -> orders of its modes that are not 0, or nearly so
MODES: Mapping[str, tuple[int, ...]] = {
    "line": (4, 6),
    "mixture": (3, 4),
    "circle": (1, 2, 3),
    "torus": (1, 2, 3),
    "butane": (1, 2, 3),
}
COMPONENTS = ("mixture", "line", "circle", "torus")  # mixtures, which have classes
RARE: Mapping[str, tuple[int, ...]] = {"mixture": (4,), "circle": (3,), "torus": (3,)}
ANGLES = ("circle", "torus", "butane")
DIPEPTIDE = "alanine-dipeptide"  # shipped angles
_NETWORK = Only("score", ("network",))
_STEPS = Only("score", ("network", "rows"))


@dataclasses.dataclass(frozen=True)
class DiffusionFields(Family):
    """The fields of every family and those of a diffusion model."""

    bias_of: ClassVar[str] = "variance"
    default_rows: ClassVar[int] = 500
    shifts_with_rows: ClassVar[bool] = True
    catalogue = {
        **catalogue.SAMPLES,
        **catalogue.TORSIONS,
        "variance_ratio": catalogue.DENSITY["variance_ratio"],
        "test_error": catalogue.DENSITY["test_error"],
        "off_manifold": catalogue.OFF_MANIFOLD,
        "within_class": catalogue.WITHIN_CLASS,
    }

    data: Annotated[str, Shown("none")] = ""
    """Real data: 'faithful', 'diabetes', 'alanine-dipeptide' (torsion angles), or a
    .csv, .tsv, .txt, .npy or .parquet file (rows x dimensions), which may be packed as
    .gz."""
    num_generations: Annotated[int, Bounds(1, 10**7 - 1)] = 10
    """Generations after the first fit, which is generation 0."""
    num_seeds: Annotated[int, Bounds(1, 10**8 - 1)] = 4
    """Independent repetitions."""
    precision: Literal["float32", "float64"] = "float32"
    """Floating-point type of data, models and metrics."""
    truth: Annotated[
        Literal[
            "mixture",
            "line",
            "ring",
            "moons",
            "circles",
            "circle",
            "torus",
            "butane",
        ],
        Only("data", ("",)),
    ] = "mixture"
    """Data distribution: a mixture in the plane or on the line, a ring of noise .05,
    scikit-learn's moons or circles; or angles: a mixture of one on a circle or of two
    on a torus, or the torsion of butane at 300 K."""
    torsions: Annotated[
        int, Bounds(1, 100), Only("truth", ("butane",)), OnlyIfSet()
    ] = 1
    """With --truth butane: torsions of a molecule, independent of each other."""
    space: Annotated[Literal["euclidean", "torus"], Only("data"), OnlyIfSet()] = (
        "euclidean"
    )
    """With --data: whether rows are points, or angles on a torus. Of alanine-dipeptide,
    which is shipped, they are angles."""
    unit: Annotated[Literal["radians", "degrees"], Only("data"), OnlyIfSet()] = (
        "radians"
    )
    """With --space torus: unit of the angles in the file."""
    score: tuple[Literal["network", "rows", "exact"], ...] = ("network",)
    """What the sampler follows: a trained network; the exact score of its training rows
    in steps; or this score without an error of steps, which has an exact theory."""
    sampler: Annotated[Literal["ddpm", "ddpm_large", "ddim"], _STEPS] = "ddpm"
    """How a step is taken: ddpm draws from the reverse process (ancestral sampling)
    with the least variance, ddpm_large with the largest, ddim follows its probability
    flow."""
    sample_steps: Annotated[int, Bounds(1, 10**5), _STEPS] = 50
    """Steps of the sampler."""
    schedule: Annotated[Literal["cosine", "linear"], _STEPS] = "cosine"
    """Spacing of noise levels, in sampling and training."""
    delta: tuple[Annotated[float, Bounds(0, 5)], ...] = (0.01,)
    """Time at which the sampler stops early: noise of time d takes e^-d of a mean in
    space, and has variance 2 d on a torus."""
    delta_decay: Annotated[tuple[Annotated[float, Bounds(0, 10)], ...], OnlyIfSet()] = (
        0.0,
    )
    """The t-th fit, counted from 1, stops at delta / t^decay; 0 for delta."""
    labelled: Annotated[bool, Only("data", ("",))] = False
    """Give the network the component of each row as its class, and generate rows of
    given classes; of mixtures alone."""
    label: Annotated[str, Only("data"), OnlyIfSet()] = ""
    """With --data: the column that holds the class of each row, by name or number from
    1; each of its values, words or numbers, is a class."""
    guidance: Annotated[tuple[NonNegative, ...], OnlyIfSet()] = (1.0,)
    """Of labelled rows: strength w of classifier-free guidance: 0 ignores classes, 1
    generates from the model itself, more prefers what is typical of a class."""
    steps: Annotated[int, Bounds(1, 10**7), _NETWORK] = 2000
    """Optimiser steps of a training, whatever the amount of data."""
    batch_size: Annotated[int, Bounds(1, 10**6), _NETWORK] = 128
    """Rows of a step."""
    learning_rate: Annotated[float, Bounds(0, 10, above=True), _NETWORK] = 3e-3
    """Maximum, after a linear rise; then half a cosine down to 0."""
    width: Annotated[int, Bounds(1, 10**4), _NETWORK] = 64
    """Units of a hidden layer."""
    layers: Annotated[int, Bounds(1, 100), _NETWORK] = 3
    """Hidden layers."""
    start: Annotated[Literal["scratch", "previous"], _NETWORK] = "scratch"
    """Weights that training starts from: new ones, or the previous generation's."""
    measured_rows: Annotated[int, Bounds(8, 10**6)] = 1000
    """Generated rows that are measured, and real rows that they are compared with."""

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """Fields that may hold several values; times and strengths share seeds."""
        return (
            "score",
            "samples_per_generation",
            "delta",
            "delta_decay",
            "guidance",
        )

    @property
    def rows_in(self) -> Literal["euclidean", "torus"]:
        """The space that rows are points of."""
        if self.data:
            return "torus" if self.data == DIPEPTIDE else self.space
        return "torus" if self.truth in ANGLES else "euclidean"

    @property
    def has_classes(self) -> bool:
        """Whether rows have classes, which the network is given."""
        return bool(self.label) if self.data else self.labelled

    def known_metrics(self) -> tuple[str, ...]:
        """Names of the metrics that are known of this truth, score and space."""
        found = list(catalogue.SAMPLES)
        if self.rows_in == "euclidean":
            found.append("variance_ratio")
            found += ["test_error"] * (self.score == ("exact",))
        else:
            found.append("torsion_divergence")
        rare = self.data == DIPEPTIDE or (not self.data and self.truth == "butane")
        found += ["rare_conformer_survival"] * rare
        found += ["within_class"] * self.has_classes
        if self.data:
            return tuple(found)
        pairs = self.truth == "butane" and self.torsions > 1
        found += ["gauche_pair_survival"] * pairs
        found += [f"mode_{order}" for order in MODES.get(self.truth, ())]
        found += [f"survival_{k}" for k in RARE.get(self.truth, ())]
        found += ["off_manifold"] * (self.truth == "ring")
        return tuple(found)

    def quantity(self, metric: str) -> Quantity | None:
        """Long name and unit of a metric, also of modes and rare components."""
        named = catalogue.mode_named(metric) or catalogue.survival_named(metric)
        found = named or super().quantity(metric)
        if found is None or self.score == ("exact",) and self.rows_in == "euclidean":
            return found
        # where there is no density it is the error that studies look at
        is_error = metric == "energy_distance"
        return found._replace(aspect="error") if is_error else found

    def diagnostics(self) -> tuple[str, ...]:
        """Name of the diagnostic of training."""
        return ("fit_loss",) if "network" in self.score else ()
