"""A finished run made longer: a short run is the beginning of a long one."""

import json
import shutil
from pathlib import Path

from collapse.data.errors import InputError
from collapse.experiment.base import Experiment
from collapse.experiment.toml import read_table
from collapse.figures.declaration import read_declaration
from collapse.lab import folder, lock

_LONGER = ("num_generations", "num_seeds")
_NOTE = "extends.json"  # among the checkpoints


def found(experiment: Experiment, data: str, out: str, target: Path) -> Path:
    """The folder of the finished run that an experiment extends.

    Args:
      experiment: as resolved, with more generations or seeds.
      data: fingerprint of its data.
      out: the folder that the user named; empty to look among those in results/.
      target: where the longer run is to go.

    Raises:
      InputError: if there is none, or it is of other versions.
    """
    places = [Path(out)] if out else sorted(target.parent.glob("*"))
    bases = [place for place in places if (place / folder.STATES).is_dir()]
    shorter = {place: _shorter(experiment, data, place) for place in bases}
    fitting = {place: run for place, run in shorter.items() if run is not None}
    if not fitting:
        where = out or f"{target.parent}/"
        raise InputError(
            f"extend: {where} holds no finished run of this experiment with fewer "
            "generations or seeds; drop --extend, or name its folder by --out"
        )
    best = max(fitting, key=lambda place: _fits(fitting[place]))
    lock.check_free(best)
    folder.check_versions(best, "extend")
    return best


def begin(base: Path, target: Path) -> None:
    """Put the states of a finished run where a longer one goes on from.

    Args:
      base: folder of the finished run, which stays as it is unless it is `target`.
      target: folder of the longer one, which this process has.
    """
    checkpoints = target / folder.CHECKPOINTS
    record = json.loads((base / "environment.json").read_text(encoding="utf-8"))
    folder.note_seconds(checkpoints, float(record.get("seconds", 0)))
    old = read_table(base / folder.LABEL)["num_seeds"]
    (checkpoints / _NOTE).write_text(json.dumps({"num_seeds": old}))
    for path in sorted((base / folder.STATES).glob("*.npz")):
        shutil.copy(path, checkpoints)


def earlier_seeds(checkpoints: Path) -> int:
    """Seeds of the run that an unfinished one extends; 0 if it extends none."""
    try:
        return int(json.loads((checkpoints / _NOTE).read_text())["num_seeds"])
    except (OSError, ValueError, KeyError):
        return 0


def _shorter(experiment: Experiment, data: str, place: Path) -> Experiment | None:
    """The shorter experiment of a folder, if the longer one begins with it."""
    try:
        run, _ = read_declaration(place / folder.LABEL, type(experiment))
    except InputError:  # of another command
        return None
    free = (*_LONGER, *experiment.afterwards)
    longer = {name: getattr(experiment, name) for name in free}
    same = run.with_values(longer).to_table() == experiment.to_table()
    less = all(getattr(run, name) <= longer[name] for name in _LONGER)
    if not (same and less) or run.digest(data) != folder.digest_in(place):
        return None
    return run if _fits(run) < _fits(experiment) else None


def _fits(experiment: Experiment) -> int:
    return (experiment.num_generations + 1) * experiment.num_seeds
