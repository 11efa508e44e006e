"""Rows of tokens read as documents, with the world's verdict."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from collapse.data.vocabulary import decode
from collapse.data.worlds.rows import WorldRows, parted
from collapse.data.worlds.world import END, Verdict
from collapse.measures.worlds import Judged


class ReadDocument(NamedTuple):
    """A document that was written by a model, or is real, and what the world says.

    Attributes:
      text: prompt and response, without its end.
      prompt: with its separator; all of the text if it has none.
      skill: that its prompt asks for; "" if it has none.
      verdict: on its response.
    """

    text: str
    prompt: str
    skill: str
    verdict: Verdict

    @property
    def judged(self) -> Judged:
        """Skill, and whether it is valid and correct."""
        return self.skill, self.verdict.valid, self.verdict.correct


def read(data: WorldRows, row: Int[np.ndarray, " block"]) -> ReadDocument:
    """The document in a row of tokens."""
    text = decode(row, data.vocabulary).partition(END)[0]
    prompt, response = parted(text, data.world.separator)
    verdict = data.world.verify(prompt, response)
    return ReadDocument(text, prompt, data.world.skill_of(prompt), verdict)
