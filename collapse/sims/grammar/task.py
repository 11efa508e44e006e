"""A grammar in one condition, ready to run."""

import functools
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse.core import strata
from collapse.core.types import Key, Model, Problem, Workflow
from collapse.data.grammars import WrittenGrammar
from collapse.data.ngrams import allotted
from collapse.experiment import several_models
from collapse.experiment.condition import Condition
from collapse.experiment.task import Task
from collapse.measures.grammar import grammar_metrics, pair_metrics
from collapse.models.grammar import Rules, Trees, derived
from collapse.models.grammar import grammar as model_of
from collapse.models.ngram import Fixed, Ngrams, ngram
from collapse.numerics.shares import likeliest
from collapse.sims.grammar.experiment import Grammar
from collapse.sims.grammar.theory import num_draws


def task(condition: Condition[Grammar], data: WrittenGrammar) -> Task:
    """What a grammar learns in a condition."""
    spec, n = condition.workflow, condition.n
    single = spec.kind.picks_single_rows or spec.real_rows(n) is not None
    single = single or several_models.learn_in(condition)
    fixed = condition["nonterminals"] == "fixed"
    of = _Fixed(condition, data) if fixed else _Free(condition, data)
    truth = jnp.asarray(data.train, jnp.result_type(float))
    own = (data.train, data.uses, data.children, data.start)
    size = (data.train.shape[1], data.train.size)
    both = (data.pairs.table(*size), data.pairs.telling_table(*size))
    metrics = grammar_metrics(*own) | pair_metrics(*both, data.train.size)

    def problem(single: bool, temperature: Array | None, truth: Array) -> Problem:
        real, model = of.model(single, None), of.model(single, temperature)
        law = of.params(truth)
        return Problem(lambda key, num: real.sample(key, law, num), model, metrics)

    def biased(root: Key, bias: Array, sizes: None, truth: Array) -> Problem:
        """Generating at `bias` times the temperature, row by row."""
        return problem(True, bias, truth)

    def points(key: Key, params: Any, num: int) -> Array:
        """The rules of sentences [num, length], what a snapshot keeps."""
        found = derived(key, params.shares, _trees(condition, data), num)
        return found.astype(params.shares.dtype)

    return Task(
        lambda root, truth: problem(single, None, truth),
        (truth,),  # not a constant, see `discrete`
        batch_size=1 if single else n,
        additive=not single,
        num_rows=of.num_draws if single and fixed else None,
        workflow=_by_nonterminal(condition, data) if fixed else None,
        points=points,
        biased=None if fixed else biased,  # there a row is a rule, not a sentence
    )


class _Free:
    """Sentences that are generated from the start."""

    num_draws = None

    def __init__(self, condition: Condition[Grammar], data: WrittenGrammar) -> None:
        self.condition, self.data = condition, data

    def model(self, single: bool, temperature: Array | None) -> Model:
        add = self.condition.experiment.add
        return model_of(
            _trees(self.condition, self.data),
            self.condition.n,
            rows="sentences" if single else "counts",
            known=jnp.asarray(self.data.train > 0) if add else None,
            add=add,
            temperature=temperature,
        )

    def params(self, truth: Float[Array, "A W"]) -> Rules:
        return Rules(truth)


class _Fixed:
    """Non-terminals that are used as often as in the truth: contexts of n-grams."""

    def __init__(self, condition: Condition[Grammar], data: WrittenGrammar) -> None:
        self.num_draws = num_draws(data.uses, condition.n)
        self.known, self.add = data.train > 0, condition.experiment.add
        self.shares = data.uses / data.uses.sum()

    def model(self, single: bool, temperature: Array | None) -> Model:
        return ngram(
            self.known.shape,
            Fixed(functools.partial(allotted, self.shares)),
            self.num_draws,
            rows="ngrams" if single else "counts",
            smoothing=self._smoothed if self.add else None,
            temperature=temperature,
        )

    def params(self, truth: Float[Array, "A W"]) -> Ngrams:
        return Ngrams(truth, jnp.asarray(self.shares, truth.dtype))

    def _smoothed(self, counts: Float[Array, "A W"]) -> Float[Array, "A W"]:
        more = jnp.where(
            jnp.asarray(self.known), jnp.asarray(self.add, counts.dtype), 0
        )
        return likeliest(counts + more)


def _trees(condition: Condition[Grammar], data: WrittenGrammar) -> Trees:
    length = condition.experiment.length
    return Trees(jnp.asarray(data.children), data.start, length)


def _by_nonterminal(
    condition: Condition[Grammar], data: WrittenGrammar
) -> Workflow | None:
    """The workflow with a budget of rows for each non-terminal; None for the usual."""
    if condition.workflow.name != "fixed_budget":
        return None
    rows = allotted(data.uses / data.uses.sum(), num_draws(data.uses, condition.n))
    return strata.fixed_budget(condition.num_generations, rows)
