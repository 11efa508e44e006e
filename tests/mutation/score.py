"""The score of a mutation run, as a page."""

from collections.abc import Iterable

from mutation.copies import Outcome
from mutation.table import Mutant

_HEAD = """\
# Mutation score

Written by `python tests/mutants.py --write`; do not edit it by hand. Each line is a
fault of one line, put into a copy of the package, and the first test that failed then.

"""


def table_of(mutants: Iterable[Mutant], outcomes: dict[str, Outcome]) -> str:
    """The page: how many were caught, and by which test each was."""
    mutants = list(mutants)
    caught = sum(outcomes[m.name].verdict == "caught" for m in mutants)
    lines = [f"**{caught} of {len(mutants)} mutants are caught.**"]
    for room in dict.fromkeys(m.room for m in mutants):
        lines += ["", f"## {room}", "", "| fault | in | caught by |", "|---|---|---|"]
        for mutant in mutants:
            if mutant.room == room:
                found = outcomes[mutant.name]
                by = f"`{found.by}`" if found.verdict == "caught" else found.verdict
                lines.append(f"| {mutant.name} | `{mutant.file}` | {by} |")
    return _HEAD + "\n".join(lines) + "\n"
