"""Prompts for classes at random, each with a program that is right."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

_Method = tuple[str, str, str]  # name, with its input, what it means, program
NAMES = ("up", "off", "win", "run", "mix", "lap", "top", "lot", "fit", "tax")
MOST = 6  # depth of a class
_GET: _Method = ("get", "s", "@")
# meaning, program and the bounds of their number
_Meanings = tuple[tuple[str, str, int, int], ...]
# the first ones can change a number that is zero
_COUNTS: _Meanings = (
    ("s=s+{}", "@ {} + !", 1, 99),
    ("s=s-{}", "@ {} - !", 1, 99),
    ("s=s*{}", "@ {} * !", 2, 3),
    ("s=s%{}", "@ {} % !", 2, 9),
    ("s={}", "{} !", 0, 9),
)
_ADDS: _Meanings = (
    ("s=s+a", "@ + !", 0, 0),
    ("s=s-a", "@ swap - !", 0, 0),
    ("s=s+a*{}", "{} * @ + !", 2, 9),
    ("s=s-a*{}", "{} * @ swap - !", 2, 9),
    ("s=a-s", "@ - !", 0, 0),
    ("s=s*a", "@ * !", 0, 0),
)
_NUM_SUMS = {_COUNTS: 2, _ADDS: 4}
_PUT = ("in(a)", "put max {}", "size {} < if put else drop end")
_LISTS: Sequence[_Method] = (
    ("out", "take", "take"),
    ("len", "size", "size"),
    ("full", "size={}", "size {} ="),
    ("room", "{}-size", "{} size -"),
    ("any", "size>0", "size 0 >"),
    ("new", "clear", "size times take drop end"),
)


def counter(generator: np.random.Generator, depth: int) -> list[_Method]:
    """Methods that change a number, and one that tells it."""
    return [*_setters(generator, depth, NAMES, _COUNTS, ""), _GET]


def adder(generator: np.random.Generator, depth: int) -> list[_Method]:
    """Methods that change a number by their input, and one that tells it."""
    return [*_setters(generator, depth, NAMES, _ADDS, "(a)"), _GET]


def calls(generator: np.random.Generator, depth: int) -> list[_Method]:
    """A counter with a method that calls others."""
    name, *names = generator.permutation(NAMES).tolist()
    own = _setters(generator, depth, names, _COUNTS, "")
    called = generator.choice([x for x, _, _ in own], generator.integers(2, 4))
    return [*own, (name, *2 * (" ".join(called.tolist()),)), _GET]


def stack(generator: np.random.Generator, depth: int) -> list[_Method]:
    """A list that cannot grow above a bound, and methods that look at it."""
    most = int(generator.integers(2, 10))
    # the last one alone would have no effect to be seen
    chosen = [int(generator.integers(len(_LISTS) - 1))]
    rest = [k for k in range(len(_LISTS)) if k != chosen[0]]
    chosen += generator.permutation(rest)[: depth - 1].tolist()
    every = [_PUT, *(_LISTS[k] for k in generator.permutation(chosen))]
    return [(x, y.format(most), z.format(most)) for x, y, z in every]


def _setters(
    generator: np.random.Generator,
    depth: int,
    names: Sequence[str],
    meanings: _Meanings,
    inputs: str,
) -> list[_Method]:
    """Methods that change a number, at least one of them also if it is zero."""
    found = list[_Method]()
    sums = int(generator.integers(depth))
    for k, name in enumerate(generator.permutation(names)[:depth].tolist()):
        several = _NUM_SUMS[meanings] if k == sums else len(meanings)
        meaning, words, low, high = meanings[generator.integers(several)]
        number = int(generator.integers(low, high + 1))
        own = (name + inputs, meaning.format(number), words.format(number))
        found.append(own)
    return found


MAKERS: Mapping[str, Callable[[np.random.Generator, int], list[_Method]]] = {
    "counter": counter,
    "adder": adder,
    "stack": stack,
    "calls": calls,
}


def written(methods: Sequence[_Method]) -> tuple[str, str]:
    """Prompt without its separator, and program, of methods."""
    prompt = ",".join(f"{name}:{meaning}" for name, meaning, _ in methods)
    return prompt, "".join(f"{x.removesuffix('(a)')}:{z};" for x, _, z in methods)


def longest_class(depth: int) -> int:
    """Characters of the longest document of this depth, its end included."""
    lists = sorted((written([own]) for own in _LISTS), key=lambda x: -len("".join(x)))
    one = sum(map(len, written([_PUT]))) - 2  # with a digit for each of the two {}
    several = [one - 1, *(len(x) + len(y) for x, y in lists[:depth])]
    widest = sum(map(len, written([("off(a)", "s=s-a*9", "9 * @ swap - !")])))
    caller = 2 * len("off off off") + len("off:off:;")
    numbers = widest * depth + caller + sum(map(len, written([_GET])))
    return max(sum(several) + depth, numbers + depth + 1) + len("|\n")
