"""The command `collapse`: lists what there is, and runs it.

`collapse gmm ...` is `python -m collapse.sims.gmm ...`, and `collapse FILE.py ...` runs
a family that the file defines.
"""

import sys
from collections.abc import Mapping, Sequence

import collapse
from collapse.data.errors import InputError, hint
from collapse.experiment import registry
from collapse.experiment.base import Experiment
from collapse.experiment.lazy import load
from collapse.lab import command, completion, others, terminal
from collapse.lab.run import guarded
from collapse.lab.run import main as run

_HELP = """\
usage: {program} COMMAND [FILE.toml] [OPTIONS]
       {program} FILE.py [OPTIONS]

{listed}

results:
  runs [FOLDER]     list the runs in results/, or in FOLDER
  show FOLDER       print the table and the collapse profile of a finished run
  compare A B ...   lay finished runs of one family side by side
  report FOLDER ... write finished runs on one page of HTML

other:
  plan              say how much real data holds a drift, from measured numbers
  reproduce [NAME]  list published figures and claims, or make them again
  merge FOLDER      join the shards of a run (--shard) into its results
  completion SHELL  print completion for bash, zsh or fish
  --version         print the version

{program} COMMAND --help tells the options of a command.
"""


def main(arguments: Sequence[str] | None = None, program: str = "collapse") -> int:
    """The exit code of `collapse`, after running it.

    Args:
      arguments: after `collapse`; those of the process if None.
      program: the command, for help; that of a file which registers a workflow.
    """
    terminal.reopen()
    first, *rest = [*(sys.argv[1:] if arguments is None else arguments)] or ["--help"]
    try:
        if first in ("-h", "--help"):
            terminal.say(_HELP.format(program=program, listed=listed()).rstrip())
            return 0
        if first == "--version":
            terminal.say(f"collapse {collapse.__version__}")
            return 0
        if first == "completion":
            return completion.main(rest, f"{program} {first}")
        if first in others.MODULES:
            return guarded(
                lambda _: load(others.MODULES[first]).main(rest, f"{program} {first}")
            )
        return run(_named(first, program), rest, f"{program} {first}")
    except InputError as error:
        return command.fail(error)


def listed() -> str:
    """Families and studies, a line each."""
    groups: dict[str, Mapping[str, type[Experiment]]] = {
        "families, what is learned": registry.families(),
        "a family that no study takes": registry.alone(),
        "studies, what is asked of a family": registry.studies(),
    }
    lines = []
    for title, kinds in groups.items():
        lines.append(f"{title}:")
        lines += [f"  {name:16}  {kind.description}" for name, kind in kinds.items()]
        lines.append("")
    return "\n".join(lines).rstrip()


def _named(name: str, program: str) -> type[Experiment]:
    """The experiment of a command."""
    known = registry.experiments()
    if name.endswith(".toml"):
        raise InputError(f"{name}: a TOML file needs its command: {program} gmm {name}")
    if name.startswith("-"):
        raise InputError(f"{name}: an option needs its command: {program} gmm {name}")
    if name.endswith(".py") or name in known:
        return registry.experiment(name)
    words = [*known, *others.WORDS]
    near = hint(name, words) or f"; known are {', '.join(words)}"
    raise InputError(f"{name}: no such command{near}")
