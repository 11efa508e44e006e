"""`collapse merge`: the results of a run whose parts shards have computed."""

import argparse
import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from collapse.data.errors import InputError
from collapse.experiment import registry
from collapse.experiment.arguments import Parser
from collapse.experiment.base import Experiment
from collapse.experiment.files import copy, unsealed
from collapse.figures.declaration import read_declaration, read_figures
from collapse.lab import (
    checkpoint,
    command,
    contents,
    extend,
    folder,
    lock,
    report,
    session,
    stopwatch,
    terminal,
    work,
)
from collapse.lab.folder import Claim
from collapse.lab.parts import simulate
from collapse.lab.prepare import Piece, Programs, planner
from collapse.lab.run import prepare
from collapse.lab.workers import parts
from collapse.lab.workers.options import Shard

_HELP = """\
Join the shards of a run into its results, once all parts are complete. Parts that other
folders hold are copied into the first one. Merging again changes nothing."""


def main(arguments: Sequence[str], program: str) -> int:
    """The exit code of the command, after writing results: as of a run.

    Args:
      arguments: after `merge`.
      program: the command, for help.
    """
    parser = Parser(
        prog=program,
        usage=f"{program} FOLDER [OTHER ...] [--family FILE.py] [--quiet]",
        description=_HELP,
    )
    parser.add_argument("folders", nargs="*", type=Path, help="of the shards")
    parser.add_argument(
        "--family",
        nargs="?",
        const="",
        metavar="FILE.py",
        help="file of a user's own family",
    )
    parser.add_argument("--quiet", action="store_true", help="print only errors")
    return _parsed(parser.parse_args(arguments))


def _parsed(given: argparse.Namespace) -> int:
    """The exit code after merging what is given.

    Raises:
      InputError: for folders that cannot be merged.
    """
    if not given.folders:
        raise InputError("merge: no folder; give that of the shards")
    if given.family == "":
        raise InputError("family: empty; give a Python file or drop --family")
    first, *others = given.folders
    return _merge(first, others, given.family or "", given.quiet)


def _merge(place: Path, others: Sequence[Path], family: str, quiet: bool) -> int:
    """The exit code after merging the first folder with the others."""
    met = set()
    for one in (place, *others):
        if one.resolve() in met:
            raise InputError(f"merge: {one} is given twice; drop one")
        met.add(one.resolve())
        _check_run(one, place)
    kind = _kind(place, family)
    experiment, figures = read_declaration(place / folder.LABEL, kind)
    experiment, data = prepare(experiment)
    digest = experiment.digest(data.sha256 if data else "")
    if digest != folder.digest_in(place):
        raise InputError(
            f"merge: {place} is of other data or source than are here now; give back "
            "those it was begun with"
        )
    figures = figures or read_figures(experiment.figures(), "figure")
    options = command.Options(out=str(place), quiet=quiet)
    call = command.Call(experiment, figures, options, kind.name)
    lock.check_free(place)
    claim = Claim(place, folder.is_complete(place))
    with session.configured(experiment.precision):
        if claim.complete:
            return report.again(call, claim)
        with lock.held(place), _checkpoints(place):
            _collect(place, others)
            return _write(call, data, digest, place)


@contextlib.contextmanager
def _checkpoints(place: Path) -> Iterator[None]:
    """A folder for parts, which goes if it stays empty; all else stays."""
    checkpoints = place / folder.CHECKPOINTS
    checkpoints.mkdir(exist_ok=True)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            checkpoints.rmdir()


def _write(call: command.Call, data: Any, digest: str, place: Path) -> int:
    """The exit code of a run whose parts are all here, after writing its results."""
    experiment, checkpoints = call.experiment, place / folder.CHECKPOINTS
    earlier, programs = extend.earlier_seeds(checkpoints), Programs()
    plan = planner(experiment, data, checkpoints, earlier, programs=programs)
    every = list(parts.pieces(experiment, plan))
    missing = [p for p in every if not parts.is_done(p, experiment, checkpoints)]
    if missing:
        told = parts.few([parts.words(piece, experiment) for piece in missing])
        raise InputError(
            f"merge: {place} lacks {len(missing)} of {len(every)} parts: {told}; "
            f"{_advice(missing, every, checkpoints)}"
        )
    processors = {
        unsealed(path) or "" for path in checkpoints.glob(f"{contents.SHARD}*")
    } - {""}
    if len(processors) > 1 and not call.options.quiet:
        terminal.tell(
            f"warning: parts come from {' and '.join(sorted(processors))}: their last "
            "digits may differ"
        )
    traces = simulate(experiment, data, checkpoints, programs=programs)
    return work.write(call, data, traces, digest, place)


def _advice(missing: list[Piece], every: list[Piece], checkpoints: Path) -> str:
    """Which shards to run again, as far as those that ran say how many there are."""
    names = [path.name.split("-") for path in checkpoints.glob(f"{contents.SHARD}*")]
    totals = {int(name[-1]) for name in names}
    if len(totals) != 1:
        return "run the shards that hold them, or the command with --resume"
    (total,) = totals
    shards = [Shard(index + 1, total) for index in range(total)]
    lacking = [str(one) for one in shards if {*one.share(every)} & {*missing}]
    return (
        f"run --shard {' and '.join(lacking)} again, or name the folder where that "
        "lies, too: collapse merge A B"
    )


def _check_run(place: Path, first: Path) -> None:
    """Raise InputError for a folder that is no run, or not of the first one's."""
    if not place.is_dir():
        raise InputError(f"merge: {place}: no such folder; give that of the shards")
    digest = folder.digest_in(place)
    if digest is None:
        raise InputError(f"merge: {place} holds no run; give the folder of shards")
    if digest != folder.digest_in(first):
        raise InputError(
            f"merge: {first} and {place} hold shards of different experiments; merge "
            "those of one"
        )
    for what, here, there in zip(
        ("versions", "kinds of device", "layouts of devices"),
        folder.conditions_of(first),
        folder.conditions_of(place),
        strict=True,
    ):
        if here != there:
            raise InputError(
                f"merge: {first} and {place} were computed on different {what} "
                f"({here}; {there}); run the shards of one again on those of the other"
            )
    if not folder.is_complete(place):
        folder.check_versions(place, "merge")


def _kind(place: Path, family: str) -> type[Experiment]:
    """The class of the run in a folder."""
    if family:
        return registry.experiment(family, "family")
    name = folder.command_in(place)
    if name not in registry.experiments():
        raise InputError(
            f"merge: {place} is of a family of your own, {name}; add --family FILE.py"
        )
    return registry.experiment(name)


def _collect(place: Path, others: Sequence[Path]) -> None:
    """Copy what other folders hold and this one lacks, or has less of."""
    target = place / folder.CHECKPOINTS
    for other in others:
        parts_of_complete = (other / folder.STATES).glob("*.npz")
        for path in sorted(
            [*(other / folder.CHECKPOINTS).glob("*"), *parts_of_complete]
        ):
            here = target / path.name
            if path.suffix == ".npz":
                if here.exists() and checkpoint.done(here) >= checkpoint.done(path):
                    continue
            elif not path.name.startswith((contents.SHARD, f"{stopwatch.SECONDS}-")):
                continue
            copy(path, here)
