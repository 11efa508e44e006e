"""Files at a user's path, which replace nothing but what the lab has written."""

import contextlib
import os
from pathlib import Path

from collapse.data.errors import InputError
from collapse.experiment.files import atomic
from collapse.lab import folder, terminal

_HEAD = 4096  # characters of a file in which its mark stands


def check_target(path: Path, mark: str, field: str = "out") -> None:
    """Raise InputError for a path at which something else would be lost.

    A file is replaced if it is one that the same command has written. What is no file,
    such as /dev/stdout, is written to.

    Args:
      path: that the user named.
      mark: text at the head of the files that the command writes.
      field: option that names it, for messages.
    """
    if path.is_dir():
        raise InputError(f"{field}: {path} is a folder; name a file")
    if _is_stream(path):
        return
    target = path.resolve()
    for above in target.parents:
        if (above / folder.LABEL).is_file() and _is_run(above):
            raise InputError(f"{field}: {path} lies in the run {above}; name another")
    if path.is_symlink() and not target.exists():
        raise InputError(f"{field}: {path} is a link to nothing; name another")
    if not target.is_file():
        return
    try:
        with target.open(encoding="utf-8") as file:
            known = mark in file.read(_HEAD)
    except (OSError, UnicodeDecodeError):
        known = False
    if not known and target.stat().st_size:
        raise InputError(
            f"{field}: {path} exists, and is none that this command wrote; name "
            "another, or remove it"
        )


def write(path: Path, text: str, field: str = "out") -> None:
    """Write a text whole or not at all, and say so; through links, which stay.

    A pipe that is closed at the other end is no error; a device gets the text alone.

    Args:
      path: as of `check_target`.
      text: that it is to hold.
      field: option that names it, for messages.

    Raises:
      InputError: if it cannot be written.
    """
    try:
        if _is_stream(path):
            with contextlib.suppress(BrokenPipeError):
                with path.open("w", encoding="utf-8") as file:
                    file.write(text)
            return
        with atomic(path.resolve()) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        why = error.strerror or os.strerror(error.errno or 0)
        raise InputError(
            f"{field}: {path} cannot be written ({why}); name another"
        ) from None
    terminal.say(f"written: {path}")


def _is_stream(path: Path) -> bool:
    """Whether a path is a device or a pipe, or names one that the process has open."""
    known = path.parts[:2] in (("/", "dev"), ("/", "proc"))
    return path.exists() and (known or not path.is_file())


def _is_run(place: Path) -> bool:
    try:
        return folder.digest_in(place) is not None
    except InputError:  # damaged
        return True
