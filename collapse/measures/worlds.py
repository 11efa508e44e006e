"""What a world says of documents: shares of right answers, of skills, of repetitions.

Pure functions of text and verdicts; see `catalogue.WORLDS` for names and units.
"""

from collections import Counter
from collections.abc import Mapping, Sequence, Set

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
