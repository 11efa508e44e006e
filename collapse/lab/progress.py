"""How far a run has come: a bar in a terminal, a line a minute anywhere else."""

import sys
import time
from collections.abc import Callable
from typing import Protocol

from tqdm import tqdm

from collapse.lab import terminal

_SECONDS_BETWEEN_LINES = 60.0
_SECONDS_TO_ESTIMATE = 10.0  # before the first line, which says how long it will take


class Progress(Protocol):
    """What a run tells of its fits."""

    def name(self, text: str) -> None:
        """Say what is being run."""

    def remark(self, text: str) -> None:
        """Say something of its speed."""

    def skip(self, fits: int) -> None:
        """Count fits that an earlier run has done."""

    def add(self, fits: int) -> None:
        """Count fits that have been done now."""

    def close(self) -> None:
        """Say nothing more."""


def progress(total: int, quiet: bool) -> Progress:
    """What tells the progress of so many fits, in the way that suits stderr."""
    if quiet:
        return Bar(tqdm(total=total, disable=True))
    if sys.stderr.isatty():
        return Bar(tqdm(total=total, unit=" fits", smoothing=0.1))
    return Lines(total)


class Bar:
    """A bar of tqdm."""

    def __init__(self, bar: "tqdm[None]") -> None:
        """Show that the first programs are being compiled."""
        self.bar = bar
        bar.set_postfix_str("compiling")

    def name(self, text: str) -> None:
        """Say what is being run."""
        self.bar.set_description(text)

    def remark(self, text: str) -> None:
        """Say something of its speed."""
        self.bar.set_postfix_str(text, refresh=False)

    def skip(self, fits: int) -> None:
        """Count fits that an earlier run has done."""
        if not self.bar.disable:
            self.bar.initial += fits  # no part of the speed
        self.bar.update(fits)

    def add(self, fits: int) -> None:
        """Count fits that have been done now."""
        self.bar.update(fits)

    def close(self) -> None:
        """Leave the bar as it is."""
        self.bar.close()


class Lines:
    """A line a minute, for logs: `40 % (replace), about 12 min left`.

    The first one comes after ten seconds if the run will take a minute more.
    """

    def __init__(
        self,
        total: int,
        clock: Callable[[], float] = time.monotonic,
        tell: Callable[[str], None] = terminal.tell,
    ) -> None:
        """Print nothing yet.

        Args:
          total: fits of the run.
          clock: in seconds.
          tell: prints a line.
        """
        self.total, self.clock, self.tell = total, clock, tell
        self.began = clock()
        self.done = self.skipped = 0
        self.text = ""
        self.last: float | None = None  # time of the last line

    def name(self, text: str) -> None:
        """Say what is being run; time counts from the first, which is compiled then."""
        self.text = text
        if self.done == 0:
            self.began = self.clock()

    def remark(self, text: str) -> None:
        """Nothing: a speed is for those who look on."""

    def skip(self, fits: int) -> None:
        """Count fits that an earlier run has done."""
        self.done += fits
        self.skipped += fits

    def add(self, fits: int) -> None:
        """Count fits that have been done now, and print a line if it is time to."""
        self.done += fits
        now, new = self.clock(), self.done - self.skipped
        if new <= 0 or self.done >= self.total:
            return
        left = (self.total - self.done) * (now - self.began) / new
        if self.last is None:
            wait = _SECONDS_TO_ESTIMATE if left >= 60 else _SECONDS_BETWEEN_LINES
            if now - self.began < wait:
                return
            self.tell(f"{self._so_far()}, about {spelled(left)} to go")
        elif now - self.last < _SECONDS_BETWEEN_LINES:
            return
        else:
            self.tell(f"{self._so_far()}, about {spelled(left)} left")
        self.last = now

    def close(self) -> None:
        """Nothing: the results follow."""

    def _so_far(self) -> str:
        share = f"{100 * self.done / self.total:.0f} %"
        return f"{share} ({self.text})" if self.text else share


def spelled(seconds: float) -> str:
    """A time in words, to two digits: `50 s`, `12 min`, `3.2 h`."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if seconds < 99.5 * 60:
        return f"{seconds / 60:.2g} min"
    return (
        f"{seconds / 3600:.2g} h" if seconds < 360_000 else f"{seconds / 86400:.0f} d"
    )


class Counter:
    """Progress that is not shown but counted, for a worker to return."""

    def __init__(self) -> None:
        """No fits yet."""
        self.count = 0

    def name(self, text: str) -> None:
        """Nothing."""

    def remark(self, text: str) -> None:
        """Nothing."""

    def skip(self, fits: int) -> None:
        """Count fits that an earlier run has done."""
        self.count += fits

    def add(self, fits: int) -> None:
        """Count fits that have been done now."""
        self.count += fits

    def close(self) -> None:
        """Nothing."""
