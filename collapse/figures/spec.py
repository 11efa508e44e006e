"""What a figure shows and where: the `[figure]` table of an experiment's TOML."""

import dataclasses
import math
import numbers
from collections.abc import Container, Iterable, Mapping
from typing import Annotated, Any, Literal

from collapse.data.errors import InputError
from collapse.experiment.derived import OUTCOME, source
from collapse.experiment.fields import OnlyIfSet

OF_SAMPLES = ("samples", "images")  # kinds that show what models generate


@dataclasses.dataclass(frozen=True)
class Figure:
    """How the results of an experiment are drawn: the `[figure]` table of its TOML.

    Several are an array of tables, `[[figure]]`, told apart by their names.

    Attributes:
      name: added to the names of files; empty for none.
      kind: "curves" over generations or an axis, a "map" whose cells are coloured by a
        metric, "samples" generated at the snapshots, or "images" among them, the
        "profile" of definitions of collapse, which has no metrics and no x of its own,
        or the "density" of one metric over seeds, at generations that are told apart by
        colour.
      metrics: one panel each; empty for the family's own choice.
      x: "generation", or an axis, against whose values is drawn: of numbers, or of
        words, which stand side by side with a dot each; for a histogram, what its bins
        count by.
      y: of a map: the axis that runs upwards.
      generations: those drawn if x is an axis, or of a density; empty for the last
        one.
      hue: coordinate told apart by colour: "workflow", an axis, or "generation" if x is
        an axis; of no meaning in a map.
      columns: coordinate with one column of panels a value; empty for none.
      rows: coordinate with one row of panels a value; empty for none.
      statistic: "mean" or "median" over seeds, the solid line; "auto" is the mean of
        metrics whose expectation is known and the median of others. "first" is the run
        of the first seed, for papers that show a single one.
      band: what is shaded about a curve: "seeds", the 5 % to 95 % quantiles over seeds,
        or the 95 % confidence interval of their "mean" or "median", which is then the
        curve. Of fewer than 13 seeds the runs are drawn instead of quantiles.
      x_scale: "linear" or "log" (generations are drawn as t + 1, the number of fits).
      y_scale: "linear" or "log"; "auto" is the logarithm for errors whose curves are
        positive and differ by more than a factor of 30. In a map, of its colours.
      y_limits: least and largest y that an axis of curves shows, for one wild curve
        flattens all others; empty for all that is there. No panel is made larger by
        them. Where a curve is beyond, a triangle stands at the edge.
      levels: values of y marked by dotted lines in every panel of curves.
      levels_label: what they are, written at the highest.
      title: drawn above the panels.
      caption: drawn below them.
      caption_in: "figure", or "file": then it is <figure>.txt beside it.
      cites: paper, and place in it, whose figure or claim this one repeats; it is kept
        with the results.
      width: "column" or "page" of a journal, 3.4 and 7 inches; "auto" gives each panel
        the width that it needs.
      formats: of the files.
    """

    name: str = ""
    kind: Literal["curves", "map", "samples", "images", "profile", "density"] = "curves"
    metrics: tuple[str, ...] = ()
    x: str = "generation"
    y: str = ""
    generations: tuple[int, ...] = ()
    hue: str = "workflow"
    columns: str = ""
    rows: str = ""
    statistic: Literal["auto", "mean", "median", "first"] = "auto"
    band: Literal["seeds", "mean", "median"] = "seeds"
    x_scale: Literal["linear", "log"] = "linear"
    y_scale: Literal["auto", "linear", "log"] = "auto"
    y_limits: Annotated[tuple[float, ...], OnlyIfSet()] = ()
    levels: tuple[float, ...] = ()
    levels_label: str = ""
    title: str = ""
    caption: str = ""
    caption_in: Literal["figure", "file"] = "figure"
    cites: str = ""
    width: Literal["auto", "column", "page"] = "auto"
    formats: tuple[Literal["png", "svg", "pdf"], ...] = ("png", "svg")

    def stem(self, base: str) -> str:
        """File name without its ending."""
        return f"{base}_{self.name}" if self.name else base

    @property
    def inches(self) -> float:
        """Width of the whole figure in inches; 0 if it follows from the panels."""
        return {"auto": 0.0, "column": 3.4, "page": 7.0}[self.width]

    def roles(self) -> dict[str, str]:
        """Role in the figure -> name of its coordinate; "" if it has none."""
        first = {"y": self.y} if self.kind == "map" else {"hue": self.hue}
        return first | {"columns": self.columns, "rows": self.rows}

    def resolved(self, several: Container[Any]) -> "Figure":
        """The figure; drawn over generations if its x is not among `several`.

        An axis that came down to a single value is no axis to draw against.
        """
        if self.x == "generation" or self.x in several:
            return self
        hue = "workflow" if self.hue == "generation" else self.hue
        return dataclasses.replace(self, x="generation", hue=hue, generations=())

    def drawn(self, generations: Iterable[int]) -> list[int]:
        """The generations that are drawn if x is an axis."""
        return list(self.generations or list(generations)[-1:])

    def check(self, values: Mapping[str, Iterable[Any]]) -> None:
        """Raise InputError if coordinates cannot be drawn where the figure has them.

        Args:
          values: coordinate -> its values. Those that are not there have no more than
            one value, and are left out.
        """
        if not self.formats:
            raise InputError("formats: empty; name png, svg or pdf")
        if self.rows and self.rows == self.columns:
            raise InputError(f"rows: {self.rows} is in the columns; name another")
        if self.band != "seeds" and self.statistic not in ("auto", self.band):
            raise InputError(
                f"band: an interval of the {self.band}, but statistic is "
                f"{self.statistic}; drop one"
            )
        if self.y_limits:
            self._check_limits()
        if self.kind == "profile":
            self._check_profile()
        if self.kind == "density":
            self._check_density()
        if self.kind == "map" and not self.y:
            raise InputError("y: empty; name the axis that runs upwards in the map")
        for role, name in self.roles().items():
            if name == self.x and self.kind != "density":
                raise InputError(f"{role}: {name} is the x axis; name another")
            if name == "generation" and role != "hue":
                raise InputError(f"{role}: generation can only be x or hue")
            if self.kind == "map" and role != "y" and name == self.y:
                raise InputError(f"{role}: {name} is the y axis; name another")
        self._check_generations(set(values.get("generation", ())))
        if self.kind == "map" or self.x == "generation" or self.x not in values:
            return
        if self.x != "workflow" and all(isinstance(v, str) for v in values[self.x]):
            self._check_words()
            return
        for value in values[self.x]:
            if not isinstance(value, numbers.Real):
                raise InputError(f"x: {self.x} has no numbers; name another axis")
            if self.x_scale == "log" and value <= 0:
                raise InputError(
                    f"x_scale: {self.x} has the value {value:g}, which a log axis does "
                    "not show; use linear or drop it"
                )

    def _check_words(self) -> None:
        """Raise InputError for what an axis of words does not have."""
        if self.kind != "curves" or any(source(m)[1] == OUTCOME for m in self.metrics):
            raise InputError(f"x: {self.x} has no numbers; name another axis")
        if self.x_scale == "log":
            raise InputError(f"x_scale: {self.x} has words, no numbers; use linear")
        if self.y_limits:
            raise InputError(f"y_limits: not over {self.x}, which has words; drop them")

    def _check_limits(self) -> None:
        """Raise InputError for limits of y that are none, or of no curves."""
        if self.kind != "curves":
            raise InputError(f"y_limits: only of curves; drop them from a {self.kind}")
        known = len(self.y_limits) == 2 and all(map(math.isfinite, self.y_limits))
        if not known or not self.y_limits[0] < self.y_limits[1]:
            told = list(self.y_limits)
            raise InputError(f"y_limits: {told}; give the least and the largest value")
        if self.y_scale == "log" and self.y_limits[0] <= 0:
            low = f"{self.y_limits[0]:g}"
            raise InputError(f"y_limits: {low} is on no log axis; give more than 0")

    def _check_profile(self) -> None:
        """Raise InputError for what a profile does not have."""
        if self.metrics:
            raise InputError("metrics: a profile shows definitions instead; drop them")
        if self.x != "generation":
            raise InputError(f"x: {self.x}; a profile has no such axis, drop it")
        if self.hue == "generation":
            raise InputError("hue: a profile is of the last generation; name an axis")

    def _check_density(self) -> None:
        """Raise InputError for what a density does not have."""
        if len(self.metrics) != 1:
            raise InputError("metrics: a density is of one; name it")
        if self.x != "generation":
            raise InputError(f"x: {self.x}; a density has values there, drop it")

    def _check_generations(self, known: set[int]) -> None:
        """Raise InputError for generations that are not there or have no role."""
        chosen = self.generations
        along = self.x == "generation" and self.kind != "density"
        if chosen and along:
            raise InputError("generations: chosen, but x is generation; name an axis")
        for t in chosen:
            if t not in known:
                last = max(known, default=0)
                raise InputError(
                    f"generations: {t} is not there; stay within 0..{last}"
                )
        if len(set(chosen)) < len(chosen):
            raise InputError("generations: a value is repeated; name each once")
        if len(chosen) > 1 and self.hue != "generation":
            raise InputError(
                "generations: several, but hue is not generation; name one, or "
                'hue = "generation"'
            )
