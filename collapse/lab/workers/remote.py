"""What a worker of a Dask cluster does: compute a part and return its file.

A run stays open in the worker's process for its next part. One part is computed at a
time: seeds use all devices that the run has. A worker with several threads would only
keep parts waiting.
"""

import pickle
import tempfile
import threading
import zlib
from pathlib import Path
from typing import Any

from collapse.data.errors import InputError, is_out_of_memory
from collapse.experiment.lazy import load
from collapse.lab.parts import Watch
from collapse.lab.prepare import Piece
from collapse.lab.progress import Counter
from collapse.lab.workers.bench import Bench
from collapse.lab.workers.description import Description

_lock = threading.Lock()
_open: dict[bytes, tuple[Bench, Any]] = {}  # one, by its description


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
      MemoryError: for one of any kind.
    """
    with _lock:
        bench = _bench(packed)
        path = bench.checkpoints / piece.name
        if begun:
            path.write_bytes(begun)
        told = Counter()
        extends = bench.description.earlier > 0
        watch = Watch(told, _Cancelled(), lambda: None, extends)
        try:
            return bench.compute(piece, watch).read_bytes(), told.fits
        except InputError as error:
            raise InputError(str(error)) from None  # what any client can read
        except Exception as error:
            if is_out_of_memory(error):
                raise MemoryError(str(error)) from None
            raise
        finally:
            path.unlink(missing_ok=True)


def _bench(packed: bytes) -> Bench:
    """The open run of a description; another one is closed."""
    if packed not in _open:
        _close()
        folder = tempfile.TemporaryDirectory(prefix="collapse-")
        bench = Bench(pickle.loads(zlib.decompress(packed)), Path(folder.name))
        _open[packed] = (bench.__enter__(), folder)
    return _open[packed][0]


def _close() -> None:
    for bench, folder in _open.values():
        bench.__exit__(None, None, None)
        folder.cleanup()
    _open.clear()


class _Cancelled:
    """Whether the part that this thread computes is wanted no more."""

    def __init__(self) -> None:
        """Of the task that runs now."""
        worker = load("distributed").get_worker()
        key = worker.get_current_task()
        self.task = worker.state.tasks.get(key)

    def is_set(self) -> bool:
        """Whether its client has gone, or has cancelled it."""
        return getattr(self.task, "state", "") == "cancelled"
