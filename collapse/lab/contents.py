"""What lies in the folder of a run, and removing parts of it."""

import re
import shutil
from pathlib import Path

from collapse.lab import checksums, lock

CHECKPOINTS = "checkpoints"  # of a run that is not complete
STATES = "states"  # those of a complete one, from which it can be extended
RESULTS = "results.nc"
LABEL = "experiment.toml"

_OWN = re.compile(rf"{CHECKPOINTS}|\.({CHECKPOINTS}|{lock.NAME[1:]}|{LABEL}).*")
_OWN_SAVED = re.compile(
    r"\d{3}-\d{6}\.npz|seconds.*|shard-.*|layout|extends\.json|\..*"
)


def is_remnant(folder: Path) -> bool:
    """Whether a folder without a label holds what a run leaves that is killed then."""
    inside = [path.name for path in (folder / CHECKPOINTS).glob("*")]
    return all(_OWN.fullmatch(path.name) for path in folder.iterdir()) and all(
        map(_OWN_SAVED.fullmatch, inside)
    )


def files(folder: Path) -> list[str]:
    """Names of the files of a run below its folder, without states and lock."""
    inside = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return [
        path.as_posix()
        for path in inside
        if path.parts[0] not in (CHECKPOINTS, STATES, checksums.NAME)
        and not path.parts[0].startswith(".")
    ]


def remove(path: Path) -> None:
    """Remove a folder that is there no more at once, wherever this is ended."""
    trash = path.with_name(f".{path.name}.removed")
    shutil.rmtree(trash, ignore_errors=True)
    if path.exists():
        path.rename(trash)
        shutil.rmtree(trash)
