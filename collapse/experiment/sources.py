"""The commit of the sources that a run is computed by."""

import subprocess
from pathlib import Path

from collapse.data.errors import InputError

_DIRTY = "-dirty"


def commit() -> str:
    """The commit of the package's sources, with -dirty if they differ from it.

    "unknown" where the package is no part of a repository. Other files count for
    nothing: a figure that has just been published makes no sources dirty.
    """
    head = _git("rev-parse", "HEAD")
    if not head or not _git("ls-files", "--", Path(__file__).name):
        return "unknown"  # an installed package, in somebody's repository perhaps
    changed = _git("status", "--porcelain", "--", ":/collapse", ":/sims")
    return f"{head}{_DIRTY}" if changed else head


def _git(*arguments: str) -> str:
    """What git says of the folder of this file; nothing if it fails."""
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def check_clean(found: str, fix: str) -> None:
    """Raise InputError for a commit whose sources had been changed.

    A published figure can be made again by checking out its commit, so it comes from
    one.

    Args:
      found: as of `commit`, or as a record tells it.
      fix: what to do.

    Raises:
      InputError: if the sources differ from the commit.
    """
    if found.endswith(_DIRTY):
        raise InputError(
            f"publish: collapse/ or sims/ differ from the commit {found[:10]}; {fix}"
        )
