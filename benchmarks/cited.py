"""Numbers of the benchmarks that other documents cite, filled in by `all.py`.

A document writes `<!--speed NAME-->1.8<!--/-->`; the name is that of a fact.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_CITED = re.compile(r"(<!--speed ([\w.]+)-->)(.*?)(<!--/-->)")


def facts(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """All facts of rows, by name."""
    return {name: v for row in rows for name, v in row.get("facts", {}).items()}


def filled(text: str, known: Mapping[str, float]) -> str:
    """The text with every cited number that is known as it is now."""

    def number(found: re.Match[str]) -> str:
        name = found[2]
        value = f"{known[name]:.2g}" if name in known else found[3]
        return found[1] + value + found[4]

    return _CITED.sub(number, text)


def names(text: str) -> list[str]:
    """The facts that a text cites."""
    return [found[1] for found in _CITED.findall(text)]


def fill(root: Path, known: Mapping[str, float]) -> list[str]:
    """Names of the documents under a folder that have been changed."""
    changed = []
    for path in sorted([*root.glob("*.md"), *root.glob("docs/**/*.md")]):
        text = path.read_text(encoding="utf-8")
        new = filled(text, known)
        if new != text:
            path.write_text(new, encoding="utf-8")
            changed.append(path.relative_to(root).as_posix())
    return changed
