"""The compiled programs of tasks: one for all that share it; and keys of seeds."""

import functools
import threading
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from collapse.core import loop, streams
from collapse.core.seeds import over_seeds
from collapse.core.types import Problem
from collapse.experiment.condition import Condition
from collapse.experiment.task import Task
from collapse.lab import hosted, seat
from collapse.lab.stored import Kept, kept


class Program(NamedTuple):
    """Compiled functions of keys of many seeds.

    Attributes:
      blank: (roots, *values) -> states before generation 0.
      walk: number of steps -> ((roots, states, *values) -> (states, traces)).
      prepare: (number of steps, roots, *values) -> what `walk` calls for these, once
        that is compiled; no state is made. None of models that are not compiled.
      num_rows: rows a generation generates.
      shapes: of what `blank` gives; found once for a number of seeds, since values
        that share a program have shapes in common.
    """

    blank: Callable[..., Any]
    walk: Callable[[int], Callable[..., Any]]
    prepare: Callable[..., Any]
    num_rows: int
    shapes: Callable[..., Any]


def _measuring(problem: Problem, names: tuple[str, ...]) -> Problem:
    """The problem with only the metrics that are asked for, at any share of rows."""
    some = {name: m for name, m in problem.metrics.items() if name in names}
    others, at_share = problem.memory_metrics.items(), problem.at_share
    found = problem._replace(
        metrics={name: some[name] for name in names if name in some},
        memory_metrics={name: m for name, m in others if name in names},
    )
    if at_share is None:
        return found
    return found._replace(at_share=lambda share: _measuring(at_share(share), names))


def compiled(condition: Condition[Any], task: Task) -> Program:
    """The compiled program of a task and all that share it; kept on disk if allowed."""
    count = len(task.values)
    usual = task.workflow
    if usual is None:
        spec, last = condition.workflow, condition.num_generations
        usual = spec.make(last, task.additive)
    num_rows = task.num_rows or condition.n // task.batch_size
    measured = condition.experiment.measured()
    # values are arguments: of what a program depends on, they are no part
    spread = (task.one_by_one, task.model_devices)
    every = condition.experiment.recorded().step
    seats = (task.controller, task.curator)
    origin = (task.make_problem, usual, num_rows, spread, measured, every, seats)
    each = functools.partial(
        over_seeds, one_by_one=task.one_by_one, model_devices=task.model_devices
    )

    bound = _bound(task, usual, num_rows, measured)
    seated = _seated(task)
    if task.on_host:
        return _hosted(bound, num_rows, seated)
    lock, walks = threading.Lock(), dict[int, Kept]()

    def walk(length: int) -> Kept:
        with lock:
            if length not in walks:
                walks[length] = walking(length)
            return walks[length]

    def walking(length: int) -> Kept:
        axes = (0, loop.STATE_AXES, *[None] * count)
        advance = _advancing(bound, seated, length, every)
        mapped = each(advance, axes, (loop.STATE_AXES, 0), donate=1)
        return kept(mapped, "walk", length, *origin)

    def init(root: Any, *values: Any) -> Any:
        return loop.init(root, *bound(root, *values), **seated(root, *values))

    mapped = each(init, (0, *[None] * count), loop.STATE_AXES)
    blank = kept(mapped, "blank", *origin)
    shapes = _by_number(blank.shapes)
    if task.host_curator is not None:
        halves = _halves(bound, task.host_curator.candidates, each, count)
        own = functools.partial(seat.walk, halves)
        return Program(blank.call, own, lambda *_: None, num_rows, shapes)

    def prepare(length: int, roots: Any, *values: Any) -> Any:
        shardings = getattr(blank.program(roots, *values), "output_shardings", None)
        if shardings is None:  # nothing is compiled: jax.disable_jit
            return None
        states = jax.tree.map(_placed, shapes(roots, *values), shardings)
        return walk(length).program(roots, states, *values)

    return Program(
        blank.call, lambda length: walk(length).call, prepare, num_rows, shapes
    )


def _by_number(shapes: Callable[..., Any]) -> Callable[..., Any]:
    """The function of keys and values, called once for each number of seeds."""
    found: dict[int, Any] = {}

    def remembered(roots: Any, *values: Any) -> Any:
        if len(roots) not in found:
            found[len(roots)] = shapes(roots, *values)
        return found[len(roots)]

    return remembered


def _halves(
    bound: hosted.Bound, candidates: int, each: Callable[..., Any], count: int
) -> seat.Halves:
    """The halves of a step of all seeds, between which the host acts."""
    states, rest = loop.STATE_AXES, [None] * count
    proposed, learned = (make(bound, candidates) for make in (seat.propose, seat.learn))
    return (
        each(proposed, (0, states, *rest), 0),
        each(learned, (0, states, 0, 0, *rest), (states, 0), donate=1),
    )


def _advancing(
    bound: hosted.Bound, seated: hosted.Seated, length: int, every: int
) -> Callable[..., Any]:
    """A function of a seed's key, state and values: the state so many steps later."""
    # generation 0 is a chunk of its own where not all are recorded
    held = every if length % every == 0 else 1

    def advance(root: Any, state: Any, *values: Any) -> Any:
        own = (root, *bound(root, *values), state, length)
        return loop.advance(*own, every=held, **seated(root, *values))

    return advance


def _bound(
    task: Task, usual: Any, num_rows: int, measured: tuple[str, ...]
) -> hosted.Bound:
    """A function of a root key and the task's values: problem, workflow and n."""

    def bound(root: Any, *values: Any) -> tuple[Any, Any, int]:
        workflow = usual(*values) if callable(usual) else usual
        problem = _measuring(task.make_problem(root, *values), measured)
        return problem, workflow, num_rows

    return bound


def _seated(task: Task) -> hosted.Seated:
    """A function of a root key and the task's values: curator and controller."""
    if task.host_curator is not None:
        curator = seat.placeholder(task.host_curator.candidates)
        return lambda root, *values: {"curator": curator}

    def given(root: Any, *values: Any) -> dict[str, Any]:
        made = {"curator": task.curator, "controller": task.controller}
        return {k: make(root, *values) for k, make in made.items() if make is not None}

    return given


def _hosted(bound: hosted.Bound, num_rows: int, seated: hosted.Seated) -> Program:
    """The program of a model that jax cannot compile: plain functions."""
    return Program(
        functools.partial(hosted.blank, bound, seated),
        lambda length: functools.partial(hosted.walk, bound, seated, length),
        lambda *_: None,
        num_rows,
        functools.partial(hosted.shapes, bound, seated),
    )


def _placed(leaf: jax.ShapeDtypeStruct, sharding: Any) -> jax.ShapeDtypeStruct:
    """The shape of an array that lies on certain devices."""
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding)


def roots_of(condition: Condition[Any]) -> Any:
    """Root keys [S] of a condition, other ones for values of an independent axis."""
    experiment = condition.experiment
    own = tuple(_number(condition[axis]) for axis in experiment.independent_axes())
    return _roots(experiment.seed, experiment.num_seeds, own)


@functools.lru_cache(maxsize=1)  # neighbours in a grid often have the same
def _roots(seed: int, num_seeds: int, own: tuple[int, ...]) -> Any:
    return streams.seeds(seed, num_seeds, own)


def _number(value: Any) -> int:
    """A whole number that tells values of an axis apart, for random keys."""
    return value if isinstance(value, int) else zlib.crc32(repr(value).encode())
