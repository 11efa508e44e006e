"""The part of a command that computes, draws and writes."""

import sys
import time
from pathlib import Path
from typing import Any

from collapse.figures.declaration import to_declaration
from collapse.lab import command, folder, own, report, session
from collapse.lab.parts import simulate


def run_and_write(call: command.Call, data: Any, digest: str, run_folder: Path) -> int:
    """The exit code of an experiment, after running it and writing its results.

    Args:
      call: with the experiment as resolved.
      data: that it is run on, or None.
      digest: of the experiment.
      run_folder: folder of the run.
    """
    experiment = call.experiment
    options = call.options
    with session.configured(experiment.precision, not options.no_cache):
        for line in own.check(experiment, data):
            if not options.quiet:
                print(f"warning: {line}", file=sys.stderr)
        folder.label(run_folder, to_declaration(experiment, call.figures), digest)
        began = time.monotonic()
        checkpoints = run_folder / folder.CHECKPOINTS
        traces = simulate(experiment, data, checkpoints, options.quiet)
        seconds = time.monotonic() - began
        experiment.leave(data, traces, run_folder)
        return report.write(call, traces, digest, run_folder, seconds)
