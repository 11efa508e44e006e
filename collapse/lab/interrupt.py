"""Ctrl-C: the first one asks a run to stop at its next save, the second stops it."""

import signal
import sys
import threading
from typing import Any


class Interrupted(Exception):
    """Ctrl-C was pressed and everything done so far is saved."""


class PatientInterrupt:
    """Turns the first ctrl-C into a flag; the second one raises."""

    def __enter__(self) -> threading.Event:
        """The flag."""
        self.event = threading.Event()
        self.previous: Any = None
        if threading.current_thread() is threading.main_thread():
            self.previous = signal.signal(signal.SIGINT, self._note)
        return self.event

    def _note(self, *_: object) -> None:
        print(
            "\nstopping at the next save; ctrl-C again: unsaved",
            file=sys.stderr,
        )
        self.event.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def __exit__(self, *_: object) -> None:
        """Handle ctrl-C as before."""
        if self.previous is not None:
            signal.signal(signal.SIGINT, self.previous)
