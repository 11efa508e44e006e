"""The part of a command that computes, draws and writes."""

import contextlib
import tempfile
from pathlib import Path
from typing import Any

from collapse.core.devices import usable_cores
from collapse.data.errors import InputError
from collapse.experiment import provenance
from collapse.figures.declaration import to_declaration
from collapse.lab import (
    blocks,
    command,
    extend,
    folder,
    layout,
    own,
    pinned,
    processes,
    report,
    session,
    stopwatch,
    terminal,
)
from collapse.lab.folder import Claim
from collapse.lab.interrupt import Interrupted
from collapse.lab.parts import simulate
from collapse.lab.prepare import Programs
from collapse.lab.workers import options, shards
from collapse.lab.workers.computing import compute


def run_and_write(call: command.Call, data: Any, digest: str, claim: Claim) -> int:
    """The exit code of an experiment, after running it and writing its results.

    Of a shard only its parts are computed: `collapse merge` writes the results.

    Args:
      call: with the experiment as resolved.
      data: that it is run on, or None.
      digest: of the experiment.
      claim: to the folder of the run.
    """
    experiment = call.experiment
    shard = options.shard(call.options)
    place, checkpoints = claim.folder, claim.folder / folder.CHECKPOINTS
    with contextlib.ExitStack() as stack:
        locks = None
        if shard is not None:
            locks = stack.enter_context(folder.shared(place, shard.index, shard.total))
            wanted = shards.agreed(checkpoints, call.options.devices)
        else:
            begun = "" if claim.anew else folder.layout_in(claim.base or place)
            devices = call.options.devices
            wanted = layout.chosen(devices, layout.read(begun), claim.base or place)
        if not call.options.distributed:
            layout.impose(wanted)
        several = bool(call.options.distributed)
        keep = not (call.options.no_cache or several)
        stack.enter_context(session.configured(experiment.precision, keep))
        for line in own.check(experiment, data):
            if not call.options.quiet:
                terminal.tell(f"warning: {line}")
        machine, processor = pinned.machine(), provenance.processor()
        _check_machine(claim, machine, processor)
        if shard is None:
            _check_layout(call.options, wanted)
        if locks is None:
            locks = stack.enter_context(folder.held(claim))
        if claim.base is not None:
            extend.begin(claim.base, place)
        declaration = to_declaration(experiment, call.figures)
        about = (digest, experiment.name, machine, processor, str(layout.here()))
        folder.label(place, declaration, *about, once=shard is not None)
        programs: Programs = {}
        if several:
            processes.tell(processes.BEGIN)
        else:
            _choose_blocks(call, data, checkpoints, shard is not None, programs)
        if shard is not None:
            of_run = (shard, place, locks, processor)
            return shards.run(call, data, digest, *of_run, programs)
        if options.has_workers(call.options):
            compute(call, data, checkpoints, locks, programs=programs)
        quiet = call.options.quiet
        traces = simulate(experiment, data, checkpoints, quiet, programs=programs)
        if several:
            processes.leave()
        return write(call, data, traces, digest, place)


def follow(call: command.Call, data: Any) -> int:
    """The exit code of a process that computes with another one, which writes.

    Args:
      call: with the experiment as resolved.
      data: that it is run on, or None.
    """
    precision, word = call.experiment.precision, processes.told()
    if word == processes.BEGIN:
        with (
            session.configured(precision, keep_programs=False),
            tempfile.TemporaryDirectory(prefix="collapse-") as place,
        ):
            try:
                simulate(call.experiment, data, Path(place))
            except Interrupted:  # the first process says so
                return 130
    processes.leave()
    return 2 if word == processes.FAILED else 0


def _choose_blocks(
    call: command.Call,
    data: Any,
    checkpoints: Path,
    shared: bool,
    programs: Programs,
) -> None:
    """Choose blocks of seeds that fit into memory, and say so if they are not usual.

    Raises:
      InputError: if not even one seed fits.
    """
    jobs = call.options.jobs
    remark = blocks.choose(call.experiment, data, checkpoints, jobs, shared, programs)
    if remark and not call.options.quiet:
        terminal.tell(remark)


def _check_machine(claim: Claim, machine: str, processor: str) -> None:
    """Refuse devices of another kind than a run was begun on, warn of a processor.

    Raises:
      InputError: for another kind of device.
    """
    begun = claim.base or claim.folder
    folder.check_machine(begun, machine)
    other = folder.other_processor(begun, processor)
    if other and not claim.anew:
        terminal.tell(
            f"warning: begun on {other}, this is {processor}: numbers of the rest "
            "may differ in their last digits"
        )


def _check_layout(asked: command.Options, wanted: layout.Layout | None) -> None:
    """Say where a run does not get the usual devices, or not those it is to have.

    Raises:
      InputError: for devices that were asked for, and cannot be had any more.
    """
    here = layout.here()
    if wanted in (None, here):
        usual = usable_cores()
        if wanted and not (asked.devices or asked.quiet) and wanted.devices != usual:
            terminal.tell(f"on {here}, as it was begun, for the same bits")
    elif asked.devices:
        raise InputError(
            f"devices: jax has started with {here}; give --devices in a new process, "
            "on the CPU"
        )
    else:
        terminal.tell(
            f"warning: begun on {wanted}, this is {here}: numbers of the rest may "
            "differ in their last digits"
        )


def write(call: command.Call, data: Any, traces: Any, digest: str, place: Path) -> int:
    """The exit code of a run whose parts are complete, after writing its results."""
    call.experiment.leave(data, traces, place)
    seconds = stopwatch.seconds(place / folder.CHECKPOINTS)
    return report.write(call, traces, digest, place, seconds, data)
