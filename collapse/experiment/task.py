"""A task: what is learned in a condition, ready to run.

A family's module `task` makes one. Here also stands what most families do alike: where
real rows come from, and which rows are held out. Imports jax.
"""

from collections.abc import Callable, Hashable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from collapse.core import streams
from collapse.core.types import Batch, Controller, Curator, Params, Problem, Workflow
from collapse.data.tables import RealData
from collapse.experiment.row_truth import RowTruth
from collapse.numerics import draws
from collapse.numerics.threefry import Key

HELD_OUT = 500  # rows drawn for the test error of one seed


class Curated(NamedTuple):
    """What a curator on the host has decided in one generation, for all seeds.

    Attributes:
      weights: [S, candidates * n], 0 for rows that are rejected; None in generation 0.
      told: name -> [S], what is told of it in the trace.
      batch: the candidates, some of them rewritten: leaves of the shapes and dtypes
        that they were given with. None if they stay as they are.
    """

    weights: Any
    told: Mapping[str, Any]
    batch: Batch | None = None


class HostCurator(NamedTuple):
    """A curator that looks at rows on the host, between generating and learning.

    Attributes:
      candidates: rows generated for each row that can be kept.
      weigh: (roots [S], states [S, ...], batch with leaves [S, candidates * n, ...],
        spans [S, 2]) -> `Curated`. Of the candidates only those in the span, counted as
        in `range`, are looked at. Generation 0 has no candidates: the batch is None,
        and only what is told is used.
    """

    candidates: int
    weigh: Callable[[Any, Any, Any, Any], Curated]


class Task(NamedTuple):
    """What is learned in a condition.

    Attributes:
      make_problem: (root key, *values) -> Problem.
      values: arrays in which the problem differs from others of the same program.
      batch_size: samples behind one row of a batch.
      additive: rows may be added up.
      workflow: another one than the condition's, or values -> Workflow.
      num_rows: rows a generation generates, if not the condition's n / batch_size.
      points: (key, params, num) -> [num, d] samples, what a snapshot keeps.
      program: what tells programs apart: tasks with the same one are compiled once.
        None for a program of its own.
      biased: (root key, bias, sizes, *values) -> Problem whose model generates with
        `bias` times its variance, or with another kind of bias; None if the family
        cannot say how a biased sampler looks. `sizes` is [2], the samples in the two
        rows of a generation, if `batched`, else None.
      batched: rows of `biased` are whole batches, drawn from the law of their
        statistics; else they are single samples.
      monitors: name -> (root key, sizes, *values) -> `monitors.Monitor`, the family's
        own ones.
      reference: (root key, num) -> [num, d] real rows for a monitor, apart from those
        that are trained on or held out; None if there are none.
      rows: what is known of single rows, for judges of them; None if nothing is.
      observe: (roots, states) -> name -> [S, ...], measured on the host after every
        generation; each is then saved at once.
      speed: (trace of one generation, its seconds) -> words for the progress bar.
      one_by_one: a device runs its seeds one after the other.
      model_devices: that compute one seed together.
      controller: (root key, *values) -> Controller; None for the constant one.
      curator: (root key, *values) -> Curator; None to keep all rows.
      host_curator: in its place, one that acts on the host; None for none. Its tasks
        have `observe`, too, and no workflow that writes several slots at once.
      pooled: parameters of several models, stacked along a first axis -> those of their
        mixture in equal parts; None if that is no model of the family.
      on_host: its model is of another framework, which jax cannot compile: it is run
        step by step (`lab.hosted`).
    """

    make_problem: Callable[..., Problem]
    values: tuple[Any, ...] = ()
    batch_size: int = 1
    additive: bool = False
    workflow: Workflow | Callable[..., Workflow] | None = None
    num_rows: int | None = None
    points: Callable[[Key, Params, int], Array] | None = None
    program: Hashable = None
    biased: Callable[..., Problem] | None = None
    batched: bool = False
    monitors: Mapping[str, Callable[..., Any]] = MappingProxyType({})
    reference: Callable[[Key, int], Array] | None = None
    rows: RowTruth | None = None
    observe: Callable[[Any, Any], dict[str, Any]] | None = None
    speed: Callable[[Mapping[str, Any], float], str] | None = None
    one_by_one: bool = False
    model_devices: int = 1
    controller: Callable[..., Controller] | None = None
    curator: Callable[..., Curator] | None = None
    host_curator: HostCurator | None = None
    on_host: bool = False
    pooled: Callable[[Params], Params] | None = None


class RealRows(NamedTuple):
    """Where real rows come from: a known distribution, or a user's table.

    Attributes:
      draw: (key, num) -> [num, d], a sample; its first k rows are a sample of k.
      held_out: root key -> [m, d] rows that no generation is trained on.
      known: whether the distribution is known.
      reference: (root key, num) -> [num, d] rows for a monitor, apart from both.
    """

    draw: Callable[[Key, int], Batch]
    held_out: Callable[[Key], Array]
    known: bool
    reference: Callable[[Key, int], Array] | None = None


def real_rows(
    data: RealData | None,
    sample: Callable[[Key, int], Array],
    num_held_out: int = HELD_OUT,
) -> RealRows:
    """Rows of the data where there are some, else samples of the truth.

    Args:
      data: the user's rows, drawn without replacement.
      sample: (key, num) -> [num, d] of the truth.
      num_held_out: samples of the truth for the test error of one seed.
    """
    if data is not None:
        dtype = jnp.result_type(float)
        train, held = jnp.asarray(data.train, dtype), jnp.asarray(data.held_out, dtype)
        return RealRows(
            lambda key, num: train[draws.shuffled(key, len(train), num)],
            lambda root: held,
            known=False,
            reference=_watched(data),
        )

    def held_out(root: Key) -> Array:
        return sample(streams.key(root, 0, streams.Purpose.HELD_OUT), num_held_out)

    def reference(root: Key, num: int) -> Array:
        return sample(streams.key(root, 0, streams.Purpose.MONITOR), num)

    return RealRows(sample, held_out, True, reference)


def _watched(data: RealData) -> Callable[[Key, int], Array] | None:
    """The rows of the data that are set apart for a monitor; None if there are none."""
    if data.watched is None:
        return None
    rows = jnp.asarray(data.watched, jnp.result_type(float))
    return lambda root, num: rows[:num]
