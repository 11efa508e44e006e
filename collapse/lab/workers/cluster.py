"""Parts computed by the workers of a Dask cluster, which returns the files of them.

The cluster shares the parts, gives those of lost workers to others, and shows what it
does; workers need this package and no file of the run. A part that was begun in the
folder goes on from there; one that is lost with its worker begins as it was sent.
"""

import contextlib
import json
import logging
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from collapse.data.errors import InputError, first_line
from collapse.experiment.files import atomic
from collapse.experiment.lazy import load
from collapse.lab import terminal
from collapse.lab.command import Options
from collapse.lab.interrupt import Interrupted
from collapse.lab.prepare import Piece
from collapse.lab.workers import remote
from collapse.lab.workers.description import Description
from collapse.lab.workers.options import LOCAL, is_address
from collapse.lab.workers.watching import Watching

_LOOK = 0.2  # seconds between two looks at ctrl-C
_PATIENCE = 10.0  # seconds for a scheduler to answer
_MORE = 2.0  # seconds beyond these, after which Dask's own limit has not helped


class Cluster:
    """A Dask cluster as what computes the parts of a run."""

    def __init__(
        self,
        description: Description,
        checkpoints: Path,
        options: Options,
        watching: Watching,
    ) -> None:
        """Nothing is connected yet.

        Args:
          description: of the run.
          checkpoints: folder for the files of its parts.
          options: that name the cluster.
          watching: what is told, and what may stop the run.
        """
        self.packed = remote.pack(description)
        self.checkpoints, self.options = checkpoints, options
        self.watching = watching
        self.inbox: queue.Queue[Any] = queue.Queue()
        self.pending: dict[Any, Piece] = {}

    def compute(self, todo: Iterator[Piece]) -> None:
        """Compute parts on the cluster, and write their files here.

        Raises:
          InputError: if the cluster does not answer, or a worker would compute other
            bits.
          Interrupted: after ctrl-C; parts that are not complete are given up.
          ChildProcessError: if a part has ended several workers, or failed.
        """
        with _silent(), _client(self.options) as client:
            self._say(client)
            # a task, too: a worker that lacks it gets it from another worker, or anew
            run = client.submit(bytes, self.packed, pure=False)
            try:
                for piece in todo:
                    self._submit(client, run, piece)
                    while not self.inbox.empty():
                        self._take(self.inbox.get())
                    if self.watching.interrupted.is_set():
                        break
                while self.pending and not self.watching.interrupted.is_set():
                    with contextlib.suppress(queue.Empty):
                        self._take(self.inbox.get(timeout=_LOOK))
            finally:
                client.cancel(list(self.pending))
        if self.watching.interrupted.is_set():
            raise Interrupted

    def _submit(self, client: Any, run: Any, piece: Piece) -> None:
        """Hand a part to the cluster, with what has been done of it."""
        path = self.checkpoints / piece.name
        begun = path.read_bytes() if path.exists() else b""
        future = client.submit(remote.compute, run, piece, begun, pure=False)
        self.pending[future] = piece
        future.add_done_callback(self.inbox.put)

    def _take(self, future: Any) -> None:
        """Write the file of a part that is complete."""
        piece = self.pending.pop(future)
        if future.status != "finished":
            raise _error(future, self.watching.words(piece))
        self.watching.progress.name(self.watching.words(piece).partition(",")[0])
        content, fits = future.result()
        with atomic(self.checkpoints / piece.name) as temporary:
            temporary.write_bytes(content)
        future.release()
        self.watching.progress.add(fits)
        self.watching.note()

    def _say(self, client: Any) -> None:
        """Print where the dashboard is, and a line if there are no workers yet."""
        if self.options.quiet:
            return
        if client.dashboard_link:
            terminal.tell(f"dashboard: {client.dashboard_link}")
        if not client.scheduler_info(n_workers=-1)["workers"]:
            terminal.tell("the cluster has no workers yet; parts wait for them")


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """A block in which Dask tells no traceback: what is lost is said in one line."""
    load("distributed")  # which sets levels when it is loaded
    logger = logging.getLogger("distributed.client")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextlib.contextmanager
def _client(options: Options) -> Iterator[Any]:
    """A client of the cluster that is asked for, or of one that is started here.

    Raises:
      InputError: if there is none.
      ChildProcessError: if one cannot be started here.
    """
    distributed = load("distributed")
    name = options.scheduler
    address = _address(name) if name != LOCAL else ""
    with contextlib.ExitStack() as stack:
        if name == LOCAL:
            own = _started(distributed, options.jobs)
            address = stack.enter_context(own).scheduler_address
        yield stack.enter_context(_connected(name, address))


def _connected(name: str, address: str) -> Any:
    """A client of a scheduler.

    In a thread of its own: Dask keeps its limit of time for a connection that is
    refused, and waits for ever for one that is taken and not answered.

    Args:
      name: of the scheduler, as the user gave it.
      address: of it.

    Raises:
      InputError: if it does not answer in time, or not as a scheduler does.
    """
    distributed = load("distributed")
    answers: queue.Queue[Any] = queue.Queue()

    def connect() -> None:
        try:
            answers.put(distributed.Client(address, timeout=_PATIENCE))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=connect, daemon=True).start()
    try:
        found = answers.get(timeout=_PATIENCE + _MORE)
    except queue.Empty:
        found = TimeoutError()
    if not isinstance(found, Exception):
        return found
    if isinstance(found, OSError):  # a TimeoutError, too
        raise InputError(
            f"scheduler: {name} does not answer within {_PATIENCE:g} s; is it "
            "running, and can it be reached from here?"
        )
    if isinstance(found, ValueError | TypeError):
        raise InputError(
            f"scheduler: {name} is no address ({first_line(found)}); give one such as "
            "tcp://host:8786"
        )
    raise InputError(
        f"scheduler: {name} answers, but not as a scheduler of Dask does; give the "
        "address that dask scheduler tells"
    )


def _started(distributed: Any, jobs: int) -> Any:
    """A cluster of this machine, with so many workers; for 1 with as many as cores.

    Raises:
      ChildProcessError: if a worker ends while it is started, or there is no port.
    """
    number = {"n_workers": jobs} if jobs > 1 else {}
    try:
        return distributed.LocalCluster(
            **number, threads_per_worker=1, silence_logs=logging.ERROR
        )
    except (RuntimeError, OSError) as error:
        said = " ".join(str(error).split())
        raise ChildProcessError(
            f"scheduler: the local cluster could not be started ({said}); run the "
            "command again"
        ) from None


def _address(name: str) -> str:
    """The address of a scheduler, which may stand in a file of its own.

    Raises:
      InputError: for a file that tells none.
    """
    if is_address(name):
        return name
    try:
        return str(json.loads(Path(name).read_text(encoding="utf-8"))["address"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            f"scheduler: {name} is no scheduler's file; give what dask scheduler "
            "--scheduler-file has written, or an address"
        ) from None


def _error(future: Any, what: str) -> Exception:
    """The error of a part, as if it had come about here."""
    if future.cancelled():
        return ChildProcessError(
            f"the cluster gave up {what}; see whether its scheduler is still running"
        )
    error = future.exception()
    if isinstance(error, InputError | MemoryError):
        return error
    said = " ".join(str(error).split())
    if type(error).__name__ == "KilledWorker":
        return ChildProcessError(
            f"the cluster has lost one worker after another in {what}; out of memory, "
            "perhaps"
        )
    if isinstance(error, ImportError):
        return InputError(
            f"scheduler: a worker cannot load this package ({said}); install it there"
        )
    return ChildProcessError(f"{what} failed ({type(error).__name__}: {said})")
