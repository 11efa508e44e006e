"""What is a number in a text file, what is a missing value, and likely causes."""

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float

Kind = Literal["missing", "whole", "decimal", "text"]

# those that pandas, R and the archives of data sets write, in lower case
MISSING = frozenset(
    "|na|n/a|n.a.|#n/a|#na|nan|-nan|null|none|nil|<na>|?|.|-|--|missing".split("|")
)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_INFINITE = re.compile(r"[+-]?inf(?:inity)?|[+-]?1\.#inf", re.IGNORECASE)
# what float() reads by itself as a number and as nothing else
_PLAIN = frozenset("0123456789.eE+- ")
_GROUPED = re.compile(
    r"[+-]?\d{1,3}(?:([,.' \u00a0\u202f])\d{3})(?:\1\d{3})*(?:[.,]\d+)?"
)
_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")


class NotANumberError(ValueError):
    """A cell that is no number; its index and text are the arguments."""


def numbers(cells: Sequence[str], decimal: str) -> Float[np.ndarray, " rows"]:
    """The numbers of a column's cells: NaN where one is missing, or infinite.

    Python's `float` also reads `10_3`, digits of other scripts and names such as
    `nan`; here a number has ASCII digits, one decimal point and one exponent at most.

    Args:
      cells: texts; spaces around them do not count.
      decimal: the decimal point.

    Raises:
      NotANumberError: for the first cell that is neither a number nor missing.
    """
    if decimal == "." and _PLAIN.issuperset("".join(cells)):
        try:
            return np.array([float(cell) for cell in cells])
        except ValueError:
            pass  # the first such cell is found below
    return np.array([_number(i, cell.strip(), decimal) for i, cell in enumerate(cells)])


def kind(cell: str, decimal: str) -> Kind:
    """Whether a cell is missing, a whole number, another number, or text."""
    word = cell.strip()
    if word.lower() in MISSING:
        return "missing"
    if _WHOLE.fullmatch(word):
        return "whole"
    is_number = _INFINITE.fullmatch(word) or _NUMBER.fullmatch(_pointed(word, decimal))
    return "decimal" if is_number else "text"


def cause(value: str, decimal: str, separator: str) -> str:
    """The likely reason why a cell is no number, and its remedy; "" for none."""
    word = value.strip()
    pairs = {";": "semicolons", "\t": "tabs", "|": "bars"}
    for sign, name in pairs.items():
        if sign in word and separator != sign and any(map(str.isdigit, word)):
            comma = " --decimal ," if decimal == "." and "," in word else ""
            flag = {"\t": "tab"}.get(sign, f"'{sign}'")
            return f"separated by {name}? --separator {flag}{comma}"
    parts = word.split()
    if len(parts) > 1 and all(kind(p, decimal) != "text" for p in parts):
        if not _GROUPED.fullmatch(word):
            return "separated by spaces? --separator space"
    if decimal == "." and _COMMA.fullmatch(word) and not word.endswith(",000"):
        also = " or a thousands separator" if _GROUPED.fullmatch(word) else ""
        return f"a decimal comma (--decimal ,){also}?"
    if _GROUPED.fullmatch(word):
        return "thousands separators? write the number without them"
    if decimal == "," and _NUMBER.fullmatch(word):
        return "a decimal point? drop --decimal ,"
    if "\u2212" in word:
        return "a minus sign of typography? write - for it"
    if word.endswith("%") and kind(word[:-1], decimal) != "text":
        return "write it without %"
    return ""


def _number(index: int, word: str, decimal: str) -> float:
    if word.lower() in MISSING:
        return float("nan")
    if _INFINITE.fullmatch(word):
        return float("-inf" if word.startswith("-") else "inf")
    word = _pointed(word, decimal)
    if not _NUMBER.fullmatch(word):
        raise NotANumberError(index)
    return float(word)


def _pointed(word: str, decimal: str) -> str:
    """A cell with a decimal point, which no number may hold under another one."""
    if decimal == ".":
        return word
    return "" if "." in word else word.replace(decimal, ".")
