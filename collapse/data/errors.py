"""Exceptions for input that cannot be used: one line that names field and fix."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Input that cannot be run; the message is one line: field, trouble, remedy."""


class DataError(InputError):
    """Data that cannot be used; the message is one line and names the file."""


class ModelError(InputError):
    """A model that breaks a rule; the message is one line: function, trouble, fix.

    Attributes:
      rule: of `collapse.check_model` that it breaks; "" elsewhere.
    """

    rule = ""


def unknown_value(given: object, known: Iterable[str]) -> str:
    """`unknown 'gm'; known are gmm, kde; did you mean gmm?`, for a message.

    Args:
      given: what is not known.
      known: what might have been meant.
    """
    words = list(known)
    near = hint(str(given), words)
    return f"unknown {given!r}; known are {', '.join(words)}{near}"


def hint(given: str, known: Iterable[str]) -> str:
    """`; did you mean gmm?`, or nothing if no known word is like what was given."""
    words = {word.lower(): word for word in known}
    near = difflib.get_close_matches(given.lower(), words, 1)
    return f"; did you mean {words[near[0]]}?" if near else ""


def first_line(error: BaseException) -> str:
    """The first line of what an error says; its kind if it says nothing."""
    return (str(error).splitlines() or [""])[0] or type(error).__name__


def is_out_of_memory(error: Exception) -> bool:
    """Whether the host, or a device, has no memory left: also by jax's own error."""
    # by name, as jax is loaded late
    of_jax = type(error).__name__ in ("JaxRuntimeError", "XlaRuntimeError")
    return isinstance(error, MemoryError) or (
        of_jax and "RESOURCE_EXHAUSTED" in str(error)
    )
