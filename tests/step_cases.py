"""A command that dies before a chosen step of its own that changes a file.

Steps are those that Python's audit events tell: opening a file to write, renaming,
removing, making a folder. Once dead, nothing in the folder changes any more, not even
by what cleans up: as with a process that is killed. All is done in this process, so
that every step of a command can be tried in little time.
"""

import gc
import os
import sys
from pathlib import Path

_CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.truncate")


class Died(BaseException):
    """What a process does not live to see."""


class Steps:
    """Counts the steps in a folder; from a number on, each one raises Died.

    Attributes:
      count: steps so far.
    """

    def __init__(self, folder: Path, last: float = float("inf")) -> None:
        """Of a folder, and how many steps there may be."""
        self.folder, self.last, self.count = str(folder), last, 0

    def __enter__(self):
        """Begin to count."""
        _here.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop counting, and close the files of what has died: locks go with them."""
        _here.remove(self)
        gc.collect()

    def look(self, event: str, arguments) -> None:
        """Count an event of the system, if it changes a file of the folder."""
        if event == "open":
            path, _, flags = arguments
            if not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                return
        elif event in _CHANGES:
            path = arguments[0]
        else:
            return
        if isinstance(path, bytes):
            path = path.decode()
        # what removes a tree names files by the folder that it has open
        bare = isinstance(path, str) and event != "open" and os.sep not in path
        inside = isinstance(path, str | os.PathLike) and self.folder in os.path.abspath(
            path
        )
        if bare or inside:
            self.count += 1
            if self.count > self.last:
                raise Died


_here: list[Steps] = []


def _hook(event: str, arguments) -> None:
    for one in tuple(_here):
        one.look(event, arguments)


sys.addaudithook(_hook)  # it cannot be taken away again
