"""The lock on the folder of a run: one process writes to it at a time."""

import contextlib
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from collapse.data.errors import InputError

try:
    import fcntl
except ImportError:  # Windows: nobody is kept out there
    fcntl = None  # type: ignore[assignment]

NAME = ".lock"


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep other processes from writing to a folder, which must exist.

    The system releases the lock if the process dies, in whatever way.

    Raises:
      InputError: if another process holds it; names it.
    """
    path = folder / NAME
    while True:
        try:
            file = path.open("a+", encoding="utf-8")
        except OSError as error:
            raise InputError(
                f"out: {folder} cannot be written ({error.strerror}); give another "
                "folder"
            ) from None
        if not _locked(file):
            who = _owner(file)
            file.close()
            raise InputError(f"out: {folder} is in use by {who}; {_REMEDY}")
        if _is_at(file, path):  # and not removed by the one who held it
            break
        file.close()
    try:
        file.truncate(0)
        file.write(f"process {os.getpid()} on {platform.node()}")
        file.flush()
        yield
    finally:
        path.unlink(missing_ok=True)
        file.close()


_REMEDY = "wait for it, or give another --out"


def check_free(folder: Path) -> None:
    """Raise InputError if another process writes to a folder.

    Raises:
      InputError: names the process.
    """
    with contextlib.suppress(OSError):  # none, or none that can be written
        with (folder / NAME).open("r+", encoding="utf-8") as file:
            if not _locked(file):
                raise InputError(
                    f"out: {folder} is in use by {_owner(file)}; {_REMEDY}"
                )


def _locked(file: TextIO) -> bool:
    """Whether the lock of a file is now this one's."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _owner(file: TextIO) -> str:
    file.seek(0)
    return file.read().strip() or "another process"


def _is_at(file: TextIO, path: Path) -> bool:
    """Whether an open file is the one of this path."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    return False
