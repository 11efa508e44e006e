"""An n-gram model in one condition, ready to run."""

import functools
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from collapse.core import strata
from collapse.core.types import Key, Problem, Workflow
from collapse.data.ngrams import NgramText, allotted
from collapse.experiment import several_models
from collapse.experiment.condition import Condition
from collapse.experiment.task import Task
from collapse.measures.ngrams import ngram_metrics
from collapse.models.ngram import Chain, Fixed, Ngrams, Smoothing, additive, kneser_ney
from collapse.models.ngram import ngram as model_of
from collapse.sims.ngram.experiment import Ngram
from collapse.sims.ngram.monitors import monitors


def task(condition: Condition[Ngram], data: NgramText) -> Task:
    """What an n-gram model learns in a condition."""
    e, spec, n = condition.experiment, condition.workflow, condition.n
    # where real and generated rows are mixed, each position keeps its context
    single = spec.kind.picks_single_rows or spec.real_rows(n) is not None
    single = single or several_models.learn_in(condition)
    shape, smoothing = data.train.shape, smoothing_of(e)
    truth, shares = (
        jnp.asarray(x, jnp.result_type(float)) for x in (data.truth, data.shares)
    )
    held = (data.held_out, data.held_counts)
    metrics = ngram_metrics(data.truth, data.shares, *held, e.smooths)
    fixed = condition["contexts"] == "fixed"
    contexts = Fixed(functools.partial(allotted, data.shares))

    def problem(
        rows: Any, temperature: Array | None, truth: Array, shares: Array, leads: Array
    ) -> Problem:
        design = contexts if fixed else Chain(leads, e.length)
        own = {"rows": rows, "smoothing": smoothing}
        real = model_of(shape, design, n, **own)
        model = model_of(shape, design, n, temperature=temperature, **own)
        law = Ngrams(truth, shares)
        return Problem(lambda key, num: real.sample(key, law, num), model, metrics)

    def biased(root: Key, bias: Array, sizes: None, *values: Array) -> Problem:
        """Generating at `bias` times the temperature, n-gram by n-gram."""
        return problem("ngrams", bias, *values)

    def generated(key: Key, params: Ngrams, num: int) -> Array:
        """N-grams [num] that the model generates, as numbers c V + v."""
        design = contexts if fixed else Chain(jnp.asarray(data.leads), e.length)
        found: Array = model_of(shape, design, rows="ngrams").sample(key, params, num)
        return found

    def points(key: Key, params: Ngrams, num: int) -> Array:
        """The context and the token of n-grams [num, 2], what a snapshot keeps."""
        both = jnp.stack(jnp.divmod(generated(key, params, num), shape[1]), axis=1)
        return both.astype(params.shares.dtype)

    return Task(
        lambda root, *values: problem("ngrams" if single else "counts", None, *values),
        (truth, shares, jnp.asarray(data.leads)),  # not constants, see `discrete`
        batch_size=1 if single else n,
        additive=not single,
        workflow=_by_context(condition, data) if fixed else None,
        points=points,
        biased=biased,
        monitors=monitors(data, generated),
    )


def _by_context(condition: Condition[Ngram], data: NgramText) -> Workflow | None:
    """The workflow that keeps a budget of rows for each context; None for the usual."""
    if condition.workflow.name != "fixed_budget":
        return None
    contexts = allotted(data.shares, condition.n)
    return strata.fixed_budget(condition.num_generations, contexts)


def smoothing_of(e: Ngram) -> Smoothing | None:
    """Counts -> shares, if they are smoothed."""
    if e.smoothing == "kneser_ney":
        return kneser_ney(e.discount)
    return additive(e.add) if e.add else None
