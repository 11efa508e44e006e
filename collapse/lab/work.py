"""The part of a command that computes, draws and writes."""

from typing import Any

from collapse.figures.declaration import to_declaration
from collapse.lab import command, extend, folder, own, pinned, report, session
from collapse.lab.folder import Claim
from collapse.lab.parts import simulate


def run_and_write(call: command.Call, data: Any, digest: str, claim: Claim) -> int:
    """The exit code of an experiment, after running it and writing its results.

    Args:
      call: with the experiment as resolved.
      data: that it is run on, or None.
      digest: of the experiment.
      claim: to the folder of the run.
    """
    experiment = call.experiment
    options = call.options
    with session.configured(experiment.precision, not options.no_cache):
        own.check(experiment, data)
        machine = pinned.machine()
        folder.check_machine(claim.base or claim.folder, machine)
        with folder.held(claim):
            if claim.base is not None:
                extend.begin(claim.base, claim.folder)
            declaration = to_declaration(experiment, call.figures)
            folder.label(claim.folder, declaration, digest, machine, experiment.name)
            checkpoints = claim.folder / folder.CHECKPOINTS
            traces = simulate(experiment, data, checkpoints, options.quiet)
            experiment.leave(data, traces, claim.folder)
            seconds = folder.seconds(checkpoints)
            return report.write(call, traces, digest, claim.folder, seconds)
