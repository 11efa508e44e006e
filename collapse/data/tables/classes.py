"""A column of classes, whose names are replaced by numbers."""

import numpy as np

from collapse.data.tables.numbers import kind
from collapse.data.tables.options import Raw, listed, name_of

# Less than in a column of numbers: a class may well be called "none" or "-"
_MISSING = frozenset("|na|n/a|n.a.|#n/a|#na|<na>|nan|-nan|null|?".split("|"))


def numbered(raw: Raw, k: int, decimal: str) -> tuple[Raw, tuple[str, ...]]:
    """The table with the classes in column k numbered from 0, and their names.

    Names are in the order of their characters, in which capitals come first. A column
    of numbers stays as it is, and has no names.

    Args:
      raw: the whole table.
      k: index of the column.
      decimal: the decimal point.
    """
    column = raw.columns[k]
    if isinstance(column, np.ndarray):
        return raw, ()
    cells = [cell.strip() for cell in column]
    kinds = {kind(cell, decimal) for cell in cells} - {"missing"}
    if kinds and "text" not in kinds:
        return raw, ()
    present = {cell for cell in cells if cell.lower() not in _MISSING}
    names = tuple(sorted(present))
    codes = {name: str(code) for code, name in enumerate(names)}
    found = [codes.get(cell, "") for cell in cells]
    columns = [found if i == k else own for i, own in enumerate(raw.columns)]
    phrase = f"classes of {name_of(raw.titles, k)}: {listed(names, 6)}"
    told, expected = (*raw.told, phrase), (*raw.expected, phrase)
    return raw._replace(columns=columns, told=told, expected=expected), names
