"""What a user hands to `compare`: rows of data, and workflows by name or as objects."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from collapse.core.types import Batch, Key, Workflow
from collapse.data.errors import InputError, ModelError
from collapse.experiment.workflows import WorkflowSpec, read
from collapse.lab.conformance.words import explained, kind
from collapse.numerics import draws

_NAME_IT = 'name it: {"forget": ...}'


def rows(data: Any) -> Batch:
    """A user's rows as a tree of NumPy arrays with a common first axis.

    Args:
      data: an array, a tree of arrays, or a table of pandas.

    Raises:
      InputError: for what is no rows of finite numbers.
    """
    if isinstance(data, str | bytes):
        raise InputError(
            f"data: {data!r} is text; give the rows, such as numpy.loadtxt(...) or "
            "pandas.read_csv(...), or run a family: collapse.run(..., data=...)"
        )
    tree = data.to_numpy() if hasattr(data, "to_numpy") else data
    if isinstance(tree, list):
        tree = np.asarray(tree)
    found = jax.tree.map(np.asarray, tree)
    leaves = jax.tree.leaves(found)
    if not leaves or any(leaf.ndim == 0 or not len(leaf) for leaf in leaves):
        raise InputError("data: no rows; give arrays [rows, ...]")
    if len({len(leaf) for leaf in leaves}) > 1:
        told = ", ".join(str(len(leaf)) for leaf in leaves)
        raise InputError(f"data: arrays of {told} rows; give all the same number")
    for leaf in leaves:
        if leaf.dtype.kind not in "fiub":
            raise InputError(f"data: holds {leaf.dtype}, not numbers; give numbers")
        bad = np.argwhere(~np.isfinite(leaf))
        if len(bad):
            where = "".join(f", column {c}" for c in bad[0][1:2])
            raise InputError(
                f"data: row {bad[0][0]}{where} is {leaf[tuple(bad[0])]} (counted from "
                "0); drop it or fill it in"
            )
    return found


def as_floats(data: Batch) -> Batch:
    """The rows with floats in place of whole numbers and of truth values."""
    return jax.tree.map(lambda leaf: np.asarray(leaf, float), data)


def check_whole(data: Batch, check: Callable[[], None]) -> None:
    """Raise InputError if a model fails with whole numbers, and with floats does not.

    Args:
      data: rows with which it fails.
      check: raises ModelError if it fails with `as_floats` of them, too.
    """
    leaves = jax.tree.leaves(data)
    whole = {str(leaf.dtype): None for leaf in leaves if leaf.dtype.kind != "f"}
    if not whole:
        return
    try:
        check()
    except ModelError:  # it is not the data
        return
    where = "data" if len(leaves) == 1 else "array"
    raise InputError(
        f"data: holds whole numbers ({', '.join(whole)}), with which the model fails "
        f"and with floats it does not; give {where}.astype(float)"
    ) from None


def length(data: Batch) -> int:
    """Number of rows."""
    return len(jax.tree.leaves(data)[0])


def sampler(data: Batch) -> Callable[[Key, int], Batch]:
    """(key, num) -> rows drawn without replacement, in random order.

    Floats take the precision that jax is set to; whole numbers stay what they are.
    """

    def placed(leaf: np.ndarray) -> jax.Array:
        floating = leaf.dtype.kind == "f"
        return jnp.asarray(leaf, jnp.result_type(float) if floating else None)

    held, count = jax.tree.map(placed, data), length(data)

    def draw(key: Key, num: int) -> Batch:
        chosen = draws.shuffled(key, count, num)
        return jax.tree.map(lambda leaf: leaf[chosen], held)

    return draw


def workflows(
    asked: str | Sequence[Any] | Mapping[str, Any], num_generations: int
) -> dict[str, Workflow]:
    """Label -> workflow, in order.

    Args:
      asked: a text, several, or name -> text, Workflow, or function from the number
        of generations to a Workflow.
      num_generations: of the run.

    Raises:
      InputError: for what is no workflow, or one of fewer generations.
    """
    if isinstance(asked, Workflow) or callable(asked):
        raise InputError(f"workflows: {kind(asked)} has no name; {_NAME_IT}")
    if isinstance(asked, str | WorkflowSpec):
        asked = [asked]
    if isinstance(asked, Mapping):
        named = dict(asked)
    else:
        labels = [_label(one) for one in asked]
        named = dict(zip(labels, asked, strict=True))
        if not labels or len(named) < len(labels):
            raise InputError("workflows: empty or repeated; name each workflow once")
    if not named:
        raise InputError("workflows: empty or repeated; name each workflow once")
    return {str(n): _workflow(str(n), one, num_generations) for n, one in named.items()}


def _label(one: Any) -> str:
    """The label of a workflow that is given without a name."""
    if isinstance(one, Workflow) or callable(one):
        raise InputError(f"workflows: {kind(one)} has no name; {_NAME_IT}")
    if isinstance(one, WorkflowSpec):
        return one.label
    if not isinstance(one, str):
        raise InputError(f"workflows: {one!r}; give a text such as 'window 5'")
    return read(one).label


def _workflow(name: str, one: Any, num_generations: int) -> Workflow:
    """The workflow of a run, from what was given for it."""
    spec = read(one) if isinstance(one, str) else one
    if isinstance(spec, WorkflowSpec):
        made: Any = spec.make(num_generations)
    elif callable(spec) and not isinstance(spec, Workflow):
        try:
            made = spec(num_generations)
        except Exception as error:
            raise InputError(f"workflows: {name}: {explained(error)}") from error
    else:
        made = spec
    if not isinstance(made, Workflow):
        raise InputError(
            f"workflows: {name}: {kind(made)}; give a text such as 'window 5', a "
            "collapse.Workflow, or a function from the number of generations to one"
        )
    most = made.num_generations
    if most is not None and most < num_generations:
        raise InputError(
            f"workflows: {name}: made for {most} generations, but num_generations is "
            f"{num_generations}; make it for as many, or give the function that makes "
            "it"
        )
    if made.adds:
        raise InputError(
            f"workflows: {name}: adds rows up, which only those of the lab's families "
            "may be; give 'accumulate'"
        )
    return made
