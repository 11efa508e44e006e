"""Ctrl-C and SIGTERM: the first stops a run at its next save, the second at once."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

from collapse.lab import terminal

_SIGNALS = (signal.SIGINT, signal.SIGTERM)  # of a terminal, and of a batch system
_of_command = False


class Interrupted(Exception):
    """A run was asked to stop, and everything done so far is saved."""


@contextlib.contextmanager
def of_command() -> Iterator[None]:
    """A block in which the process belongs to one command: SIGTERM is a ctrl-C."""
    global _of_command
    before, _of_command = _of_command, not _in_session()
    previous: Any = None
    if _is_main():
        previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        _of_command = before
        if previous is not None:
            signal.signal(signal.SIGTERM, previous)


class PatientInterrupt:
    """Turns the first ctrl-C into a flag; the second one raises.

    That of a command ends its process at once, whatever is being compiled or computed
    then: Python would wait for it.
    """

    def __enter__(self) -> threading.Event:
        """The flag."""
        self.event = threading.Event()
        self.previous: dict[signal.Signals, Any] = {}
        if _is_main():
            for one in _SIGNALS if _of_command else _SIGNALS[:1]:
                self.previous[one] = signal.signal(one, self._note)
        return self.event

    def _note(self, *_: object) -> None:
        terminal.tell("\nstopping at the next save; ctrl-C again: unsaved")
        self.event.set()
        for one in self.previous:
            again = signal.SIG_DFL if _of_command else signal.default_int_handler
            signal.signal(one, again)

    def __exit__(self, *_: object) -> None:
        """Handle both as before."""
        for one, previous in self.previous.items():
            signal.signal(one, previous)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()


def _in_session() -> bool:
    """Whether somebody works in this process, in a notebook or a shell."""
    return hasattr(sys, "ps1") or "IPython" in sys.modules
