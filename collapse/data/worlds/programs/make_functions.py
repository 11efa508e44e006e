"""Prompts for functions at random, each with a program that is right."""

from collections.abc import Callable, Mapping

import numpy as np

from collapse.data.worlds.programs.chains import Chain, draw_chain

_Made = tuple[str, str]  # a prompt without its separator, and a program
_MOST_TIMES = 5
_FIXED = 0.4  # share of the parts of a choice that are a number, of those that may be


def chain(generator: np.random.Generator, depth: int) -> _Made:
    """A formula of one or two variables."""
    names = _names(generator)
    found = draw_chain(generator, depth, *_in_some_order(generator, names))
    return f"{_head(names)}{found.text}", " ".join(found.program(names))


def choice(generator: np.random.Generator, depth: int) -> _Made:
    """One of two formulas, chosen by a comparison, which is one of the operations."""
    names = _names(generator)
    sign = "<>="[generator.integers(3)]
    first = int(generator.integers(depth))
    while True:
        yes, no = (_part(generator, k, names) for k in (first, depth - 1 - first))
        if yes != no:
            break
    if len(names) == 1:
        limit = str(generator.integers(10))
        words = ["dup", limit, sign]
    else:
        limit, words = "b", ["over", "over", sign]
    words += ["if", *yes.program(names), "else", *no.program(names), "end"]
    return f"{_head(names)}a{sign}{limit}?{yes.text}:{no.text}", " ".join(words)


def _part(generator: np.random.Generator, depth: int, names: list[str]) -> Chain:
    """What a choice may choose."""
    if not depth and generator.random() < _FIXED:
        return Chain(str(generator.integers(10)))
    start, other = _in_some_order(generator, names)
    return draw_chain(generator, depth, start, other, must=False)


def loop(generator: np.random.Generator, depth: int) -> _Made:
    """A formula that is applied to its own value several times."""
    names = _names(generator)
    found = draw_chain(generator, depth, "a", "".join(names[1:]), again=True)
    times = int(generator.integers(2, _MOST_TIMES + 1))
    words = [str(times), "times", *found.words(keep=True), "end"]
    if len(names) > 1:
        words = ["swap", *words, "swap", "drop"]
    return f"{_head(names)}{found.text},{times} times", " ".join(words)


def call(generator: np.random.Generator, depth: int) -> _Made:
    """A formula that calls another function, once or twice."""
    twice = depth == 1 or generator.random() < 0.3
    helper = draw_chain(generator, depth - (not twice), "a", again=True)
    sign = "+-*"[generator.integers(3)]
    if twice:
        formula, names, words = "g(g(a))", ["a"], ["g", "g"]
    elif generator.random() < 0.5:
        formula, names = f"g(a){sign}b", ["a", "b"]
        words = ["swap", "g", *(["swap"] if sign == "-" else []), sign]
    else:
        formula, names = f"g(a){sign}g(b)", ["a", "b"]
        words = [*(["swap"] if sign == "-" else []), "g", "swap", "g", sign]
    prompt = f"g(a)={helper.text},{_head(names)}{formula}"
    return prompt, f"g:{' '.join(helper.words())};{' '.join(words)}"


def _names(generator: np.random.Generator) -> list[str]:
    return ["a", "b"][: generator.integers(1, 3)]


def _in_some_order(generator: np.random.Generator, names: list[str]) -> tuple[str, str]:
    """The variable to start with, and the other one, if there is one."""
    if len(names) == 1:
        return names[0], ""
    return ("a", "b") if generator.random() < 0.5 else ("b", "a")


def _head(names: list[str]) -> str:
    return f"f({','.join(names)})="


MAKERS: Mapping[str, Callable[[np.random.Generator, int], _Made]] = {
    "chain": chain,
    "choice": choice,
    "loop": loop,
    "call": call,
}


def longest_function(depth: int) -> int:
    """Characters of the longest document with this many operations, its end included.

    An operation takes at most four characters of a prompt, `(` and `)*9`, and seven of
    a program, ` over +`.
    """
    longest = {
        "chain": len("f(a,b)=a|\n" + "swap") + (4 + 7) * depth,
        "choice": len("f(a,b)=a<b?a:b|\n")
        + len("over over < if drop drop 9 else drop drop 9 end")
        + (4 + 7) * (depth - 1),
        "loop": len("f(a,b)=a,5 times|\n" + "swap 5 times end swap drop")
        + (4 + 7) * depth,
        "call": len("g(a)=a,f(a,b)=g(a)-g(b)|\n" + "g:;swap g swap g -")
        + (4 + 7) * (depth - 1),
    }
    return max(longest.values())
