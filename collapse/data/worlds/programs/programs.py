"""Programs of a stack language that are verified by running them on tests.

`f(a,b)=(a+3)*b|` asks for a program that finds its two inputs on the stack; one that is
right is `swap 3 + *`. With classes, prompts such as `up:s=s+2,two:up up,get:s|` ask for
definitions: `up:@ 2 + !;two:up up;get:@;`.
"""

import functools
from collections.abc import Mapping

import numpy as np

from collapse.data.errors import DataError
from collapse.data.worlds.programs import make_classes, make_functions
from collapse.data.worlds.programs.spoil import spoil
from collapse.data.worlds.programs.tasks import SEPARATOR
from collapse.data.worlds.programs.verify import FAULTS, skill_of, verify
from collapse.data.worlds.world import Document, World, zipf

MOST_OPERATIONS = 6
_LETTERS = "".join(sorted("abcdefghiklmnoprstuvwxyz0123456789 +-*/%<>=()?:;,@!|"))


def programs(largest: int = 3, exponent: float = 1.0, classes: bool = False) -> World:
    """The world of programs.

    Both levels have the same letters, so that a model that has learned one can be asked
    the other.

    Args:
      largest: operations of a function, or methods of a class beside those that all
        classes of its family have.
      exponent: of the laws of families and of depths: share of rank k ~ k^-exponent.
      classes: whether prompts ask for classes instead of functions.

    Raises:
      DataError: for a depth that cannot be had.
    """
    if not 1 <= largest <= MOST_OPERATIONS:
        raise DataError(
            f"largest: {largest}; programs have 1 to {MOST_OPERATIONS} operations, or "
            "methods of a class"
        )
    families = list(make_classes.MAKERS if classes else make_functions.MAKERS)
    of_family, of_depth = zipf(len(families), exponent), zipf(largest, exponent)
    skills = {
        f"{family} {depth + 1}": float(of_family[k] * of_depth[depth])
        for k, family in enumerate(families)
        for depth in range(largest)
    }
    faults = {k: valid for k, valid in FAULTS.items() if classes or k != "missing"}
    verifier = functools.partial(verify, skills)
    longest = make_classes.longest_class if classes else make_functions.longest_function
    return World(
        name=f"programs {largest} {exponent:g}" + " classes" * classes,
        letters=_LETTERS,
        separator=SEPARATOR,
        longest=longest(largest),
        faults=faults,
        make=functools.partial(_make, skills),
        verify=verifier,
        skill_of=functools.partial(skill_of, skills),
        skills=skills,
        spoil=functools.partial(spoil, verifier, faults),
    )


def _make(
    skills: Mapping[str, float], generator: np.random.Generator, num: int
) -> list[Document]:
    """`num` documents without fault."""
    names, shares = list(skills), list(skills.values())
    drawn = generator.choice(len(names), num, p=shares)
    return [_document(generator, names[k]) for k in drawn]


def _document(generator: np.random.Generator, skill: str) -> Document:
    family, depth = skill.split(" ")
    if family in make_functions.MAKERS:
        prompt, program = make_functions.MAKERS[family](generator, int(depth))
    else:
        methods = make_classes.MAKERS[family](generator, int(depth))
        prompt, program = make_classes.written(methods)
    truth = {"skill": skill, "right": program}
    return Document(f"{prompt}{SEPARATOR}", program, truth)
