"""What a run took so far, in all its stretches and shards."""

import time
from pathlib import Path

SECONDS = "seconds"  # among the checkpoints; that of a shard has its name behind it


def seconds(checkpoints: Path) -> float:
    """The seconds that a run took so far: all its stretches, and all its shards."""
    files = checkpoints.glob(f"{SECONDS}*")
    return sum(_seconds_in(path) for path in files)


def note_seconds(checkpoints: Path, spent: float, record: str = SECONDS) -> None:
    """Write down what a run took so far, beside its checkpoints."""
    (checkpoints / record).write_text(f"{spent:.3f}\n")


class Stopwatch:
    """Seconds of a run from now on, added to those of its earlier stretches."""

    def __init__(self, checkpoints: Path, record: str = SECONDS) -> None:
        """Begin to count.

        Args:
          checkpoints: folder of the checkpoints.
          record: file in it that holds the seconds of this run, or of one shard.
        """
        self.place, self.record = checkpoints, record
        self.before, self.began = _seconds_in(checkpoints / record), time.monotonic()

    def note(self) -> None:
        """Write down the seconds so far."""
        spent = self.before + time.monotonic() - self.began
        note_seconds(self.place, spent, self.record)


def _seconds_in(path: Path) -> float:
    """The seconds that a file holds; 0 if it is missing or damaged."""
    try:
        return float(path.read_text())
    except (OSError, ValueError):
        return 0.0
