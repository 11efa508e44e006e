"""Functions that can be called: names of a verb and a noun, with JSON Schemas."""

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np

from collapse.data.worlds.tools.schema import Arguments, Schema

MOST_FUNCTIONS = 50
NONE = "none"  # the function to call when no other does what was asked
# verb of a name -> what else requests call it
VERBS = {
    "get": ("show", "read"),
    "add": ("put", "make"),
    "cut": ("drop", "end"),
    "set": ("fix", "tune"),
    "send": ("mail", "post"),
    "lock": ("shut", "bar"),
    "find": ("seek", "spot"),
    "move": ("take", "pull"),
    "sort": ("rank", "list"),
    "test": ("try", "check"),
}
NOUNS = ("cup", "car", "bed", "fan", "bus", "map", "key", "pen", "log", "tub")
STRANGE = ("cow", "sun", "hat", "ham", "fog", "oak", "bone", "egg")
_WORDS = {
    "hue": ("red", "tan", "ash", "jet", "sky"),
    "day": ("mon", "tue", "wed", "thu", "fri"),
    "to": ("ann", "bob", "eve", "joe", "sam", "tom"),
    "in": ("rio", "ulm", "goa", "bari"),
}
_NUMBERS = {"num": (1, 9), "at": (0, 23), "age": (1, 40), "id": (10, 99)}
_SWITCHES = ("hot", "big", "dry")
_NUM_PARAMETERS = (0.3, 0.4, 0.2, 0.1)  # shares of functions with 1 to 4 parameters
_REQUIRED = 0.5  # share of the parameters after the first that are required
_WORDINGS = 4  # of a function


class Wording(NamedTuple):
    """How a request is worded.

    Attributes:
      phrase: that names what is asked for, such as `add cup`.
      frame: how phrase and arguments are put together: plain, now or last.
      fixed: arguments that the phrase itself tells.
    """

    phrase: str
    frame: str
    fixed: Arguments


FRAMES = ("plain", "now", "last")


class Tool(NamedTuple):
    """A function that can be called.

    Attributes:
      name: of the function.
      schema: of its arguments, see `schema`.
      wordings: of requests for it, the most frequent first.
    """

    name: str
    schema: Schema
    wordings: tuple[Wording, ...]

    @property
    def words(self) -> str:
        """The name as words."""
        return self.name.replace("_", " ")


def made_table(num: int, seed: int) -> list[dict[str, Any]]:
    """So many functions, as names and JSON Schemas, made from parts by a seed.

    A table of fewer functions is the beginning of a table of more.
    """
    generator = np.random.default_rng(seed)
    names = [f"{verb}_{noun}" for verb in VERBS for noun in NOUNS]
    chosen = generator.permutation(names)[:MOST_FUNCTIONS]
    table = [{"name": str(name), "parameters": _schema(generator)} for name in chosen]
    return table[:num]


def _schema(generator: np.random.Generator) -> dict[str, Any]:
    """The schema of a function; its first parameter is required and no boolean.

    So every function has several requests, of which some are held out.
    """
    num = 1 + int(generator.choice(len(_NUM_PARAMETERS), p=_NUM_PARAMETERS))
    telling = [*_WORDS, *_NUMBERS]
    first = str(generator.choice(telling))
    others = [name for name in (*telling, *_SWITCHES) if name != first]
    names = [first, *(str(x) for x in generator.permutation(others)[: num - 1])]
    properties, required = {}, [first]
    for name in names:
        properties[name] = _rule(generator, name)
        if name != first and generator.random() < _REQUIRED:
            required.append(name)
        elif name != first:
            properties[name]["default"] = _default(generator, properties[name])
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _rule(generator: np.random.Generator, name: str) -> dict[str, Any]:
    """The schema of a parameter."""
    if name in _WORDS:
        words = generator.permutation(_WORDS[name])
        return {"type": "string", "enum": [str(word) for word in words]}
    if name in _NUMBERS:
        low, high = _NUMBERS[name]
        return {"type": "integer", "minimum": low, "maximum": high}
    return {"type": "boolean"}


def _default(generator: np.random.Generator, rule: dict[str, Any]) -> Any:
    if rule["type"] == "integer":
        return int(generator.integers(rule["minimum"], rule["maximum"] + 1))
    return rule["enum"][0] if rule["type"] == "string" else False


def as_tool(generator: np.random.Generator, function: dict[str, Any]) -> Tool:
    """A function with wordings of requests: of each other verbs and other frames."""
    name = function["name"]
    verb, _, noun = name.partition("_")
    phrases = [name.replace("_", " ")]
    if noun in NOUNS:
        phrases += [f"{word} {noun}" for word in VERBS.get(verb, ())]
    every = [Wording(phrase, frame, {}) for phrase in phrases for frame in FRAMES]
    order = generator.permutation(len(every))[:_WORDINGS]
    return Tool(name, function["parameters"], tuple(every[k] for k in order))


def none_tool(taken: Collection[str]) -> Tool:
    """The function to call for requests that no function of the table fulfils.

    Args:
      taken: phrases of requests for other functions.
    """
    verbs = [word for verb, others in VERBS.items() for word in (verb, *others)]
    wordings = tuple(
        Wording(f"{verb} {noun}", frame, {"word": noun})
        for verb in verbs
        for noun in STRANGE
        for frame in ("plain", "now")
        if f"{verb} {noun}" not in taken
    )
    rule = {"type": "string", "enum": list(STRANGE)}
    schema = {
        "type": "object",
        "properties": {"word": rule},
        "required": ["word"],
        "additionalProperties": False,
    }
    return Tool(NONE, schema, wordings)
