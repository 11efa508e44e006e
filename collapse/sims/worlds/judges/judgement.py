"""What a judge is given, what it finds of documents, and what it keeps of them."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Bool, Float

from collapse.experiment.text.documents import ReadDocument

Scores: TypeAlias = Float[np.ndarray, " documents"]
Kept: TypeAlias = Bool[np.ndarray, " documents"]


class Occasion(NamedTuple):
    """What a judge is given beside the documents of one seed and generation.

    Attributes:
      generator: of random numbers, of its own.
      weights: () -> those of the model that generated the documents; of real documents
        those of the base model, or nothing if there is none.
    """

    generator: np.random.Generator
    weights: Callable[[], dict[str, Any] | None] = lambda: None


class Rewards(NamedTuple):
    """Share of the principles of a constitution that each document fulfils.

    Attributes:
      judge: as the judge sees it.
      truth: in truth.
    """

    judge: Scores
    truth: Scores


class Opinion(NamedTuple):
    """What an operator finds of documents before some are kept.

    Attributes:
      scores: by which it chooses, higher is better.
      calls: how often a document was looked at by a verifier or a scorer, all together.
      rewards: by a constitution; None for operators that have none.
      rewritten: position of a document -> the text in its place.
    """

    scores: Scores
    calls: int = 0
    rewards: Rewards | None = None
    rewritten: Mapping[int, str] = MappingProxyType({})


class Judgement(NamedTuple):
    """What an operator says of documents.

    Attributes:
      kept: whether each is kept.
      opinion: that led to it.
    """

    kept: Kept
    opinion: Opinion


Finder: TypeAlias = Callable[[Sequence[ReadDocument], Occasion], Opinion]
Judge: TypeAlias = Callable[[Sequence[ReadDocument], Occasion], Judgement]
