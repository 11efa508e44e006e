"""The operator enhance: a teacher rewrites wrong answers, rightly or not."""

import functools
from collections.abc import Mapping, Sequence

import numpy as np

from collapse.data.worlds.planted import spoiled
from collapse.data.worlds.rows import WorldRows, unasked
from collapse.data.worlds.world import Document, World
from collapse.experiment.text.documents import ReadDocument, read
from collapse.sims.worlds.experiment import Worlds
from collapse.sims.worlds.judges.judgement import Finder, Occasion, Opinion
from collapse.sims.worlds.operators import TextOperator


def finder(operator: TextOperator, data: WorldRows, experiment: Worlds) -> Finder:
    """A function that rewrites documents and keeps all of them.

    A critic finds the wrong answers, without mistake. A teacher puts in place of each
    the right answer with probability `judge_accuracy`, and else one with a planted
    fault. It knows the answers to the prompts of real documents; wrong answers to
    other prompts, which models have made up, stay as they are. So does the rare answer
    in which no fault can be planted.

    The random control rewrites as many, right or wrong ones, with the same teacher; the
    oracle is a teacher without mistake.

    Args:
      operator: itself, its control or its oracle.
      data: of the world.
      experiment: that asks for it.
    """
    accuracy = 1.0 if operator.used_as == "oracle" else experiment.judge_accuracy
    known = known_answers(data, experiment.seed)
    own = (data.world, known, accuracy, operator.used_as == "random")
    return functools.partial(_enhanced, *own)


def known_answers(data: WorldRows, seed: int) -> Mapping[str, Document]:
    """Prompt -> document with a right answer, for all prompts of real documents.

    Real documents with planted defects were made without them first.

    Args:
      data: of the world.
      seed: of its documents.
    """
    made = unasked(data.world, np.random.default_rng(seed), len(data.train))
    found = {document.prompt: document for document in made}
    for row in data.train:
        prompt, response = data.text(row)
        if prompt not in found and read(data, row).verdict.correct:
            found[prompt] = Document(prompt, response, {})
    return found


def _enhanced(
    world: World,
    known: Mapping[str, Document],
    accuracy: float,
    at_random: bool,
    documents: Sequence[ReadDocument],
    occasion: Occasion,
) -> Opinion:
    """What is rewritten; scores are 1 for documents that are left as they are.

    A call for each document that is looked at, and one for each that is rewritten.
    """
    generator = occasion.generator
    able = [k for k, one in enumerate(documents) if one.prompt in known]
    chosen = [k for k in able if not documents[k].verdict.correct]
    looked_at = 0 if at_random else len(documents)
    if at_random:
        chosen = sorted(generator.permutation(able)[: len(chosen)].tolist())
    rightly = generator.random(len(chosen)) < accuracy
    rewritten = dict[int, str]()
    for k, is_right in zip(chosen, rightly, strict=True):
        right = known[documents[k].prompt]
        found = right if is_right else spoiled(world, generator, right)
        if found is not None:
            rewritten[k] = found.prompt + found.response
    scores = np.ones(len(documents))
    scores[list(rewritten)] = 0
    return Opinion(scores, looked_at + len(rewritten), rewritten=rewritten)
