"""What lies in the folder of a run, and removing parts of it."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from collapse.lab import checksums, lock, stopwatch

CHECKPOINTS = "checkpoints"  # of a run that is not complete
STATES = "states"  # those of a complete one, from which it can be extended
RESULTS = "results.nc"
LABEL = "experiment.toml"
ENVIRONMENT = "environment.json"

# Among the checkpoints, beside one file a part:
EXTENDS = "extends.json"  # the shorter run that this one extends
LAYOUT = "layout"  # of devices, with which the first shard began
SHARD = "shard-"  # and its number: the processor of a shard

_OWN = re.compile(rf"{CHECKPOINTS}|\.({CHECKPOINTS}|{lock.NAME[1:]}|{LABEL}).*")
_OWN_SAVED = re.compile(
    rf"\d{{3}}-\d{{6}}\.npz|{stopwatch.SECONDS}.*|{SHARD}.*|{LAYOUT}"
    rf"|{re.escape(EXTENDS)}|\..*"
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


def environment(folder: Path) -> Mapping[str, Any] | None:
    """What a finished run has written down of its surroundings, its time and its data.

    None if it has not, or if the file is damaged.
    """
    try:
        if checksums.changed(folder, [ENVIRONMENT]):
            return None
        found = json.loads((folder / ENVIRONMENT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, Mapping) else None


def remove(path: Path) -> None:
    """Remove a folder, which is renamed first: if this is ended, none is left half."""
    trash = path.with_name(f".{path.name}.removed")
    shutil.rmtree(trash, ignore_errors=True)
    if path.exists():
        path.rename(trash)
        shutil.rmtree(trash)
