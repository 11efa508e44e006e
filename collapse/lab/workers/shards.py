"""A fixed share of a run, computed by one of several commands in one folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from collapse.data.errors import InputError
from collapse.experiment.files import atomic, sealed, unsealed, write_once
from collapse.lab import contents, extend, folder, layout, pinned, stopwatch, terminal
from collapse.lab.command import Call
from collapse.lab.layout import Layout
from collapse.lab.parts import simulate
from collapse.lab.prepare import Programs, planner
from collapse.lab.workers import parts
from collapse.lab.workers.claiming import check_same
from collapse.lab.workers.computing import compute
from collapse.lab.workers.options import Shard, has_workers


def agreed(checkpoints: Path, devices: int) -> Layout | None:
    """The layout of devices of all shards: that of the first one, which may be this.

    Args:
      checkpoints: of the run.
      devices: that the user asks for, or 0.

    Raises:
      InputError: if the first one has others, or what it says is damaged.
    """
    label: str | None
    label, usual = folder.layout_in(checkpoints.parent), layout.planned(devices)
    path = checkpoints / contents.LAYOUT
    if not label:
        write_once(path, sealed(str(usual)))
        label = unsealed(path)
    if label is None:
        raise InputError(
            f"shard: {path} is damaged; delete {checkpoints}/, and "
            "begin all shards anew"
        )
    return layout.chosen(devices, layout.read(label), checkpoints.parent)


def run(
    call: Call,
    data: Any,
    digest: str,
    shard: Shard,
    place: Path,
    locks: Sequence[TextIO],
    processor: str,
    programs: Programs,
) -> int:
    """The exit code of a shard: 0, after computing its parts and saying so.

    Args:
      call: with the experiment as resolved.
      data: that it is run on, or None.
      digest: of the experiment.
      shard: that is computed.
      place: folder of the run.
      locks: of the folder.
      processor: of this machine.
      programs: of the experiment that are traced already.

    Raises:
      InputError: if another shard began another experiment here, or on other devices.
    """
    experiment, checkpoints = call.experiment, place / folder.CHECKPOINTS
    check_same(place, digest)
    folder.check_versions(place, "shard")
    here = (pinned.machine(), str(layout.here()))
    for begun, own in zip(folder.conditions_of(place)[1:], here, strict=True):
        if begun != own:
            raise InputError(
                f"shard: {place} was begun on {begun}, this has {own}; run it on the "
                "same kind of device"
            )
    name = f"{shard.index}-of-{shard.total}"
    with atomic(checkpoints / f"{contents.SHARD}{name}") as temporary:
        temporary.write_text(sealed(processor), encoding="utf-8")
    earlier = extend.earlier_seeds(checkpoints)
    plan = planner(experiment, data, checkpoints, earlier, programs=programs)
    every = list(parts.pieces(experiment, plan))
    share, record = shard.share(every), f"{stopwatch.SECONDS}-{name}"
    if share and has_workers(call.options):
        compute(call, data, checkpoints, locks, share, record, programs)
    elif share:
        quiet = call.options.quiet
        simulate(experiment, data, checkpoints, quiet, share, record, programs)
    if not call.options.quiet:
        done = sum(parts.is_done(piece, experiment, checkpoints) for piece in every)
        terminal.say(
            f"shard {shard}: {_counted(len(share))} computed; {done} of {len(every)} "
            f"are complete in {place}/; collapse merge {place}, once all are"
        )
        if not share:
            terminal.tell(
                f"warning: {_counted(len(every))} for {shard.total} shards: this one "
                "has none; give fewer shards, or smaller --block-seeds"
            )
    return 0


def _counted(count: int) -> str:
    return f"{count} part{'s' * (count != 1)}"
