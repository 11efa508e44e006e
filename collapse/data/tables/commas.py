"""Whether a text is separated by commas, though it is to be read otherwise."""

import csv
import io
import itertools

from collapse.data.tables.numbers import kind
from collapse.data.tables.options import Options

_JUDGED = 50  # lines


def why_commas(text: str, separator: str, options: Options) -> str:
    """The remedy if commas separate the columns of a text; "" if they do not.

    They do if all lines have as many of them, no line has the separator, most of what
    they separate are numbers, and no comma in them can be a decimal one: there are
    three columns or more, or names of two, or numbers with a point before the comma.

    Args:
      text: of the file.
      separator: that it would be read with, not a comma.
      options: how it is read.
    """
    lines = (line for line in io.StringIO(text) if line.strip())
    first = itertools.islice(lines, _JUDGED)
    try:
        rows = list(csv.reader(first, skipinitialspace=True))
    except csv.Error:
        return ""
    widths = {len(row) for row in rows}
    if len(widths) != 1 or widths == {1}:
        return ""
    cells = [cell.strip() for cell in itertools.chain(*(rows[1:] or rows))]
    # of two columns of whole numbers each line could be one number
    quoted = options.decimal == "," and any("," in cell for cell in cells)
    kinds = [kind(cell, "," if quoted else ".") for cell in cells]
    if any(separator in cell for cell in cells) or 2 * kinds.count("text") > len(kinds):
        return ""
    named = all(kind(cell, ".") == "text" for cell in rows[0])
    pointed = any("." in cell for row in rows for cell in row[:-1])
    if not (quoted or named or pointed or max(widths) > 2):
        return ""
    if quoted:
        return "its numbers have decimal commas, too: save it with semicolons"
    own = " and --separator" if options.separator != "auto" else ""
    if options.decimal == ",":
        return f"drop --decimal ,{own}"
    return "give --separator comma"
