"""What all simulations share: understand the command, run, write.

Heavy imports happen inside functions, after the command line has been understood.
"""

import gc
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from collapse.data import tables
from collapse.data.tables import DataError, RealData
from collapse.experiment.spec import Experiment, Figure, InputError
from collapse.lab import command, folder
from collapse.lab.parts import Interrupted, Setup, simulate

AnyExperiment = TypeVar("AnyExperiment", bound=Experiment)


def load_table(experiment: Experiment) -> RealData:
    """The rows that an experiment names, all columns alike."""
    return tables.load(experiment.data, experiment.seed)


class Family(NamedTuple):
    """A family of experiments: what one module of `collapse.sims` declares.

    Attributes:
      module: name of the module.
      default: the experiment run without arguments.
      description: first lines of --help.
      panels: metrics of the default figure.
      table: metrics of the closing table.
      setup: (experiment, cell, workflow label, data or None) -> Setup.
      theory: (experiment, cell, workflow label) -> metric -> [G + 1].
      caption: (experiment) -> what a reader of the default figure must know.
      derive: (experiment, dataset of all seeds) -> the same with what follows from it.
      load: (experiment that names data) -> these data.
      leave: (experiment, data, traces, folder) writes what is more than numbers.
      figures: (experiment) -> what is drawn if no file says it.
      closing: (experiment, dataset of all seeds) -> last words in the terminal, instead
        of the table.
    """

    module: str
    default: Experiment
    description: str
    panels: tuple[str, ...]
    table: tuple[str, ...]
    setup: Callable[[Any, Mapping[str, Any], str, Any], Setup]
    theory: Callable[[Any, Mapping[str, Any], str], Mapping[str, Any]]
    caption: Callable[[Any], str]
    load: Callable[[Any], Any] = load_table
    derive: Callable[[Any, Any], Any] = lambda experiment, dataset: dataset
    leave: Callable[[Any, Any, Mapping[Any, Any], Path], None] = lambda *_: None
    figures: Callable[[Any], tuple[Figure, ...]] = lambda experiment: (Figure(),)
    closing: Callable[[Any, Any], str] | None = None


def main(family: Family, arguments: Sequence[str] | None = None) -> int:
    """Run a command line of a family.

    Returns:
      Exit code: 0; 1 if a measurement is not finite; 2 for bad input; 130 if
      interrupted.
    """
    # tracing makes millions of objects that stay: looking for garbage among them as
    # often as Python does takes a tenth of the time
    gc.set_threshold(200_000, 100, 1000)
    arguments = sys.argv[1:] if arguments is None else arguments
    place = None
    try:
        call = command.parse(
            family.module, family.default, family.description, arguments
        )
        experiment, data = prepare(call.experiment, call.options.quick, family.load)
        call = call._replace(figures=call.figures or family.figures(experiment))
        for figure in call.figures:
            experiment.check_figure(figure)
        if call.options.publish:
            folder.check_publish(call.options.publish)
        digest = experiment.digest(data.sha256 if data else "")
        place = folder.claim(call.options.out, call.name, digest, call.options.resume)
        return _run_and_write(family, call, experiment, data, digest, place)
    except (InputError, DataError) as error:
        if place is not None:
            folder.abandon(place)
        return command.fail(error)
    except OSError as error:  # a full disk, say
        advice = f"; {place} keeps what was done: see --resume" if place else ""
        print(f"error: {error}{advice}", file=sys.stderr)
        return 1
    except (Interrupted, KeyboardInterrupt) as stop:
        print(f"\ninterrupted; {str(stop) or 'see --resume'}", file=sys.stderr)
        return 130


def prepare(
    experiment: AnyExperiment,
    quick: bool = False,
    load: Callable[[Any], Any] = load_table,
) -> tuple[AnyExperiment, Any]:
    """The experiment with open fields filled in and checked, and its data.

    Args:
      experiment: as the command gave it.
      quick: cut it down to seconds.
      load: reads the data that it names, if any.

    Raises:
      InputError, DataError: for anything that cannot be run.
    """
    data = load(experiment) if experiment.data else None
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


def configure(precision: str) -> None:
    """Set up jax; must come before the first array."""
    import jax

    from collapse.core.devices import use_all_cores
    from collapse.lab import cache

    cache.enable()
    jax.config.update("jax_enable_x64", precision == "float64")
    use_all_cores()


def _run_and_write(
    family: Family,
    call: command.Call,
    experiment: Experiment,
    data: Any,
    digest: str,
    place: Path,
) -> int:
    from collapse.lab import report

    configure(experiment.precision)
    folder.label(place, experiment, call.figures, digest)
    began = time.monotonic()
    traces = simulate(
        experiment,
        lambda cell, label: family.setup(experiment, cell, label, data),
        place / folder.CHECKPOINTS,
        call.options.quiet,
    )
    seconds = time.monotonic() - began
    family.leave(experiment, data, traces, place)
    return report.write(family, call, experiment, traces, digest, place, seconds)
