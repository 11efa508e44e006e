"""Schemas of tool calls: the validator against a library, and a user's own tables."""

import copy
import json

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tool_tables import PAIR

from collapse.data.errors import DataError
from collapse.data.worlds import tools
from collapse.data.worlds.tools.calls import parsed_call
from collapse.data.worlds.tools.given import given_table, read_functions
from collapse.data.worlds.tools.schema import completed, violation
from collapse.data.worlds.tools.table import made_table, none_tool

WORLD = tools()
SCHEMAS = {f["name"]: f["parameters"] for f in made_table(50, 0)}
OF_KEYWORDS = {
    "required": "missing",
    "additionalProperties": "unknown",
    "type": "type",
    "enum": "range",
    "minimum": "range",
    "maximum": "range",
}


def oracle(schema, arguments):
    """The first fault, in our order, of those that the library finds."""
    found = jsonschema.Draft202012Validator(schema).iter_errors(arguments)
    faults = {OF_KEYWORDS[error.validator] for error in found}
    order = ["missing", "unknown", "type", "range"]
    return next((fault for fault in order if fault in faults), "")


@pytest.mark.parametrize("seed", range(5))
def test_tables_are_of_standard_schemas(seed):
    table = made_table(50, seed)
    assert len({function["name"] for function in table}) == 50
    for function in table:
        schema = function["parameters"]
        jsonschema.Draft202012Validator.check_schema(schema)
        assert 1 <= len(schema["properties"]) <= 4
        assert set(schema["required"]) <= set(schema["properties"])
        for name, rule in schema["properties"].items():
            assert ("default" in rule) == (name not in schema["required"])
    assert made_table(7, seed) == table[:7]
    assert made_table(50, seed + 1) != table


def test_the_validator_agrees_with_the_library_on_good_and_spoiled_calls():
    generator, seen = np.random.default_rng(5), dict.fromkeys(WORLD.faults, 0)
    schemas = {**SCHEMAS, "none": none_tool(()).schema}
    for d in WORLD.make(np.random.default_rng(3), 1500):
        for fault in WORLD.faults:
            response = WORLD.spoil(generator, d, fault).response
            call = parsed_call(response)
            if call is None or call[0] not in schemas:
                assert fault in ("form", "name", "answer")
                continue
            said = oracle(schemas[call[0]], call[1])
            assert violation(schemas[call[0]], call[1]) == said
            assert said == ("" if fault in ("other", "value") else fault)
            seen[fault] += 1
        if d.truth["kind"] == "call":
            assert oracle(schemas[d.truth["function"]], d.truth["arguments"]) == ""
    checked = [n for f, n in seen.items() if f not in ("form", "name", "answer")]
    assert min(checked) == 1500


VALUES = st.one_of(
    st.integers(-3, 45),
    st.sampled_from([7.0, 7.5, 1e300, float("inf"), True, False, None, "", [1], {}]),
    st.sampled_from(["red", "mon", "ann", "rio", "Red", "7", "true"]),
)
NAMES = st.sampled_from(
    ["hue", "day", "to", "in", "num", "at", "age", "id", "big", "x"]
)


@given(
    schema=st.sampled_from(list(SCHEMAS.values())),
    arguments=st.dictionaries(NAMES, VALUES, max_size=5),
    fill=st.booleans(),
    data=st.data(),
)
def test_the_validator_agrees_with_the_library_on_any_arguments(
    schema, arguments, fill, data
):
    if fill:  # else nearly all lack an argument
        for name in schema["required"]:
            rule = schema["properties"][name]
            good = rule.get("enum", [rule.get("minimum", True)])[0]
            arguments.setdefault(name, data.draw(st.one_of(st.just(good), VALUES)))
    assert violation(schema, arguments) == oracle(schema, arguments)


def changed(*path, to):
    """The table of two functions with another value at a path."""
    table = copy.deepcopy(PAIR)
    own = table
    for key in path[:-1]:
        own = own[key]
    own[path[-1]] = to
    return table


def of_first(*path, to):
    return changed(0, "parameters", *path, to=to)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            of_first("properties", "num", "minimum", to=10),
            "10 is above maximum 9",
        ),
        (of_first("properties", "num", "minimum", to=None), "must be integers"),
        (of_first("properties", "num", "minimum", to=True), "must be integers"),
        (of_first("properties", "num", "maximum", to=10**12), "must be integers"),
        (of_first("properties", "num", "type", to="int"), "did you mean integer"),
        (of_first("properties", "num", "type", to=["integer"]), "has no type"),
        (of_first("properties", "num", "default", to=10), "default 10 is no value"),
        (of_first("properties", "num", "enum", to=[1]), "unknown 'enum'"),
        (of_first("properties", "hue", "enum", to=[]), "1 to 100 words"),
        (of_first("properties", "hue", "enum", to=["red", "red"]), "a word twice"),
        (of_first("properties", "hue", "enum", to=["a b"]), "'a b' is no word"),
        (of_first("properties", "hue", "default", to="blue"), "default 'blue'"),
        (of_first("properties", "not", to={"type": "boolean"}), "none is not"),
        (of_first("properties", to={}), "required 'num' is no property"),
        (of_first("required", to=["size"]), "required 'size' is no property"),
        (of_first("required", to=["num", "num"]), "a property twice"),
        (of_first("required", to="num"), "must be a list"),
        (of_first("additionalProperties", to=True), "must be false"),
        (of_first("type", to="array"), "of type object"),
        (changed(0, "parameters", to=None), "of type object"),
        (changed(0, "name", to="cut_tea"), "is there already"),
        (changed(0, "name", to="none"), "kept for requests of no function"),
        (changed(0, "name", to="add tea"), "number 1 has no name"),
        (changed(0, "returns", to="int"), "unknown 'returns'"),
        (changed(0, "name", to="now_cut_tea"), "read the same"),
        (changed(1, "parameters", "properties", "hue", "enum", to=["a"]), "two values"),
        (PAIR[:1], "1; give 2 to 50"),
        ("add_tea", "no list; give one"),
        ([1, 2], "number 1 has no name"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(table, message):
    with pytest.raises(DataError, match=message) as caught:
        tools(table=table)
    assert str(caught.value).startswith("functions: ")
    assert "\n" not in str(caught.value)


def test_defaults_fill_what_is_left_out():
    schema = PAIR[0]["parameters"]
    assert completed(schema, {"num": 3}) == {"num": 3, "hue": "tan"}
    assert completed(schema, {"hue": "red", "num": 3}) == {"num": 3, "hue": "red"}


def test_functions_may_be_written_as_in_requests_and_with_a_byte_order_mark(tmp_path):
    wrapped = [{"type": "function", "function": function} for function in PAIR]
    path = tmp_path / "functions.json"
    path.write_text(json.dumps(wrapped), "utf-8-sig")
    read = read_functions(str(path))
    assert read == wrapped and given_table(read) == given_table(PAIR)
    flat = [{"type": "function", "strict": True, **function} for function in PAIR]
    assert given_table(flat) == given_table(PAIR)
    with pytest.raises(DataError, match="functions: number 1 has no name"):
        given_table([{"type": "tool", "function": one} for one in PAIR])
    with pytest.raises(DataError, match="functions: 1; give 2 to 50 of them"):
        given_table(PAIR[:1])
