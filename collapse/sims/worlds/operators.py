"""Text operators as they are written: `rules`, `classifier`, `classifier random`.

The last word makes an operator its random control, which keeps as many documents
whatever they are (`random`), or puts it into the hands of who knows the truth
(`oracle`): as many documents, right ones first.
"""

import dataclasses
from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

from collapse.data.errors import InputError
from collapse.experiment.spelling import named, once

As: TypeAlias = Literal["itself", "random", "oracle"]
NONE = "none"


class TextOperatorRule(NamedTuple):
    """What kind of operator a name is.

    Attributes:
      told: what it keeps, in words.
      keeps: what is kept by score: `some` documents, those it names; the `share`
        --keep-rate with the highest scores; the `best` answer to each prompt; or
        `all`, of several candidates one answer to each prompt, whichever.
    """

    told: str
    keeps: Literal["some", "share", "best", "all"] = "some"


RULES = {
    NONE: TextOperatorRule("every document", "all"),
    "rules": TextOperatorRule("what has the form of a document of the world"),
    "answers": TextOperatorRule("what is right, as an answer check finds"),
    "exact": TextOperatorRule("the first of equal documents"),
    "near": TextOperatorRule("the first of near duplicates, found by MinHash"),
    "clusters": TextOperatorRule("the first of similar documents of a cluster"),
    "classifier": TextOperatorRule("what looks most like clean documents", "share"),
    "perplexity": TextOperatorRule("what n-grams of clean documents expect", "share"),
    "influence": TextOperatorRule(
        "what, learned in one step, helps most with clean documents", "share"
    ),
    "best_of": TextOperatorRule("the answer to a prompt that a judge prefers", "best"),
    "constitution": TextOperatorRule(
        "the answer to a prompt that fulfils the most principles", "best"
    ),
    "enhance": TextOperatorRule(
        "every document, wrong answers rewritten by a teacher", "all"
    ),
}


@dataclasses.dataclass(frozen=True)
class TextOperator:
    """An operator that was read.

    Attributes:
      name: one of `RULES`.
      used_as: itself, its random control, or its oracle.
    """

    name: str
    used_as: As = "itself"

    @property
    def rule(self) -> TextOperatorRule:
        """What kind it is."""
        return RULES[self.name]


def read(text: str) -> TextOperator:
    """The operator that a text names.

    Raises:
      InputError: if it is no operator.
    """
    name, _, words = named("operator", text, RULES)
    if not words:
        return TextOperator(name)
    last = words[0]
    if len(words) > 1 or last not in ("random", "oracle") or name == NONE:
        raise InputError(
            f"operator: cannot read {text!r}; give one of {', '.join(RULES)}, then "
            "random or oracle if wanted (not for none)"
        )
    return TextOperator(name, "random" if last == "random" else "oracle")


def check(texts: Iterable[str]) -> None:
    """Raise InputError for the first text that is no operator, or is named twice."""
    once("operator", texts, read)
