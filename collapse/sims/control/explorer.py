"""Runs and charts of policies for an interactive notebook with sliders, of a Gaussian.

Everything that a slider sets enters one compiled program as numbers, which always runs
to the last generation that can be asked for: after the first run nothing is compiled
again. Settings that were run are kept, so that a slider of the policy runs one more.
"""

import functools
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Array
from numpy.typing import NDArray

from collapse.core.types import Key
from collapse.data.errors import InputError
from collapse.experiment.condition import Condition
from collapse.experiment.lazy import load
from collapse.experiment.monitors import Monitor, Sizes
from collapse.experiment.summary import summarise
from collapse.experiment.task import Task
from collapse.lab import report, session
from collapse.lab.api import Run
from collapse.lab.parts import named
from collapse.lab.programs import Program, compiled, roots_of
from collapse.lab.run import prepare
from collapse.sims.control import tell
from collapse.sims.control.experiment import Control
from collapse.sims.control.policies import read
from collapse.sims.control.task import learned, under_policy

if TYPE_CHECKING:
    import altair

POLICIES = (
    *("event", "event 0.1", "proportional", "evidence", "feed_forward", "bandit"),
    *("golden", "greedy", "periodic", "decay", "constant"),
    *("event oracle", "event 0.1 oracle", "event noise", "event 0.1 noise"),
)
MOST_GENERATIONS = 1000
MOST_MONITOR_ROWS = 10_000
EVERY = 10  # generations between two that are kept
MONITOR_SAMPLES = 10_000  # rows that the model generates for the monitor
_SEEDS = 100
_MEAN, _SPENT = "drift, mean over seeds", "real rows spent so far"
_ONE, _BOUGHT = "drift of the first run", "its real rows a generation"
PANELS = (_MEAN, _SPENT, _ONE, _BOUGHT)
_COLOURS = ("#999999", "#e69f00", "#0072b2")  # constant, golden, and what is asked

Trust = Literal["equal", "predicted", "measured"]


class Setting(NamedTuple):
    """What is run once and kept: a policy and the numbers of its run."""

    policy: str
    trust: str
    rows: int
    budget: float
    monitor_rows: int


def explore(
    policy: str,
    budget: float = 20.0,
    trust: Trust = "equal",
    monitor_rows: int = MOST_MONITOR_ROWS,
    rows: int = 1000,
    num_generations: int = MOST_GENERATIONS,
) -> Run:
    """The run of a policy, a constant share and the golden one: a Gaussian, 100 seeds.

    The numbers are those of `python -m collapse.sims.control --policy constant golden
    POLICY --num-seeds 100 --every 10 --monitor-samples 10000` with the same fields.

    Args:
      policy: as the command has it, such as `event 0.1`.
      budget: real rows that a generation may have on average.
      trust: what a real row counts under the policy.
      monitor_rows: real rows of the monitor, at most `MOST_MONITOR_ROWS`.
      rows: all rows n of a generation.
      num_generations: after the first fit, at most `MOST_GENERATIONS`.

    Raises:
      InputError: for what cannot be run.
    """
    for name, value, most in (
        ("num_generations", num_generations, MOST_GENERATIONS),
        ("monitor_rows", monitor_rows, MOST_MONITOR_ROWS),
    ):
        if value > most:
            raise InputError(
                f"{name}: {value}; give at most {most}, or use the command"
            )
    policies = tuple(dict.fromkeys(("constant", "golden", policy)))
    trusts = tuple(dict.fromkeys(("equal", trust)))
    asked = _asked(policies, trusts, rows, budget, monitor_rows, num_generations)
    experiment, _ = prepare(asked)
    kept = num_generations // EVERY + 1
    with session.configured(experiment.precision):
        traces = {}
        for condition in experiment.conditions():
            policy, trusted = condition["policy"], condition["trust"]
            trusted = "equal" if read(policy).rule.weighs else trusted
            found = _traced(Setting(policy, trusted, rows, budget, monitor_rows))
            traces[condition.key] = {name: v[:, :kept] for name, v in found.items()}
        dataset = report.assembled(experiment, traces)
    return Run(experiment, dataset)


def chart(run: Run) -> "altair.FacetChart":
    """A chart of the policy beside a constant share and the golden one (Vega-Altair).

    Panels: the mean drift with its band from 5 % to 95 % of the seeds and the theory
    of the constant share, rows spent, and the first run alone.
    """
    alt = load("altair")  # of an extra
    table = curves(run)
    names = list(dict.fromkeys(table["setting"]))
    colours = alt.Scale(domain=names, range=list(_COLOURS[: len(names)]))
    colour = alt.Color("setting:N", title=None, scale=colours)
    base = alt.Chart().encode(x=alt.X("generation:Q", title="generation t"))
    band = base.mark_area(opacity=0.15).encode(
        y=alt.Y("low:Q", title=None), y2="high:Q", color=colour
    )
    line = base.mark_line().encode(y="value:Q", color=colour)
    theory = base.mark_line(color="#444444", strokeDash=[4, 3]).encode(y="theory:Q")
    panel = alt.layer(band, line, theory, data=table, width=340, height=180)
    order = alt.Facet("panel:N", title=None, sort=list(PANELS))
    drawn = panel.facet(order, columns=2).resolve_scale(y="independent")
    return drawn.properties(usermeta={"embedOptions": {"renderer": "svg"}})


def words(run: Run) -> str:
    """One line: what the policy spent and reached, and its gains with intervals."""
    policy, trust = _chosen(run)
    every = tell.table(run.dataset)
    line, constant = (
        next(x for x in every if x["policy"] == p and x.get("trust", "equal") == t)
        for p, t in ((policy, trust), ("constant", "equal"))
    )
    said = (
        f"{_name(policy, trust)}: mean drift {line['mean_drift']:.4g} with "
        f"{line['real_rows']:.3g} real rows a generation; of the constant share "
        f"{constant['mean_drift']:.4g} with {constant['real_rows']:.3g}."
    )
    for name, other in (
        ("gain", "than the constant share of as many real rows or more"),
        ("gain_best", "than the best fixed share and weight of those here"),
    ):
        value, low, high = line.get(name, (float("nan"),) * 3)
        if not np.isnan(value):
            said += f" {value:.3g} ({low:.3g} to {high:.3g}) times less drift {other}."
    return said


def curves(run: Run) -> pd.DataFrame:
    """A table of curves: panel, setting, generation, value, low, high and theory."""
    data = run.dataset.isel(workflow=0)
    policy, trust = _chosen(run)
    settings = dict.fromkeys((("constant", "equal"), ("golden", "equal")))
    settings |= dict.fromkeys(((policy, trust),))
    return pd.concat([_of_setting(data, *setting) for setting in settings])


def _asked(
    policies: tuple[str, ...],
    trusts: tuple[str, ...],
    rows: int,
    budget: float,
    monitor_rows: int,
    num_generations: int,
) -> Control:
    """The study of these settings."""
    return Control(
        policy=policies,
        trust=trusts,  # type: ignore[arg-type]
        samples_per_generation=(rows,),
        budget=(float(budget),),
        monitor_rows=monitor_rows,
        monitor_samples=MONITOR_SAMPLES,
        num_generations=num_generations,
        num_seeds=_SEEDS,
        every=EVERY,
    )


@functools.lru_cache(maxsize=256)
def _traced(setting: Setting) -> dict[str, NDArray[Any]]:
    """Every metric [seeds, kept generations] of one setting, to the last generation."""
    # all policies, in the order of the program
    policies = tuple(dict.fromkeys((*POLICIES, setting.policy)))
    own = (policies, (setting.trust,), *setting[2:], MOST_GENERATIONS)
    conditions = prepare(_asked(*own))[0].conditions()
    condition = next(c for c in conditions if c["policy"] == setting.policy)
    values = _task(condition, setting.monitor_rows).values
    program, roots = _program(), roots_of(condition)
    state, traces = program.blank(roots, *values), []
    for length in (1, MOST_GENERATIONS):  # generation 0 is kept, then every tenth
        state, trace = program.walk(length)(roots, state, *values)
        traces.append(named(trace))
    first, rest = traces
    return {name: np.concatenate([first[name], rest[name]], 1) for name in first}


@functools.cache
def _program() -> Program:
    """The compiled program of all settings."""
    any_one = (POLICIES, ("equal",), 1000, 20.0, MOST_MONITOR_ROWS, MOST_GENERATIONS)
    condition = next(prepare(_asked(*any_one))[0].conditions())
    return compiled(condition, _task(condition, MOST_MONITOR_ROWS))


def _task(condition: Condition[Control], monitor_rows: int) -> Task:
    """The command's task, with the number of the monitor's real rows as a value."""
    own = learned(condition, None)
    watch, biased = own.monitors["mean"], own.biased
    assert biased is not None

    def monitor(root: Key, sizes: Sizes, count: Array) -> Monitor:
        found: Monitor = watch(root, sizes._replace(counted=count))
        return found

    resizable = own._replace(
        values=(jnp.asarray(float(monitor_rows), jnp.result_type(float)),),
        monitors={"mean": monitor},
        biased=lambda root, bias, sizes, count: biased(root, bias, sizes),
    )
    return under_policy(condition, resizable, Sizes(MOST_MONITOR_ROWS, MONITOR_SAMPLES))


def _chosen(run: Run) -> tuple[str, str]:
    """The policy that was asked for, and its trust."""
    experiment = run.experiment
    assert isinstance(experiment, Control)
    return experiment.policy[-1], experiment.trust[-1]


def _name(policy: str, trust: str) -> str:
    return policy if trust == "equal" else f"{policy}, trust {trust}"


def _of_setting(data: xr.Dataset, policy: str, trust: str) -> pd.DataFrame:
    """Curves of one setting in all panels."""
    where = {"policy": policy, "trust": trust}
    own = data.sel({k: v for k, v in where.items() if k in data.dims})
    when = own.generation.values
    summary, one = summarise(own[["drift", "spent"]]), own.isel(seed=0)
    drift, spent = (
        {s: summary[metric].sel(statistic=s).values for s in ("mean", "low", "high")}
        for metric in ("drift", "spent")
    )
    nothing = np.full(len(when), np.nan)
    exact = own["drift_theory"].values if "drift_theory" in own else nothing
    top = 2 * np.nanmax(drift["mean"])
    bought = np.diff(one["spent"].values, prepend=0) / EVERY
    columns = {
        _MEAN: (drift["mean"], drift["low"], np.minimum(drift["high"], top), exact),
        _SPENT: (spent["mean"], nothing, nothing, nothing),
        _ONE: (one["drift"].values, nothing, nothing, nothing),
        _BOUGHT: (bought, nothing, nothing, nothing),
    }
    return pd.concat(
        [
            pd.DataFrame(
                dict(zip(("value", "low", "high", "theory"), values, strict=True))
            ).assign(generation=when, panel=panel, setting=_name(policy, trust))
            for panel, values in columns.items()
        ]
    )
