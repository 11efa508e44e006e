"""Documents as rows of tokens, and the text of rows that a model generated."""

import functools
import hashlib
import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from collapse.data.errors import DataError
from collapse.data.vocabulary import decode, encode
from collapse.data.worlds.leaks import in_proportion, leaking
from collapse.data.worlds.planted import Defects, planted
from collapse.data.worlds.world import END, Contest, Document, World

_HELD_OUT = 10  # one prompt in so many is asked only when models are measured
_CONTEST_SEED = 1  # the same contests whatever the documents
_CONTEST_ROUNDS = 200  # of making contests, of which one prompt in ten is held out
_ROUNDS = 4  # of making documents: so many are looked through for rare prompts


class WorldRows(NamedTuple):
    """Documents of a world, and prompts that no training document has.

    Attributes:
      world: that made them and verifies responses.
      train: [rows, block] tokens of documents, padded with `END`.
      asked: [m, block] tokens of documents whose prompts are held out; of a skill with
        few such prompts each stands there several times.
      vocabulary: characters in the order of their tokens; `END` is the first.
      sha256: of all of it.
      contests: [c, k, block] tokens of the documents of each contest; of minimal pairs
        with held-out prompts.
      right: [c] which of them is the right one.
      leaks: [m] whether each document that is asked is in the half that may leak.
    """

    world: World
    train: Int[np.ndarray, "rows block"]
    asked: Int[np.ndarray, "m block"]
    vocabulary: str
    sha256: str
    contests: Int[np.ndarray, "c k block"]
    right: Int[np.ndarray, " c"]
    leaks: Bool[np.ndarray, " m"]

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
    is asked when models are measured. Each skill is asked as often: one that has few
    prompts has each of them asked several times, since models answer at random.

    Args:
      world: that makes the documents.
      block: tokens of a row.
      num: documents to learn from.
      asked: questions to ask, as near to it as equal numbers of each skill come: one
        at least, none of a skill too rare to be met.
      seed: of all of them.

    Raises:
      DataError: if documents are longer than a block, or for a negative seed.
    """
    if seed < 0:
        raise DataError(f"seed: {seed}; give 0 or more")
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
    every = _in_turn(held, each)
    learned, prompts = (
        encoded(part, block, vocabulary) for part in (train[:num], every)
    )
    found = _contests(world)
    contests = encoded(
        [Document(*both, {}) for contest in found for both in contest.documents],
        block,
        vocabulary,
    )
    return WorldRows(
        world,
        learned,
        prompts,
        vocabulary,
        _digest(world, learned, prompts),
        contests.reshape(len(found), -1 if found else 0, block),
        np.array([contest.right for contest in found], int),
        leaking(world, [document.prompt for document in every]),
    )


def _in_turn(held: Mapping[str, Mapping[str, Document]], each: int) -> list[Document]:
    """So many documents of each skill that has any, those of a few in turn."""
    return [
        document
        for own in held.values()
        for document in itertools.islice(itertools.cycle(own.values()), each)
    ]


def _digest(world: World, *rows: Int[np.ndarray, "_ block"]) -> str:
    sha256 = hashlib.sha256(world.name.encode())
    for part in rows:
        sha256.update(part.tobytes())
    return sha256.hexdigest()


def _contests(world: World) -> list[Contest]:
    """The contests of a world; of minimal pairs those whose prompts are held out."""
    generator = np.random.default_rng(_CONTEST_SEED)
    found = world.contests(generator)
    if world.contest != "pairs":
        return found
    wanted, found = len(found), [c for c in found if _is_unseen(c)]
    for _ in range(_CONTEST_ROUNDS):
        if len(found) >= wanted:
            break
        found += [c for c in world.contests(generator) if _is_unseen(c)]
    return found[:wanted]


def _is_unseen(contest: Contest) -> bool:
    return all(_is_held_out(prompt) for prompt, _ in contest.documents)


def encoded(
    documents: Sequence[Document], block: int, vocabulary: str
) -> Int[np.ndarray, "rows block"]:
    """Tokens of documents, each padded with `END`."""
    return tokens_of([d.prompt + d.response for d in documents], block, vocabulary)


def tokens_of(
    texts: Sequence[str], block: int, vocabulary: str
) -> Int[np.ndarray, "rows block"]:
    """Tokens of texts without their end, each padded with `END`."""
    padded = "".join(text.ljust(block, END) for text in texts)
    return encode(padded, vocabulary).reshape(len(texts), block)


def unasked(world: World, generator: np.random.Generator, num: int) -> list[Document]:
    """`num` documents without fault whose prompts are not held out."""
    found = list[Document]()
    while len(found) < num:
        found += [d for d in world.make(generator, num) if not _is_held_out(d.prompt)]
    return found[:num]


def with_defects(data: WorldRows, defects: Defects, seed: int = 0) -> WorldRows:
    """The same world, its documents to learn from made anew with planted defects.

    No prompt of theirs is asked when models are measured, except that of contamination:
    copies of documents that are asked, of the half that may leak.

    Args:
      data: of the world.
      defects: shares of the documents that have each defect.
      seed: of all documents.

    Raises:
      DataError: for shares that cannot be had.
    """
    num, block = data.train.shape
    leaked = dict.fromkeys(data.text(row) for row in data.asked[data.leaks])
    skill_of, skills = data.world.skill_of, data.world.skills
    asked = [Document(*text, {"skill": skill_of(text[0])}) for text in leaked]
    if defects.contamination and not asked:
        raise DataError(
            "measured_rows: no skill has two prompts of which one may leak; give more"
        )
    unseen = data.world._replace(make=functools.partial(unasked, data.world))
    benchmark = in_proportion(asked, skills)
    made = planted(unseen, np.random.default_rng(seed), num, defects, benchmark)
    train = encoded(made, block, data.vocabulary)
    return data._replace(train=train, sha256=_digest(data.world, train, data.asked))


@functools.lru_cache(maxsize=2**16)
def _is_held_out(prompt: str) -> bool:
    digest = hashlib.sha256(prompt.encode()).digest()
    return int.from_bytes(digest[:8], "big") % _HELD_OUT == 0
