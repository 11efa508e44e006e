"""One run by several processes that jax joins: on several machines, or on one.

All are started with the same command. Process 0 leads: it alone has the folder of the
run, tells the others when to begin, and writes. The others compute with it.
"""

import contextlib
import os
import re
import threading
from collections.abc import Iterator
from typing import Any

from collapse.data.errors import InputError, first_line
from collapse.experiment.lazy import load
from collapse.lab import terminal
from collapse.lab.command import Options

AUTO = "auto"
BEGIN, STOP, FAILED = 1, 2, 3  # what the leader tells, once
_LONGER = 60  # seconds that jax waits beyond the limit: it would abort the process
_told: list[int] = []  # what this process has told the others as their leader


def check(options: Options) -> None:
    """Raise InputError for a malformed --distributed, or options that exclude it."""
    if not options.distributed:
        return
    _where(options.distributed)
    for name in ("scheduler", "shard", "extend"):
        if getattr(options, name):
            raise InputError(
                f"distributed: does not go with --{name}; drop one of them"
            )
    if options.jobs > 1:
        raise InputError("distributed: does not go with --jobs; drop one of them")
    if not 1 <= options.distributed_seconds <= 10**6:
        raise InputError(
            f"distributed_seconds: {options.distributed_seconds}; give a number from 1 "
            f"to {10**6}"
        )


def remarks(options: Options) -> tuple[str, ...]:
    """A line for an option that has no effect without --distributed."""
    usual = options.distributed_seconds == Options().distributed_seconds
    if usual or options.distributed:
        return ()
    return ("distributed_seconds: has no effect here, only with --distributed",)


def join(options: Options) -> bool:
    """Whether this process leads, once all processes of the run have met.

    Must come before jax has started.

    Raises:
      InputError: if no scheduler says which processes there are, or it cannot be used.
    """
    where, seconds = _where(options.distributed), options.distributed_seconds
    try:
        jax = load("jax")
    except ValueError as error:
        raise InputError(
            f"jax cannot be loaded ({error}); mend the environment"
        ) from error
    _told.clear()
    alarm = threading.Timer(seconds, _give_up, (options.distributed, seconds))
    alarm.daemon = True
    alarm.start()
    try:
        jax.distributed.initialize(**where, initialization_timeout=seconds + _LONGER)
    except (ValueError, RuntimeError, TypeError, OSError) as error:
        if "should be defined" in str(error) or "must be defined" in str(error):
            raise InputError(
                "distributed: auto, but neither Slurm, Open MPI nor a TPU says here "
                "which processes there are; give number/count@host:port"
            ) from None
        raise InputError(
            f"distributed: {first_line(error)}; check {options.distributed}"
        ) from None
    finally:
        alarm.cancel()
    layouts = load("collapse.lab.layout")
    # of several CPU devices in each process, gloo has been seen to crash
    layouts.impose(layouts.planned(options.devices or 1))
    _spread(0)  # gloo gives up if processes come to their first sum 30 s apart
    found: bool = jax.process_index() == 0
    return found


@contextlib.contextmanager
def leading(options: Options) -> Iterator[None]:
    """Tell the other processes to stop if the block ends before they have begun."""
    word = FAILED
    try:
        yield
        word = STOP
    finally:
        if options.distributed and not _told:
            tell(word)
            leave()


def tell(word: int) -> None:
    """Tell the other processes to begin, or to stop: `BEGIN`, `STOP` or `FAILED`."""
    _told.append(word)
    _spread(word)


def told() -> int:
    """What the leader tells, once it does."""
    return _spread(0)


def leave() -> None:
    """Leave the group of processes: what follows is done by each alone."""
    load("jax").distributed.shutdown()


def _spread(word: int) -> int:
    """The word that the leader gives, in all processes."""
    multihost: Any = load("jax.experimental.multihost_utils")
    return int(multihost.broadcast_one_to_all(load("numpy").int32(word)))


def _where(text: str) -> dict[str, Any]:
    """What jax is told of the processes: nothing where it is to ask a scheduler.

    Raises:
      InputError: for a text that says something else.
    """
    if text == AUTO:
        return {}
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})@(\S+:\d{1,5})", text.strip())
    if not found:
        raise InputError(
            f"distributed: {text!r}; give auto under Slurm, Open MPI or on TPUs, or "
            "number/count@host:port of process 1, such as 2/4@10.0.0.1:4321"
        )
    index, count = int(found[1]), int(found[2])
    if not 1 <= index <= count:
        raise InputError(f"distributed: {text}: there are processes 1 to {count}")
    return {
        "coordinator_address": found[3],
        "num_processes": count,
        "process_id": index - 1,
    }


def _give_up(text: str, seconds: int) -> None:
    """End the process, in which jax waits for others and would abort."""
    terminal.tell(
        f"error: distributed: {text}: not all processes have met within {seconds} s; "
        "check that each runs the same command and reaches process 1"
    )
    os._exit(2)
