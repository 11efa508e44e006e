"""What an operator keeps of documents, on the host, and what that is worth."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from collapse.core import streams
from collapse.core.devices import on_host
from collapse.data.quality import classifier, clusters, duplicates, kept
from collapse.data.worlds.rows import WorldRows, tokens_of, unasked
from collapse.experiment.task import HostCurator
from collapse.experiment.text.documents import ReadDocument, read
from collapse.measures.ngram_lines import document_bits
from collapse.sims.worlds.experiment import Worlds
from collapse.sims.worlds.operators import NONE, TextOperator

_REFERENCE, _ORDER = 2000, 5  # clean documents that operators know, and n of n-grams
# Documents of a world are made from templates: at lower similarities chains of them
# link nearly all.
_SIMILAR, _ALIKE = 0.8, 0.99  # Jaccard similarity, and cosine, of near duplicates
TOLD = ("phi", "psi", "operator_auc", "lost_skills")


Scores = Float[np.ndarray, " documents"]


class Judgement(NamedTuple):
    """What an operator says of documents.

    Attributes:
      kept: whether each is kept.
      scores: by which it chose, higher is better; what is kept if it has none.
    """

    kept: Bool[np.ndarray, " documents"]
    scores: Scores


Judge = Callable[[Sequence[ReadDocument], np.random.Generator], Judgement]


def judge_of(operator: TextOperator, data: WorldRows, experiment: Worlds) -> Judge:
    """The judge that an operator is.

    Clean documents that operators know are made anew, and none has a prompt that is
    asked when models are measured. Worlds are small, so that many of them are also
    among the documents that are judged: such an operator partly looks answers up.

    A random control has random scores, and an oracle knows what is right; both keep as
    many of the documents that they are given as the operator would keep of these, in
    the same way. So a control that is run beside the operator has as many documents as
    long as both are given equally good ones: in the first generation that is judged.

    Args:
      operator: which.
      data: of the world.
      experiment: that asks for it.
    """
    scores_of = _scores_of(operator, data, experiment)
    select = functools.partial(_selected, operator, experiment)

    def judge(
        documents: Sequence[ReadDocument], generator: np.random.Generator
    ) -> Judgement:
        own = scores_of(documents, generator)
        found = Judgement(select(documents, own, None, generator), own)
        if operator.used_as == "itself":
            return found
        scores = np.array([float(one.verdict.correct) for one in documents])
        if operator.used_as == "random":
            scores = generator.random(len(documents))
        rate = float(np.mean(found.kept))
        return Judgement(select(documents, scores, rate, generator), scores)

    return judge


def _selected(
    operator: TextOperator,
    experiment: Worlds,
    documents: Sequence[ReadDocument],
    scores: Scores,
    rate: float | None,
    generator: np.random.Generator,
) -> Bool[np.ndarray, " documents"]:
    """What is kept by these scores; of an operator that names some, at this rate."""
    is_none = operator.name == NONE and experiment.candidates > 1
    if operator.rule.keeps == "best" or is_none:  # none: one answer to each prompt
        return _best(documents, scores, experiment.candidates, generator)
    if operator.rule.keeps == "share":
        rate = experiment.keep_rate
    if rate is None:
        return scores > 0
    return kept.top(scores, rate, generator)


def _best(
    documents: Sequence[ReadDocument],
    scores: Scores,
    candidates: int,
    generator: np.random.Generator,
) -> Bool[np.ndarray, " documents"]:
    """The answers to each prompt with the highest scores: one in so many, rounded up.

    A prompt that several real documents have has as many times the answers.
    """
    groups: dict[str, list[int]] = {}
    for k, one in enumerate(documents):
        groups.setdefault(one.prompt, []).append(k)
    found = np.zeros(len(documents), bool)
    ties = generator.random(len(documents))
    for own in groups.values():
        ranked = sorted(own, key=lambda k: (scores[k], ties[k]), reverse=True)
        found[ranked[: -(-len(own) // candidates)]] = True
    return found


def _scores_of(
    operator: TextOperator, data: WorldRows, experiment: Worlds
) -> Callable[[Sequence[ReadDocument], np.random.Generator], Scores]:
    """The scores of documents, higher is better, of an operator itself."""
    accuracy = experiment.judge_accuracy
    if operator.name == "best_of":
        return functools.partial(_preferred, accuracy)
    if operator.rule.keeps == "some":
        which = _CHOOSERS[operator.name]
        return lambda every, generator: which(every, generator).astype(float)
    generator = np.random.default_rng([experiment.seed, 2])
    clean = unasked(data.world, generator, _REFERENCE)
    scorer = {"classifier": _classifier, "perplexity": _perplexity}[operator.name]
    scores_of = scorer(data, [d.prompt + d.response for d in clean])
    return lambda every, generator: scores_of([one.text for one in every])


def _preferred(
    accuracy: float, documents: Sequence[ReadDocument], generator: np.random.Generator
) -> Scores:
    """1 for answers that a judge of this accuracy says are right, else 0."""
    right = np.array([one.verdict.correct for one in documents])
    mistaken = generator.random(len(documents)) >= accuracy
    return (right != mistaken).astype(float)


_CHOOSERS: dict[str, Callable[[Sequence[ReadDocument], Any], Any]] = {
    "none": lambda every, generator: np.ones(len(every), bool),
    "rules": lambda every, generator: np.array([d.verdict.valid for d in every]),
    "answers": lambda every, generator: np.array([d.verdict.correct for d in every]),
    "exact": lambda every, generator: duplicates.exact([d.text for d in every]),
    "near": lambda every, generator: duplicates.near(
        [d.text for d in every], threshold=_SIMILAR
    ),
    "clusters": lambda every, generator: clusters.semantic(
        [d.text for d in every], generator, 1 - _ALIKE
    ),
}


def _classifier(data: WorldRows, clean: list[str]) -> Callable[[list[str]], Any]:
    """Log-odds that a document is clean and not one of those that are judged.

    As in DCLM (arXiv 2406.11794): the negatives are what is to be filtered.
    """
    del data
    return lambda texts: classifier.fitted(clean, texts).score(texts)


def _perplexity(data: WorldRows, clean: list[str]) -> Callable[[list[str]], Any]:
    """Minus the bits a token that n-grams of clean documents need for each document."""
    block = data.asked.shape[1]
    known = tokens_of(clean, block, data.vocabulary)

    def scores(texts: list[str]) -> Float[np.ndarray, " documents"]:
        rows = tokens_of(texts, block, data.vocabulary)
        return -document_bits(known, rows, len(data.vocabulary), _ORDER, end=0)

    return scores


def host_curator(
    judge: Judge, data: WorldRows, candidates: int, corpus: Judgement | None = None
) -> HostCurator:
    """A curator that asks a judge of the documents of each generation.

    Args:
      judge: of all documents of a seed together.
      data: of the world.
      candidates: documents generated for each that can be kept.
      corpus: what the judge says of the real documents, told of generation 0; None if
        it does not judge them.
    """
    first = dict.fromkeys(TOLD, float("nan"))
    if corpus is not None:
        first = told(corpus, [read(data, row) for row in data.train])

    def weigh(
        roots: Any, states: Any, batch: Any, spans: Int[np.ndarray, "S 2"]
    ) -> tuple[Any, dict[str, np.ndarray]]:
        if batch is None:
            num = len(roots)
            return None, {name: np.full(num, value) for name, value in first.items()}
        every = np.asarray(on_host(batch.tokens))
        generation = int(np.ravel(np.asarray(states.generation))[0]) + 1
        weights, counts = np.zeros(every.shape[:2], np.float32), []
        for k, (root, rows) in enumerate(zip(roots, every, strict=True)):
            begin, end = spans[k].tolist()
            documents = [read(data, row) for row in rows[begin:end]]
            found = judge(documents, generator_of(root, generation))
            room = np.cumsum(found.kept) <= (end - begin) // candidates
            found = found._replace(kept=found.kept & room)
            weights[k, begin:end] = found.kept
            counts.append(told(found, documents))
        names = {name: np.array([one[name] for one in counts]) for name in TOLD}
        return weights, names

    return HostCurator(candidates, weigh)


def told(found: Judgement, documents: Sequence[ReadDocument]) -> dict[str, float]:
    """What an operator did, against the truth: the metrics in `TOLD`."""
    good = np.array([one.verdict.correct for one in documents])
    skills = [one.skill for one in documents]
    own = kept.account(found.scores, found.kept, good, skills)
    return dict(zip(TOLD, (own.phi, own.psi, own.auc, own.lost_skills), strict=True))


def generator_of(root: Any, generation: int) -> np.random.Generator:
    """Random numbers of the host for one seed and generation, of the seed's own key."""
    key = streams.key(root, generation, streams.Purpose.CURATE)
    return np.random.default_rng(np.asarray(jax.random.key_data(key)).tolist())


def corpus_judgement(judge: Judge, data: WorldRows, seed: int) -> Judgement:
    """What a judge says of all real documents."""
    documents = [read(data, row) for row in data.train]
    return judge(documents, np.random.default_rng([seed, 3]))
