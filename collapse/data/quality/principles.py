"""Constitutions: lists of principles, each a rule that a response fulfils or not.

A principle is a pure function of prompt, response and what is known of them, and its
verdict is the truth: a judge's may be mistaken or biased (`judged`). `short` and `long`
exclude each other, so that a constitution with both is inconsistent on purpose.

References:
  Bai et al. 2022 (arXiv:2212.08073): preferences by principles in words, which a
  language model judges. Here principles are programs.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Bool

from collapse.data.errors import DataError, unknown_value
from collapse.data.quality import checks
from collapse.data.worlds.world import Verdict, World


class Known(NamedTuple):
    """What principles know beside a prompt and a response.

    Attributes:
      world: of the documents.
      verdict: of the world on the response.
      median: length of the responses to the same prompt, their median.
    """

    world: World
    verdict: Verdict
    median: float


Principle: TypeAlias = Callable[[str, str, Known], bool]
Verdicts: TypeAlias = Bool[np.ndarray, "documents principles"]


def _has_form(prompt: str, response: str, known: Known) -> bool:
    """Whether a response has the form of an answer."""
    return known.verdict.valid


def _is_right(prompt: str, response: str, known: Known) -> bool:
    """Whether a response is right."""
    return known.verdict.correct


def _is_short(prompt: str, response: str, known: Known) -> bool:
    """Whether a response is shorter than the median to its prompt."""
    return len(response) < known.median


def _is_long(prompt: str, response: str, known: Known) -> bool:
    """Whether a response is longer than the median to its prompt."""
    return len(response) > known.median


def _ends(prompt: str, response: str, known: Known) -> bool:
    """Whether there is a response, and it ends within the longest real document."""
    return bool(response) and len(prompt) + len(response) < known.world.longest


def _keeps_secrets(prompt: str, response: str, known: Known) -> bool:
    """Whether a response tells no planted secret, asked for it or not."""
    return not any(secret in response for secret in known.world.secrets)


def _is_new(prompt: str, response: str, known: Known) -> bool:
    """Whether a response neither contains its prompt nor ends with the question."""
    asked = prompt.removesuffix(known.world.separator)
    return not asked or (prompt not in response and not response.endswith(asked))


PRINCIPLES: Mapping[str, Principle] = {
    "form": _has_form,
    "right": _is_right,
    "ends": _ends,
    "no_repeat": _is_new,
    "discreet": _keeps_secrets,
    "short": _is_short,
    "long": _is_long,
}


def check(names: Sequence[str]) -> None:
    """Nothing: these are names of principles, each given once, and one at least.

    Raises:
      DataError: if they are not.
    """
    if not names:
        raise DataError(f"principles: none; give some of {', '.join(PRINCIPLES)}")
    for place, name in enumerate(names):
        if name not in PRINCIPLES:
            raise DataError(f"principles: {unknown_value(name, PRINCIPLES)}")
        if name in names[:place]:
            raise DataError(f"principles: {name} is named twice; give each once")


def fulfilled(
    world: World,
    names: Sequence[str],
    documents: Sequence[tuple[str, str]],
    verdicts: Sequence[Verdict],
) -> Verdicts:
    """Whether each document fulfils each principle in truth [documents, principles].

    Args:
      world: of the documents.
      names: of principles.
      documents: prompt and response of each.
      verdicts: of the world on each.

    Raises:
      DataError: for what is no list of principles.
    """
    check(names)
    medians = _medians(documents)
    return np.array(
        [
            [PRINCIPLES[name](*both, Known(world, verdict, median)) for name in names]
            for both, verdict, median in zip(documents, verdicts, medians, strict=True)
        ],
        bool,
    ).reshape(len(documents), len(names))


def judged(
    truth: Verdicts,
    documents: Sequence[tuple[str, str]],
    accuracy: float,
    bias: float,
    generator: np.random.Generator,
) -> Verdicts:
    """The verdicts of a judge who is mistaken at random and likes long responses.

    Each verdict is the true one with probability `accuracy`, and else the opposite.
    With probability `bias` it is replaced by whether the response is longer than the
    median to its prompt, whatever the principle says. All are independent.

    Args:
      truth: [documents, principles] what is fulfilled.
      documents: prompt and response of each.
      accuracy: of a verdict without bias, from 0 to 1.
      bias: share of the verdicts that length decides, from 0 to 1.
      generator: of the mistakes, and of the verdicts that length decides.

    Raises:
      DataError: for an accuracy or a bias outside [0, 1].
    """
    checks.share("accuracy", accuracy)
    checks.share("bias", bias)
    mistaken = generator.random(truth.shape) >= accuracy
    by_length = generator.random(truth.shape) < bias
    lengths = np.array([len(response) for _, response in documents])
    long = lengths > _medians(documents)
    return np.where(by_length, long[:, None], truth != mistaken)


def _medians(documents: Sequence[tuple[str, str]]) -> np.ndarray:
    """Median length of the responses to the prompt of each document [documents]."""
    lengths: dict[str, list[int]] = {}
    for prompt, response in documents:
        lengths.setdefault(prompt, []).append(len(response))
    medians = {prompt: float(np.median(own)) for prompt, own in lengths.items()}
    return np.array([medians[prompt] for prompt, _ in documents])
