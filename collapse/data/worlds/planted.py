"""Corpora with planted defects, so that what finds defects can be tested.

How many documents have each defect is exact, and their truth records tell which.
"""

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from collapse.data.errors import DataError, unknown_value
from collapse.data.worlds.world import END, Document, World

RATES = ("faults", "noise", "duplicates", "near_duplicates", "contamination")
# what `planted` adds to truth records
_OWN = {"defect", "correct", "fault", "duplicate_of", "changed", "contaminated_with"}


class Defects(NamedTuple):
    """How many documents of a corpus have which defect, and two settings of defects.

    The first five are shares of the documents, from 0 to 1; no document has two
    defects, so that their sum is at most 1.

    Attributes:
      faults: whose response has a fault, planted by `World.spoil`.
      noise: whose response has some characters replaced by random letters.
      duplicates: that are exact copies of another document.
      near_duplicates: that are copies of another document but for one character of the
        response.
      contamination: that are documents of the benchmark.
      fault: name of the fault that is planted; "" for any, each as often as others.
      noise_share: share of the characters of a response that noise replaces, above 0;
        rounded, but at least one.
    """

    faults: float = 0.0
    noise: float = 0.0
    duplicates: float = 0.0
    near_duplicates: float = 0.0
    contamination: float = 0.0
    fault: str = ""
    noise_share: float = 0.2


def planted(
    world: World,
    generator: np.random.Generator,
    num: int,
    defects: Defects,
    benchmark: Sequence[Document] = (),
) -> list[Document]:
    """Documents of a world, of which exactly round(rate * num) have each defect.

    Those without defect are the documents that `world.make` returns for the same
    generator, in their positions; the others are at random ones. Truth records have, in
    addition to what the world knows:

    * `defect`: name of the rate that it belongs to, such as `duplicates`; "" for none.
    * `correct`: whether the world verifies the document as right. Noise and the change
      of a near-duplicate may leave a response right.
    * `fault`: name of the planted fault, of `faults` alone.
    * `duplicate_of`: of both kinds of copies, the index in this list of the document
      that is copied. That one has no defect, and may come before or after the copy.
    * `changed`: of `near_duplicates`, the index of the changed character in the
      response, the character before, and the one after.
    * `contaminated_with`: of `contamination`, the index in the benchmark. No document
      of the benchmark is used once more before all others are.

    In a small world documents also repeat each other, or ask a prompt of the benchmark,
    by chance. These are not defects: a detector finds them at rates of 0, too.

    Args:
      world: that makes and verifies documents.
      generator: of documents and of defects.
      num: documents of the corpus.
      defects: how many have which defect.
      benchmark: documents of the same world with right responses, for contamination.

    Raises:
      DataError: for rates that cannot be had with so many documents, and a benchmark
        document whose response is not right.
    """
    _check(world, num, defects)
    counts = _counts(num, defects, benchmark)
    corpus = [_recorded(world, d, "") for d in world.make(generator, num)]
    positions = _plant_faults(world, generator, corpus, counts["faults"], defects.fault)
    of = dict[str, list[int]]()
    for name in RATES[1:]:
        of[name], positions = positions[: counts[name]], positions[counts[name] :]
    for k in of["noise"]:
        noisy = _noisy(world, generator, corpus[k], defects.noise_share)
        corpus[k] = _recorded(world, noisy, "noise")
    _plant_copies(world, generator, corpus, of, positions)
    chosen = _in_turn(generator, len(benchmark), counts["contamination"])
    for k, source in zip(of["contamination"], chosen, strict=True):
        corpus[k] = _leaked(world, benchmark, source)
    return corpus


def _check(world: World, num: int, defects: Defects) -> None:
    """Raise DataError for settings that cannot be used."""
    if num < 0:
        raise DataError(f"num: {num}; give a number of documents, 0 or more")
    for name in RATES:
        if not _is_share(rate := getattr(defects, name)):
            raise DataError(f"{name}: {rate}; give a share from 0 to 1")
    share = defects.noise_share
    if not _is_share(share) or not share:
        raise DataError(f"noise_share: {share}; give a share above 0, at most 1")
    if defects.fault and defects.fault not in world.faults:
        raise DataError(f"fault: {unknown_value(defects.fault, world.faults)}")


def _is_share(value: object) -> bool:
    return isinstance(value, Real) and 0 <= float(value) <= 1


def _counts(
    num: int, defects: Defects, benchmark: Sequence[Document]
) -> dict[str, int]:
    """Defect -> how many documents have it.

    Raises:
      DataError: if there are too many, no document to copy, or no benchmark.
    """
    rates = {name: getattr(defects, name) for name in RATES}
    named = ", ".join(name for name, rate in rates.items() if rate)
    if (total := math.fsum(rates.values())) > 1 + 1e-9:  # more than rounding errors
        raise DataError(
            f"{named}: {total:g} together; a document has at most one defect, so lower "
            "their sum to 1"
        )
    if defects.contamination and not benchmark:
        raise DataError(
            f"contamination: {defects.contamination} of no benchmark; give `benchmark`"
        )
    counts = {name: round(rate * num) for name, rate in rates.items()}
    clean = num - sum(counts.values())
    if clean < 0:
        raise DataError(
            f"{named}: rounded they are {num - clean} of {num} documents; lower one, "
            "or give a larger num"
        )
    for name in ("duplicates", "near_duplicates"):
        if counts[name] and not clean:
            raise DataError(
                f"{name}: no document without defect is left to copy; lower {named}"
            )
    return counts


def _recorded(
    world: World,
    document: Document,
    defect: str,
    known: Mapping[str, Any] | None = None,
) -> Document:
    """The document with its defect, and the verdict on it, in its truth record."""
    correct = world.verify(document.prompt, document.response).correct
    own = {"defect": defect, "correct": correct, **(known or {})}
    return document._replace(truth={**document.truth, **own})


def _plant_faults(
    world: World,
    generator: np.random.Generator,
    corpus: list[Document],
    count: int,
    fault: str,
) -> list[int]:
    """The positions of the other documents, after so many were given a fault.

    In a mixture of worlds a document can have the faults of its own world alone.

    Raises:
      DataError: if a fault is named that fewer documents can have.
    """
    rest, found = list[int](), 0
    for k in generator.permutation(len(corpus)).tolist():
        bad = None
        if found < count:
            bad = spoiled(world, generator, corpus[k], fault)
        if bad is None:
            rest.append(k)
        else:
            corpus[k] = _recorded(world, bad, "faults")
            found += 1
    if found < count:
        raise DataError(
            f"fault: {fault or 'any'} fits into {found} of the {count} documents that "
            "are to have it; lower faults, or name no fault"
        )
    # those that could not have the fault came first: other defects must not prefer them
    return [rest[j] for j in generator.permutation(len(rest))]


def spoiled(
    world: World, generator: np.random.Generator, document: Document, fault: str = ""
) -> Document | None:
    """The document with this fault, or with one at random; None if it cannot be.

    One that would be longer than every document of the world cannot be.

    Args:
      world: of the document.
      generator: of the fault, and of how it is planted.
      document: with a right response.
      fault: its name; "" for any.
    """
    every = list(world.faults)
    order = [every[j] for j in generator.permutation(len(every))]
    for name in [fault] if fault else order:
        try:
            bad = world.spoil(generator, document, name)
        except ValueError:  # a fault of another world of a mixture
            continue
        # models read no longer ones; as rare as they are, another fault is as good
        if len(bad.prompt + bad.response) < world.longest:
            return bad
    return None


def _plant_copies(
    world: World,
    generator: np.random.Generator,
    corpus: list[Document],
    of: Mapping[str, list[int]],
    clean: list[int],
) -> None:
    """Put copies of documents without defect in their positions.

    Args:
      world: that verifies them.
      generator: of what is copied, and of what is changed.
      corpus: changed in place.
      of: defect -> positions of the documents that have it.
      clean: positions of the documents without defect.
    """
    for k in of["duplicates"]:
        source = clean[generator.integers(len(clean))]
        known = {"duplicate_of": source}
        corpus[k] = _recorded(world, corpus[source], "duplicates", known)
    for k in of["near_duplicates"]:
        source = clean[generator.integers(len(clean))]
        near, change = _nearly(world, generator, corpus[source])
        told = {"duplicate_of": source, "changed": change}
        corpus[k] = _recorded(world, near, "near_duplicates", told)


def _noisy(
    world: World, generator: np.random.Generator, document: Document, share: float
) -> Document:
    """The document with this share of the characters of its response replaced."""
    letters = list(document.response)
    num = max(round(share * len(letters)), 1)
    for k in generator.choice(len(letters), num, replace=False):
        letters[k] = _other_letter(world, generator, letters[k])
    return document._replace(response="".join(letters))


def _nearly(
    world: World, generator: np.random.Generator, document: Document
) -> tuple[Document, tuple[int, str, str]]:
    """The document with one character of the response changed, and that change."""
    text = document.response
    k = int(generator.integers(len(text)))
    other = _other_letter(world, generator, text[k])
    changed = f"{text[:k]}{other}{text[k + 1 :]}"
    return document._replace(response=changed), (k, text[k], other)


def _other_letter(world: World, generator: np.random.Generator, letter: str) -> str:
    """A letter of responses other than this one."""
    others = [x for x in world.letters if x not in {letter, world.separator, END}]
    return others[generator.integers(len(others))]


def _in_turn(generator: np.random.Generator, size: int, count: int) -> list[int]:
    """So many of the numbers below a size at random, each as often, up to one."""
    found = list[int]()
    while len(found) < count:
        found += generator.permutation(size).tolist()
    return found[:count]


def _leaked(world: World, benchmark: Sequence[Document], source: int) -> Document:
    """A document of the benchmark as one of the corpus.

    Raises:
      DataError: if its response is not right.
    """
    prompt, response, truth = benchmark[source]
    if fault := world.verify(prompt, response).fault:
        raise DataError(
            f"benchmark: document {source} has fault {fault}; give documents of this "
            "world with right responses"
        )
    known = {name: value for name, value in truth.items() if name not in _OWN}
    own = {"contaminated_with": source}
    document = Document(prompt, response, known)
    return _recorded(world, document, "contamination", own)
