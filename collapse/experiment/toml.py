"""Experiments and their figures as TOML, to and fro."""

import dataclasses
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from collapse.experiment.spec import Experiment
from collapse.figures.spec import Figure, InputError


def read_toml(
    path: Path, kind: type[Experiment]
) -> tuple[Experiment, tuple[Figure, ...]]:
    """An experiment and its figures from a TOML file; missing fields keep defaults.

    A single value may stand for a list of one, and `[figure]` for one `[[figure]]`.
    Without such a table there are no figures: they are the family's own.

    Raises:
      InputError: if the file is missing or malformed, or has an unknown key or a value
        of the wrong type.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give an experiment's TOML") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a TOML file ({error})") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    said = table.pop("figure", None)
    tables = said if isinstance(said, list) else [] if said is None else [said]
    if said == [] or not all(isinstance(figure, dict) for figure in tables):
        raise InputError(f"{path}: figure must be a table, written as [figure]")
    figures = tuple(from_table(figure, Figure, path) for figure in tables)
    _check_names(figures, path)
    return from_table(table, kind, path), figures


def to_toml(experiment: Experiment, figures: Sequence[Figure] = ()) -> str:
    """The TOML that `read_toml` turns back into the same experiment and figures."""
    lines = [f"{k} = {_literal(v)}" for k, v in dataclasses.asdict(experiment).items()]
    head = "[figure]" if len(figures) == 1 else "[[figure]]"
    for figure in figures:
        lines += ["", head]
        lines += [f"{k} = {_literal(v)}" for k, v in dataclasses.asdict(figure).items()]
    return "\n".join(lines) + "\n"


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


def from_table(table: Mapping[str, Any], kind: type, origin: Path | str) -> Any:
    """A dataclass from a table whose values are checked against its types.

    Raises:
      InputError: for an unknown key or a value of the wrong type; names the origin.
    """
    types = get_type_hints(kind)
    hints = {field.name: types[field.name] for field in dataclasses.fields(kind)}
    values = {}
    for key, value in table.items():
        if key not in hints:
            raise InputError(
                f"{origin}: unknown key {key}; known are {', '.join(hints)}"
            )
        values[key] = _coerce(key, value, hints[key], origin)
    return kind(**values)


def _coerce(key: str, value: Any, hint: Any, origin: Path | str) -> Any:
    """A TOML value as the field's type; a single value may stand for a tuple of one."""
    if get_origin(hint) is tuple:
        items = value if isinstance(value, list | tuple) else [value]
        return tuple(_coerce(key, item, get_args(hint)[0], origin) for item in items)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            known = ", ".join(map(str, get_args(hint)))
            raise InputError(f"{origin}: {key}: unknown {value!r}; known are {known}")
        return value
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        wanted = {int: "a whole number", float: "a number", str: "text in quotes"}
        wanted |= {bool: "true or false"}
        raise InputError(f"{origin}: {key} must be {wanted[hint]}, got {value!r}")
    return value


def _literal(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_literal, value)) + "]"
    if isinstance(value, str):  # TOML takes JSON's escapes but for surrogate pairs
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value).lower() if isinstance(value, bool) else repr(value)
