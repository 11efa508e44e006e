"""A model of one's own under several workflows, without an experiment."""

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from tqdm import tqdm

from collapse.core import loop, streams
from collapse.core.seeds import over_seeds
from collapse.core.types import Key, Problem, Workflow
from collapse.data.errors import InputError, ModelError
from collapse.lab import arrays, given, session, weighing
from collapse.lab.api import warn_of_failures
from collapse.lab.conformance.provenance import sees_all_once
from collapse.lab.conformance.quick import check_traced, quick
from collapse.lab.conformance.suspicious import suspicions
from collapse.lab.conformance.trial import Trial
from collapse.lab.conformance.weights import is_random
from collapse.lab.conformance.words import kind, tried
from collapse.lab.schedule import boundaries, lengths
from collapse.measures.catalogue import Quantity

EVERY = (
    "replace",
    "accumulate",
    "fixed_budget",
    "window 5",
    "replace_multiple",
    "mix 0.1 fresh",
)
PRECISIONS = ("float64", "float32")
_TAKEN = ("finite", "workflow", "seed", "generation")


def compare(
    problem: Problem | Callable[[Key], Problem],
    num_rows: int | None = None,
    workflows: str | Sequence[str] | Mapping[str, Any] = EVERY,
    num_generations: int = 50,
    num_seeds: int = 200,
    seed: int = 0,
    precision: str = "float64",
    *,
    data: Any = None,
    quantities: Mapping[str, Quantity] | None = None,
    check: bool = True,
    progress: bool | None = None,
) -> xr.Dataset:
    """Metrics of a model of one's own, dims (workflow, seed, generation).

    For `draw`; `finite` says whether all was finite, and a warning where it was not.
    Warns too where the model ignores weights or keys, where generation 0 depends on the
    workflow, and where seeds coincide.

    Args:
      problem: a `collapse.Problem`, or root key of a seed -> Problem.
      num_rows: n, rows a generation generates; all rows of the data if None.
      workflows: texts such as "window 5"; or name -> text, `collapse.Workflow`, or
        function from the number of generations to one.
      num_generations: after the first fit, which is generation 0.
      num_seeds: independent repetitions, paired between workflows.
      seed: root of all randomness.
      precision: "float32" or "float64", of everything that does not say its own.
      data: rows that are drawn without replacement in place of `Problem.draw`: an
        array or a tree of arrays [rows, ...], or a table of pandas. Whole numbers stay
        what they are: a model of floats needs floats.
      quantities: metric -> Quantity, its name, unit and reference in figures. A metric
        without one is called by its own name.
      check: try the cheap part of `collapse.check_model` first, which compiles a fit.
      progress: show a progress bar; where stderr is a terminal if None.

    Raises:
      InputError: for what is none of these, or a number that is too small.
      ModelError: for a model that cannot be run, with the reason.
    """
    if precision not in PRECISIONS:
        raise InputError(f"precision: {precision!r}; give {' or '.join(PRECISIONS)}")
    rows = None if data is None else given.rows(data)
    num_rows = _checked_numbers(num_rows, num_generations, num_seeds, seed, rows)
    made = given.workflows(workflows, num_generations)
    show = sys.stderr.isatty() if progress is None else progress
    with session.configured(precision):
        roots = streams.seeds(seed, num_seeds)
        make_problem = _tried(problem, rows, roots[0], num_rows, quantities)
        suspect = _Suspect(make_problem, num_rows, made, num_generations)
        said = suspect.before() if check else ()
        for line in said:
            warnings.warn(line, RuntimeWarning, stacklevel=2)
        traces = _all(roots, make_problem, made, num_rows, num_generations, show)
        for line in suspect.after(traces) if check and not said else ():
            warnings.warn(line, RuntimeWarning, stacklevel=2)
    dataset = _labelled(traces, num_generations, quantities or {})
    warn_of_failures(dataset)
    return dataset


def _tried(
    problem: Problem | Callable[[Key], Problem],
    rows: Any,
    root: Key,
    num_rows: int,
    quantities: Mapping[str, Quantity] | None,
) -> Callable[[Key], Problem]:
    """Root key -> problem, with the user's rows if there are any, after a check."""
    make_problem = _made(problem, None if rows is None else given.sampler(rows))
    try:
        _check_problem(make_problem, root, num_rows, quantities)
    except ModelError:
        if rows is not None:  # do the numbers fail, or their type?
            floats = _made(problem, given.sampler(given.as_floats(rows)))
            args = (floats, root, num_rows, quantities)
            given.check_whole(rows, lambda: _check_problem(*args))
        raise
    return make_problem


def _checked_numbers(
    num_rows: int | None, num_generations: int, num_seeds: int, seed: int, rows: Any
) -> int:
    """The number of rows of a generation; InputError for a number that is too small."""
    least = {"num_rows": 1, "num_generations": 0, "num_seeds": 1, "seed": 0}
    most = None if rows is None else given.length(rows)
    if num_rows is None and most is None:
        raise InputError("num_rows: none; give the rows that a generation generates")
    n = most if num_rows is None and most else num_rows or 0
    numbers = {"num_rows": n, "num_generations": num_generations}
    for name, value in (numbers | {"num_seeds": num_seeds, "seed": seed}).items():
        if int(value) != value or value < least[name]:
            raise InputError(
                f"{name}: {value}; give a whole number, {least[name]} or more"
            )
    if most is not None and n > most:
        raise InputError(
            f"num_rows: {n} rows are needed but data has {most}; give at most {most}"
        )
    return int(n)


def _made(
    problem: Problem | Callable[[Key], Problem], draw: Any
) -> Callable[[Key], Problem]:
    """Root key -> Problem, with the user's data in place of its own draw."""
    if not callable(problem) and not isinstance(problem, Problem):
        raise InputError(
            f"problem: {kind(problem)}; give a collapse.Problem, or a function from a "
            "key to one"
        )

    def make(root: Key) -> Problem:
        found = problem if isinstance(problem, Problem) else problem(root)
        if not isinstance(found, Problem):
            raise ModelError(f"problem: gives {kind(found)}; return a collapse.Problem")
        return found if draw is None else found._replace(draw=draw)

    return make


class _Suspect:
    """A problem under workflows that may ignore weights or keys."""

    def __init__(
        self,
        make_problem: Callable[[Key], Problem],
        num_rows: int,
        workflows: Mapping[str, Workflow],
        num_generations: int,
    ) -> None:
        """Raise InputError for weights of workflows that cannot be."""
        self.make = lambda key: _parts(make_problem(key))
        self.num_rows = num_rows
        for name, workflow in workflows.items():
            weighing.check(name, workflow, num_rows, num_generations)
        self.alike = [n for n, w in workflows.items() if sees_all_once(n, w, num_rows)]

    def before(self) -> tuple[str, ...]:
        """What is wrong with the model, tried on real rows of one seed."""
        return quick(self.make, self.num_rows)

    def after(self, traces: Mapping[str, Mapping[str, NDArray[Any]]]) -> list[str]:
        """What looks wrong in finished traces."""
        measured = {
            name: {k: v for k, v in one.items() if k != "finite"}
            for name, one in traces.items()
        }
        return suspicions(measured, self.alike, self._is_random)

    def _is_random(self) -> bool:
        return is_random(Trial(self.make, self.num_rows))


def _parts(problem: Problem) -> tuple[Any, Any]:
    return problem.model, problem.draw


def _check_problem(
    make_problem: Callable[[Key], Problem],
    root: Key,
    num_rows: int,
    quantities: Mapping[str, Quantity] | None,
) -> None:
    """Raise ModelError or InputError for a problem that cannot be run."""
    names: set[str] = set()

    def traced(key: Key) -> None:
        problem = make_problem(key)
        names.update(problem.metrics, problem.memory_metrics)
        arrays.check(*_parts(problem), num_rows)
        check_traced(*_parts(problem), problem.metrics, num_rows)

    tried("problem", lambda: jax.eval_shape(traced, root))
    if not names:
        raise InputError("metrics: none; name what is measured in Problem.metrics")
    for name in sorted(names.intersection(_TAKEN)):
        raise InputError(f"metrics: {name!r} is taken; name the metric otherwise")
    for name, quantity in (quantities or {}).items():
        if not isinstance(quantity, Quantity):
            raise InputError(
                f"quantities: {name}: {kind(quantity)}; give a collapse.Quantity("
                '"long name", "unit")'
            )
        if name not in names:
            known = ", ".join(sorted(names))
            raise InputError(f"quantities: unknown metric {name!r}; known are {known}")


def _all(
    roots: Key,
    make_problem: Callable[[Key], Problem],
    workflows: Mapping[str, Workflow],
    num_rows: int,
    num_generations: int,
    show: bool,
) -> dict[str, dict[str, NDArray[Any]]]:
    """Workflow -> what `_run` gives; with a progress bar, if it is to be shown."""
    found = {}
    total = len(workflows) * len(roots) * (num_generations + 1)
    with tqdm(total=total, unit=" fits", disable=not show) as bar:
        for name, workflow in workflows.items():
            bar.set_description(name)
            args = (make_problem, workflow, num_rows)
            found[name] = _run(roots, *args, num_generations, bar.update)
    return found


def _run(
    roots: Key,
    make_problem: Callable[[Key], Problem],
    workflow: Workflow,
    num_rows: int,
    num_generations: int,
    tell: Callable[[int], Any],
) -> dict[str, NDArray[Any]]:
    """Name -> [S, G + 1], of the metrics and of `finite`; in chunks of generations."""

    def bound(root: Key) -> tuple[Problem, Workflow, int]:
        return make_problem(root), workflow, num_rows

    def walking(length: int) -> Callable[..., Any]:
        def advance(root: Key, state: Any) -> Any:
            return loop.advance(root, *bound(root), state, length)

        return over_seeds(advance, (0, loop.STATE_AXES), (loop.STATE_AXES, 0), donate=1)

    begin = over_seeds(
        lambda root: loop.init(root, *bound(root)), out_axes=loop.STATE_AXES
    )
    ends = boundaries(num_generations, ())
    walks = {length: walking(length) for length in lengths(ends)}
    state, done, pieces = begin(roots), -1, []
    for end in ends:
        state, trace = walks[end - done](roots, state)
        arrays = {**trace.metrics, "finite": trace.finite}
        pieces.append({name: np.asarray(array) for name, array in arrays.items()})
        tell(len(roots) * (end - done))
        done = end
    return {name: np.concatenate([p[name] for p in pieces], 1) for name in pieces[0]}


def _labelled(
    traces: Mapping[str, Mapping[str, NDArray[Any]]],
    num_generations: int,
    quantities: Mapping[str, Quantity],
) -> xr.Dataset:
    """The traces as one dataset, each metric with the user's label, or its own name."""
    dims, variables = ["workflow", "seed", "generation"], {}
    for name in next(iter(traces.values())):
        attributes = {}
        if name != "finite":
            known = quantities.get(name) or Quantity(name.replace("_", " "), "")
            attributes = {"long_name": known.long_name, "units": known.unit}
            attributes |= {"aspect": known.aspect} if known.aspect else {}
        values = np.stack([one[name] for one in traces.values()])
        variables[name] = (dims, values, attributes)
    coords = {"workflow": list(traces), "generation": np.arange(num_generations + 1)}
    return xr.Dataset(variables, coords, {"axes": []})
