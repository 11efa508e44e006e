"""A column of classes, whose names are replaced by numbers."""

import numpy as np

from collapse.data.tables.numbers import MISSING, NotANumberError, numbers
from collapse.data.tables.options import Raw, listed, name_of


def numbered(raw: Raw, k: int, decimal: str) -> Raw:
    """The table with the names of classes in column k numbered from 0, in their order.

    A column of numbers stays as it is; a missing name is NaN.

    Args:
      raw: the whole table.
      k: index of the column.
      decimal: the decimal point.
    """
    column = raw.columns[k]
    if isinstance(column, np.ndarray):
        return raw
    try:
        numbers(column, decimal)
    except NotANumberError:
        cells = [cell.strip() for cell in column]
        names = sorted({cell for cell in cells if cell.lower() not in MISSING})
        codes = {name: float(code) for code, name in enumerate(names)}
        found = np.array([codes.get(cell, np.nan) for cell in cells])
        columns = [found if i == k else own for i, own in enumerate(raw.columns)]
        phrase = f"classes of {name_of(raw.titles, k)}: {listed(names, 6)}"
        told, expected = (*raw.told, phrase), (*raw.expected, phrase)
        return raw._replace(columns=columns, told=told, expected=expected)
    return raw
