"""Sums of two numbers, whose lengths follow a Zipf law: long ones are rare.

`12+345=` is answered by `357`, or with worked steps, lowest digits first, each with the
carry of the one before: `2+5+0=07,1+4+0=05,0+3+0=03:357`.
"""

import functools
import re

import numpy as np

from collapse.data.errors import DataError
from collapse.data.worlds.world import Document, Verdict, World, zipf

MOST_DIGITS = 18  # of an operand
# name -> whether a response with it still has the form of an answer
FAULTS = {"form": False, "length": True, "carry": True, "digit": True, "step": True}
_PROMPT = re.compile(r"(0|[1-9][0-9]{0,17})\+(0|[1-9][0-9]{0,17})=", re.ASCII)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_STEP = re.compile(r"[0-9]\+[0-9]\+[01]=[01][0-9]", re.ASCII)


def arithmetic(largest: int = 2, exponent: float = 1.0, steps: bool = False) -> World:
    """The world of sums.

    Args:
      largest: digits of an operand, at most.
      exponent: of the law of the number of digits: share of k digits ~ k^-exponent.
      steps: whether responses show worked steps.

    Raises:
      DataError: for numbers of digits that cannot be had.
    """
    if not 1 <= largest <= MOST_DIGITS:
        raise DataError(
            f"largest: {largest}; arithmetic has operands of 1 to {MOST_DIGITS} digits"
        )
    shares = zipf(largest, exponent)
    longest = 2 * largest + 2 + largest + 1 + 1  # with its end
    longest += steps * 9 * largest  # "1+2+0=03," or the last with ":"
    skills = {
        _skill(a, b): float(shares[a - 1] * shares[b - 1]) * (1 + (a != b))
        for a in range(1, largest + 1)
        for b in range(1, a + 1)
    }
    return World(
        name=f"arithmetic {largest} {exponent:g}" + " steps" * steps,
        letters="+,0123456789:=" if steps else "+0123456789=",
        separator="=",
        longest=longest,
        faults={k: v for k, v in FAULTS.items() if steps or k != "step"},
        make=functools.partial(_make, shares, steps),
        verify=functools.partial(_verify, steps),
        skill_of=skill_of,
        skills=skills,
        spoil=functools.partial(_spoil, steps),
    )


def skill_of(prompt: str) -> str:
    """The digits of the operands, the longer first: `3+1 digits`; "" if it is none."""
    found = _operands(prompt)
    return "" if found is None else _skill(*(len(str(x)) for x in found))


def _skill(a: int, b: int) -> str:
    return f"{max(a, b)}+{min(a, b)} digits"


def _make(
    shares: np.ndarray, steps: bool, generator: np.random.Generator, num: int
) -> list[Document]:
    """`num` documents without fault."""
    lengths = 1 + generator.choice(len(shares), (num, 2), p=shares)
    low = np.where(lengths == 1, 0, 10 ** (lengths.astype(np.int64) - 1))
    numbers = generator.integers(low, 10 ** lengths.astype(np.int64))
    return [_document(int(a), int(b), steps) for a, b in numbers]


def _document(a: int, b: int, steps: bool) -> Document:
    prompt = f"{a}+{b}="
    return Document(prompt, _answer(a, b, steps), {"skill": skill_of(prompt)})


def _answer(a: int, b: int, steps: bool) -> str:
    """The right response."""
    return f"{','.join(_steps(a, b))}:{a + b}" if steps else f"{a + b}"


def _steps(a: int, b: int) -> list[str]:
    """The worked steps, lowest digits first."""
    found, carry = [], 0
    for _ in range(max(len(str(a)), len(str(b)))):
        total = a % 10 + b % 10 + carry
        found.append(f"{a % 10}+{b % 10}+{carry}={total:02d}")
        a, b, carry = a // 10, b // 10, total // 10
    return found


def _operands(prompt: str) -> tuple[int, int] | None:
    """Both numbers; None if the text is no prompt of this world."""
    found = _PROMPT.fullmatch(prompt)
    return None if found is None else (int(found[1]), int(found[2]))


def _verify(steps: bool, prompt: str, response: str) -> Verdict:
    """The verdict on a response; of a text that is no prompt nothing is right."""
    operands = _operands(prompt)
    if operands is None:
        return Verdict("form", False)
    worked, colon, last = response.rpartition(":")
    shown = worked.split(",") if colon else []
    if bool(colon) != steps or not _NUMBER.fullmatch(last):
        return Verdict("form", False)
    if not all(_STEP.fullmatch(step) for step in shown):
        return Verdict("form", False)
    if steps and shown != _steps(*operands):
        return Verdict("step", True)
    return Verdict(_fault(*operands, last), True)


def _fault(a: int, b: int, said: str) -> str:
    """What is wrong with a number that is said to be a + b; "" if nothing is."""
    right = str(a + b)
    if said == right:
        return ""
    if said in _wrong_carries(a, b):
        return "carry"
    return "length" if len(said) != len(right) else "digit"


def _wrong_carries(a: int, b: int) -> set[str]:
    """What comes out with one carry too few or too many, or with none at all."""
    found, none, carry = set(), 0, 0
    x, y = a, b
    for k in range(max(len(str(a)), len(str(b)))):
        none += (x % 10 + y % 10) % 10 * 10**k
        carry = (x % 10 + y % 10 + carry) // 10
        found.add(a + b - 10 ** (k + 1) if carry else a + b + 10 ** (k + 1))
        x, y = x // 10, y // 10
    return {str(x) for x in found | {none}} - {str(a + b)}


def _spoil(
    steps: bool, generator: np.random.Generator, document: Document, fault: str
) -> Document:
    """The document with a fault.

    Raises:
      ValueError: for a fault that is not one of this world.
    """
    operands = _operands(document.prompt)
    if fault not in FAULTS or (fault == "step" and not steps) or operands is None:
        raise ValueError(f"fault {fault!r} cannot be planted in {document.prompt!r}")
    worked, colon, right = document.response.rpartition(":")
    if fault == "form":
        right = f"0{right}"
    elif fault == "step":
        every = worked.split(",")
        k = int(generator.integers(len(every)))
        every[k] = _other_digit(generator, every[k], len(every[k]) - 1)
        worked = ",".join(every)
    else:
        right = _wrong(generator, *operands, fault)
    truth = {**document.truth, "fault": fault}
    return document._replace(response=f"{worked}{colon}{right}", truth=truth)


def _wrong(generator: np.random.Generator, a: int, b: int, fault: str) -> str:
    """A wrong sum of a and b with this fault."""
    right = str(a + b)
    if fault == "carry":
        return str(generator.choice(sorted(_wrong_carries(a, b))))
    while True:
        if fault == "length":
            said = f"{a + b or 1}{generator.integers(10)}"
        else:
            said = _other_digit(generator, right, int(generator.integers(len(right))))
        # a leading zero is another fault, and so may be what a carry changes
        if _NUMBER.fullmatch(said) and _fault(a, b, said) == fault:
            return said


def _other_digit(generator: np.random.Generator, text: str, k: int) -> str:
    """The text with another digit at this position."""
    digit = (int(text[k]) + int(generator.integers(1, 10))) % 10
    return f"{text[:k]}{digit}{text[k + 1 :]}"
