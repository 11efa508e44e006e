"""Which documents of a benchmark may leak into a corpus, and how often each does."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool

from collapse.data.worlds.world import Document, World

_POOL = 1000  # copies that leaked documents are drawn from


def leaking(world: World, prompts: Sequence[str]) -> Bool[np.ndarray, " m"]:
    """Whether each prompt is in the half that may leak [m].

    Of each skill every second prompt in the order of their hashes, so that both halves
    ask as much of it, up to one prompt; the only prompt of a skill never leaks.

    Args:
      world: of the prompts.
      prompts: that are asked; repeated ones are alike.
    """
    found = set[str]()
    of: dict[str, set[str]] = {}
    for prompt in prompts:
        of.setdefault(world.skill_of(prompt), set()).add(prompt)
    for own in of.values():
        found.update(sorted(own, key=_digest)[1::2])
    return np.array([prompt in found for prompt in prompts], bool)


def in_proportion(
    documents: Sequence[Document], skills: Mapping[str, float]
) -> list[Document]:
    """Copies of documents, of each skill about as many as the world asks for it.

    So that a corpus keeps its mix of skills where some of it is replaced by them. None
    are left out, and there are about a thousand.

    Args:
      documents: with their skill in the truth record.
      skills: name -> share of the world's prompts.
    """
    counts = Counter(document.truth["skill"] for document in documents)
    total = sum(skills[skill] for skill in counts)
    found = list[Document]()
    for document in documents:
        skill = document.truth["skill"]
        copies = _POOL * skills[skill] / total / counts[skill]
        found += [document] * max(round(copies), 1)
    return found


def _digest(prompt: str) -> bytes:
    return hashlib.sha256(prompt.encode()).digest()
