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
_SHARD = NAME + "-{}-of-{}"


@contextlib.contextmanager
def held(folder: Path, name: str = NAME) -> Iterator[TextIO]:
    """Keep other processes from writing to a folder, which must exist.

    Gives the open file of the lock.

    The system releases the lock once this process and those that have inherited the
    file are gone, in whatever way.

    Args:
      folder: that is written to.
      name: of the file of the lock.

    Raises:
      InputError: if another process holds it; names it.
    """
    file = _taken(folder, name, "out", alone=True)
    try:
        file.truncate(0)
        file.write(f"process {os.getpid()} on {platform.node()}")
        file.flush()
        yield file
    finally:
        (folder / name).unlink(missing_ok=True)
        file.close()


@contextlib.contextmanager
def turn(folder: Path, name: str) -> Iterator[None]:
    """Wait until no other process has a lock, then have it as long as the block runs.

    For what takes a moment: files that several commands read, change and write.

    Args:
      folder: of the files; it must exist.
      name: of the file of the lock.
    """
    path = folder / name
    while True:
        file = path.open("a+", encoding="utf-8")
        if fcntl is not None:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(file, fcntl.LOCK_EX)
        if _is_at(file, path):  # and not removed by the one who held it
            break
        file.close()
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        file.close()


@contextlib.contextmanager
def shared(folder: Path, index: int, count: int) -> Iterator[list[TextIO]]:
    """Keep all processes from a folder but those of other shards of the same number.

    Gives the open files of the locks.

    Args:
      folder: that is written to; it must exist.
      index: of this shard, from 1.
      count: of shards.

    Raises:
      InputError: if a process holds it that is none of these, or is the same shard.
    """
    own = _SHARD.format(index, count)
    with _closed_if_last(_taken(folder, NAME, "shard", alone=False), folder) as whole:
        others = [name for name in _live(folder) if not name.endswith(f"-{count}")]
        if others:
            raise InputError(
                f"shard: {folder} is in use by {_words(others[0])}; give as many shards"
            )
        with held(folder, own) as file:
            yield [whole, file]


def is_alone(file: TextIO) -> bool:
    """Whether the holder of a shared lock is the last one, and has it alone now."""
    return _locked(file)


_REMEDY = "wait for it, or give another --out"


def check_free(folder: Path, alone: bool = True) -> None:
    """Raise InputError if another process writes to a folder.

    Args:
      folder: that is to be written to.
      alone: whether shards count, too.

    Raises:
      InputError: names the process.
    """
    with contextlib.suppress(OSError):  # none, or none that can be written
        with (folder / NAME).open("r+", encoding="utf-8") as file:
            if not _locked(file, alone):
                raise InputError(
                    f"out: {folder} is in use by {_owner(file, folder)}; {_REMEDY}"
                )


def _taken(folder: Path, name: str, field: str, alone: bool) -> TextIO:
    """The open file of a lock that is now this one's."""
    path = folder / name
    while True:
        try:
            file = path.open("a+", encoding="utf-8")
        except OSError as error:
            raise InputError(
                f"{field}: {folder} cannot be written ({error.strerror}); give another "
                "folder"
            ) from None
        if not _locked(file, alone):
            who = _owner(file, folder)
            file.close()
            raise InputError(f"{field}: {folder} is in use by {who}; {_REMEDY}")
        if _is_at(file, path):  # and not removed by the one who held it
            return file
        file.close()


@contextlib.contextmanager
def _closed_if_last(file: TextIO, folder: Path) -> Iterator[TextIO]:
    """The file of a shared lock, which goes with the last one who has it."""
    try:
        yield file
    finally:
        if is_alone(file):
            (folder / NAME).unlink(missing_ok=True)
        file.close()


def _live(folder: Path) -> list[str]:
    """Names of the locks of shards that other processes hold."""
    found = []
    for path in sorted(folder.glob(f"{NAME}-*")):
        with contextlib.suppress(OSError), path.open("r+", encoding="utf-8") as file:
            if not _locked(file):
                found.append(path.name)
    return found


def _words(name: str) -> str:
    """`shard 2/3`, from the name of its lock."""
    index, count = name.removeprefix(f"{NAME}-").split("-of-")
    return f"shard {index}/{count}"


def _locked(file: TextIO, alone: bool = True) -> bool:
    """Whether the lock of a file is now this one's, alone or among others."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _owner(file: TextIO, folder: Path) -> str:
    """Who holds a lock, in words."""
    file.seek(0)
    shards = ", ".join(map(_words, _live(folder)))
    return file.read().strip() or shards or "another process"


def _is_at(file: TextIO, path: Path) -> bool:
    """Whether an open file is the one of this path."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    return False
