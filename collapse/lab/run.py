"""From the arguments of a command to its exit code; nothing heavy before a run."""

import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from collapse.data.errors import InputError
from collapse.experiment.base import Experiment
from collapse.experiment.lazy import load
from collapse.experiment.remarks import remarks
from collapse.figures.check import check as check_figure
from collapse.figures.declaration import read_figures
from collapse.lab import command, folder
from collapse.lab.interrupt import Interrupted

E = TypeVar("E", bound=Experiment)


def main(
    kind: type[Experiment], arguments: Sequence[str] | None = None, program: str = ""
) -> int:
    """The exit code of a command line of a family or a study, after running it.

    0; 1 if a measurement is not finite; 2 for bad input; 130 if interrupted.

    Args:
      kind: of the experiment.
      arguments: after the command; those of the process if None.
      program: the command, for help.
    """
    quicken_garbage_collection()
    arguments = sys.argv[1:] if arguments is None else arguments
    run_folder: Path | None = None
    try:
        call = command.parse(kind, arguments, program)
        remarked = () if call.options.quiet else remarks(call.experiment)
        experiment, data = prepare(call.experiment, call.options.quick)
        figures = call.figures or read_figures(experiment.figures(), "figure")
        call = call._replace(experiment=experiment, figures=figures)
        for figure in figures:
            check_figure(experiment, figure)
        if call.options.publish:
            folder.check_publish(call.options.publish)
        digest = experiment.digest(data.sha256 if data else "")
        run_folder = folder.claim(
            call.options.out, call.name, digest, call.options.resume
        )
        _tell(data, remarked, call.options.quiet)
        # what runs and draws takes a second to import
        code: int = load("collapse.lab.work").run_and_write(
            call, data, digest, run_folder
        )
        return code
    except InputError as error:
        _to_resume(run_folder)
        return command.fail(error)
    except OSError as error:  # a full disk, say
        kept = f"; {run_folder} keeps what was done: see --resume"
        print(
            f"error: {error}{kept if _to_resume(run_folder) else ''}", file=sys.stderr
        )
        return 1
    except (Interrupted, KeyboardInterrupt) as stop:
        advice = "see --resume" if _to_resume(run_folder) else "nothing was done yet"
        print(f"\ninterrupted; {str(stop) or advice}", file=sys.stderr)
        return 130
    except Exception as error:
        _to_resume(run_folder)
        if not _out_of_memory(error):
            raise
        said = (str(error).splitlines() or ["no room for an array"])[0]
        said = said.removeprefix("RESOURCE_EXHAUSTED: ").rstrip(".")
        return command.fail(
            InputError(
                f"out of memory: {said}; give fewer samples, seeds or dimensions"
            )
        )


def _tell(data: Any, remarked: Sequence[str], quiet: bool) -> None:
    """Print what was read and what has no effect, before a run begins."""
    said = getattr(data, "said", "")
    for line in (said, *(f"warning: {line}" for line in remarked)):
        if line and not quiet:
            print(line, file=sys.stderr)


def _to_resume(run_folder: Path | None) -> bool:
    """Whether a run that ended early can be continued; else its folder goes."""
    if run_folder is None:
        return False
    folder.abandon(run_folder)
    return (run_folder / folder.CHECKPOINTS).is_dir()


def _out_of_memory(error: Exception) -> bool:
    """Of the host, or of a device: jax's own error, by name as jax is loaded late."""
    of_jax = type(error).__name__ in ("JaxRuntimeError", "XlaRuntimeError")
    return isinstance(error, MemoryError) or (
        of_jax and "RESOURCE_EXHAUSTED" in str(error)
    )


def prepare(experiment: E, quick: bool = False) -> tuple[E, Any]:
    """The experiment with open fields filled in and checked, and its data.

    Args:
      experiment: as the command gave it.
      quick: cut it down to seconds.

    Raises:
      InputError: for anything that cannot be run.
    """
    data = experiment.load()
    rows, dimension = data.train.shape if data else (0, 0)
    experiment = experiment.resolved(rows, dimension)
    _check(experiment, data)
    if quick:  # of what can be run
        experiment = experiment.quick()
        _check(experiment, data)
    return experiment, data


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
