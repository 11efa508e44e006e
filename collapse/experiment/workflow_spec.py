"""Workflows by label (`window 5`, `mix 0.1 fresh`): the loop's, and their theory."""

import math
from collections.abc import Callable
from typing import Any, Literal

from collapse import theory
from collapse.experiment.spec import WORKFLOWS, InputError


def make_workflow(label: str, num_generations: int, additive: bool = False) -> Any:
    """The Workflow that a label names, for rows that may be added up or not."""
    from collapse.core import workflows

    name, *rest = label.split()
    makers: dict[str, Callable[[], Any]] = {
        "replace": workflows.replace,
        "accumulate": lambda: (
            workflows.accumulate_sums()
            if additive
            else workflows.accumulate(num_generations)
        ),
        "fixed_budget": lambda: workflows.fixed_budget(num_generations),
        "window": lambda: workflows.window(int(rest[0])),
        "replace_multiple": lambda: workflows.replace_multiple(num_generations),
        "mix": lambda: workflows.mix(float(rest[0]), _anchor(rest[1])),
    }
    return makers[name]()


def batch_size(label: str, n: int) -> int:
    """Samples behind one row of statistics: n, or what divides real and synthetic."""
    if not label.startswith("mix"):
        return n
    return math.gcd(real_rows(label, n), n)


def real_rows(label: str, n: int) -> int:
    """Real rows among the n of a label `mix share anchor`."""
    from collapse.core import workflows

    return int(workflows.real_rows(float(label.split()[1]), n))


def check_label(label: str) -> None:
    """Raise InputError for a label that `make_workflow` cannot read."""
    name, *rest = label.split() or [""]
    forms = {name: name for name in WORKFLOWS}
    forms |= {"window": "window GENERATIONS", "mix": "mix SHARE fresh|fixed"}
    try:
        fine = name in forms and len(rest) == len(forms[name].split()) - 1
        if fine and name == "window":
            fine = int(rest[0]) >= 1
        if fine and name == "mix":
            fine = 0 <= float(rest[0]) <= 1 and rest[1] in ("fresh", "fixed")
    except ValueError:
        fine = False
    if not fine:
        raise InputError(
            f"labels: unknown {label!r}; known are {', '.join(forms.values())}"
        )


def _anchor(name: str) -> Literal["fresh", "fixed"]:
    return "fixed" if name == "fixed" else "fresh"


def moments(label: str, n: int, num_generations: int, ddof: int) -> theory.Moments:
    """Expected variance and mean error of a fit that matches its rows' moments."""
    name, *rest = label.split()
    if name == "fixed_budget" and n < 2:
        return theory.replace(n, num_generations, ddof)  # every row alone is the fit

    def mixed() -> theory.Moments:
        real = real_rows(label, n)
        return theory.mix(n, real, n - real, num_generations, ddof, rest[1])

    forms: dict[str, Callable[[], theory.Moments]] = {
        "replace": lambda: theory.replace(n, num_generations, ddof),
        "accumulate": lambda: theory.accumulate(n, num_generations, ddof),
        "fixed_budget": lambda: theory.fixed_budget(n, num_generations, ddof),
        "window": lambda: theory.window(n, int(rest[0]), num_generations, ddof),
        "replace_multiple": lambda: theory.replace_multiple(n, num_generations, ddof),
        "mix": mixed,
    }
    return forms[name]()
