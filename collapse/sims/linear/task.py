"""Linear regressors in one condition, ready to run."""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from collapse.core import memory, streams
from collapse.core.row_kinds import RowKind
from collapse.core.types import Key, Model, Params, Problem
from collapse.data.tables import RealData
from collapse.experiment import several_models
from collapse.experiment.condition import Condition
from collapse.experiment.monitors import Monitor
from collapse.experiment.task import Task
from collapse.measures import regression
from collapse.models.linear.model import LinearParams, linear
from collapse.models.linear.rows import Noise
from collapse.models.linear.rows import label as label_inputs
from collapse.numerics import draws, threefry
from collapse.sims.linear.experiment import Linear
from collapse.sims.linear.judged import judged
from collapse.sims.linear.measures import has_twin
from collapse.sims.linear.monitors import fit_monitor
from collapse.sims.linear.table import from_table
from collapse.sims.linear.truth import Source, draw_dtype, from_truth, input_factor

_MOST_SAMPLES = 20_000  # of a generation that may be kept instead of small batches
_SWEPT = ("noise_variance", "ridge", "learner_ridge")  # axes that are plain numbers


def task(condition: Condition[Linear], data: RealData | None) -> Task:
    """The task of a condition: a regressor that learns a known law, or a table."""
    kind = kind_of_rows(condition)
    size = 1 if kind == "samples" else condition.workflow.batch_size(condition.n)
    model_of = _model_maker(condition, kind, size)
    # what enters as arrays, so that a sweep over it is one program
    swept = [name for name in _SWEPT if condition[name] > 0]

    def source_of(root: Key, own: Condition[Linear]) -> Source:
        if data is not None:
            return from_table(data, own, kind, root)
        return from_truth(own, kind, model_of, root)

    def make_problem(root: Key, *values: Array) -> Problem:
        own = _with_values(condition, swept, values)
        source = source_of(root, own)
        drawn = data is not None and condition["design"] == "fresh"
        model = model_of(
            noise_variance=_synthetic_noise(own),
            ridge=own["ridge"],
            design=source.design,
            inputs=source.inputs if drawn else None,
            offset=source.offset,
        )
        if source.init is not None:
            model = model._replace(init=source.init)
        teacher = memory.previous(lambda params: params.coefficients[0])
        return Problem(
            source.draw,
            model,
            source.metrics,
            remember=teacher if source.memory_metrics else None,
            memory_metrics=source.memory_metrics,
        )

    def points(key: Key, params: LinearParams, num: int) -> Float[Array, "num d+1"]:
        """Generated rows [num, d + 1]: an input, its label, then the other inputs."""
        x_key, key = threefry.split(key)
        x = source_of(x_key, condition).inputs(x_key, num)
        noise = _synthetic_noise(condition)
        y = label_inputs(x, params.coefficients[:1], noise, key)
        return jnp.concatenate([x[:1], y, x[1:]]).T

    rest = tuple((k, v) for k, v in condition.cell.items() if k not in swept)
    # of points with new inputs whose labels have noise, the first of the values
    known = bool(condition.experiment.knows_of_rows()) and kind == "samples"
    return Task(
        make_problem,
        values=tuple(jnp.asarray(condition[n], jnp.result_type(float)) for n in swept),
        batch_size=size,
        additive=kind != "samples",
        points=points,
        program=(condition.workflow, rest, tuple(swept)),
        biased=_biased_maker(condition, data, swept),
        batched=True,
        monitors=_monitors(condition, data, swept),
        rows=judged(condition["dimension"]) if known else None,
    )


def kind_of_rows(condition: Condition[Linear]) -> RowKind:
    """The kind of rows that is stored; for `auto` the cheapest one possible."""
    experiment, n, spec = condition.experiment, condition.n, condition.workflow
    if experiment.rows != "auto":
        return experiment.rows
    if several_models.learn_in(condition):
        return "samples"
    size = spec.batch_size(n)
    split = size < n  # real and synthetic rows, in batches that divide both
    small = size < 4 * condition["dimension"] and n <= _MOST_SAMPLES
    fixed = condition["design"] == "fixed"
    if experiment.data and experiment.minimum_norm and not fixed:
        return "samples"  # whose rank is told more sharply than that of X'X
    if spec.kind.picks_single_rows or (split and (fixed or small)):
        return "samples"
    return "law" if fixed or not experiment.data else "statistics"


def _with_values(
    condition: Condition[Linear], swept: Sequence[str], values: Sequence[Array]
) -> Condition[Linear]:
    """The condition with arrays for the numbers that are swept."""
    cell = {**condition.cell, **dict(zip(swept, values, strict=True))}
    return dataclasses.replace(condition, cell=cell)


def _synthetic_noise(condition: Condition[Linear]) -> Noise:
    """Variance of the labels that models generate."""
    own = condition.experiment.synthetic_noise_variance
    return (*own, condition["noise_variance"])[0]


def _model_maker(
    condition: Condition[Linear], kind: RowKind, size: int
) -> Callable[..., Model]:
    """A function that makes the model, with the settings of a condition filled in."""
    experiment, spec = condition.experiment, condition.workflow
    n = several_models.rows_of_fit(experiment, condition.cell)
    d = condition["dimension"]
    fixed, factor = condition["design"] == "fixed", input_factor(condition)
    # a budget drawn from copies of X may hold fewer than d different rows
    shortest = fixed and spec.kind.picks_single_rows
    # rows drawn from a table may repeat; a small ridge leaves X'X singular to rounding
    drawn = bool(experiment.data) and not fixed
    shortest = shortest or n < d or (experiment.minimum_norm and drawn)
    # the newest batch alone, and its rows determine w
    alone = spec.name == "replace" and kind == "law" and not fixed and n >= d
    return functools.partial(
        linear,
        d,
        rows=kind,
        batch_size=size,
        factor=factor,
        minimum_norm=shortest,
        alone=alone and not condition["ridge"] and factor is None,
        twin=has_twin(experiment),
        draw_dtype=draw_dtype(experiment),
    )


def _monitors(
    condition: Condition[Linear], data: RealData | None, swept: Sequence[str]
) -> dict[str, Callable[..., Monitor]]:
    """The monitors of a known law of new inputs; none of others."""
    if data is not None or condition["design"] != "fresh":
        return {}
    d, factor = condition["dimension"], input_factor(condition)

    def labelled(root: Key, num: int, *values: Array) -> tuple[Model, Params, Noise]:
        own = _with_values(condition, swept, values)
        noise = own["noise_variance"]
        law: RowKind = "law"
        model = linear(d, rows=law, batch_size=num, noise_variance=noise, factor=factor)
        truth = draws.normal(streams.key(root, 0, streams.Purpose.TRUTH), (d,))
        return model, LinearParams(truth[None]), noise

    return {"mean": fit_monitor(labelled, factor)}


def _biased_maker(
    condition: Condition[Linear], data: RealData | None, swept: Sequence[str]
) -> Callable[..., Problem] | None:
    """A function that makes the problem of a model with its own label noise, or None.

    Its rows are two batches drawn from the law of new inputs, whatever their sizes.
    None for fixed inputs, a table, learners, and models that err by a fixed vector.
    """
    experiment, d = condition.experiment, condition["dimension"]
    fresh = data is None and experiment.design == ("fresh",)
    if not fresh or experiment.synthetic_bias or any(experiment.learner_samples):
        return None
    factor = input_factor(condition)

    def biased(
        root: Key, bias: Float[Array, ""], sizes: Int[Array, " 2"], *values: Array
    ) -> Problem:
        own = _with_values(condition, swept, values)
        truth = draws.normal(streams.key(root, 0, streams.Purpose.TRUTH), (d,))
        begin = LinearParams(truth[None])
        real, model = (
            linear(
                d,
                rows="law",
                batch_size=sizes,
                noise_variance=noise,
                ridge=own["ridge"],
                minimum_norm=experiment.minimum_norm,
                factor=factor,
            )
            for noise in (own["noise_variance"], bias * _synthetic_noise(own))
        )
        error = regression.squared_distance(
            lambda params: params.coefficients[0], lambda params: truth, factor
        )
        return Problem(
            lambda key, num: real.sample(key, begin, num), model, {"test_error": error}
        )

    return biased
