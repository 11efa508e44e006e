"""Files that are written whole or not at all, and lines that tell their own damage."""

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path

from collapse.data.errors import first_line

_ROOM = "make room on that disk, then repeat the command"
_ADVICE = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: "raise the limit on the size of files (ulimit -f)",
}
_SEAL = " # crc32 "


class CannotWrite(OSError):
    """A file that could not be written; its text names the file and the remedy."""

    def __init__(self, path: Path, error: OSError) -> None:
        """The same error, of a file.

        Args:
          path: that was to be written.
          error: of the system, or of a library that wrote.
        """
        why = os.strerror(error.errno) if error.errno else first_line(error)
        super().__init__(error.errno or errno.EIO, why)
        advice = _ADVICE.get(error.errno or 0, "")
        self.told = f"{path} cannot be written ({why}){advice and '; ' + advice}"

    def __str__(self) -> str:
        """The file, the reason and the remedy, in one line."""
        return self.told


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary path that takes the place of `path` when the block succeeds.

    Raises:
      CannotWrite: for an error of the system in the block, a full disk, say.
    """
    temporary = path.with_name(f".{path.name}.partial{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if type(error) is OSError or isinstance(error, PermissionError):
            raise CannotWrite(path, error) from error
        raise


def copy(source: Path, target: Path) -> None:
    """Copy a file, whole or not at all."""
    with atomic(target) as temporary:
        shutil.copy(source, temporary)


def write_once(path: Path, text: str) -> str:
    """The text of a file: the one given, or what another process has written before.

    Processes may call it at the same time, on several machines: one of them writes.

    Raises:
      CannotWrite: for a full disk, say.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        temporary.write_text(text, encoding="utf-8")
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            with contextlib.suppress(FileExistsError):
                with path.open("x", encoding="utf-8") as file:
                    file.write(text)
    except OSError as error:
        raise CannotWrite(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return path.read_text(encoding="utf-8")


def sha256(path: Path) -> str:
    """The sha256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sealed(text: str) -> str:
    """A line with a checksum behind it, by which `unsealed` knows its damage."""
    return f"{text}{_SEAL}{zlib.crc32(text.encode()):08x}\n"


def unsealed(path: Path) -> str | None:
    """The text of a file that holds one sealed line, or None if it is damaged.

    Raises:
      FileNotFoundError: if there is no file.
    """
    line = path.read_text(encoding="utf-8", errors="replace")
    text = line.rpartition(_SEAL)[0]
    return text if line == sealed(text) else None
