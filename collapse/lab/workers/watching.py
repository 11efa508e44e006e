"""What a run with workers tells, and what may stop it."""

import threading
from collections.abc import Callable
from typing import NamedTuple

from collapse.lab.prepare import Piece
from collapse.lab.progress import Progress


class Watching(NamedTuple):
    """What a run with workers looks at while they compute.

    Attributes:
      progress: that is told.
      interrupted: whether ctrl-C was pressed.
      note: called at each save, to write down the seconds so far.
      words: what a part is.
    """

    progress: Progress
    interrupted: threading.Event
    note: Callable[[], None]
    words: Callable[[Piece], str]
