"""What finished runs say: listed, shown and compared, from their folders alone."""

COMMANDS = {  # word after `collapse` -> its module, which is loaded when it is called
    "runs": "collapse.lab.look.runs",
    "compare": "collapse.lab.look.compare",
    "show": "collapse.lab.look.show",
    "report": "collapse.lab.look.report",
}
