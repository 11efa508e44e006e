"""The command line that all experiments share: parsed before jax is imported."""

import dataclasses
import functools
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import tyro
from tyro import _errors, _settings

from collapse.data.errors import InputError, hint, unknown_value
from collapse.experiment import registry
from collapse.experiment.base import Experiment, capped
from collapse.experiment.fields import Declared, Shown, declared
from collapse.figures.declaration import read_declaration
from collapse.figures.spec import Figure
from collapse.lab import declarations, terminal


@dataclasses.dataclass(frozen=True)
class Options:
    """What to do with the experiment."""

    out: Annotated[str, Shown("results/<name>-<digest>")] = ""
    """Folder for the results."""
    quick: bool = False
    """Cut down to under a minute what no option sets: shows that it runs, not what it
    finds."""
    resume: bool = False
    """Continue an interrupted run of the same experiment."""
    extend: bool = False
    """Go on from a finished run with fewer generations or seeds: of --out, or else of
    the longest in results/."""
    force: bool = False
    """Run again what is complete, or begin an unfinished run anew."""
    quiet: bool = False
    """Print nothing but errors."""
    publish: Annotated[str, Shown("none")] = ""
    """Folder for a copy of the figure and of the data to redraw it."""
    no_cache: bool = False
    """Do not keep compiled programs in the user's cache folder for the next run."""
    jobs: int = 1
    """Processes that compute parts (a workflow in a cell of the grid, for a block of
    seeds) side by side; of 1, seeds share all cores."""
    devices: int = 0
    """CPU devices that the seeds of a part are split over, in each process; 0 for one a
    core, or as many as the run was begun with. Other numbers change last digits."""
    shard: Annotated[str, Shown("all parts")] = ""
    """Run only a fixed share of the parts, such as 1/3, for job arrays; collapse merge
    joins the shares of a folder."""
    scheduler: Annotated[str, Shown("none")] = ""
    """Hand the parts to a Dask cluster: address or file of its scheduler, or local for
    one that is started here, with --jobs workers."""
    distributed: Annotated[str, Shown("one process")] = ""
    """Join processes that run this command, and compute on the devices of all: auto
    under Slurm, Open MPI or on TPUs, or number/count@host:port of process 1."""
    distributed_seconds: int = 300
    """With --distributed: seconds in which all processes have to meet."""


class Call(NamedTuple):
    """A parsed command line.

    Attributes:
      experiment: what is to be run.
      figures: that a file declares; none for the family's own.
      options: what to do with the experiment.
      name: of the command, or of the file.
      given: fields that an option of the command line sets.
    """

    experiment: Experiment
    figures: tuple[Figure, ...]
    options: Options
    name: str
    given: frozenset[str] = frozenset()


def parse(kind: type[Experiment], arguments: Sequence[str], program: str = "") -> Call:
    """The experiment, figures and options that the arguments of a command ask for.

    A first argument that is not a flag is a TOML file whose values replace the
    defaults; flags override both.

    Args:
      kind: of the experiment.
      arguments: after the command.
      program: the command, for help.

    Raises:
      InputError: with one line, for anything that cannot be understood.
      SystemExit: 0, after --help.
    """
    registry.check_class(kind)
    name, arguments = kind.name, list(arguments)
    figures: tuple[Figure, ...] = ()
    default = kind()
    if arguments and not arguments[0].startswith("-"):
        path = declarations.found(arguments.pop(0), kind)
        default, figures = read_declaration(path, kind)
        name = path.stem
    default = default.before_parsing(arguments)
    usual = f"python -m collapse.sims.{kind.name}"
    if registry.is_own(kind):
        usual = f"python {Path(registry.file_of(kind)).name or kind.name}"
    parsed = _parse(default, arguments, program or usual)
    experiment, options = _collected(parsed, default)
    given = _given(arguments, experiment, options)
    changed = options.quick or experiment != default
    call = Call(experiment, (), options, name, given)
    figures = tuple(_fitted(figure, call, changed) for figure in figures)
    return call._replace(figures=figures)


def _parse(default: Experiment, arguments: Sequence[str], program: str) -> Any:
    """Group of options -> its values."""
    groups: dict[str, list[tuple[str, Any, Any]]] = {}
    for part, names in default.parts():
        _check_free(part.name, names)
        for name, field in declared(type(part)).items():
            if name not in names:
                continue
            title = vars(field.owner).get("group") if part is default else None
            value = getattr(part, name)
            if name == "metrics":
                known = f" Known: {', '.join(default.known_metrics())}."
                field = field._replace(help=field.help + known)
            row = (name, _annotated(field, value), value)
            groups.setdefault(title or part.name, []).append(row)
    groups["output"] = [
        (name, _annotated(field, getattr(Options, name)), getattr(Options, name))
        for name, field in declared(Options).items()
    ]
    made = []
    for title, rows in groups.items():
        identifier = title.replace(" ", "_")
        kind = dataclasses.make_dataclass(identifier, rows, frozen=True)
        made.append((identifier, kind, dataclasses.field(default_factory=kind)))
    flags = [
        f"--{row[0].replace('_', '-')}" for rows in groups.values() for row in rows
    ]
    if os.environ.get("NO_COLOR"):  # see no-color.org
        _settings._experimental_options["ansi_codes"] = False
    with _errors.on_parse_error(functools.partial(_complain, flags)):
        return tyro.cli(
            dataclasses.make_dataclass("Command", made, frozen=True),
            args=arguments,
            prog=f"{program} [FILE.toml]",
            description=default.description,
            config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
        )


def _check_free(owner: str, names: Sequence[str]) -> None:
    """Raise InputError for a field that has the name of an option of every command."""
    for option in declared(Options):
        if option in names:
            raise InputError(
                f"{option}: a field of {owner}, and an option of every command; rename "
                "the field"
            )


def _complain(flags: Sequence[str], event: _errors.ParseErrorEvent) -> None:
    """Raise InputError that says in one line what the parser did not understand."""
    match event:
        case _errors.UnrecognizedArgs():
            unknown = " ".join(event.tokens)
            near = hint(event.tokens[0].partition("=")[0], flags)
            raise InputError(f"{unknown}: no such option{near}; see --help")
        case _errors.InvalidChoice():
            known = unknown_value(event.value, list(map(str, event.choices)))
            raise InputError(f"{_field(event.argument)}: {known}")
        case _errors.BadValue():
            raise InputError(f"{_field(event.argument)}: give a value; see --help")
        case _errors.InstantiationFailure() if event.argument is not None:
            kind = event.argument.field.type_stripped
            wanted = next((w for k, w in _WANTED.items() if k in str(kind)), "")
            given = re.findall(r"'([^']*)'", event.message)
            told = f"{given[-1]!r} is" if given else "this is"
            raise InputError(f"{_field(event.argument)}: {told} not {wanted}")
    message = " ".join(str(getattr(event, "message", event)).split())
    raise InputError(f"{message}; see --help")


_WANTED = {"int": "a whole number", "float": "a number", "": "of the right kind"}


def _field(argument: Any) -> str:
    """The field that an argument of the parser sets."""
    return str(argument.field.intern_name)


def _annotated(field: Declared, value: Any) -> Any:
    """A field's type as the parser reads it, with help and default in words."""
    shown = None
    if field.shown is not None and value in ((), "", 0):
        shown = f"(default: {field.shown.default})"
    return Annotated[
        field.hint, tyro.conf.arg(help=field.help, help_behavior_hint=shown)
    ]


def _collected(parsed: Any, default: Experiment) -> tuple[Experiment, Options]:
    """Experiment and options from groups of values."""
    values: dict[str, Any] = {}
    for group in dataclasses.fields(parsed):
        values |= vars(getattr(parsed, group.name))
    own = {f.name: values.pop(f.name) for f in dataclasses.fields(Options)}
    return default.with_values(values), Options(**own)


_THINGS = {  # option -> what it takes, for messages
    "data": "a file",
    "out": "a folder",
    "publish": "a folder",
    "shard": "a share such as 1/3",
    "scheduler": "an address, a file or local",
    "distributed": "auto, or number/count@host:port,",
}


def _given(
    arguments: Sequence[str], experiment: Experiment, options: Options
) -> frozenset[str]:
    """The fields that flags set.

    Raises:
      InputError: for a flag without a value, where none means "not given".
    """
    found = set()
    values = vars(options).copy()
    for part, names in experiment.parts():
        values |= {name: getattr(part, name) for name in names}
    for flag in arguments:
        flag = flag.partition("=")[0]
        name = flag.removeprefix("--").replace("-", "_")
        if not flag.startswith("--") or name not in values:
            continue
        found.add(name)
        if values[name] == "":
            thing = _THINGS.get(name, "a value")
            raise InputError(f"{name}: empty; give {thing} or drop {flag}")
        if values[name] == () and _may_be_empty(experiment, name):
            raise InputError(f"{name}: give a value or drop {flag}; see --help")
    return frozenset(found)


def _may_be_empty(experiment: Experiment, name: str) -> bool:
    """Whether a field without values is run, as if it were not given."""
    found = [
        declared(type(p))[name] for p, names in experiment.parts() if name in names
    ]
    return any(field.shown is not None for field in found)


def _fitted(figure: Figure, call: Call, changed: bool) -> Figure:
    """The figure of an experiment that flags have changed, or may be cut down."""
    if changed:
        figure = dataclasses.replace(figure, caption="")  # it speaks of the file's own
    if call.options.quick:  # so is the experiment, once its open fields are filled in
        experiment = call.experiment
        most = experiment.num_generations
        if "num_generations" not in call.given:
            most = min(most, experiment.quick_generations)
        generations = capped(figure.generations, most)
        figure = dataclasses.replace(figure, generations=generations)
    return figure


def fail(error: Exception) -> int:
    """The exit code for bad input, after printing a one-line complaint."""
    terminal.tell(f"error: {error}")
    return 2
