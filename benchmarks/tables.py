"""Rows as tables in Markdown; knows nothing of what was measured."""

from typing import Any

Entry = dict[str, Any]


def row(cells: list[str]) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def table(entries: list[Entry]) -> str:
    """The table of rows with the same columns; a row that failed says why.

    Rows of one case stand together, in the order in which their cases came first.
    """
    columns = next((e["columns"] for e in entries if "columns" in e), ["case", ""])
    lines = [row(columns), "|" + "---|" * len(columns)]
    order = list(dict.fromkeys(map(_place, entries)))
    for entry in sorted(entries, key=lambda entry: order.index(_place(entry))):
        cells = entry.get("cells") or [entry["case"], f"**failed**: {entry['failed']}"]
        cells = [cell.replace("|", "/") for cell in cells]
        lines.append(row(cells + [""] * (len(columns) - len(cells))))
    return "\n".join(lines)


def _place(entry: Entry) -> tuple[str, ...]:
    """Case and precision, or the case alone of a row that failed."""
    cells = entry.get("cells") or [entry["case"]]
    return (cells[0], cells[1] if "precision" in entry.get("columns", []) else "")
