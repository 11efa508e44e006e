"""The score of mutation runs, as a page: which test catches each mutant."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from mutation.copies import Outcome
from mutation.table import Mutant

_HEAD = """\
# Mutation score

Written by `python tests/mutants.py --write`; do not edit it by hand. Each line is a
fault of one line, put into a copy of the package, and the first test that failed then.
The number is a digest of the mutant: of the file, both texts, and the tests named.

"""
_LINE = re.compile(r"^\| .* \| `([^`]*)` \| ([0-9a-f]{8}) \|$", re.MULTILINE)


def digest(mutant: Mutant) -> str:
    """Eight digits that change when the mutant does."""
    told = "\0".join((mutant.file, mutant.old, mutant.new, *mutant.tests))
    return hashlib.sha256(told.encode()).hexdigest()[:8]


def known(path: Path) -> dict[str, Outcome]:
    """Digest -> outcome of the mutants that a page says were caught."""
    text = path.read_text("utf-8") if path.is_file() else ""
    return {mark: Outcome("caught", by) for by, mark in _LINE.findall(text)}


def page(mutants: Iterable[Mutant], outcomes: dict[str, Outcome]) -> str:
    """The page of a table.

    Args:
      mutants: of the whole table.
      outcomes: digest -> outcome; a mutant without one has not been tried.
    """
    mutants, untried = list(mutants), Outcome("not tried", "")
    found = {m: outcomes.get(digest(m), untried) for m in mutants}
    caught = sum(o.verdict == "caught" for o in found.values())
    lines = [f"**{caught} of {len(mutants)} mutants are caught.**"]
    for room in dict.fromkeys(m.room for m in mutants):
        lines += ["", f"## {room}", ""]
        lines += ["| fault | in | caught by | digest |", "|---|---|---|---|"]
        for mutant in (m for m in mutants if m.room == room):
            verdict, by = found[mutant]
            said = f"`{by}`" if verdict == "caught" else f"**{verdict}**"
            cells = (mutant.name, f"`{mutant.file}`", said, digest(mutant))
            lines.append(f"| {' | '.join(cells)} |")
    return _HEAD + "\n".join(lines) + "\n"
