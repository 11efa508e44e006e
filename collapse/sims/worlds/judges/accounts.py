"""What is told of an operator in every generation: worth, cost, and rewards."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from collapse.data.quality import kept
from collapse.experiment.text.documents import ReadDocument
from collapse.sims.worlds.judges.judgement import Judgement

_Told = Callable[[Judgement, Sequence[ReadDocument]], Mapping[str, float]]


def worth(found: Judgement, documents: Sequence[ReadDocument]) -> dict[str, float]:
    """What was kept as it is, against the truth: shares, AUC of scores, lost skills."""
    good = np.array([one.verdict.correct for one in documents])
    skills = [one.skill for one in documents]
    same = found.kept.copy()
    same[list(found.opinion.rewritten)] = False
    own = kept.account(found.opinion.scores, same, good, skills)
    return {
        "phi": own.phi,
        "psi": own.psi,
        "operator_auc": own.auc,
        "lost_skills": own.lost_skills,
    }


def cost(found: Judgement, documents: Sequence[ReadDocument]) -> dict[str, float]:
    """What each kept document cost: documents that it was chosen from, and calls.

    NaN if none was kept. Counted and not timed, so that it can be repeated.
    """
    num = int(found.kept.sum()) or math.nan
    return {
        "documents_per_kept": len(documents) / num,
        "judge_calls": found.opinion.calls / num,
    }


def reward(found: Judgement, documents: Sequence[ReadDocument]) -> dict[str, float]:
    """Mean reward of what was kept, the judge's own and the true one; NaN for none."""
    del documents
    own = found.opinion.rewards
    return {
        "judge_reward": _mean(None if own is None else own.judge[found.kept]),
        "true_reward": _mean(None if own is None else own.truth[found.kept]),
    }


def change(found: Judgement, documents: Sequence[ReadDocument]) -> dict[str, float]:
    """Share of what was kept that was rewritten; NaN if nothing was kept."""
    del documents
    which = np.zeros(len(found.kept))
    which[list(found.opinion.rewritten)] = 1
    return {"rewritten_share": _mean(which[found.kept])}


def _mean(values: np.ndarray | None) -> float:
    return math.nan if values is None or not len(values) else float(values.mean())


_EVERY: Sequence[_Told] = (worth, cost, reward, change)
TOLD = (
    *("phi", "psi", "operator_auc", "lost_skills", "documents_per_kept"),
    *("judge_calls", "judge_reward", "true_reward", "rewritten_share"),
)


def told(found: Judgement, documents: Sequence[ReadDocument]) -> dict[str, float]:
    """What an operator did: the metrics in `TOLD`."""
    own = {name: x for tell in _EVERY for name, x in tell(found, documents).items()}
    return {name: own[name] for name in TOLD}
