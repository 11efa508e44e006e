"""Documents as rows of tokens, and the text of rows that a model generated."""

import functools
import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from collapse.data.errors import DataError
from collapse.data.vocabulary import decode, encode
from collapse.data.worlds.world import END, Document, World

_HELD_OUT = 10  # one prompt in so many is asked only when models are measured
_ROUNDS = 4  # of making documents: so many are looked through for rare prompts


class WorldRows(NamedTuple):
    """Documents of a world, and prompts that no training document has.

    Attributes:
      world: that made them and verifies responses.
      train: [rows, block] tokens of documents, padded with `END`.
      asked: [m, block] tokens of documents whose prompts are held out.
      vocabulary: characters in the order of their tokens; `END` is the first.
      sha256: of all of it.
    """

    world: World
    train: Int[np.ndarray, "rows block"]
    asked: Int[np.ndarray, "m block"]
    vocabulary: str
    sha256: str

    @property
    def separator(self) -> int:
        """The token with which prompts end."""
        return self.vocabulary.index(self.world.separator)

    def text(self, row: Int[np.ndarray, " block"]) -> tuple[str, str]:
        """Prompt and response of a row; all is prompt if it has no separator."""
        return parted(decode(row, self.vocabulary), self.world.separator)


def parted(text: str, separator: str) -> tuple[str, str]:
    """Prompt, with its separator, and response of a document up to its `END`."""
    before, mark, after = text.partition(END)[0].partition(separator)
    return before + mark, after


def world_rows(
    world: World, block: int, num: int, asked: int, seed: int = 0
) -> WorldRows:
    """Documents of a world, cut into those to learn from and those to ask.

    A prompt is held out or not by its own hash, so that no training document asks what
    is asked when models are measured. Of each skill as many are asked, as far as there
    are so many different ones.

    Args:
      world: that makes the documents.
      block: tokens of a row.
      num: documents to learn from.
      asked: documents whose prompts are held out, at most.
      seed: of all of them.

    Raises:
      DataError: if documents are longer than a block.
    """
    if world.longest > block:
        raise DataError(
            f"block: {block}, but documents of {world.name} have up to "
            f"{world.longest} characters; give --block {world.longest} or more"
        )
    generator = np.random.default_rng(seed)
    each = max(asked // len(world.skills), 1)
    train = list[Document]()
    held: dict[str, dict[str, Document]] = {skill: {} for skill in world.skills}
    rounds = 0
    while len(train) < num or rounds < _ROUNDS:
        rounds += 1
        for document in world.make(generator, max(num, asked)):
            if not _is_held_out(document.prompt):
                train.append(document)
            elif len(own := held[document.truth["skill"]]) < each:
                own.setdefault(document.prompt, document)
    vocabulary = END + "".join(sorted(world.letters))
    every = [d for own in held.values() for d in own.values()]
    learned, prompts = (
        encoded(part, block, vocabulary) for part in (train[:num], every)
    )
    sha256 = hashlib.sha256(world.name.encode())
    sha256.update(learned.tobytes() + prompts.tobytes())
    return WorldRows(world, learned, prompts, vocabulary, sha256.hexdigest())


def encoded(
    documents: Sequence[Document], block: int, vocabulary: str
) -> Int[np.ndarray, "rows block"]:
    """Tokens of documents, each padded with `END`."""
    texts = [(d.prompt + d.response).ljust(block, END) for d in documents]
    return encode("".join(texts), vocabulary).reshape(len(texts), block)


@functools.lru_cache(maxsize=2**16)
def _is_held_out(prompt: str) -> bool:
    digest = hashlib.sha256(prompt.encode()).digest()
    return int.from_bytes(digest[:8], "big") % _HELD_OUT == 0
