"""The part of a command that computes, draws and writes."""

from typing import Any

from collapse.experiment import provenance
from collapse.figures.declaration import to_declaration
from collapse.lab import command, extend, folder, own, pinned, report, session, terminal
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
        for line in own.check(experiment, data):
            if not options.quiet:
                terminal.tell(f"warning: {line}")
        machine = pinned.machine()
        folder.check_machine(claim.base or claim.folder, machine)
        processor = provenance.processor()
        begun = folder.other_processor(claim.base or claim.folder, processor)
        if begun and not claim.anew:
            terminal.tell(
                f"warning: begun on {begun}, this is {processor}: numbers of the rest "
                "may differ in their last digits"
            )
        with folder.held(claim):
            if claim.base is not None:
                extend.begin(claim.base, claim.folder)
            declaration = to_declaration(experiment, call.figures)
            about = (digest, experiment.name, machine, processor)
            folder.label(claim.folder, declaration, *about)
            checkpoints = claim.folder / folder.CHECKPOINTS
            traces = simulate(experiment, data, checkpoints, options.quiet)
            experiment.leave(data, traces, claim.folder)
            seconds = folder.seconds(checkpoints)
            return report.write(call, traces, digest, claim.folder, seconds)
