"""Whether the first line of a text file names its columns, by one rule.

It does if no cell of it is a number with a decimal point or an exponent, and

* it has text, some of it above a column of numbers (or there is no such column), or
  none of it a value of its column: `country` above names of countries, beside 2019, or
* it counts: 0, 1, ..., d - 1 or 1, 2, ..., d, unless a row is the same, or
* it holds whole numbers only, each above a column of which most are not whole.

A blank first cell above whole numbers, an index, does not count in the last two. A line
of nothing but missing values names nothing. Columns are judged by their first
`_JUDGED` rows.
"""

from collections.abc import Sequence

from collapse.data.tables.numbers import Kind, kind

_JUDGED = 1000


def names_columns(
    first: Sequence[str], rows: Sequence[Sequence[str]], decimal: str
) -> bool:
    """Whether `first` names the columns of `rows`, as the rule above says.

    Args:
      first: cells of the first line.
      rows: cells of the others, which may be of other widths.
      decimal: the decimal point.
    """
    own = [kind(cell, decimal) for cell in first]
    if "decimal" in own:
        return False
    below = [_below(rows, column, decimal) for column in range(len(first))]
    if "text" in own:
        numeric = [_is_numeric(kinds) for kinds in below]
        above = (k == "text" and n for k, n in zip(own, numeric, strict=True))
        return any(above) or not any(numeric) or not _recurs(first, own, rows)
    has_index = not first[0].strip() and set(below[0]) == {"whole"}
    skipped = int(has_index and len(first) > 1)
    if "missing" in own[skipped:]:
        return False
    counted = [int(cell) for cell in first[skipped:]]
    d = len(counted)
    counts = counted in (list(range(d)), list(range(1, d + 1)))
    if counts and list(first) not in rows:
        return True
    return bool(rows) and all(map(_is_decimal, below[skipped:]))


def _recurs(
    first: Sequence[str], own: Sequence[Kind], rows: Sequence[Sequence[str]]
) -> bool:
    """Whether some text of the first line is a value of its column in other lines."""
    texts = [(k, cell.strip()) for k, cell in enumerate(first) if own[k] == "text"]
    return any(
        k < len(row) and row[k].strip() == text for row in rows for k, text in texts
    )


def _below(rows: Sequence[Sequence[str]], column: int, decimal: str) -> list[Kind]:
    """Kinds of the cells of a column that are not missing."""
    kinds = [kind(row[column], decimal) for row in rows[:_JUDGED] if column < len(row)]
    return [one for one in kinds if one != "missing"]


def _is_numeric(kinds: Sequence[Kind]) -> bool:
    return 2 * sum(one != "text" for one in kinds) > len(kinds)


def _is_decimal(kinds: Sequence[Kind]) -> bool:
    return 2 * sum(one == "decimal" for one in kinds) > len(kinds)
