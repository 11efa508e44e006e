"""What a part runs: its problem, and the program compiled for all that share one."""

import functools
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

from collapse.lab.stored import kept


class Setup(NamedTuple):
    """One workflow in one cell, ready to run.

    Attributes:
      make_problem: root key, *values -> Problem.
      workflow: a Workflow, or values -> Workflow.
      num_rows: rows a generation writes.
      points: (key, params, num) -> [num, d], what a snapshot keeps.
      values: arrays in which the problem differs from others of the same program.
      observe: (roots, states) -> name -> [S, ...], measured on the host after every
        generation; each is then saved at once.
      speed: (trace of one generation, its seconds) -> words for the progress bar.
      one_by_one: a device runs its seeds one after the other.
      program: what tells programs apart: setups with the same one are compiled once.
        None for a program of its own.
    """

    make_problem: Callable[..., Any]
    workflow: Any
    num_rows: int
    points: Callable[[Any, Any, int], Any]
    values: tuple[Any, ...] = ()
    observe: Callable[[Any, Any], dict[str, Any]] | None = None
    speed: Callable[[dict[str, Any], float], str] | None = None
    one_by_one: bool = False
    program: Hashable = None


class Program(NamedTuple):
    """Compiled functions of keys of many seeds.

    Attributes:
      blank: (roots, *values) -> states before generation 0.
      walk: number of steps -> ((roots, states, *values) -> (states, traces)).
      shapes: of what `blank` gives; found once for a number of seeds, since values
        that share a program have shapes in common.
    """

    blank: Callable[..., Any]
    walk: Callable[[int], Callable[..., Any]]
    shapes: Callable[..., Any]


def compiled(setup: Setup) -> Program:
    """The program of a setup, and of all that share it; kept on disk while allowed."""
    from collapse.core import loop

    count = len(setup.values)
    # values are arguments: of what a program depends on, they are no part
    origin = (setup.make_problem, setup.workflow, setup.num_rows, setup.one_by_one)

    def bound(root: Any, *values: Any) -> tuple[Any, Any, int]:
        workflow = setup.workflow
        workflow = workflow(*values) if callable(workflow) else workflow
        return setup.make_problem(root, *values), workflow, setup.num_rows

    def walk(length: int) -> Callable[..., Any]:
        def advance(root: Any, state: Any, *values: Any) -> Any:
            return loop.advance(root, *bound(root, *values), state, length)

        axes = (0, loop.STATE_AXES, *[None] * count)
        out = (loop.STATE_AXES, 0)
        one_by_one = setup.one_by_one
        mapped = loop.over_seeds(advance, axes, out, donate=1, one_by_one=one_by_one)
        return kept(mapped, "walk", length, *origin).call

    blank = kept(
        loop.over_seeds(
            lambda root, *values: loop.init(root, *bound(root, *values)),
            (0, *[None] * count),
            loop.STATE_AXES,
            one_by_one=setup.one_by_one,
        ),
        "blank",
        *origin,
    )
    found: dict[int, Any] = {}

    def shapes(roots: Any, *values: Any) -> Any:
        if len(roots) not in found:
            found[len(roots)] = blank.shapes(roots, *values)
        return found[len(roots)]

    return Program(blank.call, functools.cache(walk), shapes)
