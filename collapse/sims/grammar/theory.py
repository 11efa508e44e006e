"""Closed forms beside the curves of grammars, where they are exact."""

import numpy as np
from jaxtyping import Float

from collapse.data.grammars import WrittenGrammar
from collapse.data.ngrams import draws_of
from collapse.experiment import chains
from collapse.experiment.condition import Condition
from collapse.sims.grammar.experiment import Grammar
from collapse.theory import grammar, ngram
from collapse.theory.checks import Curve


def num_draws(uses: Float[np.ndarray, " A"], n: int) -> int:
    """Uses of non-terminals in n sentences of the truth on average, rounded."""
    return max(round(n * float(uses.sum())), 1)


def curves(condition: Condition[Grammar]) -> dict[str, Curve]:
    """Metric -> [G + 1], where each non-terminal is used a fixed number of times."""
    e, spec, last = condition.experiment, condition.workflow, condition.num_generations
    if condition["nonterminals"] == "free":
        return {}
    data = e.load()
    q, w = data.train, data.uses / data.uses.sum()
    total = num_draws(data.uses, condition.n)
    draws = draws_of(w, total)
    found = {"nonterminals_left": np.full(last + 1, np.mean(draws > 0))}
    if e.add and spec.name == "replace":
        own = grammar.smoothed_heterozygosity(q, w, draws, e.add, last)
        found["heterozygosity"] = own
    if e.add:
        return found
    if spec.moments(2, 0) is not None:
        fits = (q, w, *chains.variances(condition, w, draws, total))
        found["heterozygosity"] = ngram.heterozygosity(*fits)
        found["chi_square"] = grammar.chi_square(*fits)
    gone = None
    if spec.name == "accumulate":
        found["support"] = ngram.support(q, draws, last)
        gone = grammar.gone_accumulate(last)
    elif spec.name == "replace" and grammar.solvable(draws, last):
        alive = ngram.support_replace(q, draws, last)
        assert alive is not None
        found["support"], gone = alive, grammar.gone_replace(last)
    if gone is not None and data.pairs.names:
        telling = data.pairs.telling
        found["pairs_learnable"] = grammar.any_alive(q, draws, telling, gone)
    if gone is not None and (needed := _needed(data)):
        found["pairs_right"] = grammar.all_alive(q, draws, needed, gone)
    return found


def _needed(data: WrittenGrammar) -> list[tuple[grammar.Rule, ...]]:
    """The rules of each right sentence; none where a sentence has several derivations.

    Nor where a wrong sentence has one: the pair then asks for more than survival.
    """
    pairs = data.pairs
    if any(pairs.wrong) or any(len(one) > 1 for one in pairs.right):
        return []
    return [one for (one,) in pairs.right]
