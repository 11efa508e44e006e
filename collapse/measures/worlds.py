"""What a world says of documents: shares of right answers, of skills, of repetitions.

Pure functions of text and verdicts; see `catalogue.WORLDS` for names and units.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence, Set

import numpy as np
from jaxtyping import Float, Int

from collapse.numerics import ranking

Judged = tuple[str, bool, bool]  # skill of the prompt, valid, correct


def of_answers(
    judged: Sequence[Judged], shares: Mapping[str, float], rare: Set[str]
) -> dict[str, float]:
    """correctness, rare_correctness and validity of answers to prompts.

    Prompts are asked equally often of each skill, so that rare ones are measured as
    well as common ones; shares are those of the world: the mean over the skills that
    were asked, weighted by their share in the truth.

    Args:
      judged: of each answer its skill and verdict.
      shares: skill -> its share in the truth.
      rare: skills of `rare_correctness`; NaN if none was asked.
    """
    found = {}
    for name, place in (("correctness", 2), ("validity", 1)):
        found[name] = _mean(judged, place, shares)
    own = [one for one in judged if one[0] in rare]
    found["rare_correctness"] = _mean(own, 2, shares)
    return found


def _mean(judged: Sequence[Judged], place: int, shares: Mapping[str, float]) -> float:
    """Mean of a verdict over skills, weighted by their shares; NaN of no answer."""
    asked = Counter(one[0] for one in judged)
    right = Counter(one[0] for one in judged if one[place])
    total = sum(shares[skill] for skill in asked)
    if not total:
        return float("nan")
    return sum(shares[s] * right[s] / num for s, num in asked.items()) / total


def inflation(
    judged: Sequence[Judged], leaked: Sequence[bool], shares: Mapping[str, float]
) -> dict[str, float]:
    """leaked_correctness, fresh_correctness of the others, and their difference.

    The difference is score_inflation.

    Of skills that are asked in both halves, so that they are equally hard.

    Args:
      judged: of each answer its skill and verdict.
      leaked: whether its prompt may have been learned with the answer.
      shares: skill -> its share in the truth.
    """
    halves = [
        [one for one, own in zip(judged, leaked, strict=True) if own == half]
        for half in (True, False)
    ]
    both = set.intersection(*({one[0] for one in half} for half in halves))
    seen, unseen = (
        _mean([one for one in half if one[0] in both], 2, shares) for half in halves
    )
    names = ("leaked_correctness", "fresh_correctness", "score_inflation")
    return dict(zip(names, (seen, unseen, seen - unseen), strict=True))


def leak_auc(
    skills: Sequence[str],
    leaked: Sequence[bool] | np.ndarray,
    losses: Float[np.ndarray, " m"],
    shares: Mapping[str, float],
) -> float:
    """How well low losses tell prompts that may have leaked from others of their skill.

    The chance that one that may have leaked has the lower loss, ties count half: the
    mean over the skills that have both kinds, weighted by their shares; NaN if none
    has.

    Args:
      skills: of the prompts.
      leaked: whether each may have leaked.
      losses: of the right answers.
      shares: skill -> its share in the truth.
    """
    asked, seen = np.array(skills), np.array(leaked, bool)
    found, total = 0.0, 0.0
    for skill in dict.fromkeys(skills):
        own = asked == skill
        if (own & seen).any() and (own & ~seen).any():
            won = ranking.auc(-losses[own & ~seen], -losses[own & seen])
            found += shares[skill] * float(won)
            total += shares[skill]
    return found / total if total else float("nan")


def pass_at(
    attempts: Sequence[Sequence[Judged]], k: int, shares: Mapping[str, float]
) -> float:
    """Chance that one of k answers to a prompt is right, weighted as `of_answers`.

    Of n answers to a prompt, c of them right, 1 - C(n - c, k) / C(n, k) is an unbiased
    estimate (Chen et al. 2021, arXiv 2107.03374, section 2.1).

    Args:
      attempts: n answers to each prompt, of one skill and with their verdicts.
      k: at most n.
      shares: skill -> its share in the truth.

    Raises:
      ValueError: for k above n.
    """
    found: dict[str, list[float]] = {}
    for answers in attempts:
        n, right = len(answers), sum(one[2] for one in answers)
        if not 1 <= k <= n:
            raise ValueError(f"k: {k}; give a number from 1 to the {n} answers")
        chance = 1 - math.comb(n - right, k) / math.comb(n, k)
        found.setdefault(answers[0][0], []).append(chance)
    total = sum(shares[skill] for skill in found)
    if not total:
        return float("nan")
    return sum(shares[s] * sum(own) / len(own) for s, own in found.items()) / total


def counts_of(
    judged: Sequence[tuple[str, str]], skills: Sequence[str], faults: Sequence[str]
) -> Int[np.ndarray, "skills faults"]:
    """How many answers to prompts of each skill have each fault.

    Args:
      judged: skill and fault of each answer; "" for none.
      skills: names of the rows.
      faults: names of the columns; "" is that of right answers.
    """
    counts = Counter(judged)
    found = [[counts[skill, fault] for fault in faults] for skill in skills]
    return np.array(found, int).reshape(len(skills), len(faults))


def group_shift(told: Sequence[str], shares: Mapping[str, float]) -> float:
    """Total variation distance of the groups that documents tell of from the truth.

    Half the sum of |share - true share|: the share of the documents that would have to
    tell of another group. NaN if no document tells of a group.

    Args:
      told: group of each document; "" for none.
      shares: group -> its share in the truth.
    """
    counts = Counter(group for group in told if group)
    num = sum(counts.values())
    if not num:
        return float("nan")
    return sum(abs(counts[g] / num - share) for g, share in shares.items()) / 2


def contest_ranks(
    losses: Float[np.ndarray, "c k"], right: Int[np.ndarray, " c"]
) -> Int[np.ndarray, " c"]:
    """Rank of the right document of each contest by its loss, 1 for the least.

    Equal and NaN losses count as less than that of the right one: a model that knows
    nothing is not said to know something.

    Args:
      losses: of the documents of c contests.
      right: which of them is the right one.
    """
    own = losses[np.arange(len(losses)), right]
    found: Int[np.ndarray, " c"] = np.sum(~(losses > own[:, None]), 1)
    return found


def of_contests(
    losses: Float[np.ndarray, "c k"], right: Int[np.ndarray, " c"], kind: str
) -> dict[str, float]:
    """pair_accuracy of minimal pairs, or exposure of planted secrets; else nothing.

    * pair_accuracy: share of pairs whose right response has the lower loss.
    * exposure: log2 of the number of secrets less log2 of the rank of the planted one,
      in bits, mean over planted secrets (Carlini et al. 2019, arXiv 1802.08232).
    """
    if kind == "pairs":
        won = contest_ranks(losses, right) == 1
        return {"pair_accuracy": float(np.mean(won))}
    if kind == "secrets":
        bits = np.log2(losses.shape[1]) - np.log2(contest_ranks(losses, right))
        return {"exposure": float(np.mean(bits))}
    return {}


def of_documents(
    texts: Sequence[str],
    judged: Sequence[Judged],
    shares: Mapping[str, float],
    known: Set[str],
) -> dict[str, float]:
    """Measures of the documents that a model generates for the next generation.

    Args:
      texts: the documents.
      judged: of each its skill ("" for none) and verdict.
      shares: skill -> its share in the truth.
      known: documents that real rows are drawn from.
    """
    counts, num = Counter(texts), len(texts)
    skills = {one[0] for one in judged} & set(shares)
    return {
        "generated_correctness": sum(one[2] for one in judged) / num,
        "skill_survival": len(skills) / len(shares),
        "duplicate_share": 1 - len(counts) / num,
        "copied_documents": sum(k for t, k in counts.items() if t in known) / num,
    }


def rarest(shares: Mapping[str, float], most: float) -> frozenset[str]:
    """The rarest skills, as many as hold at most this share together, one at least."""
    found, total = list[str](), 0.0
    for skill in sorted(shares, key=lambda skill: (shares[skill], skill)):
        total += shares[skill]
        if found and total > most:
            break
        found.append(skill)
    return frozenset(found)
