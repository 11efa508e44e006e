"""Parts computed by processes on this machine; an idle one gets the next part.

A process that has died ends the run, which says its exit status; what is saved stays.
"""

import contextlib
import json
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from collapse.core.devices import usable_cores
from collapse.data.errors import InputError
from collapse.lab import terminal
from collapse.lab.interrupt import Interrupted
from collapse.lab.prepare import Piece
from collapse.lab.workers import process
from collapse.lab.workers.description import module_folders
from collapse.lab.workers.watching import Watching

_LOOK = 0.2  # seconds between two looks at ctrl-C
_CODE = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from collapse.lab.workers.process import main; main()"
)
_Message = tuple[Any, ...] | None  # None: the pipe is closed


class Worker:
    """A process, and the part that it computes."""

    def __init__(
        self,
        number: int,
        cores: Sequence[int],
        locks: Sequence[TextIO],
        inbox: "queue.Queue[tuple[Worker, _Message]]",
    ) -> None:
        """Start the process.

        Args:
          number: among the workers, from 1.
          cores: that it may use; none for all.
          locks: files that it holds open, so that the folder stays locked while it is
            alive.
          inbox: for its messages.
        """
        self.number, self.over = number, False
        self.piece: Piece | None = None
        kept = [] if os.name == "nt" else [file.fileno() for file in locks]
        arguments = [json.dumps(module_folders()), json.dumps(list(cores))]
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", _CODE, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=kept,
        )
        threading.Thread(target=self._listen, args=(inbox,), daemon=True).start()

    def send(self, message: Any) -> None:
        """Send a message; that the process has died is seen when its messages end."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            pickle.dump(message, self.process.stdin)
            self.process.stdin.flush()

    def _listen(self, inbox: "queue.Queue[tuple[Worker, _Message]]") -> None:
        """Put the messages of the process into the inbox, and None at its end."""
        assert self.process.stdout is not None
        with self.process.stdout as pipe, contextlib.suppress(Exception):
            while True:  # until the end, or half of a message
                inbox.put((self, pickle.load(pipe)))
        self.process.wait()
        inbox.put((self, None))


class Crew:
    """The workers of a run."""

    def __init__(
        self,
        description: Any,
        checkpoints: Path,
        jobs: int,
        watching: Watching,
        locks: Sequence[TextIO],
    ) -> None:
        """None of them is started before there is a part for it.

        Args:
          description: of the run.
          checkpoints: folder for the files of its parts.
          jobs: workers, at most.
          watching: what is told, and what may stop the run.
          locks: of the folder.
        """
        self.opening = (description, str(checkpoints.resolve()))
        self.jobs, self.watching, self.locks = jobs, watching, locks
        self.inbox: queue.Queue[tuple[Worker, _Message]] = queue.Queue()
        self.workers: list[Worker] = []
        self.trouble: Exception | None = None
        self.stopping = False  # no part is handed out any more

    def compute(self, todo: Iterator[Piece]) -> None:
        """Compute parts, each by the first worker that is free.

        Raises:
          Interrupted: after ctrl-C, once all have saved what they were at.
          ChildProcessError: if a worker has died or failed.
          InputError, MemoryError: those of a worker.
        """
        try:
            while True:
                while self._hand_out(todo):
                    pass
                if not self._busy():
                    break
                if self.watching.interrupted.is_set():
                    self._stop()
                with contextlib.suppress(queue.Empty):
                    self._take(*self.inbox.get(timeout=_LOOK))
        finally:
            self._end()
        if self.trouble is not None:
            raise self.trouble
        if self.watching.interrupted.is_set():
            raise Interrupted

    def _busy(self) -> bool:
        return any(worker.piece is not None for worker in self.workers)

    def _hand_out(self, todo: Iterator[Piece]) -> bool:
        """Give a part to one idle or new worker; whether there was one to give."""
        if self.stopping or self.watching.interrupted.is_set():
            return False
        idle = [w for w in self.workers if w.piece is None and not w.over]
        if not idle and len(self.workers) >= self.jobs:
            return False
        try:
            piece = next(todo, None)
        except Exception as error:  # a damaged file, say: the others save first
            self._fail(error)
            return False
        if piece is None:
            return False
        worker = idle[0] if idle else self._started()
        worker.piece = piece
        worker.send(piece)
        return True

    def _started(self) -> Worker:
        number = len(self.workers) + 1
        cores = _cores(number - 1, self.jobs)
        worker = Worker(number, cores, self.locks, self.inbox)
        self.workers.append(worker)
        worker.send(self.opening)
        return worker

    def _take(self, worker: Worker, message: _Message) -> None:
        """Do what a message says."""
        match message:
            case ("told", method, value):
                getattr(self.watching.progress, method)(value)
            case ("saved",):
                self.watching.note()
            case ("done", _):
                worker.piece = None
            case ("interrupted",):
                worker.piece, worker.over = None, True
                if not self.stopping:  # by a signal to it alone
                    self.watching.interrupted.set()
            case ("error", kind, text):
                worker.over = True
                self._fail(_error(worker, kind, text))
            case None:
                if not worker.over and (worker.piece is not None):
                    self._fail(self._lost(worker, worker.piece))
                worker.piece, worker.over = None, True

    def _lost(self, worker: Worker, piece: Piece) -> Exception:
        """What to say of a worker that has died."""
        status = worker.process.returncode
        how = f"exit status {status}"
        if status < 0:
            how = f"signal {-status} ({signal.Signals(-status).name})"
        why = "; out of memory, perhaps" if status == -9 else ""
        what = self.watching.words(piece)
        return ChildProcessError(
            f"worker {worker.number} of --jobs was ended by {how} in {what}{why}"
        )

    def _fail(self, trouble: Exception) -> None:
        """Keep the first trouble, and let the others save what they are at."""
        self.trouble = self.trouble or trouble
        self._stop()

    def _stop(self) -> None:
        if not self.stopping:
            self.stopping = True
            for worker in self.workers:
                worker.send(process.STOP)

    def _end(self) -> None:
        """Let all processes end."""
        for worker in self.workers:
            worker.send(process.END)
            assert worker.process.stdin is not None
            with contextlib.suppress(OSError):
                worker.process.stdin.close()
        for worker in self.workers:
            worker.process.wait()


def _error(worker: Worker, kind: str, text: str) -> Exception:
    """The error of a worker, as if it had come about here."""
    if kind == "input":
        return InputError(text)
    if kind == "memory":
        return MemoryError(text)
    if kind == "disk":
        return OSError(text)
    terminal.tell(text.rstrip())
    last = text.strip().splitlines()[-1]
    return ChildProcessError(f"worker {worker.number} of --jobs failed ({last})")


def _cores(index: int, jobs: int) -> list[int]:
    """The cores of a worker: its share of those of this process, none for all."""
    if not hasattr(os, "sched_getaffinity"):
        return []
    every, count = sorted(os.sched_getaffinity(0)), usable_cores()
    if jobs >= count:
        return [every[index % count]]
    return every[index * count // jobs : (index + 1) * count // jobs]
