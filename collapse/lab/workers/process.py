"""A worker process of `--jobs`: computes parts that its parent names.

It is started as a fresh interpreter, since a fork of a process with threads of XLA may
hang; and without the main module of its parent, which `multiprocessing` would import
once more. It ends when its parent does: messages come through a pipe.
"""

import json
import os
import pickle
import queue
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, BinaryIO

from collapse.data.errors import InputError, is_out_of_memory
from collapse.experiment.files import CannotWrite
from collapse.lab.interrupt import Interrupted
from collapse.lab.parts import Watch
from collapse.lab.prepare import Piece
from collapse.lab.workers.runner import runner

STOP, END = "stop", "end"  # save and end; end, since there is nothing more to do


class Teller:
    """Progress that is told by the parent."""

    def __init__(self, pipe: BinaryIO) -> None:
        """Tell it through a pipe."""
        self.pipe = pipe

    def send(self, *message: Any) -> None:
        """Send a message to the parent; once that is gone, so is this process."""
        try:
            pickle.dump(message, self.pipe)
            self.pipe.flush()
        except OSError:
            os._exit(1)

    def name(self, text: str) -> None:
        """Say what is being run."""
        self.send("told", "name", text)

    def remark(self, text: str) -> None:
        """Say something of its speed."""
        if text:
            self.send("told", "remark", text)

    def skip(self, fits: int) -> None:
        """Count fits that an earlier run has done."""
        if fits:
            self.send("told", "skip", fits)

    def add(self, fits: int) -> None:
        """Count fits that have been done now."""
        self.send("told", "add", fits)

    def note(self) -> None:
        """Say that something has been saved."""
        self.send("saved")

    def close(self) -> None:
        """Nothing: the parent says the rest."""


def main() -> None:
    """Compute the parts that come through stdin, until there are no more."""
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what is printed is no message
    cores = json.loads(sys.argv[2])
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    inbox: queue.Queue[Any] = queue.Queue()
    stopping = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM):  # those of a terminal go to all
        signal.signal(one, lambda *_: stopping.set())
    threading.Thread(target=_listen, args=(inbox, stopping), daemon=True).start()
    teller = Teller(pipe)
    try:
        _work(inbox, stopping, teller)
    except Interrupted:
        teller.send("interrupted")
    except InputError as error:
        teller.send("error", "input", str(error))
    except CannotWrite as error:
        teller.send("error", "disk", str(error))
    except Exception as error:
        kind = "memory" if is_out_of_memory(error) else "other"
        told = str(error) if kind == "memory" else traceback.format_exc()
        teller.send("error", kind, told)
    os._exit(0)  # the listener waits for its parent


def _work(inbox: "queue.Queue[Any]", stopping: threading.Event, teller: Teller) -> None:
    """Compute parts in a run that is opened first.

    Raises:
      Interrupted: if there is to be an end.
    """
    description, folder = inbox.get()
    with runner(description, Path(folder)) as own:
        watch = Watch(teller, stopping, teller.note, description.earlier > 0)
        while True:
            if stopping.is_set():
                raise Interrupted
            message = inbox.get()
            if message == END:
                return
            if message != STOP:
                piece: Piece = message
                teller.name(own.conditions[piece.number].workflow.label)
                own.compute(piece, watch)
                teller.send("done", piece)


def _listen(inbox: "queue.Queue[Any]", stopping: threading.Event) -> None:
    """Take messages from stdin; end the process with its parent."""
    while True:
        try:
            message = pickle.load(sys.stdin.buffer)
        except EOFError:
            os._exit(1)
        except Exception:  # a module that cannot be loaded here
            traceback.print_exc()
            os._exit(1)
        if message == STOP:
            stopping.set()
        inbox.put(message)
