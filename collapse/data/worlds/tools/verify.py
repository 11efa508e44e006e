"""What is wrong with a response to a prompt about tools."""

from collapse.data.worlds.tools.calls import DIGITS, STATES, parsed_call
from collapse.data.worlds.tools.requests import Toolbox, read
from collapse.data.worlds.tools.schema import completed, violation
from collapse.data.worlds.world import Verdict

# name -> whether a response with it is valid: a call that agrees with the schema of the
# function it names, or a final answer
FAULTS = {
    "form": False,
    "name": False,
    "missing": False,
    "unknown": False,
    "type": False,
    "range": False,
    "other": True,
    "value": True,
    "answer": True,
}


def verify(box: Toolbox, prompt: str, response: str) -> Verdict:
    """The verdict on a response; of a text that is no prompt nothing is right.

    Order and spaces of the JSON do not matter, nor whether a default is written out.
    """
    asked = read(box, prompt)
    if asked is None:
        return Verdict("form", False)
    said = parsed_call(response)
    if said is None:
        if not is_answer(box, response):
            return Verdict("form", False)
        right = asked.kind == "answer" and response == asked.right
        return Verdict("" if right else "answer", True)
    name, arguments = said
    tool = box.tools.get(name)
    if tool is None:
        return Verdict("name", False)
    if broken := violation(tool.schema, arguments):
        return Verdict(broken, False)
    if tool.name != asked.tool.name:
        return Verdict("other", True)
    schema = tool.schema
    if completed(schema, arguments) != completed(schema, asked.arguments):
        return Verdict("value", True)
    # a call where the final answer was asked for
    return Verdict("answer" if asked.kind == "answer" else "", True)


def is_answer(box: Toolbox, text: str) -> bool:
    """Whether a text has the form of a final answer, of whatever function."""
    if not box.answers or len(text) > box.longest:
        return False
    words, _, word = text.partition(": ")
    known = {tool.words for tool in box.tools.values()}
    return words in known and word in {*DIGITS, *STATES}
