"""Tasks of several methods that share a number or a list, read from their prompts.

`up:s=s+2,two:up up,get:s` and `in(a):put max 3,out:take,len:size`: the number s is 0 at
first and the list empty; `put max 3` does nothing to a list of three, `take` removes
the last number and gives it, or gives 0 if there is none.
"""

import re
from typing import NamedTuple

import numpy as np

from collapse.data.worlds.programs.formulas import Formula, computed, read_formula
from collapse.data.worlds.programs.tasks import Call, Exercise, inputs_of

FAMILIES = ("counter", "adder", "stack", "calls")  # the most frequent first
_LARGEST = 5  # input, without its sign
_SEQUENCES = 4  # tests
_MORE = 3  # calls of a sequence, beside one of each method
_MOST_METHODS = 12
_METHOD = re.compile(r"([a-z]{1,8})(\(a\))?:([^:]{1,40})", re.ASCII)
_CALLS = re.compile(r"[a-z]{1,8}( [a-z]{1,8}){1,3}", re.ASCII)
_PUT = re.compile(r"put max ([1-9])", re.ASCII)


class _Method(NamedTuple):
    """A method and what it means.

    Attributes:
      name: of it.
      kind: `set` (the number), `tell` (it), `call` (others), or for a list `put`,
        `take`, `clear` and `ask` (for its length).
      takes: whether it has an input.
      formula: of `set`, `tell` and `ask`.
      called: names of `call`.
      most: numbers that `put` leaves in the list.
    """

    name: str
    kind: str
    takes: bool
    formula: Formula | None = None
    called: tuple[str, ...] = ()
    most: int = 0

    @property
    def tells(self) -> bool:
        """Whether it has an output."""
        return self.kind in ("tell", "take", "ask")


class _Shared:
    """The number and the list of a class, changed by what its methods mean."""

    def __init__(self, methods: dict[str, _Method]) -> None:
        self.methods = methods
        self.number = 0
        self.kept = list[int]()

    def call(self, method: _Method, inputs: tuple[int, ...]) -> tuple[int, ...]:
        """The outputs of a method, found from its meaning alone."""
        values = {"s": self.number, "n": len(self.kept)}
        if inputs:
            values["a"] = inputs[0]
        if method.formula is not None:
            found = computed(method.formula, values)
            if method.kind != "set":
                return (found,)
            self.number = found
        elif method.kind == "take":
            return (self.kept.pop() if self.kept else 0,)
        elif method.kind == "clear":
            self.kept.clear()
        elif method.kind == "put" and len(self.kept) < method.most:
            self.kept += inputs
        for name in method.called:
            self.call(self.methods[name], ())
        return ()


def class_exercise(text: str) -> Exercise | None:
    """The task of a prompt without its separator; None if the text is none."""
    parts = text.split(",", _MOST_METHODS)
    read = [_method(part) for part in parts]
    methods = {method.name: method for method in read if method is not None}
    if len(methods) < len(parts) or len(parts) > _MOST_METHODS:
        return None
    simple = {m.name for m in methods.values() if m.kind == "set" and not m.takes}
    called = {name for m in methods.values() for name in m.called}
    if not called <= simple or not any(m.tells for m in methods.values()):
        return None
    found = _family(list(methods.values()))
    generator = inputs_of(text)
    tests = tuple(_sequence(generator, methods, k) for k in range(_SEQUENCES))
    return None if found is None else Exercise(*found, tuple(methods), tests)


def _method(text: str) -> _Method | None:
    """A method as it is read; None if the text is none."""
    matched = _METHOD.fullmatch(text)
    if matched is None:
        return None
    name, takes, meaning = matched[1], bool(matched[2]), matched[3]
    if put := _PUT.fullmatch(meaning):
        return _Method(name, "put", True, most=int(put[1])) if takes else None
    if meaning in ("take", "clear"):
        return None if takes else _Method(name, meaning, False)
    if _CALLS.fullmatch(meaning):
        called = tuple(meaning.split(" "))
        return None if takes else _Method(name, "call", False, called=called)
    kind, known = "tell", {"s"}
    if meaning.startswith("s="):
        kind, known, meaning = "set", {"s", "a"} if takes else {"s"}, meaning[2:]
    elif "size" in meaning and "n" not in meaning:
        kind, known, meaning = "ask", {"n"}, meaning.replace("size", "n")
    formula = read_formula(meaning)
    if formula is None or not formula.names() <= known or (takes and kind != "set"):
        return None
    return _Method(name, kind, takes, formula)


def _family(methods: list[_Method]) -> tuple[str, int] | None:
    """Family and depth of a class; None for a mixture."""
    kinds = [method.kind for method in methods]
    if "put" in kinds:
        mixed = {"set", "tell", "call"} & {*kinds}
        return None if mixed else ("stack", len(kinds) - 1)
    if {"take", "clear", "ask"} & {*kinds}:
        return None
    if "call" in kinds:
        return "calls", kinds.count("set")
    family = "adder" if any(method.takes for method in methods) else "counter"
    return family, kinds.count("set")


def _sequence(
    generator: np.random.Generator, methods: dict[str, _Method], k: int
) -> tuple[Call, ...]:
    """Calls in a random order, and at the end all that have outputs.

    A list is filled, too, until nothing can be put into it; in the first sequence its
    length is asked for all the time. Sequences end before a number gets too large.
    """
    names = list(methods)
    order = [*names, *generator.choice(names, _MORE)]
    order = [str(name) for name in generator.permutation(order)]
    asked = [name for name in names if methods[name].kind == "ask" and not k]
    for method in methods.values():
        if method.kind == "put":
            more = [method.name, *asked] * (method.most + 1)
            order = [*more, *order] if k % 2 == 0 else [*order, *more]
    order += [name for name in names if methods[name].tells]
    numbers = generator.integers(-_LARGEST, _LARGEST + 1, len(order))
    shared, found = _Shared(methods), list[Call]()
    for name, number in zip(order, numbers.tolist(), strict=True):
        inputs = (number,) if methods[name].takes else ()
        try:
            found.append(Call(name, inputs, shared.call(methods[name], inputs)))
        except OverflowError:
            break
    return tuple(found)
