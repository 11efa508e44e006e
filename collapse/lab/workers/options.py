"""The options that ask for workers, checked before jax is loaded."""

import dataclasses
import re
import zlib
from collections.abc import Sequence
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING

from collapse.data.errors import InputError
from collapse.lab.command import Options

if TYPE_CHECKING:
    from collapse.lab.prepare import Piece

LOCAL = "local"  # a cluster that is started here
MOST_JOBS = 1024


@dataclasses.dataclass(frozen=True)
class Shard:
    """One of several commands that share the parts of a run.

    Attributes:
      index: from 1.
      total: number of shards.
    """

    index: int
    total: int

    def __str__(self) -> str:
        """`2/3`, as the option gives it."""
        return f"{self.index}/{self.total}"

    def share(self, pieces: Sequence["Piece"]) -> list["Piece"]:
        """The parts of this shard: as many as those of another, or one more.

        Neighbours in a grid differ in their workflow, and workflows in their cost: with
        every third part, one of three shards could get the cheapest of three workflows
        in every cell. So parts are dealt in an order that looks random and is fixed.
        """
        order = sorted(pieces, key=lambda piece: zlib.crc32(piece.name.encode()))
        return sorted(order[self.index - 1 :: self.total], key=lambda one: one.name)


def shard(options: Options) -> Shard | None:
    """The shard that is asked for, as `2/3`; None for the whole run.

    Raises:
      InputError: for another text, or a number out of range.
    """
    text = options.shard
    if not text:
        return None
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text.strip())
    if not found:
        raise InputError(f"shard: {text!r}; give number/count, such as 1/3")
    index, count = map(int, found.groups())
    if not 1 <= index <= count:
        raise InputError(
            f"shard: {text}: there are shards 1/{count} to {count}/{count}"
            if count
            else f"shard: {text}: no shards; give number/count, such as 1/3"
        )
    return Shard(index, count)


def check(options: Options) -> None:
    """Raise InputError for options of workers that mean nothing, alone or together."""
    if not 1 <= options.jobs <= MOST_JOBS:
        raise InputError(f"jobs: {options.jobs}; give a number from 1 to {MOST_JOBS}")
    if not 0 <= options.devices <= MOST_JOBS:
        raise InputError(f"devices: {options.devices}; give 0 to {MOST_JOBS}")
    if shard(options):
        for name in ("scheduler", "force", "extend", "publish"):
            if getattr(options, name):
                raise InputError(
                    f"shard: does not go with --{name}; {_INSTEAD_OF_SHARDS[name]}"
                )
    if options.scheduler:
        _check_scheduler(options)


def has_workers(options: Options) -> bool:
    """Whether parts are computed in other processes."""
    return options.jobs > 1 or bool(options.scheduler)


_INSTEAD_OF_SHARDS = {
    "scheduler": "a cluster shares the parts itself: drop one of the two",
    "force": "it would remove what other shards have done: give another --out",
    "extend": "extend in one command, with --jobs or --scheduler",
    "publish": "first join the shards by collapse merge, then repeat the command",
}


def is_address(scheduler: str) -> bool:
    """Whether an option of a scheduler is an address, not a file."""
    port = re.fullmatch(r"[\w.\-\[\]:]+:\d+", scheduler)
    return "://" in scheduler or port is not None


def _check_scheduler(options: Options) -> None:
    """Raise InputError for a scheduler that cannot be reached from what is given."""
    name = options.scheduler
    if name != LOCAL and options.jobs > 1:
        raise InputError(
            "jobs: has no effect on the workers of a cluster; drop it, or give "
            "--scheduler local"
        )
    if name != LOCAL and not is_address(name) and not Path(name).is_file():
        raise InputError(
            f"scheduler: {name}: no such file; give a scheduler's file, an address "
            "such as tcp://host:8786, or local"
        )
    if util.find_spec("distributed") is None:
        raise InputError(
            "scheduler: needs the package distributed; "
            "pip install 'model-collapse-lab[cluster]'"
        )
