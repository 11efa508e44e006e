"""Checks of what operators are given."""

from collections.abc import Sequence

from collapse.data.errors import DataError


def share(field: str, given: float) -> float:
    """The number that is given, which is from 0 to 1.

    Args:
      field: its name, for the message.

    Raises:
      DataError: if it is not, or is NaN.
    """
    if not 0 <= given <= 1:
        raise DataError(f"{field}: {given}; give a number from 0 to 1")
    return given


def at_least(field: str, given: float, least: float) -> None:
    """Nothing: a number that is given is not below the least one.

    Raises:
      DataError: if it is, or is NaN.
    """
    if not given >= least:
        raise DataError(f"{field}: {given}; give {least} or more")


def several(field: str, texts: Sequence[str]) -> None:
    """Nothing: what is given is a list of texts and not a single one.

    Raises:
      DataError: for a single text, which is a list of its characters, too.
    """
    if isinstance(texts, str):
        raise DataError(f"{field}: a single text; give a list of texts")
