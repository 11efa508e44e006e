"""The arguments of commands that are no experiment: parsed, and refused in one line."""

import argparse
from typing import Any, NoReturn

from collapse.data.errors import InputError, hint

_UNKNOWN = "unrecognized arguments: "  # as argparse begins


class Parser(argparse.ArgumentParser):
    """A parser that raises InputError for arguments that it does not understand.

    Options are given in full: `--a` for `--all` would begin hours of work.
    """

    def __init__(self, **options: Any) -> None:
        """The parser, as of argparse."""
        super().__init__(**options, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Raise InputError with the message, and the option that may be meant."""
        said = f"{self.prog.split()[-1]}: {message}"
        word, *_ = message.removeprefix(_UNKNOWN).split()
        if message.startswith(_UNKNOWN) and word.startswith("-"):
            known = [name for name in self._option_string_actions if name[:2] == "--"]
            said = f"{word}: no such option{hint(word, known)}"
        raise InputError(f"{said}; see {self.prog} --help")
