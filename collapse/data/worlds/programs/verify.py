"""What is wrong with a program: it is read, and then run on the tests of its task."""

import functools
from collections.abc import Collection

from collapse.data.worlds.programs.classes import class_exercise
from collapse.data.worlds.programs.functions import function_exercise
from collapse.data.worlds.programs.interpreter import Memory, run
from collapse.data.worlds.programs.language import Code, read
from collapse.data.worlds.programs.tasks import SEPARATOR, Call, Exercise
from collapse.data.worlds.world import Verdict

# name -> whether a response with it is a program; in the order in which the first three
# are looked for, whereas of the others the first that a test meets counts
FAULTS = {
    "form": False,
    "missing": True,
    "name": True,
    "stack": True,
    "limit": True,
    "zero": True,
    "value": True,
}
_LONGEST = 400  # characters of a prompt


@functools.lru_cache(maxsize=2**12)
def exercise(prompt: str) -> Exercise | None:
    """The task that a prompt asks for; None if the text is no prompt."""
    if len(prompt) > _LONGEST or prompt.find(SEPARATOR) != len(prompt) - 1:
        return None
    return function_exercise(prompt[:-1]) or class_exercise(prompt[:-1])


def skill_of(skills: Collection[str], prompt: str) -> str:
    """The skill that a prompt asks for; "" if it is none of these."""
    task = exercise(prompt) if len(prompt) <= _LONGEST else None
    return task.skill if task is not None and task.skill in skills else ""


def verify(skills: Collection[str], prompt: str, response: str) -> Verdict:
    """The verdict on a response; of a text that is no prompt nothing is right.

    Every program that passes the tests is right.
    """
    task = exercise(prompt) if skill_of(skills, prompt) else None
    code = read(response)
    # a function is the main part of a program, and a class has none
    if task is None or code is None or code.empty != bool(task.methods):
        return Verdict("form", False)
    if not {*task.methods} <= {*code.entries}:
        return Verdict("missing", True)
    if code.unknown:
        return Verdict("name", True)
    every = (_failed(code, test) for test in task.tests)
    return Verdict(next((fault for fault in every if fault), ""), True)


def _failed(code: Code, test: tuple[Call, ...]) -> str:
    """What is wrong in a test; "" if nothing is."""
    memory = Memory()
    for call in test:
        outcome = run(code, call.method, call.inputs, memory)
        if outcome.error:
            return outcome.error
        if len(outcome.values) != len(call.outputs):
            return "stack"
        if outcome.values != call.outputs:
            return "value"
        memory = outcome.memory
    return ""
