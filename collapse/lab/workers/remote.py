"""What a worker of a Dask cluster does: compute a part and return its file.

A run stays open in the worker's process for its next part. One part is computed at a
time: seeds use all devices that the run has. A worker with several threads would only
keep parts waiting.
"""

import contextlib
import pickle
import tempfile
import threading
import zlib
from pathlib import Path

from collapse.data.errors import InputError, is_out_of_memory
from collapse.experiment.lazy import load
from collapse.lab.parts import Watch
from collapse.lab.prepare import Piece
from collapse.lab.progress import Counter
from collapse.lab.workers.description import Description
from collapse.lab.workers.runner import Runner, runner

_lock = threading.Lock()
# the run that is open, by its description, with what closes it
_open: dict[bytes, tuple[Runner, contextlib.ExitStack]] = {}


def pack(description: Description) -> bytes:
    """A description as it travels."""
    return zlib.compress(pickle.dumps(description), 1)


def compute(packed: bytes, piece: Piece, begun: bytes) -> tuple[bytes, int]:
    """The file of a part, once it is complete, and how many fits were done for it.

    Args:
      packed: description of the run.
      piece: the part.
      begun: the file of what has been done of it, or nothing.

    Raises:
      InputError: where this process cannot compute the same bits.
      MemoryError: if the host or a device has no memory left.
    """
    with _lock:
        own = _runner(packed)
        path = own.checkpoints / piece.name
        if begun:
            path.write_bytes(begun)
        fits = Counter()
        extends = own.description.earlier > 0
        watch = Watch(fits, _Cancelled(), lambda: None, extends)
        try:
            return own.compute(piece, watch).read_bytes(), fits.count
        except InputError as error:
            raise InputError(str(error)) from None  # what any client can read
        except Exception as error:
            if is_out_of_memory(error):
                raise MemoryError(str(error)) from None
            raise
        finally:
            path.unlink(missing_ok=True)


def _runner(packed: bytes) -> Runner:
    """The open run of a description; another one is closed."""
    if packed not in _open:
        _close()
        with contextlib.ExitStack() as stack:
            folder = tempfile.TemporaryDirectory(prefix="collapse-")
            place = Path(stack.enter_context(folder))
            description = pickle.loads(zlib.decompress(packed))
            found = stack.enter_context(runner(description, place))
            _open[packed] = found, stack.pop_all()
    return _open[packed][0]


def _close() -> None:
    """Close the run that is open, if any, and remove its files."""
    while _open:
        _, (_, stack) = _open.popitem()
        stack.close()


class _Cancelled:
    """A flag that is set once the part that this thread computes is cancelled."""

    def __init__(self) -> None:
        """The flag of the task that runs now."""
        worker = load("distributed").get_worker()
        key = worker.get_current_task()
        self.task = worker.state.tasks.get(key)

    def is_set(self) -> bool:
        """Whether its client has gone, or has cancelled it."""
        return getattr(self.task, "state", "") == "cancelled"
