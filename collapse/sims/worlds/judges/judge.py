"""The judge that an operator is: itself, its random control, or its oracle."""

from collections.abc import Sequence

import numpy as np

from collapse.data.worlds.rows import WorldRows
from collapse.experiment.text.documents import ReadDocument
from collapse.sims.worlds.experiment import Worlds
from collapse.sims.worlds.judges.judgement import Judge, Judgement, Occasion
from collapse.sims.worlds.judges.scorers import finder_of
from collapse.sims.worlds.judges.selection import selected
from collapse.sims.worlds.model import WorldDesign
from collapse.sims.worlds.operators import TextOperator


def judge_of(
    operator: TextOperator,
    data: WorldRows,
    experiment: Worlds,
    design: WorldDesign | None = None,
) -> Judge:
    """The judge that an operator is.

    Clean documents that operators know are made anew, and none has a prompt that is
    asked when models are measured. Worlds are small, so that many of them are also
    among the documents that are judged: such an operator partly looks answers up.

    A random control has random scores, and an oracle knows what is right; both keep as
    many of the documents that they are given as the operator would keep of these, in
    the same way. So a control that is run beside the operator has as many documents as
    long as both are given equally good ones: in the first generation that is judged.
    Of a control no calls are counted, since how many it keeps can be had for less; of
    an oracle one for each document. (Controls of `enhance` rewrite as many, see there.)

    Args:
      operator: which.
      data: of the world.
      experiment: that asks for it.
      design: of the models, which influence asks; others need none.
    """
    find = finder_of(operator, data, experiment, design)

    def judge(documents: Sequence[ReadDocument], occasion: Occasion) -> Judgement:
        own, generator = find(documents, occasion), occasion.generator
        chosen = (operator, experiment, documents)
        kept = selected(*chosen, own.scores, None, generator)
        if operator.used_as == "itself" or operator.rule.keeps == "all":
            return Judgement(kept, own)
        scores = np.array([float(one.verdict.correct) for one in documents])
        if operator.used_as == "random":
            scores = generator.random(len(documents))
        calls = 0 if operator.used_as == "random" else len(documents)
        found = selected(*chosen, scores, float(np.mean(kept)), generator)
        return Judgement(found, own._replace(scores=scores, calls=calls))

    return judge
