"""Exceptions for input that cannot be used: one line that names field and fix."""


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
