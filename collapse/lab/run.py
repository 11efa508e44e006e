"""From the arguments of a command to its exit code; nothing heavy before a run."""

import gc
import sys
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

import collapse
from collapse.data.errors import InputError, is_out_of_memory
from collapse.experiment import sources
from collapse.experiment.base import Experiment
from collapse.experiment.fields import declared
from collapse.experiment.lazy import load
from collapse.experiment.remarks import remarks, without_effect
from collapse.figures.check import check as check_figure
from collapse.figures.declaration import read_figures
from collapse.lab import (
    command,
    extend,
    folder,
    lock,
    processes,
    publishing,
    terminal,
)
from collapse.lab.folder import Claim
from collapse.lab.interrupt import Interrupted, of_command
from collapse.lab.workers.claiming import claim as claim_for_shard
from collapse.lab.workers.options import check as check_workers

E = TypeVar("E", bound=Experiment)


def main(
    kind: type[Experiment],
    arguments: Sequence[str] | None = None,
    program: str = "",
    tell_stop: bool = True,
) -> int:
    """The exit code of a command line of a family or a study, after running it.

    0; 1 if a measurement is not finite; 2 for bad input; 130 if interrupted.

    Args:
      kind: of the experiment.
      arguments: after the command; those of the process if None.
      program: the command, for help.
      tell_stop: whether to say how an interrupted run goes on.
    """
    told = sys.argv[1:] if arguments is None else arguments
    return guarded(lambda claims: _run(kind, told, program, claims), tell_stop)


def guarded(command_line: Callable[[list[Claim]], int], tell_stop: bool = True) -> int:
    """The exit code of a command line; what goes wrong is told in one line.

    Args:
      command_line: of a list, to which it adds the folder that it claims.
      tell_stop: whether to say how what is interrupted goes on.
    """
    quicken_garbage_collection()
    terminal.reopen()
    claims: list[Claim] = []
    try:
        with of_command():
            return command_line(claims)
    except SystemExit:
        terminal.flush()  # --help
        raise
    except BrokenPipeError:  # of --help: what is printed later goes unheard
        terminal.silence()
        return 0
    except InputError as error:
        return command.fail(error)
    except OSError as error:  # a full disk, say
        kept = (
            f"; {claims[0].folder} keeps what was done" if _can_resume(claims) else ""
        )
        terminal.tell(f"error: {_told(error)}{kept}{kept and ': see --resume'}")
        return 2 if isinstance(error, PermissionError) and not kept else 1
    except (Interrupted, KeyboardInterrupt) as stop:
        advice = "see --resume" if _can_resume(claims) else "nothing was done yet"
        if tell_stop:
            terminal.tell(f"\ninterrupted; {str(stop) or advice}")
        return 130
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        said = (str(error).splitlines() or ["no room for an array"])[0]
        said = said.removeprefix("RESOURCE_EXHAUSTED: ").rstrip(".")
        return command.fail(
            InputError(
                f"out of memory: {said}; give fewer samples, seeds or dimensions"
            )
        )


def _told(error: OSError) -> str:
    """What the system says of a file, and what to do where it may not be used."""
    if not (isinstance(error, PermissionError) and error.filename):
        return str(error)
    return f"{error.filename}: {error.strerror}; change its permissions"


def _run(
    kind: type[Experiment],
    arguments: Sequence[str],
    program: str,
    claims: list[Claim],
) -> int:
    """The exit code of a run; its claim is added to `claims` once it has one."""
    if "--version" in arguments:
        terminal.say(f"collapse {collapse.__version__}")
        return 0
    call = command.parse(kind, arguments, program)
    options = call.options
    check_workers(options)
    processes.check(options)
    remarked = (*remarks(call.experiment), *processes.remarks(options))
    whole = asked = call.experiment
    if options.quick:
        asked = read_less(whole, call.given)
    full, data = prepare(asked)
    experiment = cut_down(full, data, call.given) if options.quick else full
    figures = call.figures or read_figures(experiment.figures(), "figure")
    call = call._replace(experiment=experiment, figures=figures)
    for figure in figures:
        check_figure(experiment, figure)
    if options.publish:
        publishing.check_publish(options.publish)
        sources.check_clean(sources.commit(), "commit the changes first")
    fingerprint = data.sha256 if data else ""
    digest = experiment.digest(fingerprint)
    if options.distributed and not processes.join(options):
        followed: int = load("collapse.lab.work").follow(call, data)
        return followed
    with processes.leading(options):
        claim = _claim(call, fingerprint, digest)
        claims.append(claim)
        if not options.quiet:
            uncut = getattr(data, "uncut", ())
            cuts = (tell_cuts(whole, asked, uncut), tell_cuts(full, experiment))
            _say(getattr(data, "said", ""), remarked, cuts)
        _load_jax()
        # what runs and draws takes a second to import
        if claim.complete:
            code: int = load("collapse.lab.report").again(call, claim)
        else:
            code = load("collapse.lab.work").run_and_write(call, data, digest, claim)
    return code


def _say(read: str, remarked: Collection[str], cuts: Collection[str]) -> None:
    """Say what was read, what is remarkable, and what was cut down, a line each."""
    for line in (read, *(f"warning: {line}" for line in remarked)):
        if line:
            terminal.tell(line)
    if any(cuts):
        terminal.say(f"quick: {', '.join(filter(None, cuts))}")


def _claim(call: command.Call, fingerprint: str, digest: str) -> Claim:
    """The folder of a run, and the finished run that it extends, if any."""
    options = call.options
    target = folder.usual(options.out, call.name, digest)
    if options.shard:
        return claim_for_shard(target, digest)
    if options.extend and folder.digest_in(target) != digest:
        base = extend.found(call.experiment, fingerprint, options.out, target)
        if base == target:
            return Claim(target, base=base)
        return folder.claim(target, digest)._replace(base=base)
    if folder.digest_in(target) not in (None, digest):
        if offer := extend.offer(call.experiment, fingerprint, target):
            lock.check_free(target)
            raise InputError(f"out: {offer}")
    return folder.claim(target, digest, options.resume, options.force)


def _load_jax() -> None:
    """Import jax, which reads the environment.

    Raises:
      InputError: if a variable has a value that jax does not know.
    """
    try:
        load("jax")
    except ValueError as error:
        raise InputError(
            f"jax cannot be loaded ({error}); mend the environment"
        ) from error


def _can_resume(claims: list[Claim]) -> bool:
    """Whether a run that ended early can be continued."""
    return any(folder.has_checkpoints(claim.folder) for claim in claims)


def prepare(
    experiment: E, quick: bool = False, given: Collection[str] = ()
) -> tuple[E, Any]:
    """The experiment with open fields filled in and checked, and its data.

    Args:
      experiment: as the command gave it.
      quick: cut it down to seconds.
      given: fields that are not to be cut.

    Raises:
      InputError: for anything that cannot be run.
    """
    experiment = read_less(experiment, given) if quick else experiment
    data = experiment.load()
    rows, dimension = data.train.shape if data else (0, 0)
    experiment = experiment.resolved(rows, dimension)
    _check(experiment, data)
    return cut_down(experiment, data, given) if quick else experiment, data


def read_less(experiment: E, given: Collection[str]) -> E:
    """The experiment that reads no more data than a quick run needs, if not told to."""
    kept = {n: v for n, v in _values(experiment).items() if n in given}
    return experiment.reads_less().with_values(kept)


def cut_down(experiment: E, data: Any, given: Collection[str]) -> E:
    """The small version of an experiment that can be run, but for some fields.

    Args:
      experiment: as of `prepare`.
      data: that it is run on, or None.
      given: fields that stay as they are.

    Raises:
      InputError: if what stays does not go with what is cut.
    """
    small = experiment.quick()
    kept = {n: v for n, v in _values(experiment).items() if n in given}
    small = small.with_values(kept)
    try:
        _check(small, data)
    except InputError as error:
        cuts = tell_cuts(experiment, small)
        raise InputError(f"{error} (--quick cut down {cuts}; give that, too)") from None
    return small


def tell_cuts(
    experiment: Experiment, small: Experiment, uncut: Collection[str] = ()
) -> str:
    """`num_seeds 8 instead of 64`, for each field that differs; "" for none.

    Args:
      experiment: the whole one.
      small: what is left of it.
      uncut: fields that differ, but of which the data had no more to cut off.
    """
    told, after = [], _values(small)
    for part, names in experiment.parts():
        fields, idle = declared(type(part)), without_effect(part)
        for name in names:
            value, left = getattr(part, name), after[name]
            if value == left or name in idle or name in uncut:
                continue
            shown = fields[name].shown
            is_default = value == getattr(type(part), name, None)
            words = shown.default if shown and is_default else _spelled(value)
            told.append(f"{name} {_spelled(left)} instead of {words}")
    return ", ".join(told)


def _values(experiment: Experiment) -> dict[str, Any]:
    """Field -> value, of an experiment and of its family if it is a study."""
    return {
        name: getattr(part, name)
        for part, names in experiment.parts()
        for name in names
    }


def _spelled(value: Any) -> str:
    """A value as a flag takes it: `0.1 0.5`."""
    several = value if isinstance(value, tuple) else (value,)
    return " ".join(map(str, several)) or "none"


def _check(experiment: Experiment, data: Any) -> None:
    experiment.check()
    if data:
        experiment.check_data(data)


def quicken_garbage_collection() -> None:
    """Look for garbage less often.

    Tracing makes millions of objects that stay: looking for garbage among them as often
    as Python does takes a tenth of the time.
    """
    gc.set_threshold(200_000, 100, 1000)
