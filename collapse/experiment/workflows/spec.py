"""A workflow by name: how it is written, made, drawn, and what theory says of it.

Workflows are written like function calls without brackets: `replace`, `window 5`,
`mix 0.1 fresh`. This is the one place that reads such text.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

from collapse.data.errors import InputError, hint
from collapse.experiment.fields import Bounds
from collapse.experiment.lazy import find


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A parameter of a workflow.

    Attributes:
      name: as its maker calls it.
      kind: int, float, or the tuple of words that it may be.
      bounds: of a number.
      field: of the experiment, whose values are taken where the text gives none; empty
        if the text must give one.
    """

    name: str
    kind: type[int] | type[float] | tuple[str, ...]
    bounds: Bounds = Bounds()
    field: str = ""

    def read(self, text: str) -> int | float | str:
        """The value that a word stands for.

        Raises:
          ValueError: if it is none.
        """
        if isinstance(self.kind, tuple):
            if text not in self.kind:
                raise ValueError(text)
            return text
        value = self.kind(text)
        if not self.bounds.hold(value):
            raise ValueError(text)
        return value

    def range(self) -> str:
        """What it may be: `a whole number of at least 1`, `fresh or fixed`."""
        if isinstance(self.kind, tuple):
            return " or ".join(self.kind)
        number = "a whole number" if self.kind is int else "a number"
        words = str(self.bounds).replace("a finite number", "a number")
        if "a number" in words:
            return words.replace("a number", number)
        return f"{number} of {words}"

    def __str__(self) -> str:
        """The form of the parameter in messages: `SIZE`, `fresh|fixed`."""
        words = isinstance(self.kind, tuple)
        return "|".join(self.kind) if words else self.name.upper()  # type: ignore[arg-type]


@dataclasses.dataclass(frozen=True)
class WorkflowKind:
    """A workflow before its parameters are given.

    Attributes:
      name: first word of its label.
      maker: function `(num_generations, **parameters) -> Workflow`, or
        `package.module:function`, which is loaded when it is first made.
      parameters: in the order in which they are written.
      colour: in every figure; empty for one that each figure chooses, unlike those of
        the other workflows in it.
      additive_maker: the same for rows that may be added up; None for `maker`.
      moments: `(n, num_generations, ddof, **parameters) -> Moments`, expected variance
        and error of the mean of a fit that matches its rows' moments, or where it is;
        None where no closed form is known.
      picks_single_rows: needs single samples, not statistics of whole batches.
      real_rows: `(n, **parameters) -> real rows` among the n of a generation, where
        real and synthetic ones are mixed; None if they are not.
      newest: `(num_generations, **parameters) -> [G + 1]` batches of n rows that each
        fit has, where all are of the newest model; None where some are not.
      batches: `(num_generations, **parameters) -> number`, the largest number of
        generations whose rows a fit sees at once.
    """

    name: str
    maker: str | Callable[..., Any]
    parameters: tuple[Parameter, ...] = ()
    colour: str = ""
    additive_maker: str | Callable[..., Any] | None = None
    moments: str | Callable[..., Any] | None = None
    picks_single_rows: bool = False
    real_rows: Callable[..., int] | None = None
    newest: Callable[..., list[int]] | None = None
    batches: Callable[..., int] = lambda num_generations, **parameters: 1

    def form(self) -> str:
        """The form of its text: `mix SHARE fresh|fixed`."""
        return " ".join([self.name, *map(str, self.parameters)])


@dataclasses.dataclass(frozen=True)
class WorkflowSpec:
    """A workflow with its parameters.

    Attributes:
      kind: what it is one of.
      values: of the kind's parameters, in order.
      label: in results and figures; empty for the text it would be read from.
    """

    kind: WorkflowKind
    values: tuple[int | float | str, ...] = ()
    label: str = ""

    def __post_init__(self) -> None:
        """Fill in the label."""
        words = [self.kind.name, *map(_spelled, self.values)]
        object.__setattr__(self, "label", self.label or " ".join(words))

    @property
    def name(self) -> str:
        """The workflow's name: the first word of its text."""
        return self.kind.name

    @property
    def parameters(self) -> Mapping[str, int | float | str]:
        """Name of each parameter -> its value."""
        names = [parameter.name for parameter in self.kind.parameters]
        return dict(zip(names, self.values, strict=True))

    def make(self, num_generations: int, additive: bool = False) -> Any:
        """The `collapse.Workflow`, for a run of so many generations.

        Args:
          additive: whether rows of the task may be added up.
        """
        maker = self.kind.maker
        if additive and self.kind.additive_maker is not None:
            maker = self.kind.additive_maker
        return _called(maker)(num_generations, **self.parameters)

    def moments(self, n: int, num_generations: int, ddof: int = 0) -> Any:
        """`theory.Moments` [G + 1] of a fit with its rows' moments; None if unknown."""
        if self.kind.moments is None:
            return None
        form = _called(self.kind.moments)
        return form(n, num_generations, ddof, **self.parameters)

    def real_rows(self, n: int) -> int | None:
        """Real rows among the n of a generation; None if real ones are not mixed in."""
        rows = self.kind.real_rows
        return None if rows is None else rows(n, **self.parameters)

    def batch_size(self, n: int) -> int:
        """Samples behind one row of statistics: n, or what divides real and others."""
        real = self.real_rows(n)
        return n if real is None else math.gcd(real, n)

    def newest(self, num_generations: int) -> list[int] | None:
        """Batches of n rows that each fit has, all of the newest model; else None."""
        of = self.kind.newest
        return None if of is None else of(num_generations, **self.parameters)

    def batches(self, num_generations: int) -> int:
        """Largest number of generations whose rows a fit sees at once."""
        return self.kind.batches(num_generations, **self.parameters)


def _called(maker: str | Callable[..., Any]) -> Callable[..., Any]:
    found: Callable[..., Any] = find(maker) if isinstance(maker, str) else maker
    return found


def _spelled(value: int | float | str) -> str:
    """Shortest exact text of a number: 0.1 for 0.1 and 1 for 1.0."""
    return value if isinstance(value, str) else repr(value).removesuffix(".0")


def read_as(text: str, kinds: Mapping[str, WorkflowKind], field: str) -> WorkflowSpec:
    """The workflow that a text names, all of its parameters given.

    Raises:
      InputError: for a text that is none; begins with `field`.
    """
    name, *words = text.split() or [""]
    if name not in kinds:
        known = ", ".join(kind.form() for kind in kinds.values())
        near = hint(name, kinds)
        raise InputError(f"{field}: unknown {text!r}; known are {known}{near}")
    kind, values = kinds[name], []
    for parameter, word in zip(kind.parameters, words, strict=False):
        try:
            values.append(parameter.read(word))
        except (ValueError, OverflowError):
            raise InputError(
                f"{field}: {name}: {parameter.name.upper()} is {word}; give "
                f"{parameter.range()}"
            ) from None
    if len(words) != len(kind.parameters):
        raise InputError(
            f"{field}: {text!r} is not how {name} is written; give {kind.form()!r}"
        )
    return WorkflowSpec(kind, tuple(values))
