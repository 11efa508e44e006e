"""A user's own table of functions, refused if it contradicts itself."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from collapse.data.errors import DataError, unknown_value
from collapse.data.worlds.tools.schema import num_values, violation
from collapse.data.worlds.tools.table import MOST_FUNCTIONS, NONE

_MOST_PARAMETERS = 8
_MOST_VALUES = 100
_LARGEST = 10**9
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,19}(_[A-Za-z0-9]{1,20}){0,4}", re.ASCII)
_KEYS = {"name", "parameters", "description", "strict"}
_OF_OBJECTS = {"$schema", "type", "properties", "required", "additionalProperties"}
_OF_TYPES = {
    "string": {"enum"},
    "integer": {"minimum", "maximum"},
    "boolean": set[str](),
}


def given_table(table: Any) -> list[dict[str, Any]]:
    """A table of functions as it was given, once it is known to be usable.

    Args:
      table: a list with the `name` of each function and the JSON Schema of its
        `parameters`; each may stand in {"type": "function", "function": ...}.

    Raises:
      DataError: for the first contradiction, and for what this world cannot ask for.
    """
    if not isinstance(table, list | tuple):
        raise DataError(f"functions: no list; give one of 2 to {MOST_FUNCTIONS}")
    if not 2 <= len(table) <= MOST_FUNCTIONS:
        raise DataError(f"functions: {len(table)}; give 2 to {MOST_FUNCTIONS} of them")
    found = list[dict[str, Any]]()
    for place, function in enumerate(map(_unwrapped, table), 1):
        if not isinstance(function, Mapping) or not _is_name(function.get("name")):
            raise DataError(
                f"functions: number {place} has no name of up to 5 words, each of up "
                "to 20 letters and digits, joined by _; give it one"
            )
        name = function["name"]
        if name == NONE or any(name == other["name"] for other in found):
            why = "is kept for requests of no function" if name == NONE else "is there"
            raise _error(name, f"the name {why} already; rename it")
        _known(name, function, _KEYS)
        found.append({"name": name, "parameters": _object(name, function)})
    return found


def _unwrapped(function: Any) -> Any:
    """A function as it stands within a request of OpenAI's kind, or as it is."""
    if isinstance(function, Mapping) and function.get("type") == "function":
        flat = {key: value for key, value in function.items() if key != "type"}
        return flat.get("function", flat)
    return function


def _error(where: str, message: str) -> DataError:
    return DataError(f"functions: {where}: {message}")


def _is_name(text: object) -> bool:
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def _known(where: str, given: Mapping[str, Any], known: set[str]) -> None:
    """Raise DataError for a keyword that is not known."""
    for key in given:
        if key not in known:
            raise _error(where, f"{unknown_value(key, sorted(known))}; leave it out")


def _object(name: str, function: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of the arguments of a function."""
    schema = function.get("parameters")
    if not isinstance(schema, Mapping) or schema.get("type") != "object":
        raise _error(name, "parameters must be a schema of type object; give one")
    _known(name, schema, _OF_OBJECTS | {"description"})
    if schema.get("additionalProperties", False) is not False:
        raise _error(name, "additionalProperties must be false; set it so")
    properties, required = schema.get("properties"), schema.get("required", [])
    if not isinstance(properties, Mapping):
        raise _error(name, "properties must be an object of schemas; give one")
    if len(properties) > _MOST_PARAMETERS:
        raise _error(name, f"properties must be at most {_MOST_PARAMETERS}; cut them")
    if not isinstance(required, list | tuple):
        raise _error(name, "required must be a list of names; give one")
    for own in required:
        if not isinstance(own, str) or own not in properties:
            raise _error(name, f"required {own!r} is no property; add or remove it")
    if len(set(required)) != len(required):
        raise _error(name, "required names a property twice; remove one")
    rules = {own: _rule(name, own, rule) for own, rule in properties.items()}
    if max(map(num_values, rules.values()), default=0) < 2:
        raise _error(name, "no property has two values to choose from; add one")
    return {
        "type": "object",
        "properties": rules,
        "required": list(required),
        "additionalProperties": False,
    }


def _rule(name: str, own: object, rule: Any) -> dict[str, Any]:
    """The schema of one property."""
    where = f"{name}, {own}"
    if not _is_name(own) or own == "not":
        raise _error(where, "names have letters, digits and _, and none is not; rename")
    if not isinstance(rule, Mapping) or not isinstance(rule.get("type"), str):
        raise _error(where, f"it has no type; give one of {', '.join(_OF_TYPES)}")
    if (kind := rule["type"]) not in _OF_TYPES:
        raise _error(where, f"type: {unknown_value(kind, _OF_TYPES)}")
    _known(where, rule, {"type", "default", "description", *_OF_TYPES[kind]})
    if kind == "integer":
        _check_bounds(where, rule.get("minimum"), rule.get("maximum"))
    elif kind == "string":
        _check_words(where, rule.get("enum"))
    found = {key: rule[key] for key in rule if key != "description"}
    single = {"properties": {own: found}, "required": []}
    if "default" in rule and violation(single, {str(own): rule["default"]}):
        raise _error(where, f"default {rule['default']!r} is no value of it; change it")
    return found


def _check_bounds(where: str, low: Any, high: Any) -> None:
    """Raise DataError unless both are integers, in order."""
    for bound in (low, high):
        whole = isinstance(bound, int) and not isinstance(bound, bool)
        if not whole or abs(bound) > _LARGEST:
            raise _error(
                where,
                f"minimum and maximum must be integers up to {_LARGEST}; give both",
            )
    if low > high:
        raise _error(where, f"minimum {low} is above maximum {high}; exchange them")


def _check_words(where: str, words: Any) -> None:
    """Raise DataError unless there are distinct words."""
    if not isinstance(words, list | tuple) or not 1 <= len(words) <= _MOST_VALUES:
        raise _error(where, f"enum must have 1 to {_MOST_VALUES} words; give them")
    for word in words:
        if not _is_name(word):
            raise _error(where, f"enum: {word!r} is no word of letters, digits and _")
    if len(set(words)) != len(words):
        raise _error(where, "enum has a word twice; remove one")


def read_functions(path: str) -> Any:
    """The table of functions in a JSON file, not checked yet.

    Raises:
      DataError: if the file cannot be read.
    """
    try:
        return json.loads(Path(path).read_text("utf-8-sig"))
    except OSError as error:
        raise DataError(f"functions: {path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise DataError(
            f"functions: {path} is no JSON in UTF-8; give a list of functions"
        ) from None
