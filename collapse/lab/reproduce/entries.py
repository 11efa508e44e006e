"""What can be reproduced: each published declaration with its figures and claims."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from collapse.data.errors import InputError, hint
from collapse.experiment import registry
from collapse.experiment.claims.claim import Claim, Paper, Where, read_papers
from collapse.figures.declaration import read_declaration
from collapse.lab import declarations


class Entry(NamedTuple):
    """A declaration, which one command runs, and what hangs on it.

    Attributes:
      name: `<command>/<figure>`.
      path: of the file.
      figures: stems of the files that it draws.
      titles: of these figures.
      claims: that its results decide, each with its paper.
      check: fields of the experiment when its claims are checked with other seeds.
    """

    name: str
    path: Path
    figures: tuple[str, ...]
    titles: tuple[str, ...]
    claims: tuple[tuple[Paper, Claim], ...]
    check: Where

    @property
    def command(self) -> str:
        """The family or study whose declaration this is."""
        return self.path.parent.name

    @property
    def stem(self) -> str:
        """The name of the figure."""
        return self.path.stem

    def drawn(self, figure: str) -> str:
        """The name that one of its figures has in the folder of its run."""
        return f"figure{figure.removeprefix(self.stem)}"


def entries() -> tuple[Entry, ...]:
    """All that can be reproduced, with the claims that the package knows.

    Raises:
      InputError: for a malformed file, and for a claim whose declaration is not there.
    """
    papers = read_papers(declarations.folder() / declarations.CLAIMS)
    found = []
    for path in declarations.every():
        name = f"{path.parent.name}/{path.stem}"
        _, figures = read_declaration(path, registry.experiment(path.parent.name))
        claims = [(p, c) for p in papers for c in p.claims if c.declaration == name]
        check = {k: v for p in papers for k, v in p.checks.get(name, {}).items()}
        stems = tuple(figure.stem(path.stem) for figure in figures)
        titles = tuple(figure.title for figure in figures)
        found.append(Entry(name, path, stems, titles, tuple(claims), check))
    names = [entry.name for entry in found]
    for paper in papers:
        asked = [claim.declaration for claim in paper.claims]
        for name in (*asked, *paper.checks):
            if name not in names:
                raise InputError(
                    f"{paper.name}: declaration: {name} is none{hint(name, names)}"
                )
    return tuple(found)


def chosen(names: Sequence[str], known: Sequence[Entry]) -> list[Entry]:
    """The entries that are meant by names of figures, claims, papers or commands.

    Args:
      names: each one that of a declaration, a figure, a claim, a paper or a command.
      known: all entries.

    Raises:
      InputError: for a name that is none of these.
    """
    found: dict[str, Entry] = {}
    words: dict[str, None] = {}
    for name in names:
        some = [entry for entry in known if name in _names(entry)]
        for entry in known:
            words |= dict.fromkeys(_names(entry))
        for path, needs in declarations.needing().items():
            command = path.parent.name
            if not some and name in (path.stem, f"{command}/{path.stem}"):
                raise InputError(
                    f"reproduce: {name} needs {needs}; run it by collapse {command} "
                    f"{path.stem}"
                )
        if not some:
            raise InputError(
                f"reproduce: {name or 'an empty name'} is no figure, claim or paper"
                f"{hint(name, words) if name else ''}; "
                "see the list: collapse reproduce"
            )
        found |= {entry.name: entry for entry in some}
    return list(found.values())


def _names(entry: Entry) -> list[str]:
    """All names by which an entry may be asked for."""
    own = [entry.name, entry.stem, entry.command, *entry.figures]
    return own + [name for p, c in entry.claims for name in (p.name, c.name)]
