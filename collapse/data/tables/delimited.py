"""Tables in text files: lines of cells between separators."""

import csv
import io
import re
from collections.abc import Sequence

from collapse.data.errors import DataError
from collapse.data.tables.commas import why_commas
from collapse.data.tables.header import names_columns
from collapse.data.tables.numbers import kind
from collapse.data.tables.options import Options, Raw, listed

SEPARATORS = {
    "comma": ",",
    "semicolon": ";",
    "tab": "\t",
    "\\t": "\t",
    "space": " ",
    "bar": "|",
}
_OF_KIND = {".csv": ",", ".tsv": "\t"}
_TITLE = "is line 1 a title?"
_Rows = list[tuple[int, list[str]]]  # line number, cells
_PADDED = re.compile(r"\s*0\d+\s*", re.ASCII).fullmatch
_GROUPED = re.compile(r"[+-]?\d{1,3},(?:\d{3},)*\d{3}(?!\d)", re.ASCII)


def parse(where: str, text: str, suffix: str, options: Options) -> Raw:
    """The table in a text, with the names in its first line, if it has any.

    Blank lines do not count, and a `#` before the first line neither.

    Args:
      where: the file, for messages.
      text: of the file.
      suffix: kind of file, which tells the separator unless `options` do.
      options: how it is read.

    Raises:
      DataError: if lines have different numbers of columns, or there are none.
    """
    text = re.sub(r"\A\s*#+[ \t]*", "", text)
    separator = separator_of(text, suffix, options)
    if separator != "," and (why := why_commas(text, separator, options)):
        raise DataError(f"{where}: the columns are separated by commas; {why}")
    lines = _cells(where, text, separator)
    (line, first), rows = lines[0] if lines else (0, [""]), lines[1:]
    if not lines:
        raise DataError(f"{where}: no rows of numbers")
    named = options.header == "yes" or (
        options.header == "auto"
        and names_columns(first, [row for _, row in rows], options.decimal)
    )
    rows = rows if named else lines
    if not rows:
        raise DataError(f"{where}: no rows of numbers")
    for number, row in rows:
        if len(row) != len(first):
            verb = "names" if named else "has"
            count = f"{len(first)} column{'s' * (len(first) != 1)}"
            why = _why_ragged(first, row, separator, options.decimal, named)
            before = sum(one < number for one, _ in lines)
            if why.startswith(_TITLE) and before > 1:
                why = f"are the first {before} lines titles? delete them"
            raise DataError(
                f"{where}: line {line} {verb} {count}, line {number} has {len(row)}; "
                f"{why}"
            )
    titles = tuple(" ".join(title.split()) if named else "" for title in first)
    told = _decided(titles, line, named, options)
    kinds = {kind(cell, options.decimal) for cell in first}
    clear = options.header == "no" or "decimal" in kinds or kinds == {"missing"}
    expected = told if clear and not named else ()
    if len(first) == 1 and (blank := _blank_between(text, rows)):
        told = (*told, f"{blank} blank line{'s' * (blank > 1)} skipped")
    columns = list(zip(*(row for _, row in rows), strict=True))
    if separator == ",":
        padded = (k for k, cells in enumerate(columns) if any(map(_PADDED, cells)))
        told += tuple(
            f"column {k + 1} has zeros in front: a decimal comma? --decimal ,"
            for k in padded
            if k
        )
    numbers = [number for number, _ in rows]
    return Raw(titles, columns, numbers, "line", told, named, expected)


def separator_of(text: str, suffix: str, options: Options) -> str:
    """The character between columns; a space for any run of spaces and tabs.

    A comma in a .csv file, or a semicolon if numbers have decimal commas; a tab in a
    .tsv file; in others the first of tab, semicolon and comma that stands in the first
    line, or spaces.

    Raises:
      DataError: for a separator that is none.
    """
    given = options.separator
    if given == "auto":
        free = [";" if options.decimal == "," else ",", "\t", ";", ","]
        if suffix in _OF_KIND:
            return free[0] if suffix == ".csv" else _OF_KIND[suffix]
        first = next((line for line in text.splitlines() if line.strip()), "")
        usual = [sign for sign in free[1:] if sign != options.decimal]
        return next((sign for sign in usual if sign in first), " ")
    found = SEPARATORS.get(given, given if given.strip() else given[:1])
    if len(found) != 1 or found.isalnum() or found in ".+-\"'\r\n":
        raise DataError(
            f"separator: {given!r}; give one character, or one of "
            f"{', '.join(name for name in SEPARATORS if name.isalpha())}"
        )
    if found == options.decimal:
        raise DataError(
            f"separator: {given!r} is the decimal point; change one of them"
        )
    return found


def _cells(where: str, text: str, separator: str) -> _Rows:
    """Line number and cells of every line that is not blank."""
    if separator == " ":
        text = re.sub(r"[ \t]+(?=\r?$)", "", text.replace("\t", " "), flags=re.M)
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=separator,
        skipinitialspace=separator == " ",
    )
    found: _Rows = []
    try:
        found += ((reader.line_num, row) for row in reader if row)
    except csv.Error:
        raise DataError(
            f"{where}: line {reader.line_num}: a cell does not end; is a quote left "
            "open, or is this not a text file?"
        ) from None
    if found and max(len(row) for _, row in found) > 1:  # else it is a missing value
        found = [(i, row) for i, row in found if len(row) > 1 or row[0].strip()]
    return found


def _decided(
    titles: Sequence[str], line: int, named: bool, options: Options
) -> tuple[str, ...]:
    """What is said of the first line: where its names are numbers, or it has none."""
    if not named:
        return (f"no names in line {line}",)
    numbers = [t for t in titles if t and kind(t, options.decimal) != "text"]
    named_ones = [title for title in titles if title]
    return (f"names {listed(named_ones)} from line {line}",) if numbers else ()


def _blank_between(text: str, rows: _Rows) -> int:
    """Number of blank lines before the last row and after the first one."""
    lines = text.splitlines()[rows[0][0] - 1 : rows[-1][0]]
    return sum(not line.strip() for line in lines)


def _why_ragged(
    first: Sequence[str], row: Sequence[str], separator: str, decimal: str, named: bool
) -> str:
    """The likely reason why two lines have different numbers of columns."""
    wide, narrow = len(row), len(first)
    cells = [*first, *row]
    whole = all(kind(cell, ".") == "whole" for cell in row)
    for sign, flag in ((";", "';'"), ("\t", "tab")):
        if separator == "," and any(sign in cell for cell in cells):
            return f"separated otherwise? --separator {flag} --decimal ,"
    if any("\n" in cell for cell in cells):
        return "is a quote left open?"
    if separator == "," and decimal == "." and wide > narrow:
        grouped = _GROUPED.search(",".join(cell.strip() for cell in row))
        if whole and wide == 2 * narrow:
            also = ", or a thousands separator" if grouped else ""
            return f"a decimal comma? --decimal ,{also}"
        if grouped:
            return "thousands separators? write numbers without them"
    if wide == narrow + 1 and not row[-1].strip():
        return "does the line end with a separator? remove it"
    if named and wide < narrow and (first[-1].strip() or wide < narrow - 1):
        return "a separator within a name? put the name into quotes"
    if named and narrow == 1:
        return f"{_TITLE} delete it, or separate its names by {separator!r}"
    if named and wide == narrow + 1:
        return "row names without a name of their own? give them one in line 1"
    return "give all lines as many columns"
