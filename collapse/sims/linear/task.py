"""Linear regressors: one workflow in one cell, ready to run."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from collapse.data.tables import RealData
from collapse.experiment.workflow_spec import batch_size, make_workflow
from collapse.lab import programs
from collapse.sims.linear import measures
from collapse.sims.linear.experiment import LinearExperiment

_HELD_OUT = 1000  # rows drawn for the test set of one seed
_MOST_ENTRIES = 5_000  # of X; above, X'X is drawn in its stead
_MOST_SAMPLES = 20_000  # of a generation that may be kept in stead of small batches
_SWEPT = ("noise_variance", "ridge", "learner_ridge")  # axes that are plain numbers
_TWIN = ("bias", "variance")  # metrics that need fits to labels without noise


class _Nature(NamedTuple):
    """What one seed's generations begin with.

    Attributes:
      draw: (key, num) -> real rows.
      design: inputs of all generations, or None.
      inputs: (key, num) -> [d, num] new inputs.
      init: a model's start, whose coefficients are nature's where these are known.
      offset: [d] flaw in what models write, or None.
      metrics: name -> Metric, all that are known.
      memory_metrics: name -> MemoryMetric, of the coefficients [d] that labelled the
        newest rows (without the offset).
    """

    draw: Callable[[Any, int], Any]
    design: Any
    inputs: Callable[[Any, int], Any]
    init: Callable[..., Any] | None
    offset: Any
    metrics: Mapping[str, Any]
    memory_metrics: Mapping[str, Any]


def kind_of_rows(
    experiment: LinearExperiment, cell: Mapping[str, Any], label: str
) -> Literal["samples", "statistics", "law"]:
    """What `rows = auto` stands for."""
    if experiment.rows != "auto":
        return experiment.rows
    n = cell["samples_per_generation"]
    size = batch_size(label, n)
    split = size < n  # real and synthetic rows, in batches that divide both
    small = size < 4 * cell["dimension"] and n <= _MOST_SAMPLES
    fixed = cell["design"] == "fixed"
    if experiment.data and experiment.minimum_norm and not fixed:
        return "samples"  # whose rank is told more sharply than that of X'X
    if label == "fixed_budget" or (split and (fixed or small)):
        return "samples"
    normal = not experiment.data or cell["design"] == "fixed"
    return "law" if normal else "statistics"


def setup(
    experiment: LinearExperiment,
    cell: Mapping[str, Any],
    label: str,
    data: RealData | None,
) -> programs.Setup:
    """One workflow in one cell, ready to run."""
    import jax.numpy as jnp

    from collapse.core import memory
    from collapse.core.types import Problem
    from collapse.models.linear.model import LinearParams
    from collapse.models.linear.rows import label as write_labels
    from collapse.numerics import threefry

    n, fixed = cell["samples_per_generation"], cell["design"] == "fixed"
    kind = kind_of_rows(experiment, cell, label)
    size = 1 if kind == "samples" else batch_size(label, n)
    model_of = _model_maker(experiment, cell, label, kind, size)
    # what enters as arrays, so that a sweep over it is one program
    swept = [name for name in _SWEPT if cell[name] > 0]
    values = tuple(jnp.asarray(cell[n], jnp.result_type(float)) for n in swept)

    def begin(root: Any, cell: Mapping[str, Any]) -> _Nature:
        if data is not None:
            return _tabled(data, cell, kind, root)
        return _known(experiment, cell, kind, model_of, root)

    def make_problem(root: Any, *values: Any) -> Problem:
        own = {**cell, **dict(zip(swept, values, strict=True))}
        nature = begin(root, own)
        model = model_of(
            noise_variance=_later_noise(experiment, own),
            ridge=own["ridge"],
            design=nature.design,
            inputs=nature.inputs if data is not None and not fixed else None,
            offset=nature.offset,
        )
        if nature.init is not None:
            model = model._replace(init=nature.init)
        plain, remembering = (
            {name: known[name] for name in experiment.measured() if name in known}
            for known in (nature.metrics, nature.memory_metrics)
        )
        teacher = memory.previous(lambda params: params.coefficients[0])
        return Problem(
            nature.draw,
            model,
            plain,
            remember=teacher if remembering else None,
            memory_metrics=remembering,
        )

    def points(key: Any, params: LinearParams, num: int) -> Any:
        """An input, its label, then the other inputs."""
        x_key, key = threefry.split(key)
        x = begin(x_key, cell).inputs(x_key, num)
        y = write_labels(
            x, params.coefficients[:1], _later_noise(experiment, cell), key
        )
        return jnp.concatenate([x[:1], y, x[1:]]).T

    workflow = make_workflow(label, experiment.num_generations, kind != "samples")
    rest = tuple((k, v) for k, v in cell.items() if k not in swept)
    program = (label, rest, tuple(swept))
    return programs.Setup(
        make_problem, workflow, n // size, points, values, program=program
    )


def _model_maker(
    experiment: LinearExperiment,
    cell: Mapping[str, Any],
    label: str,
    kind: Any,
    size: int,
) -> Callable[..., Any]:
    """`linear` with what nature and the models have in common."""
    from collapse.models.linear.model import linear

    n, d = cell["samples_per_generation"], cell["dimension"]
    fixed, factor = cell["design"] == "fixed", _factor(experiment, d)
    # a budget drawn from copies of X may hold fewer than d different rows
    shortest = fixed and label == "fixed_budget"
    # rows drawn from a table may repeat; a small ridge leaves X'X singular to rounding
    drawn = bool(experiment.data) and not fixed
    shortest = shortest or n < d or (experiment.minimum_norm and drawn)
    # the newest batch alone, and its rows determine w
    alone = label == "replace" and kind == "law" and not fixed and n >= d
    return functools.partial(
        linear,
        d,
        rows=kind,
        batch_size=size,
        factor=factor,
        minimum_norm=shortest,
        alone=alone and not cell["ridge"] and factor is None,
        twin=_has_twin(experiment),
        draw_dtype=_draw_dtype(experiment),
    )


def _later_noise(experiment: LinearExperiment, cell: Mapping[str, Any]) -> Any:
    """Noise variance of the labels that models write."""
    return (*experiment.synthetic_noise_variance, cell["noise_variance"])[0]


def _known(
    experiment: LinearExperiment,
    cell: Mapping[str, Any],
    kind: Any,
    model_of: Callable[..., Any],
    root: Any,
) -> _Nature:
    """A nature of normal inputs and coefficients."""
    import jax.numpy as jnp

    from collapse.core import streams
    from collapse.models.linear import rows as linear_rows
    from collapse.models.linear.model import LinearParams
    from collapse.numerics import draws

    n, d = cell["samples_per_generation"], cell["dimension"]
    factor, twin = _factor(experiment, d), _has_twin(experiment)
    truth, direction = draws.normal(streams.key(root, 0, streams.Purpose.TRUTH), (2, d))
    types = (jnp.result_type(float), _draw_dtype(experiment))
    inputs = linear_rows.normal_inputs(d, factor, None, *types)
    design, key = None, streams.key(root, 0, streams.Purpose.DESIGN)
    if cell["design"] == "fixed":
        if kind == "law" and n * d > _MOST_ENTRIES:
            factors = linear_rows.gram_factors(key, 1, n, d, factor)
            design = linear_rows.design_of_factor(factors[0])
        else:
            design = linear_rows.design_of(inputs(key, n).T)
    nature = model_of(noise_variance=cell["noise_variance"], design=design)
    begin = LinearParams(jnp.tile(truth[None], (1 + twin, 1)))
    offset = None
    if experiment.synthetic_bias:
        seen = direction if factor is None else direction @ factor
        length = jnp.sqrt(experiment.synthetic_bias / jnp.sum(seen**2))
        offset = length * direction

    test = inputs(streams.key(root, 0, streams.Purpose.HELD_OUT), _HELD_OUT).T
    return _Nature(
        lambda key, num: nature.sample(key, begin, num),
        design,
        inputs,
        lambda key, batch, weights: begin,
        offset,
        measures.metrics(cell, truth, test, factor, twin),
        measures.memory_metrics(experiment, cell, truth, factor),
    )


def _tabled(
    data: RealData,
    cell: Mapping[str, Any],
    kind: Any,
    root: Any,
) -> _Nature:
    """The user's table: n of its rows for each seed, all of them in every seed."""
    import jax.numpy as jnp

    from collapse.core import streams
    from collapse.measures import regression
    from collapse.models.linear import rows as linear_rows
    from collapse.numerics import draws

    dtype = jnp.result_type(float)
    train, held = jnp.asarray(data.train, dtype), jnp.asarray(data.held_out, dtype)
    n, num_rows = cell["samples_per_generation"], len(train)
    mine = draws.shuffled(streams.key(root, 0, streams.Purpose.DESIGN), num_rows, n)
    x, y = train[mine, :-1], train[mine, -1]
    design = linear_rows.design_of(x) if cell["design"] == "fixed" else None

    def inputs(key: Any, num: int) -> Any:
        """Drawn from the table with replacement."""
        place = jnp.floor(draws.uniform(key, (num,), dtype) * num_rows)
        return train[place.astype(jnp.int32), :-1].T

    def draw(key: Any, num: int) -> Any:
        if design is not None and kind == "samples":
            place = jnp.arange(num, dtype=jnp.int32)
            return linear_rows.FixedSamples(place, y[:, None])
        if design is not None:
            return linear_rows.labellings((y @ x)[None, None])
        rows = train[draws.shuffled(key, num_rows, n)]
        if kind == "samples":
            return linear_rows.FreshSamples(rows[:, :-1], rows[:, -1:])
        return linear_rows.fresh_statistics(rows[:, :-1].T, rows[:, -1:].T, num)

    pair = regression.test_rows(
        lambda params: params.coefficients[0], held[:, :-1], held[:, -1]
    )
    names = ("test_error", "test_set_standard_error")
    own = dict(zip(names, pair, strict=True))
    return _Nature(draw, design, inputs, None, None, own, {})


def _factor(experiment: LinearExperiment, d: int) -> Any:
    """Cholesky factor of the inputs' covariance; None for the identity."""
    import jax.numpy as jnp
    import numpy as np

    from collapse.data.designs import covariance

    if experiment.data or experiment.covariance == "isotropic":
        return None
    found = covariance(experiment.covariance, d, experiment.covariance_parameter)
    return jnp.asarray(np.linalg.cholesky(found), jnp.result_type(float))


def _draw_dtype(experiment: LinearExperiment) -> str | None:
    return "float32" if experiment.draws == "float32" else None


def _has_twin(experiment: LinearExperiment) -> bool:
    return any(metric in _TWIN for metric in experiment.measured())
