"""The arguments of commands that look at folders, which complain in one line."""

import argparse
from typing import Any

from collapse.data.errors import InputError


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are InputErrors."""

    def error(self, message: str) -> Any:
        """Raise InputError with the message."""
        command = self.prog.split()[-1]
        raise InputError(f"{command}: {message}; see {self.prog} --help")
