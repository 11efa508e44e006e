"""The command line that all simulations share: parsed before jax is imported."""

import contextlib
import dataclasses
import io
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import tyro

from collapse.experiment.spec import Experiment, capped
from collapse.experiment.toml import read_toml
from collapse.figures.spec import Figure, InputError


@dataclasses.dataclass(frozen=True)
class Options:
    """What to do with the experiment."""

    out: str = ""
    """Folder for the results; results/<name>-<digest> if not given."""
    quick: bool = False
    """Cut everything down to under a minute: shows that it runs, not what it finds."""
    resume: bool = False
    """Continue an interrupted run of the same experiment."""
    quiet: bool = False
    """Print nothing but errors."""
    publish: str = ""
    """Also write the figure, and the data to redraw it, into this folder."""


class Call(NamedTuple):
    """A parsed command line; no figures if there is no file that may name some."""

    experiment: Experiment
    figures: tuple[Figure, ...]
    options: Options
    name: str


def parse(
    module: str, default: Experiment, description: str, arguments: Sequence[str]
) -> Call:
    """Read the arguments of `python -m collapse.sims.<module>`.

    A first argument that is not a flag is a TOML file whose values replace the
    defaults; flags override both.

    Raises:
      InputError: with one line, for anything that cannot be understood.
      SystemExit: 0, after --help.
    """
    name, arguments = module, list(arguments)
    figures: tuple[Figure, ...] = ()
    if arguments and not arguments[0].startswith("-"):
        path = Path(arguments.pop(0))
        default, figures = read_toml(path, type(default))
        name = path.stem
    call = dataclasses.make_dataclass(
        "Command", [("experiment", type(default)), ("options", Options)], frozen=True
    )
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            parsed = tyro.cli(
                call,
                args=arguments,
                default=call(default, Options()),
                prog=f"python -m collapse.sims.{module} [FILE.toml]",
                description=description,
                config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
            )
    except SystemExit as stop:
        if stop.code in (0, None):
            raise
        raise InputError(_one_line(said.getvalue())) from None
    experiment, options = parsed.experiment, parsed.options
    changed = options.quick or experiment != default
    figures = tuple(_fitted(figure, experiment, options, changed) for figure in figures)
    return Call(experiment, figures, options, name)


def _fitted(
    figure: Figure, experiment: Experiment, options: Options, changed: bool
) -> Figure:
    """The figure of an experiment that flags have changed, or may be cut down."""
    if changed:
        figure = dataclasses.replace(figure, caption="")  # it speaks of the file's own
    if options.quick:  # so is the experiment, later, once its open fields are filled in
        most = min(experiment.num_generations, experiment.quick_generations)
        generations = capped(figure.generations, most)
        figure = dataclasses.replace(figure, generations=generations)
    return figure


def fail(error: Exception) -> int:
    """Print a one-line complaint; the exit code for bad input."""
    print(f"error: {error}", file=sys.stderr)
    return 2


def _one_line(box: str) -> str:
    """The message inside the parser's box, without its frame and the help below it."""
    box = re.sub(r"\x1b\[[0-9;]*m", "", box)  # the colours of a terminal
    lines = [line.strip("│╭╮╰╯─ \n") for line in box.splitlines()]
    inside: list[str] = []
    for line, raw in zip(lines[1:], box.splitlines()[1:], strict=True):
        if "────" in raw:
            break
        inside.append(line)
    return " ".join(inside) + "; see --help"
