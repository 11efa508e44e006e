"""Experiments on verification: results, captions, checks."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from collapse.data.errors import InputError
from collapse.experiment import late, snapshots
from collapse.experiment.lazy import load
from collapse.experiment.spelling import capped
from collapse.measures.catalogue import Quantity
from collapse.sims.verification import checks, tell
from collapse.sims.verification.fields import (
    KEPT_RIGHT,
    KEPT_WRONG,
    RIGHT,
    TAIL,
    VerificationFields,
)

if TYPE_CHECKING:
    import xarray as xr

_USUAL_ERRORS = ("w2_squared", "test_error")  # of location and spread alike
_JUDGED = {
    RIGHT: Quantity("generated rows that are right", "share of rows"),
    KEPT_RIGHT: Quantity("rows that are right and kept", "share of rows"),
    KEPT_WRONG: Quantity("rows that are wrong and kept", "share of rows"),
}


@dataclasses.dataclass(frozen=True)
class Verification(VerificationFields):
    """Does verification hold a model: the study of curators and their controls."""

    name: ClassVar[str] = "verification"
    description: ClassVar[str] = (
        "Does verification of generated rows hold a model, and what does it cost?"
    )
    afterwards: ClassVar[tuple[str, ...]] = ("late", "error")
    quick_generations: ClassVar[int] = 6
    refused: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "gaussian": ("data",),
        "gmm": ("data",),
        "kde": ("data", "shape"),
    }

    def quantity(self, metric: str) -> Quantity | None:
        """Long name, unit and reference level of a metric.

        The error that operators are compared by speaks for the drift from the truth, if
        it is of no other aspect.
        """
        found = _JUDGED.get(metric) or super().quantity(metric)
        if found and metric == self.error and not found.aspect:
            return found._replace(aspect="drift")
        return found

    def derived(self) -> tuple[str, ...]:
        """Names of what operators keep, reach and cost."""
        tail = ("late_tail", "lost_tail") if TAIL in self.measured() else ()
        right = (
            ("phi", "psi", "wrong") if "right" in self.learner.knows_of_rows() else ()
        )
        shares = ("kept_share", "effective_share", "late_kept", "late_effective")
        return (*shares, "cost", "late_error", "growth", "gain", "gain_none") + (
            *tail,
            *right,
        )

    # What is shown of it

    def derive(self, dataset: "xr.Dataset") -> "xr.Dataset":
        """The dataset with what operators keep, reach and cost."""
        found: xr.Dataset
        found = load("collapse.sims.verification.worth").derive(self, dataset)
        return found

    def figures(self) -> tuple[Mapping[str, Any], ...]:
        """Tables `[figure]` of errors over generations, or over several settings."""
        return tell.figures(self)

    def caption(self) -> str:
        """The caption of the default figure."""
        return tell.caption(self)

    def closing(self, dataset: "xr.Dataset") -> str:
        """A table of operators, and the answer in a sentence."""
        return tell.closing(self, dataset)

    # Whether it can be run

    def resolved(self, rows: int, dimension: int) -> Self:
        """The study with open fields filled in."""
        found = super().resolved(rows, dimension)
        sizes = self.samples_per_generation or (found.learner.default_rows,)
        known = found.errors()
        wanted = (*_USUAL_ERRORS, self.learner.location_error)
        first = next((name for name in wanted if name in known), next(iter(known), ""))
        directed = "displaced" in found.learner.knows_of_rows()
        usual = type(self).verifier_bias
        bias = self.verifier_bias if directed or self.verifier_bias != usual else (0.0,)
        found = dataclasses.replace(
            found,
            samples_per_generation=sizes,
            operator=self.operator or checks.usual(found),
            verifier_bias=bias,
            error=self.error or first,
            late=late.fitted(self, self.num_generations),
        )
        of_model = found.of_model()
        own = tuple(name for name in found.measured() if name in of_model)
        family = dataclasses.replace(found.learner, metrics=own)
        return dataclasses.replace(found, family=family)

    def quick(self) -> Self:
        """A small version: two values of each axis but the operator at most."""
        small = super().quick()
        axes = (a for a in self.axes() if a != "operator")
        few = {axis: getattr(self, axis)[:2] for axis in axes}
        few["samples_per_generation"] = capped(self.samples_per_generation, 100)
        return dataclasses.replace(small, **few, late=min(self.late, 3))

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        snapshots.refuse(self, "are not kept of verified models; drop them")
        late.check(self, self.num_generations)
        checks.check(self)
        super().check()
        least, sizes = self.learner.least_rows(), self.samples_per_generation
        if min(sizes) < least:
            raise InputError(
                f"samples_per_generation: {min(sizes)}, but a fit needs {least}; give "
                "more"
            )
        if not self.workflows:
            raise InputError("workflows: empty; name one, such as replace")
        dataclasses.replace(
            self.learner,
            samples_per_generation=(max(sizes),),
            workflows=self.workflows,
        ).check()
