"""A policy as a controller: it pays for real rows from a budget and keeps accounts.

The budget is a number of real rows a generation, on average. A run may be ahead of it
by so many generations of n rows, the overdraft, and never by more: what a policy asks
for beyond is not granted. Shares are turned into whole rows, and what is lost to
rounding is carried on to the next generation.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int

from collapse.core.control import thinning as thinning_lib
from collapse.core.control import trust
from collapse.core.control.policy import Number, Policy, Request, Setting, Signal
from collapse.core.control.thinning import Thinning
from collapse.core.types import Actions, Controller, Metrics

DRIFT, MONITOR, NOISE = "drift", "monitor", "monitor_noise"  # names of metrics
# what a policy is fed with, by the number of the source
SOURCES = (MONITOR, DRIFT, NOISE)


class Accounts(NamedTuple):
    """State of a policy with its accounts; sums run over generations 0 to now.

    Attributes:
      policies: state of each policy that is at hand, of which one acts.
      generation: that was measured last.
      floor: of the monitor; its value in generation 0 where it is not known.
      planned: real rows that the next generation is granted.
      carried: part of a row that rounding has left.
      spent: real rows of generations 1 to now.
      drift_sum: of the true drift.
      drift_max: of the true drift.
      variance: expected squared error of the model by the rows used, in units of that
        of a fit to n rows.
      alarms: generations in which the policy re-anchored, with rows granted.
      false_alarms: alarms while the true drift was below the policy's level.
    """

    policies: tuple[Any, ...]
    generation: Int[Array, ""]
    floor: Number
    planned: Number
    carried: Number
    spent: Number
    drift_sum: Number
    drift_max: Number
    variance: Number
    alarms: Number
    false_alarms: Number


def controller(
    policies: Sequence[Policy],
    chosen: Int[Array, ""],
    setting: Setting,
    source: Int[Array, ""],
    overdraft: Number,
    trusted: Int[Array, ""],
    thinning: Thinning | None = None,
) -> Controller:
    """The controller in which one policy of several acts, within its budget.

    All numbers may be traced, so that policies and budgets share one program. The
    problem has the metrics `DRIFT`, the true one, `MONITOR` and `NOISE`.

    Args:
      policies: at hand.
      chosen: index of the one that acts.
      setting: of the policy; also says what the budget is.
      source: index among `SOURCES` of what the policy is fed with.
      overdraft: rows that a run may be ahead of its budget, in generations of n rows.
      trusted: what real rows count, where the policy does not say; see `trust`.
      thinning: what else may be done to generated rows; None for nothing. The run then
        needs a curator of as many candidates.
    """

    def act(state: Accounts, metrics: Metrics) -> tuple[Accounts, Actions]:
        now = _measured(setting, state, metrics)
        signal = _signal(setting, now, metrics, source)
        own, request = _asked(policies, chosen, setting, now.policies, signal)
        granted, carried = _granted(setting, now, request, overdraft)
        early = metrics[DRIFT] < request.level
        alarm = request.alarm & (granted > 0)
        share = granted / setting.num_rows
        # a floor that is the value of generation 0 has the error of a fit in it
        own_error = jnp.isnan(setting.floor).astype(share.dtype)
        seen = signal.drift / setting.step + own_error
        weight = trust.chosen(trusted, now.variance, seen, share)
        weight = jnp.where(jnp.isnan(request.trust), weight, request.trust)
        part, rate = jnp.ones_like(weight), None
        if thinning is not None and thinning.by_rows:
            part = thinning_lib.chosen(trusted, now.variance, seen, share)
            part = _part(part, setting, thinning, request, granted)
            weight = jnp.ones_like(weight)
        if thinning is not None:
            rate = thinning_lib.keep_rate(thinning, part, alarm)
        now = now._replace(
            policies=own,
            planned=granted,
            carried=carried,
            variance=trust.after(now.variance, weight, share, part),
            alarms=now.alarms + alarm.astype(share.dtype),
            false_alarms=now.false_alarms + (alarm & early).astype(share.dtype),
        )
        return now, Actions(share, weight, rate)

    return Controller(lambda: _begun(policies, setting), act, report)


def _part(
    part: Number,
    setting: Setting,
    thinning: Thinning,
    request: Request,
    granted: Number,
) -> Number:
    """Share of the generated rows that is trained on, where trust is by rows.

    All of them in a generation without real rows, since there is nothing to weigh.
    """
    # as if real rows had the weight that the policy asks for
    asked = 1 / jnp.maximum(request.trust, 1)
    part = jnp.where(jnp.isnan(request.trust), part, asked)
    part = thinning_lib.enough(thinning, part, granted, setting.num_rows)
    return jnp.where(granted > 0, part, 1)


def _begun(policies: Sequence[Policy], setting: Setting) -> Accounts:
    """The accounts before generation 0."""
    nothing = jnp.zeros_like(setting.rate)
    return Accounts(
        policies=tuple(policy.init(setting) for policy in policies),
        generation=jnp.array(-1, jnp.int32),
        floor=setting.floor,
        planned=nothing,
        carried=nothing,
        spent=nothing,
        drift_sum=nothing,
        drift_max=nothing,
        variance=nothing + 1,  # generation 0 is a fit to n rows
        alarms=nothing,
        false_alarms=nothing,
    )


def report(state: Accounts) -> Mapping[str, Array]:
    """What is traced of the accounts, by name."""
    names = ("spent", "drift_sum", "drift_max", "alarms", "false_alarms")
    return {name: getattr(state, name) for name in names}


def _measured(setting: Setting, state: Accounts, metrics: Metrics) -> Accounts:
    """The accounts after the generation whose metrics these are."""
    drift, seen = (
        metrics[name].astype(setting.rate.dtype) for name in (DRIFT, MONITOR)
    )
    return state._replace(
        generation=state.generation + 1,
        floor=jnp.where(jnp.isnan(state.floor), seen, state.floor),
        spent=state.spent + state.planned,
        drift_sum=state.drift_sum + drift,
        drift_max=jnp.maximum(state.drift_max, drift),
    )


def _signal(
    setting: Setting, now: Accounts, metrics: Metrics, source: Int[Array, ""]
) -> Signal:
    """What the policy sees of the generation."""
    dtype = setting.rate.dtype
    seen = [metrics[name].astype(dtype) for name in SOURCES]
    change = seen[0] - now.floor
    seen[0] = jnp.where(setting.signed, change**2, change)
    generation = now.generation.astype(dtype)
    due = setting.rate * generation
    return Signal(
        jnp.stack(seen)[source],
        generation,
        now.planned / setting.num_rows,
        now.spent / setting.num_rows - due,
    )


def _asked(
    policies: Sequence[Policy],
    chosen: Int[Array, ""],
    setting: Setting,
    states: tuple[Any, ...],
    signal: Signal,
) -> tuple[tuple[Any, ...], Request]:
    """The states with that of the chosen policy moved on, and what it asks for."""

    def branch(index: int) -> Callable[..., tuple[tuple[Any, ...], Request]]:
        def asked(states: tuple[Any, ...]) -> tuple[tuple[Any, ...], Request]:
            own, request = policies[index].act(setting, states[index], signal)
            return (*states[:index], own, *states[index + 1 :]), request

        return asked

    if len(policies) == 1:
        return branch(0)(states)
    found: tuple[tuple[Any, ...], Request]
    found = lax.switch(chosen, [branch(i) for i in range(len(policies))], states)
    return found


def _granted(
    setting: Setting, now: Accounts, request: Request, overdraft: Number
) -> tuple[Number, Number]:
    """Whole real rows of the next generation, and the part of a row carried on."""
    n, generation = setting.num_rows, now.generation.astype(setting.rate.dtype)
    # 0.3 n in floating point may be 2.9999; of a million rows in float32 a row is lost
    least = jnp.minimum(16 * jnp.finfo(n.dtype).eps * n, 0.01)
    wanted = jnp.clip(request.share, 0, 1) * n + now.carried
    rows = jnp.floor(wanted + least)
    budget = n * (setting.rate * (generation + 1) + overdraft)
    left = jnp.floor(jnp.maximum(budget - now.spent, 0) + least)
    granted = jnp.minimum(jnp.minimum(rows, n), left)
    return granted, jnp.clip(wanted - rows, 0, 1)
