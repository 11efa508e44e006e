"""The checksums of a run's files: which of them are not as they were written.

`SHA256SUMS` is what `sha256sum` writes, so that `sha256sum -c SHA256SUMS` checks a
folder without this package. Its first line is of the file itself. One that is damaged
counts as missing: then nothing is checked.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from collapse.data.errors import InputError
from collapse.experiment.files import atomic, sha256

NAME = "SHA256SUMS"
_HEAD = "# sha256 of the lines below: "


def write(place: Path, names: Iterable[str]) -> None:
    """Write down the checksums of files as they are now.

    Args:
      place: folder that they lie in.
      names: of the files, below the folder.
    """
    lines = "".join(f"{sha256(place / name)}  {name}\n" for name in sorted({*names}))
    with atomic(place / NAME) as temporary:
        temporary.write_text(_head(lines) + lines, encoding="utf-8")


def remove(place: Path) -> None:
    """Forget the checksums, before files are written that they are not of."""
    (place / NAME).unlink(missing_ok=True)


def read(place: Path) -> dict[str, str]:
    """Name -> checksum of the files of a run; empty if it has none, or damaged ones."""
    try:
        text = (place / NAME).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    head, _, lines = text.partition("\n")
    if f"{head}\n" != _head(lines):
        return {}
    pairs = (line.partition("  ") for line in lines.splitlines())
    return {name: digest for digest, _, name in pairs}


def changed(place: Path, names: Iterable[str] = ()) -> list[str]:
    """Names of files that are there, and not as they were written.

    Args:
      place: folder that they lie in.
      names: those to look at; all if empty.
    """
    known, wanted = read(place), {*names}
    return [
        name
        for name, digest in known.items()
        if (not wanted or name in wanted)
        and (place / name).is_file()
        and sha256(place / name) != digest
    ]


def check(place: Path, name: str, remedy: str) -> None:
    """Raise InputError for a file that is not as it was written.

    Args:
      place: folder that it lies in.
      name: of the file, below the folder.
      remedy: what to do then.
    """
    if changed(place, [name]):
        raise InputError(
            f"{place / name} is damaged: it is not as it was written ({NAME}); {remedy}"
        )


def _head(lines: str) -> str:
    return f"{_HEAD}{hashlib.sha256(lines.encode()).hexdigest()}\n"
