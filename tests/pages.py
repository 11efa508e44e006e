"""Blocks of code in the pages, and how they are run.

A comment on the line above a block says what it is:

    <!-- file: sweep.toml -->   it is the content of that file, for later commands
    <!-- not run: needs a GPU -->   it is shown, not run or not printed

A block of `text` after code or commands is what they print. In it `...` stands for
anything in one word's place, such as seconds; numbers may differ in their last digit,
since sums are taken in another order on another processor.
"""

import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("docs/**/*.md"), ROOT / "README.md"])
_BLOCK = re.compile(
    r"(?:<!-- (file|not run): ([^>]+?) -->\n)?^```(\w+)\n(.*?)^```", re.M | re.S
)
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


class Block(NamedTuple):
    """A block of a page.

    Attributes:
      language: as written after the backticks.
      code: between them.
      file: that it is the content of; empty for none.
      runs: whether it is to be run.
    """

    language: str
    code: str
    file: str = ""
    runs: bool = True


def blocks(text: str) -> list[Block]:
    """The blocks of a page, in order."""
    return [
        Block(language, code, said if note == "file" else "", note != "not run")
        for note, said, language, code in _BLOCK.findall(text)
    ]


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command of the lab in a page's shell blocks, from its name on.

    What stands before it, such as `JAX_PLATFORMS=cpu`, is left out, and so are lines
    that a shell has to fill in.
    """
    for block in blocks(text):
        if block.language != "bash" or not block.runs:
            continue
        for line in block.code.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|;|\|", line):
                words = shlex.split(part, comments=True)
                while words and words[0] not in ("collapse", "python"):
                    words.pop(0)
                if words[:2] == ["python", "-m"]:
                    words = (
                        words[2].split(".")[:1] + words[2].split(".")[2:] + words[3:]
                    )
                if len(words) > 1 and "$" not in part and "<" not in part:
                    yield words


def shown_after(text: str) -> Iterator[tuple[Block, str]]:
    """Each block, and what the page says that it prints; empty if it does not say."""
    every = blocks(text)
    for block, after in itertools.zip_longest(every, every[1:]):
        shows = after is not None and after.language == "text" and after.runs
        yield block, after.code if after and shows else ""


def write_files(text: str, folder: Path) -> None:
    """Write the blocks of a page that are files."""
    for block in blocks(text):
        if block.file:
            (folder / block.file).write_text(block.code)


def differs(said: str, shown: str) -> str:
    """Where what was printed is not what a page shows; empty if it is."""
    found, asked = said.split(), shown.split()
    for one, other in zip(found, asked, strict=False):
        if other != "..." and not _same(one, other):
            return f"printed {one!r}, shown {other!r}"
    if len(found) != len(asked):
        return f"{len(found)} words were printed, {len(asked)} are shown"
    return ""


def _same(word: str, shown: str) -> bool:
    """Whether two words are equal but for one unit in the last digit of numbers."""
    if _NUMBER.sub("#", word) != _NUMBER.sub("#", shown):
        return False
    pairs = zip(_NUMBER.findall(word), _NUMBER.findall(shown), strict=True)
    return all(
        abs(float(one) - float(other)) <= 1.01 * _unit(other) for one, other in pairs
    )


def _unit(number: str) -> float:
    """One unit of the last digit; 0 of a whole number, which is exact."""
    mantissa, _, exponent = number.partition("e")
    decimals = len(mantissa.partition(".")[2])
    return 10.0 ** (int(exponent or 0) - decimals) if decimals or exponent else 0.0
