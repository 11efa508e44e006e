"""The seconds that a run took so far, over all interruptions and shards."""

import contextlib
import time
from pathlib import Path

from collapse.data.errors import InputError
from collapse.experiment.files import atomic, sealed, unsealed

SECONDS = "seconds"  # among the checkpoints; that of a shard has its name behind it


def seconds(checkpoints: Path) -> float:
    """The seconds that a run took so far, over all interruptions and shards.

    Raises:
      InputError: if a file of them is damaged.
    """
    files = checkpoints.glob(f"{SECONDS}*")
    return sum(_seconds_in(path) for path in files)


def note_seconds(checkpoints: Path, spent: float, record: str = SECONDS) -> None:
    """Write down what a run took so far, beside its checkpoints."""
    with atomic(checkpoints / record) as temporary:
        temporary.write_text(sealed(f"{spent:.3f}"), encoding="utf-8")


class Stopwatch:
    """Seconds of a run from now on, added to those before it was interrupted."""

    def __init__(self, checkpoints: Path, record: str = SECONDS) -> None:
        """Begin to count.

        Args:
          checkpoints: folder of the checkpoints.
          record: file in it that holds the seconds of this run, or of one shard.

        Raises:
          InputError: if that file is damaged.
        """
        self.place, self.record = checkpoints, record
        self.before, self.began = _seconds_in(checkpoints / record), time.monotonic()

    def note(self) -> None:
        """Write down the seconds so far."""
        spent = self.before + time.monotonic() - self.began
        note_seconds(self.place, spent, self.record)


def _seconds_in(path: Path) -> float:
    """The seconds that a file holds; 0 if it is missing."""
    with contextlib.suppress(FileNotFoundError):
        text = unsealed(path)
        if text is None:
            raise InputError(
                f"resume: {path} is damaged; delete it to count the time from 0"
            )
        return float(text)
    return 0.0
