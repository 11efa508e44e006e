"""Completion of the command `collapse` in shells."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin

from collapse.data.errors import InputError, unknown_value
from collapse.experiment import registry
from collapse.experiment.arguments import Parser
from collapse.experiment.base import Experiment
from collapse.experiment.fields import declared
from collapse.lab import others, terminal
from collapse.lab.command import Options

_BASH = """\
_collapse() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
  local words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="{commands}"
  else
    case "${{COMP_WORDS[1]}} $previous" in
{values}
    *)
      case "${{COMP_WORDS[1]}}" in
{flags}
      esac ;;
    esac
  fi
  if [ -n "$words" ]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  fi
}}
complete -o default -F _collapse collapse
"""
_ZSH = "autoload -U +X bashcompinit && bashcompinit\n"


def main(arguments: Sequence[str], program: str) -> int:
    """The exit code of `collapse completion SHELL`, after printing.

    Raises:
      InputError: for another shell.
    """
    parser = Parser(
        prog=program, description="Print completion of commands and options."
    )
    parser.add_argument("shell", nargs="*", help="bash, zsh or fish")
    shells = parser.parse_args(arguments).shell
    if len(shells) != 1:
        raise InputError("completion: give one of bash, zsh, fish")
    terminal.say(script(shells[0]).rstrip())
    return 0


def script(shell: str) -> str:
    """Text to source in a shell, so that it completes commands, flags and choices.

    Raises:
      InputError: for another shell than bash, zsh or fish.
    """
    if shell == "fish":
        return _fish()
    if shell not in ("bash", "zsh"):
        told = unknown_value(shell, ("bash", "zsh", "fish"))
        raise InputError(f"completion: {told}")
    values, flags = [], []
    for name, kind in registry.experiments().items():
        known = _flags(kind)
        flags.append(f'      {name}) words="{" ".join(known)}" ;;')
        values += [
            f'    "{name} {flag}") words="{" ".join(choices)}" ;;'
            for flag, choices in known.items()
            if choices
        ]
    text = _BASH.format(
        commands=" ".join([*registry.experiments(), *others.WORDS]),
        values="\n".join(values),
        flags="\n".join(flags),
    )
    return text if shell == "bash" else _ZSH + text


def _fish() -> str:
    lines = []
    for name, kind in registry.experiments().items():
        about = kind.description.replace("'", "")
        lines.append(
            f"complete -c collapse -n __fish_use_subcommand -a {name} -d '{about}'"
        )
        seen = f"-n '__fish_seen_subcommand_from {name}'"
        for flag, choices in _flags(kind).items():
            among = f" -xa '{' '.join(choices)}'" if choices else ""
            lines.append(f"complete -c collapse {seen} -l {flag[2:]}{among}")
    return "\n".join(lines) + "\n"


def _flags(kind: type[Experiment]) -> dict[str, tuple[str, ...]]:
    """Flag -> words that it may take; none where anything goes."""
    found: dict[str, tuple[str, ...]] = {}
    for part, names in kind().parts():
        own = declared(type(part))
        found |= {_flag(name): _choices(own[name].hint) for name in names}
    output = [_flag(field.name) for field in dataclasses.fields(Options)]
    return found | dict.fromkeys([*output, "--help"], ())


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _choices(hint: Any) -> tuple[str, ...]:
    inner = get_args(hint)[0] if get_origin(hint) is tuple else hint
    return tuple(map(str, get_args(inner))) if get_origin(inner) is Literal else ()
