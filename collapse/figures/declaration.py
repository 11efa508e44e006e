"""An experiment and its figures as one TOML file."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from collapse.data.errors import InputError, hint
from collapse.experiment.base import Experiment
from collapse.experiment.fields import declared, told
from collapse.experiment.toml import from_table, lines_of, read_table, to_toml
from collapse.figures.spec import Figure

NEEDS = "needs"  # key of a declaration that cannot be run anywhere, with what it needs


def read_declaration(
    path: Path, kind: type[Experiment]
) -> tuple[Experiment, tuple[Figure, ...]]:
    """An experiment and its figures from a TOML file; missing fields keep defaults.

    A single value may stand for a list of one, and `[figure]` for one `[[figure]]`.
    Without such a table there are no figures: they are the family's own. The text
    `needs` says what a run has to have beside the package; it sets nothing.

    Raises:
      InputError: if the file is missing or malformed, or has an unknown key or a value
        of the wrong type.
    """
    table = read_table(path)
    if not isinstance(table.pop(NEEDS, ""), str):
        raise InputError(f"{path}: {NEEDS} must be text in quotes")
    said = table.pop("figure", None)
    tables = said if isinstance(said, list) else [] if said is None else [said]
    if said == [] or not all(isinstance(figure, dict) for figure in tables):
        raise InputError(f"{path}: figure must be a table, written as [figure]")
    _check_tables(table, tables, kind, path)
    figures = read_figures(tables, path)
    _check_names(figures, path)
    return from_table(table, kind, path), figures


def read_figures(
    tables: Sequence[Mapping[str, Any]], origin: Path | str
) -> tuple[Figure, ...]:
    """Figures from their tables.

    Raises:
      InputError: for an unknown key or a value of the wrong type; names the origin.
    """
    return tuple(from_table(table, Figure, origin) for table in tables)


def to_declaration(experiment: Experiment, figures: Sequence[Figure] = ()) -> str:
    """The TOML that `read_declaration` turns back into the same."""
    head = "[figure]" if len(figures) == 1 else "[[figure]]"
    tables = [f"\n{head}\n{lines_of(told(figure))}" for figure in figures]
    return "".join([to_toml(experiment), *tables])


def to_json(figures: Sequence[Figure]) -> str:
    """Figures as JSON: an object of one, a list of several."""
    fields = [told(figure) for figure in figures]
    return json.dumps(fields[0] if len(fields) == 1 else fields)


def from_json(text: str) -> list[Figure]:
    """The figures of `to_json`."""
    found = json.loads(text)
    figures = []
    for table in found if isinstance(found, list) else [found]:
        lists = {k: tuple(v) for k, v in table.items() if isinstance(v, list)}
        figures.append(Figure(**table | lists))
    return figures


def _check_tables(
    table: Mapping[str, Any],
    figures: Sequence[Mapping[str, Any]],
    kind: type[Experiment],
    path: Path,
) -> None:
    """Raise InputError for a table that is none, or a field that slipped into one.

    Args:
      table: of the file, without its figures.
      figures: their tables.
      kind: of the experiment.
      path: of the file.
    """
    fields, shown = declared(kind), declared(Figure)
    known = ["figure", "model"] if "model" in fields else ["figure"]
    for key, value in table.items():
        rows = value if isinstance(value, list) and value else [value]
        is_table = all(isinstance(row, dict) for row in rows)
        if is_table and key not in (*fields, "model"):
            raise InputError(
                f"{path}: unknown table [{key}]; known are "
                f"{', '.join(f'[{name}]' for name in known)}{hint(key, known)}"
            )
    for key in {key: None for figure in figures for key in figure}:
        if key in fields and key not in shown:
            raise InputError(
                f"{path}: {key} is no key of [figure], but of the experiment; write it "
                "above that line"
            )


def _check_names(figures: Sequence[Figure], path: Path) -> None:
    """Raise InputError for figures whose files would be one, or lie elsewhere."""
    names = [figure.name for figure in figures]
    for name in names:
        if not re.fullmatch(r"\w*", name):
            raise InputError(
                f"{path}: name: {name!r} is to be part of a file's name; use letters, "
                "digits and _"
            )
        if names.count(name) > 1:
            raise InputError(f"{path}: name: {name!r} is given to two figures")
