"""What an experiment with denoising diffusion may ask for: checks, captions, sizes."""

import dataclasses
from typing import Any, ClassVar, Self

import numpy as np

from collapse.data import tables
from collapse.data.errors import InputError
from collapse.experiment.base import spelled
from collapse.experiment.lazy import load
from collapse.sims.diffusion.fields import COMPONENTS, DiffusionFields

_NEIGHBOURS = 5  # of precision and recall
_MOST_CLASSES = 100


@dataclasses.dataclass(frozen=True)
class Diffusion(DiffusionFields):
    """A diffusion model, trained on rows that earlier ones generated."""

    name: ClassVar[str] = "diffusion"
    description: ClassVar[str] = "A denoising diffusion trained on its own samples."
    panels: ClassVar[tuple[str, ...]] = (
        "energy_distance",
        "variance_ratio",
        "torsion_divergence",
        "rare_conformer_survival",
        "precision",
        "generalisation_score",
    )
    table: ClassVar[tuple[str, ...]] = (
        "energy_distance",
        "variance_ratio",
        "precision",
    )

    def load(self) -> Any:
        """The rows that `data` names: points, or angles in radians; None without."""
        if not self.data:
            return None
        how = (self.data, self.seed, self.reading())
        if self.rows_in == "euclidean":
            kind = (self.precision, self.shifts_with_rows)
            return tables.load(*how, *kind, label=self.label)
        files = load("collapse.data.torsions.files")
        return files.load(*how, self.unit, self.precision, label=self.label)

    def least_rows(self) -> int:
        """Smallest number of rows that determine a fit: one is noised, too."""
        return 1

    def truth_words(self) -> str:
        """Name of the data distribution, for captions."""
        if self.truth == "butane":
            return f"{self.torsions} torsion{'s' * (self.torsions > 1)} of butane"
        if self.truth in ("circle", "torus"):
            return f"the {self.truth}, a mixture of wrapped normals"
        if self.truth in COMPONENTS:
            return f"the {self.truth}, a mixture of normals, unit variance"
        return f"the {self.truth}, unit variance"

    def reference_words(self) -> str:
        """What replaces the unknown truth of real data."""
        return "the rows, not a density,"

    def caption_words(self) -> list[str]:
        """Phrases on the network, the sampler and guidance, for captions."""
        stop = f"stopped at time {spelled(self.delta)}"
        if self.delta_decay != (0.0,):
            stop += f" / t^({spelled(self.delta_decay)}) for fit t"
        kinds = {
            "network": f"network of {self.layers} x {self.width}, {self.steps} steps",
            "rows": "exact score of the training rows, in steps",
            "exact": "exact score of the training rows, without steps",
        }
        found = [" or ".join(kinds[score] for score in self.score)]
        if self.score != ("exact",):
            found.append(f"{self.sampler}, {self.sample_steps} steps, {self.schedule}")
        found.append(stop)
        if self.has_classes:
            found.append(f"guidance {spelled(self.guidance)}")
        return found

    def caption(self) -> str:
        """The data, sizes, the model, and what its measures are taken of."""
        truth = f"Truth: {self.truth_words()}."
        if self.data:
            scaled = "in radians" if self.rows_in == "torus" else "scaled to variance 1"
            truth = f"Truth: held-out rows of {self.data}, columns {scaled}."
        phrases = [f"n = {spelled(self.samples_per_generation)}", *self.caption_words()]
        found = f"{truth} {', '.join([*phrases, self.repetitions()])}."
        return (
            f"{found} The more training rows there are, the nearer is one of them: "
            "fresh rows, too, come nearer under accumulate."
        )

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        super().check()
        if self.measured_rows <= _NEIGHBOURS:
            raise InputError(
                f"measured_rows: {self.measured_rows} are too few for {_NEIGHBOURS} "
                "neighbours; give more"
            )
        if self.labelled and self.data:
            raise InputError(
                "labelled: not of data; drop it, and name classes by --label"
            )
        if self.labelled and self.truth not in COMPONENTS:
            raise InputError(
                f"labelled: {self.truth} has no components; use --truth "
                f"{', '.join(COMPONENTS)}"
            )
        if self.data and self.unit == "degrees" and self.rows_in == "euclidean":
            raise InputError("unit: points have none; for angles give --space torus")
        if self.has_classes and self.score != ("network",):
            raise InputError(
                f"{'label' if self.data else 'labelled'}: an exact score is of all "
                "classes; use --score network"
            )
        if not self.has_classes and self.guidance != (1.0,):
            raise InputError(
                "guidance: rows have no classes; give --labelled, or --label with data"
            )

    def check_data(self, data: Any) -> None:
        """Raise InputError for too few rows, or classes that cannot be learned."""
        super().check_data(data)
        if self.label:
            self._check_classes(data)
        if len(data.held_out) <= _NEIGHBOURS:
            raise InputError(
                f"data: {len(data.held_out)} held-out rows are too few; give "
                f"{4 * _NEIGHBOURS + 4} rows or more"
            )

    def _check_classes(self, data: Any) -> None:
        """Raise InputError for one class, too many, or one without a variance."""
        name, labels = data.columns[-1], data.train[:, -1]
        values = np.unique(labels)
        if len(values) == 1:
            raise InputError(
                f"label: {name} has one class in the training rows; drop --label"
            )
        if len(values) > _MOST_CLASSES:
            raise InputError(
                f"label: {name} has {len(values)} values in the training rows; a "
                f"column of at most {_MOST_CLASSES} classes is needed"
            )
        for value in values:
            own = np.unique(data.train[labels == value], axis=0)
            if len(own) < 2:
                which = data.classes[int(value)] if data.classes else f"{value:.15g}"
                raise InputError(
                    f"label: class {which} has fewer than 2 different training rows, "
                    "too few for a variance; leave its rows out, or merge it"
                )

    def quick(self) -> Self:
        """A small version with few steps, in which little is learned."""
        return dataclasses.replace(
            super().quick(),
            num_seeds=min(self.num_seeds, 2),
            steps=min(self.steps, 100),
            sample_steps=min(self.sample_steps, 10),
            measured_rows=min(self.measured_rows, 100),
        )
