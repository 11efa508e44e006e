"""What a policy is given, and what it asks for: the types that all policies share."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

Number: TypeAlias = Float[Array, ""]


class Setting(NamedTuple):
    """What a policy knows before a run; numbers may be traced, one program for all.

    Attributes:
      rate: share of real rows that the budget allows in a generation, on average.
      num_rows: n, rows of a generation.
      step: drift that one generation without real rows is expected to add, in units of
        the monitor (a squared distance): a first guess, which policies correct.
      floor: what the monitor shows of a perfect model, on average: its own noise; NaN
        to take what it shows of generation 0.
      freedom: directions in which that noise is spread.
      tolerance: drift that is tolerated; NaN if none is given.
      price: of one real row, in units of the drift; NaN if none is given.
      own: the number that stands behind the policy's name; NaN for its default.
      signed: whether the monitor may change either way: the drift is then its squared
        distance from the floor.
    """

    rate: Number
    num_rows: Number
    step: Number
    floor: Number
    freedom: Number
    tolerance: Number
    price: Number
    own: Number
    signed: bool | Bool[Array, ""] = False

    def own_or(self, default: Any) -> Number:
        """The policy's own number, or a default."""
        return jnp.where(jnp.isnan(self.own), jnp.asarray(default), self.own)


class Signal(NamedTuple):
    """What a policy sees after a generation.

    Attributes:
      drift: the monitor's, less its floor; may be negative.
      generation: of the model that was measured.
      used: share of real rows that this model was trained on.
      ahead: rows spent so far beyond the budget so far, in generations of n rows.
    """

    drift: Number
    generation: Number
    used: Number
    ahead: Number


class Request(NamedTuple):
    """What a policy asks for in the next generation.

    Attributes:
      share: of real rows, in [0, 1].
      trust: weight of a real row, relative to a generated one; NaN to leave that to the
        setting of the run.
      alarm: whether the policy re-anchors, since the drift seems above `level`.
      level: drift above which it means to act; infinite if it has no such level.
    """

    share: Number
    trust: Number
    alarm: Bool[Array, ""]
    level: Number


class Policy(NamedTuple):
    """A rule that turns what a monitor shows into a share of real rows.

    Attributes:
      init: setting -> state, a pytree of arrays.
      act: (setting, state, signal) -> (state, request), after every generation.
    """

    init: Callable[[Setting], Any]
    act: Callable[[Setting, Any, Signal], tuple[Any, Request]]


def ask(
    share: Number,
    trust: Number | None = None,
    alarm: Bool[Array, ""] | None = None,
    level: Number | None = None,
) -> Request:
    """The request for a share; what is not said is left to the run, or has no level."""
    share = jnp.clip(share, 0, 1)
    return Request(
        share,
        jnp.full_like(share, jnp.nan) if trust is None else trust,
        jnp.zeros((), bool) if alarm is None else alarm,
        jnp.full_like(share, jnp.inf) if level is None else level,
    )


def open_loop(share: Callable[[Setting, Signal], Number]) -> Policy:
    """The policy without state whose share does not depend on the drift."""
    return Policy(
        lambda setting: (),
        lambda setting, state, signal: (state, ask(share(setting, signal))),
    )
