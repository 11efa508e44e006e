"""Planted faults: programs that a model that errs would write."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from collapse.data.worlds.programs.language import (
    ARITHMETIC,
    COMPARISONS,
    CONTROL,
    STACK,
)
from collapse.data.worlds.world import Document, Verdict

INVENTED = ("rot", "neg", "pop", "nip", "inc")  # words of other stack languages
_BEFORE = {  # what gives a fault at the start of any program, whatever is on the stack
    "stack": ("drop drop drop",),
    "limit": ("9999 times end", "99999 dup *", "99 times 0 end"),
    "zero": ("0 0 /", "1 0 %"),
}
_TRIES = 8


def spoil(
    verify: Callable[[str, str], Verdict],
    faults: Mapping[str, bool],
    generator: np.random.Generator,
    document: Document,
    fault: str,
) -> Document:
    """The document with a fault.

    Raises:
      ValueError: for a fault that is not one of this world.
    """
    if fault not in faults or not verify(document.prompt, document.response).correct:
        raise ValueError(f"fault {fault!r} cannot be planted in {document.prompt!r}")
    parts = _parts(document.response)
    for k in range(_TRIES + len(parts)):
        if k < _TRIES:
            changed = _changed(generator, parts, fault)
        else:
            changed = _surely(generator, parts, fault, k - _TRIES)
        response = _written(changed)
        if verify(document.prompt, response).fault == fault:
            break
    truth = {**document.truth, "fault": fault}
    return document._replace(response=response, truth=truth)


_Parts = list[tuple[str, list[str]]]  # names of definitions, and their words


def _parts(program: str) -> _Parts:
    """The definitions of a program; the last one has no name if it is the main part."""
    *definitions, main = program.split(";")
    found: _Parts = []
    for text in definitions:
        name, _, words = text.partition(":")
        found.append((name, words.split(" ")))
    return [*found, ("", main.split(" "))] if main else found


def _written(parts: _Parts) -> str:
    texts = [f"{name}:{' '.join(x)};" if name else " ".join(x) for name, x in parts]
    return "".join(texts)


def _changed(generator: np.random.Generator, parts: _Parts, fault: str) -> _Parts:
    """A program that probably has the fault."""
    k = int(generator.integers(len(parts)))
    name, words = parts[k][0], list(parts[k][1])
    if fault == "missing":
        return [part for part in parts if part != parts[k]]
    if fault == "form":
        words.insert(_place(generator, len(words) + 1), _drawn(generator, CONTROL))
    elif fault == "name":
        own = [j for j, word in enumerate(words) if word not in CONTROL]
        words[own[_place(generator, len(own))]] = _drawn(generator, INVENTED)
    elif fault == "stack":
        j = _place(generator, len(words))
        words = words[:j] + words[j + 1 :] if len(words) > 1 else [*words, "drop"]
    elif fault == "value":
        j = _place(generator, len(words))
        words[j] = _other(generator, words[j])
    else:
        words = [_drawn(generator, _BEFORE[fault]), *words]
    return [*parts[:k], (name, words), *parts[k + 1 :]]


def _surely(
    generator: np.random.Generator, parts: _Parts, fault: str, k: int
) -> _Parts:
    """A clumsy program, which for one of the k has the fault for certain."""
    if fault == "value":  # so it is in those that leave a value
        name, words = parts[k]
        return [*parts[:k], (name, [*words, "1", "+"]), *parts[k + 1 :]]
    if fault == "form":
        return [(parts[0][0], [*parts[0][1], "end"]), *parts[1:]]
    first = _drawn(generator, _BEFORE[fault])
    return [(name, [first, *words]) for name, words in parts]


def _other(generator: np.random.Generator, word: str) -> str:
    """A word that has the same effect on how many values there are."""
    for alike in (ARITHMETIC, COMPARISONS):
        if word in alike:
            return _drawn(generator, [other for other in alike if other != word])
    if word.isdigit():
        return str(int(word) + int(generator.integers(1, 4)))
    return {"dup": "over", "over": "dup"}.get(word, word)


def _place(generator: np.random.Generator, num: int) -> int:
    return int(generator.integers(num))


def _drawn(generator: np.random.Generator, words: Sequence[str]) -> str:
    return words[_place(generator, len(words))]


LETTERS = frozenset("".join((*INVENTED, *STACK, *CONTROL)))
