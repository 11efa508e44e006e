"""The vocabulary of the lab: what a model, a problem, a store and a workflow are.

Shapes are written with these letters everywhere:

  S  seeds, independent repetitions          G  generations after the first fit
  n  rows a generation writes                d  dimensions of a row
  K  mixture components                      m  points a metric looks at
  slots  places for n rows in the store      rows  rows handed to a fit
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from jaxtyping import Array, Bool, Float, Int

from collapse.numerics.threefry import Key as Key

Params: TypeAlias = Any  # pytree of arrays, the model's own
Batch: TypeAlias = Any  # pytree of arrays with a leading axis of rows
Weights: TypeAlias = Float[Array, " rows"]
Info: TypeAlias = Mapping[str, Array]  # scalars a reader wants and no step needs
Metric: TypeAlias = Callable[[Key, Params], Float[Array, ""]]


class Model(NamedTuple):
    """A generative model as three pure functions.

    Attributes:
      init: `(key, batch, weights) -> params`, where a first fit may start. It sees the
        data of generation 0, since most starting points (k-means++, a scale) need it.
      fit: `(key, params, batch, weights) -> (params, info)`, maximum likelihood or
        whatever the model calls learning. Weights are non-negative, [rows]; a row of
        weight 0 has no influence. `params` is where the search may start.
      sample: `(key, params, num) -> batch` with leaves [num, ...]; `num` is static.

    Each consumes its key.
    """

    init: Callable[[Key, Batch, Weights], Params]
    fit: Callable[[Key, Params, Batch, Weights], tuple[Params, Info]]
    sample: Callable[[Key, Params, int], Batch]


class Problem(NamedTuple):
    """A model, the nature it imitates, and what is measured on the way.

    Attributes:
      draw: `(key, num) -> batch` of real rows, leaves [num, ...]. The first k of them
        must be a sample of k: that is what a share of fresh real rows takes.
      model: the model trained in every generation.
      metrics: name -> `(key, params) -> scalar`. All metrics of a generation receive
        the same key, so those that look at a sample look at the same one.
      one_by_one: slots of a generation are written one after the other and none in
        vain, for models whose own operations fill a processor.
    """

    draw: Callable[[Key, int], Batch]
    model: Model
    metrics: Mapping[str, Metric]
    one_by_one: bool = False


class Store(NamedTuple):
    """All rows that may be trained on, at a fixed shape, with who wrote them.

    Attributes:
      data: leaves [slots, n, ...]; empty slots hold zeros.
      origin: [slots, n]; 0 for a real row, t for one written by the model of
        generation t - 1, -1 for an empty place.
    """

    data: Batch
    origin: Int[Array, "slots n"]


class Selection(NamedTuple):
    """What one fit is trained on: rows of the store and their weights.

    Attributes:
      weights: [rows], non-negative.
      rows: [rows] flat row numbers (slot * n + position), or None for every row of the
        store in order, in which case `rows` is slots * n.
    """

    weights: Weights
    rows: Int[Array, " rows"] | None = None


class Workflow(NamedTuple):
    """What each generation is trained on: a function from provenance to weights.

    Attributes:
      num_slots: places of n rows that the store keeps.
      slot: `generation -> first slot that the generation overwrites`.
      weigh: `(key, origin [slots, n], generation) -> Selection`.
      slots_per_write: slots that one generation fills, each with n rows.
      real_fraction: share of the n rows of a generation that is drawn afresh from
        nature; None (the common case) draws nothing. May be a traced scalar.
      num_generations: last generation that its store has places for; None for any.
      adds: a slot holds the sum of all that was written to it, not the newest.
    """

    num_slots: int
    slot: Callable[[Array], Array]
    weigh: Callable[[Key, Int[Array, "slots n"], Array], Selection]
    slots_per_write: int = 1
    real_fraction: float | Array | None = None
    num_generations: int | None = None
    adds: bool = False


class State(NamedTuple):
    """What the next step needs, and nothing else.

    Attributes:
      params: of the model fitted last.
      store: all rows that may be trained on.
      generation: int32 scalar, the generation of `params`.
    """

    params: Params
    store: Store
    generation: Int[Array, ""]


class Trace(NamedTuple):
    """What a reader wants to see: one entry a generation, 0 to G.

    Attributes:
      metrics: name -> [G + 1].
      info: diagnostics of the fit, name -> [G + 1].
      finite: [G + 1], whether parameters and metrics are all finite. A scan cannot
        raise, so this is how a failure is seen.
    """

    metrics: Mapping[str, Array]
    info: Info
    finite: Bool[Array, " generations"]
