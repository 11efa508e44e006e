"""The arguments of commands that look at folders, which complain in one line."""

import argparse
from typing import Any

from collapse.data.errors import InputError


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are InputErrors, and which guesses no option."""

    def __init__(self, **options: Any) -> None:
        """The parser, as of argparse.

        Args:
          options: of `argparse.ArgumentParser`.
        """
        super().__init__(**options, allow_abbrev=False)

    def error(self, message: str) -> Any:
        """Raise InputError with the message."""
        command = self.prog.split()[-1]
        raise InputError(f"{command}: {message}; see {self.prog} --help")
