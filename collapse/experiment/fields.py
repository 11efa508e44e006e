"""Declared bounds and defaults of an experiment's fields, and the one check of them.

A field says what it may hold where it is declared:

    num_seeds: Annotated[int, Bounds(1, 10**8)] = 64
    real_fraction: tuple[Share, ...] = (0.1,)
    metrics: Annotated[tuple[str, ...], Shown("all", may_be_empty=True)] = ()
"""

import ast
import dataclasses
import inspect
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from textwrap import dedent
from types import GenericAlias
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

from collapse.data.errors import InputError, unknown_value


class Bounds(NamedTuple):
    """The range of a number.

    Attributes:
      low: least value.
      high: largest value; inf for none. No field may hold inf itself, or NaN.
      above: whether `low` itself is left out.
      or_zero: whether 0 is allowed though it lies outside.
    """

    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    or_zero: bool = False

    def hold(self, value: float) -> bool:
        """Whether a value is inside; NaN and infinities never are."""
        if self.or_zero and value == 0:
            return True
        inside = self.low < value if self.above else self.low <= value
        return inside and value <= self.high and math.isfinite(value)

    def __str__(self) -> str:
        """The range in words: `a number of at least 1`."""
        low, high = _plain(self.low), _plain(self.high)
        if math.isinf(self.low) and math.isinf(self.high):
            words = "a finite number"
        elif math.isinf(self.high):
            words = f"a number above {low}" if self.above else f"at least {low}"
        elif self.above:
            words = f"a number above {low} and at most {high}"
        else:
            words = f"a number from {low} to {high}"
        return f"0, or {words}" if self.or_zero else words


class Shown(NamedTuple):
    """The text that help shows as the default of a field.

    Attributes:
      default: in words, where the field is left empty and filled in later.
      may_be_empty: a tuple that need not hold a value when the experiment is run.
    """

    default: str
    may_be_empty: bool = False


class Only(NamedTuple):
    """Where a field has an effect; elsewhere, setting it is remarked on.

    Attributes:
      field: another field of the experiment.
      values: one of which that field must have, or its first word must be; none for
        any but its default.
    """

    field: str
    values: tuple[Any, ...] = ()

    def __str__(self) -> str:
        """The condition in words: `with --law zipf`, `without --data`."""
        flag = f"--{self.field.replace('_', '-')}"
        if self.values == ("",):
            return f"without {flag}"
        return f"with {' '.join([flag, ' or '.join(map(str, self.values))]).strip()}"


class OnlyIfSet(NamedTuple):
    """Marks a field that tables and digests leave out while it has its default.

    So a field that is added later leaves what was run before the same experiment.
    """


Share = Annotated[float, Bounds(0, 1)]
Count = Annotated[int, Bounds(1, 10**9)]
NonNegative = Annotated[float, Bounds(0)]
Positive = Annotated[float, Bounds(0, above=True)]


class Declared(NamedTuple):
    """What the declaration of a field says.

    Attributes:
      hint: type without annotations of ours, `int` or `tuple[int, ...]`.
      bounds: of the value, or of each value of a tuple; None for none.
      shown: how the default is told; None for the default itself.
      help: its docstring.
      owner: the class that first declares it.
      only: where it has an effect; empty for everywhere.
      only_if_set: whether tables leave it out while it has its default.
    """

    hint: Any
    bounds: Bounds | None
    shown: Shown | None
    help: str
    owner: type
    only: tuple[Only, ...] = ()
    only_if_set: bool = False


_DECLARED: dict[type, dict[str, Declared]] = {}  # reading the source takes time


def declared(kind: type) -> dict[str, Declared]:
    """Field -> what its declaration says, in order."""
    if kind in _DECLARED:
        return _DECLARED[kind]
    hints = get_type_hints(kind, include_extras=True)
    documented = _docstrings(kind)
    found = {}
    for field in dataclasses.fields(kind):
        extras = _extras(hints[field.name])
        only = tuple(x for x in extras if isinstance(x, Only))
        if_set = any(isinstance(x, OnlyIfSet) for x in extras)
        hint, bounds, shown = _read(hints[field.name])
        owners = [c for c in kind.__mro__ if field.name in inspect.get_annotations(c)]
        told = documented.get(field.name, "")
        own = Declared(hint, bounds, shown, told, owners[-1], only, if_set)
        found[field.name] = own
    _DECLARED[kind] = found
    return found


def told(experiment: Any) -> dict[str, Any]:
    """Field -> value, without those that are left out while they have their default."""
    known, kind = declared(type(experiment)), type(experiment)
    return {
        name: getattr(experiment, name)
        for name, field in known.items()
        if not field.only_if_set
        or getattr(experiment, name) != kind.__dataclass_fields__[name].default
    }


def check(experiment: Any) -> None:
    """Raise InputError for the first field that is empty, repeated or out of range."""
    for name, field in declared(type(experiment)).items():
        value = getattr(experiment, name)
        several = isinstance(value, tuple)
        if several and not value and not (field.shown and field.shown.may_be_empty):
            raise InputError(f"{name}: empty; give at least one value")
        if several and len(set(value)) < len(value):
            raise InputError(f"{name}: a value is repeated; name each once")
        for one in value if several else (value,):
            if field.bounds is not None and not field.bounds.hold(one):
                raise InputError(f"{name}: {_plain(one)}; give {field.bounds}")


def check_names(field: str, values: Iterable[str], known: Sequence[str]) -> None:
    """Raise InputError for the first value that is not among the known ones."""
    for value in values:
        if value not in known:
            raise InputError(f"{field}: {unknown_value(value, known)}")


def _extras(hint: Any) -> tuple[Any, ...]:
    """What stands beside a type in `Annotated`."""
    return get_args(hint)[1:] if get_origin(hint) is Annotated else ()


def _read(hint: Any) -> tuple[Any, Bounds | None, Shown | None]:
    """A type without annotations, and its `Bounds` and `Shown`, or None."""
    extras = _extras(hint)
    bounds = next((x for x in extras if isinstance(x, Bounds)), None)
    shown = next((x for x in extras if isinstance(x, Shown)), None)
    hint = get_args(hint)[0] if extras else hint
    if get_origin(hint) is tuple:
        inner, within, _ = _read(get_args(hint)[0])
        return GenericAlias(tuple, (inner, ...)), bounds or within, shown
    return hint, bounds, shown


def _docstrings(kind: type) -> dict[str, str]:
    """Field -> the string below its declaration; that of a subclass has precedence."""
    found: dict[str, str] = {}
    for owner in reversed(kind.__mro__):
        found |= dict(_documented(owner)) if dataclasses.is_dataclass(owner) else {}
    return found


def _documented(owner: type) -> Iterator[tuple[str, str]]:
    try:
        (body,) = ast.parse(dedent(inspect.getsource(owner))).body
    except (OSError, TypeError):  # made where there is no source, as in a shell
        return
    assert isinstance(body, ast.ClassDef)
    for field, text in itertools.pairwise(body.body):
        match field, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(words))),
            ):
                yield name, " ".join(words.split())


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
