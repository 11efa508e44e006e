"""Tasks of one function, read from their prompts.

`f(a,b)=(a+3)*b`, `f(a)=a<5?a+1:0`, `f(a)=a*2+1,4 times` (a becomes the value of the
formula, four times) and `g(a)=a*2,f(a,b)=g(a)+g(b)`.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from collapse.data.worlds.programs.formulas import Formula, computed, read_formula
from collapse.data.worlds.programs.tasks import Call, Exercise, inputs_of

FAMILIES = ("chain", "choice", "loop", "call")  # the most frequent first
LARGEST = 10  # input, without its sign
_DRAWN = 20  # tests of two variables
_PATTERN = re.compile(
    r"(?:g\(a\)=([^,?:]+),)?"
    r"f\((a|a,b)\)=([^,?:]+)(?:\?([^,?:]+):([^,?:]+)|,([1-9]) times)?",
    re.ASCII,
)
_COMPARISONS = "<>="


class _Function(NamedTuple):
    """The formulas of a function.

    Attributes:
      family: of its template.
      first: the formula, or the condition of a choice.
      others: what a choice chooses from, if the condition holds and if not.
      helper: the formula of `g`, if there is one.
      times: how often the formula is applied.
    """

    family: str
    first: Formula
    others: tuple[Formula, ...] = ()
    helper: Formula | None = None
    times: int = 1

    @property
    def formulas(self) -> tuple[Formula, ...]:
        own = (self.first, *self.others)
        return own if self.helper is None else (*own, self.helper)

    def value(self, values: Mapping[str, int]) -> int:
        """The value for these inputs, found from the formulas alone."""
        functions = dict[str, Callable[[int], int]]()
        if (helper := self.helper) is not None:
            functions["g"] = lambda x: computed(helper, {"a": x})
        if self.others:
            chosen = self.others[not computed(self.first, values)]
            return computed(chosen, values)
        found = values["a"]
        for _ in range(self.times):
            found = computed(self.first, {**values, "a": found}, functions)
        return found


def function_exercise(text: str) -> Exercise | None:
    """The task of a prompt without its separator; None if the text is none."""
    matched = _PATTERN.fullmatch(text)
    if matched is None:
        return None
    names = matched[2].split(",")
    function = _function(matched, {*names})
    if function is None:
        return None
    depth = sum(formula.operations for formula in function.formulas)
    tests = list[tuple[Call, ...]]()
    for inputs in _inputs(text, function, len(names)):
        try:
            value = function.value(dict(zip(names, inputs, strict=True)))
        except OverflowError:
            return None
        tests.append((Call("", inputs, (value,)),))
    return Exercise(function.family, depth, (), tuple(tests))


def _function(matched: re.Match[str], names: set[str]) -> _Function | None:
    """The formulas of a function, if each is one and uses only what it may."""
    helper, first, yes, no, times = matched.group(1, 3, 4, 5, 6)
    texts = [text for text in (first, yes, no, helper) if text is not None]
    read = [read_formula(text) for text in texts]
    formulas = [formula for formula in read if formula is not None]
    if len(formulas) < len(texts) or (helper and (yes or times)):
        return None
    if helper is not None:
        first_one, own = formulas
        if "g()" not in first_one.names() or not own.names() <= {"a"}:
            return None
        found = _Function("call", first_one, helper=own)
    elif times is not None:
        found = _Function("loop", formulas[0], times=int(times))
    else:
        family = "chain" if yes is None else "choice"
        found = _Function(family, formulas[0], tuple(formulas[1:]))
    allowed = names | {"g()"} if helper is not None else names
    used = set[str]().union(*(formula.names() for formula in formulas))
    compared = sum(text.count(sign) for text in texts for sign in _COMPARISONS)
    is_choice = yes is not None
    if compared != is_choice or (formulas[0].head in _COMPARISONS) != is_choice:
        return None
    return found if used <= allowed else None


def _inputs(text: str, function: _Function, num: int) -> list[tuple[int, ...]]:
    """Inputs of the tests: of one variable all, of two variables drawn ones.

    If there is a condition, both sides of it are tried, and its border.
    """
    if num == 1:
        return [(x,) for x in range(-LARGEST, LARGEST + 1)]
    drawn = inputs_of(text).integers(-LARGEST, LARGEST + 1, (_DRAWN, num))
    found = [tuple(int(x) for x in row) for row in drawn]
    if function.others:
        found += [(near, 2) for near in (1, 2, 3)]
    return found
