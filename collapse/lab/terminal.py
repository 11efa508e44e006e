"""What is printed: to a reader who may have left, in what the terminal can show."""

import contextlib
import os
import sys
from typing import TextIO


def say(text: str) -> None:
    """Print a line to stdout; nobody need listen."""
    _print(text, sys.stdout)


def tell(text: str) -> None:
    """Print a line to stderr, beside the results; nobody need listen."""
    _print(text, sys.stderr)


def flush() -> None:
    """Write out what has been printed; nobody need listen."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            _silence(stream)


def reopen() -> None:
    """Let streams that were closed (`>&-`) lead nowhere, so that no file is in place.

    The next file that is opened would get the number of such a stream.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115


def silence() -> None:
    """Print nothing any more: the reader has closed the pipe, as `head` does."""
    _silence(sys.stdout)


def _print(text: str, stream: TextIO) -> None:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    text = text.encode(encoding, "replace").decode(encoding)
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        _silence(stream)


def _silence(stream: TextIO) -> None:
    """Python must not stumble over the closed pipe again at its end."""
    with contextlib.suppress(OSError, ValueError):  # a stream without a file
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
