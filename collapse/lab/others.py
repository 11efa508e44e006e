"""The commands of `collapse` that run no family and no study."""

from collapse.lab import look

MODULES = {  # word -> its module, whose `main` is loaded when it is called
    **look.COMMANDS,
    "plan": "collapse.lab.plan.command",
    "reproduce": "collapse.lab.reproduce.command",
    "merge": "collapse.lab.workers.merge",
}
WORDS = (*MODULES, "completion")
