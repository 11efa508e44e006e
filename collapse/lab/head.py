"""The comments at the head of a run's declaration, and a checksum of the whole file."""

import zlib
from collections.abc import Sequence
from pathlib import Path

from collapse.data.errors import InputError

_MARK = "# crc32 "
_MOST = 6  # comments of a run; earlier versions told less


def text(about: Sequence[str], declaration: str) -> str:
    """A declaration below comments, the last of which is a checksum of all the rest.

    Args:
      about: the comments, without their marks.
      declaration: in TOML.
    """
    above = "".join(f"# {line}\n" for line in about)
    return f"{above}{_checksum(above + declaration)}\n{declaration}"


def lines(path: Path) -> list[str]:
    """The comments at the head of a file, but for the checksum; none without a file.

    Files of earlier versions have no checksum.

    Raises:
      InputError: if the file is damaged.
      PermissionError: if it may not be read.
    """
    try:
        whole = path.read_bytes().decode().replace("\r\n", "\n")
    except PermissionError:
        raise
    except OSError:
        return []
    except UnicodeDecodeError:
        raise _damaged(path) from None
    above: list[str] = []
    for line in whole.splitlines(keepends=True):
        if line.startswith(_MARK):
            below = whole[len("".join(above) + line) :]
            if line.rstrip("\n") != _checksum("".join(above) + below):
                raise _damaged(path)
            return [one.rstrip("\n") for one in above]
        if not line.startswith("# "):
            break
        above.append(line)
    own = bool(above) and above[0].startswith("# digest ")
    cut = not whole[len("".join(above)) :].strip("# \n")
    if own and (len(above) > _MOST or "crc32" in whole or cut):
        raise _damaged(path)
    return [one.rstrip("\n") for one in above]


def _checksum(rest: str) -> str:
    return f"{_MARK}{zlib.crc32(rest.encode()):08x}"


def _damaged(path: Path) -> InputError:
    return InputError(
        f"out: {path} is damaged; give back a copy of it, or give another --out"
    )
