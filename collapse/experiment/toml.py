"""Dataclasses of plain values, from and to TOML tables."""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from collapse.data.errors import InputError, hint, unknown_value
from collapse.experiment import registry
from collapse.experiment.base import Experiment
from collapse.experiment.fields import declared

T = TypeVar("T")
_MODEL_TWICE = (r"^\s*model\s*=", r"^\s*\[\s*model\s*\]")


def read_table(path: Path) -> dict[str, Any]:
    """The table that a TOML file holds.

    Raises:
      InputError: if the file is missing or malformed.
    """
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give an experiment's TOML") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        if all(re.search(pattern, text, re.MULTILINE) for pattern in _MODEL_TWICE):
            raise InputError(
                f'{path}: model is given twice; use [model] with name = "gmm", say'
            ) from None
        raise InputError(f"{path}: not a TOML file ({error})") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def from_table(table: Mapping[str, Any], kind: type[T], origin: Path | str) -> T:
    """A dataclass from a table whose values are checked against its types.

    A single value may stand for a list of one. A field that holds an experiment of its
    own, a study's model, is set up by the kind itself: see `read` below.

    Raises:
      InputError: for an unknown key or a value of the wrong type; names the origin.
    """
    read = getattr(kind, "from_table", None)
    if read is not None:  # a study's table tells its family
        found: T = read(table, origin)
        return found
    return plain_from_table(table, kind, origin)


def plain_from_table(table: Mapping[str, Any], kind: type[T], origin: Path | str) -> T:
    """`from_table` for a dataclass whose fields are plain values."""
    known = declared(kind)
    values = {}
    for key, value in table.items():
        if key not in known:
            raise InputError(
                f"{origin}: unknown key {key}; known are {', '.join(known)}"
                f"{_elsewhere(table, kind, origin) or hint(key, known)}"
            )
        values[key] = coerce(key, value, known[key].hint, origin)
    return kind(**values)


def _elsewhere(table: Mapping[str, Any], kind: type, origin: Path | str) -> str:
    """Asks whether a file is another command's, if few others know all its keys."""
    if not isinstance(origin, Path) or not issubclass(kind, Experiment):
        return ""
    others = registry.owners(table)
    return (
        f"; is this a file for {' or '.join(others)}?"
        if others[:3] == others != []
        else ""
    )


def to_toml(experiment: Experiment) -> str:
    """The TOML that `from_table` turns back into the same experiment."""
    table = experiment.to_table()
    plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
    text = lines_of(plain)
    for key, value in table.items():
        if isinstance(value, dict):
            text += f"\n[{key}]\n{lines_of(value)}"
    return text


def lines_of(table: Mapping[str, Any]) -> str:
    """Keys and values of a table, one a line."""
    return "".join(f"{key} = {_literal(value)}\n" for key, value in table.items())


def coerce(key: str, value: Any, kind: Any, origin: Path | str) -> Any:
    """A TOML value as the field's type; a single value may stand for a tuple of one.

    Raises:
      InputError: for a value of another type.
    """
    if get_origin(kind) is tuple:
        items = value if isinstance(value, list | tuple) else [value]
        return tuple(coerce(key, item, get_args(kind)[0], origin) for item in items)
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            told = unknown_value(value, map(str, get_args(kind)))
            raise InputError(f"{origin}: {key}: {told}")
        return value
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        wanted = {int: "a whole number", float: "a number", str: "text in quotes"}
        wanted |= {bool: "true or false"}
        raise InputError(f"{origin}: {key} must be {wanted[kind]}, got {value!r}")
    return value


def _literal(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_literal, value)) + "]"
    if isinstance(value, str):  # TOML takes JSON's escapes but for surrogate pairs
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value).lower() if isinstance(value, bool) else repr(value)
