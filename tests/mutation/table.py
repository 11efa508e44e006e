"""The table of mutants: one-line faults, and the tests that have to see each.

One TOML file a room. A mutant is a piece of text that occurs once in one file of the
package, what takes its place, and the tests that must fail then:

    [[mutants]]
    name = "the key of WEIGH is that of generation 0"
    file = "core/learning.py"
    old = "streams.key(root, generation, Purpose.WEIGH)"
    new = "streams.key(root, 0, Purpose.WEIGH)"
    tests = ["core/test_keys.py"]

Tests are named as pytest names them, below tests/; quick ones, of which one is enough.
"""

import tomllib
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
SCORE = HERE / "SCORE.md"


class Mutant(NamedTuple):
    """A fault of one line.

    Attributes:
      room: stem of the file it is listed in.
      name: what is wrong, in a few words; no two are alike.
      file: where, below collapse/.
      old: text that occurs once in the file.
      new: text in its place.
      tests: names of tests, below tests/, of which one must fail.
    """

    room: str
    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def read(folder: Path = HERE) -> list[Mutant]:
    """All mutants of a folder, in the order of its files."""
    return [
        Mutant(path.stem, **(line | {"tests": tuple(line["tests"])}))
        for path in sorted(folder.glob("*.toml"))
        for line in tomllib.loads(path.read_text("utf-8"))["mutants"]
    ]


def mutated(mutant: Mutant, text: str) -> str:
    """The text of a file with the fault.

    Raises:
      ValueError: if the old text does not occur exactly once, or nothing changes.
    """
    times = text.count(mutant.old)
    if times != 1:
        raise ValueError(
            f"{mutant.name}: the old text occurs {times} times in {mutant.file}; "
            "it has to occur once"
        )
    if mutant.old == mutant.new:
        raise ValueError(f"{mutant.name}: the new text is the old one")
    return text.replace(mutant.old, mutant.new)
