"""The part of JSON Schema (draft 2020-12) that functions use, and its validator.

A schema is an object without further properties, each of which is a string of an enum,
an integer between two bounds, or a boolean.
"""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]
Arguments = Mapping[str, Any]


def violation(schema: Schema, arguments: Arguments) -> str:
    """What is wrong with arguments: missing, unknown, type or range; "" if nothing is.

    As in JSON Schema 7.0 is an integer, and true is none.
    """
    properties = schema["properties"]
    if any(name not in arguments for name in schema["required"]):
        return "missing"
    if any(name not in properties for name in arguments):
        return "unknown"
    pairs = [(properties[name], value) for name, value in arguments.items()]
    if not all(_has_type(rule, value) for rule, value in pairs):
        return "type"
    return "" if all(_in_range(rule, value) for rule, value in pairs) else "range"


def _has_type(rule: Schema, value: object) -> bool:
    if rule["type"] == "integer":
        whole = isinstance(value, float) and value.is_integer()
        return whole or (isinstance(value, int) and not isinstance(value, bool))
    return isinstance(value, str if rule["type"] == "string" else bool)


def _in_range(rule: Schema, value: Any) -> bool:
    """Whether a value that has the type of the rule is one of its values."""
    if rule["type"] == "integer":
        return bool(rule["minimum"] <= value <= rule["maximum"])
    return rule["type"] == "boolean" or value in rule["enum"]


def completed(schema: Schema, arguments: Arguments) -> dict[str, Any]:
    """The arguments in the order of the schema, with defaults for those left out."""
    found = {}
    for name, rule in schema["properties"].items():
        if name in arguments:
            found[name] = arguments[name]
        elif "default" in rule:
            found[name] = rule["default"]
    return found


def num_values(rule: Schema) -> int:
    """The number of values that a property can have."""
    if rule["type"] == "integer":
        return int(rule["maximum"] - rule["minimum"] + 1)
    return len(rule["enum"]) if rule["type"] == "string" else 2


def value_at(rule: Schema, place: int) -> Any:
    """The value at this place, from 0, among those of a property."""
    if rule["type"] == "integer":
        return rule["minimum"] + place
    return rule["enum"][place] if rule["type"] == "string" else bool(place)


def place_of(rule: Schema, value: Any) -> int:
    """The place of a value, from 0, among those of a property."""
    if rule["type"] == "integer":
        return int(value - rule["minimum"])
    return list(rule["enum"]).index(value) if rule["type"] == "string" else int(value)
