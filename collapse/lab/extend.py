"""A finished run made longer: a short run is the beginning of a long one."""

import contextlib
import json
from pathlib import Path
from typing import Any

from collapse.data.errors import InputError
from collapse.experiment.base import Experiment
from collapse.experiment.files import atomic, copy, sealed, unsealed
from collapse.experiment.toml import read_table
from collapse.figures.declaration import read_declaration
from collapse.lab import checksums, contents, folder, lock, stopwatch

_LONGER = ("num_generations", "num_seeds")


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
    folders = [Path(out)] if out else sorted(target.parent.glob("*"))
    bases = [place for place in folders if (place / folder.STATES).is_dir()]
    shorter = {place: _shorter(experiment, data, place) for place in bases}
    fitting = {place: run for place, run in shorter.items() if run is not None}
    fitting = {p: run for p, run in fitting.items() if _is_base(p)}
    if not fitting and out:
        raise InputError(f"extend: {_why_not(experiment, data, Path(out))}")
    if not fitting:
        for place in folders:  # one that would do, but for its states
            if _shorter(experiment, data, place) is not None:
                raise InputError(f"extend: {_why_not(experiment, data, place)}")
        raise InputError(
            f"extend: {target.parent}/ holds no finished run of this experiment with "
            "fewer generations or seeds; drop --extend, or name its folder by --out"
        )
    best = max(fitting, key=lambda place: _fits(fitting[place]))
    lock.check_free(best)
    folder.check_versions(best, "extend")
    return best


def offer(experiment: Experiment, data: str, place: Path) -> str:
    """What to do with a folder that holds a shorter run of an experiment; "" if none.

    Args:
      experiment: as resolved, which was not asked to extend another.
      data: fingerprint of its data.
      place: the folder where it is to go.
    """
    run = _shorter(experiment, data, place)
    if run is None:
        return ""
    fewer = " and ".join(
        f"{name} {getattr(run, name)} instead of {getattr(experiment, name)}"
        for name in _LONGER
        if getattr(run, name) != getattr(experiment, name)
    )
    lacking = _lacking(place)
    advice = f"it {lacking}"
    if not lacking:
        advice = "add --extend to go on from it, or give another --out"
    return f"{place} holds this experiment with {fewer}; {advice}"


def begin(base: Path, target: Path) -> None:
    """Put the states of a finished run where a longer one goes on from.

    Args:
      base: folder of the finished run, which stays as it is unless it is `target`.
      target: folder of the longer one, which this process has.
    """
    checkpoints = target / folder.CHECKPOINTS
    stopwatch.note_seconds(checkpoints, _seconds(base))
    old = read_table(base / folder.LABEL)["num_seeds"]
    note = {"num_seeds": old, "of": folder.digest_in(base)}
    with atomic(checkpoints / contents.EXTENDS) as temporary:
        temporary.write_text(sealed(json.dumps(note)), encoding="utf-8")
    for path in sorted((base / folder.STATES).glob("*.npz")):
        copy(path, checkpoints / path.name)


def _seconds(base: Path) -> float:
    """The seconds that a finished run took.

    Raises:
      InputError: if its file cannot be read.
    """
    remedy = "repeat the command of the shorter run, which writes it anew"
    checksums.check(base, contents.ENVIRONMENT, f"{remedy}, before --extend")
    record = contents.environment(base)
    with contextlib.suppress(ValueError, TypeError):
        if record is not None:
            return float(record.get("seconds", 0))
    raise InputError(f"extend: {base / contents.ENVIRONMENT} cannot be read; {remedy}")


def earlier_seeds(checkpoints: Path) -> int:
    """Seeds of the run that an unfinished one extends; 0 if it extends none.

    Raises:
      InputError: if what it says of that is damaged.
    """
    return int(_note(checkpoints).get("num_seeds", 0))


def _note(checkpoints: Path) -> dict[str, Any]:
    """What an unfinished run says of the one that it extends."""
    path = checkpoints / contents.EXTENDS
    try:
        text = unsealed(path)
    except FileNotFoundError:
        return {}
    if text is None:
        raise InputError(
            f"extend: {path} is damaged; delete {checkpoints}/, then extend again"
        )
    found: dict[str, Any] = json.loads(text)
    return found


def _is_base(place: Path) -> bool:
    """Whether a run is finished, or was when a longer one was begun and then ended.

    It is, too, as long as its own label is there: that of the longer one comes last.
    """
    if folder.is_complete(place):
        return True
    begun = _note(place / folder.CHECKPOINTS).get("of")
    return begun is not None and begun == folder.digest_in(place)


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


def _lacking(place: Path) -> str:
    """Why a folder of a shorter run cannot be extended, with advice; "" if it can."""
    if not folder.is_complete(place):
        return (
            "is unfinished: first end it by its own command with --resume, or give "
            "another --out without --extend"
        )
    if not (place / folder.STATES).is_dir():
        most = folder.MOST_STATES // 2**20
        return (
            f"lacks its states (more than {most} MB, or deleted), from which it would "
            "go on; give another --out without --extend"
        )
    return ""


def _why_not(experiment: Experiment, data: str, place: Path) -> str:
    """Why the run in a folder cannot be extended to an experiment."""
    if folder.digest_in(place) is None:
        return f"{place} holds no run; drop --extend"
    try:
        run, _ = read_declaration(place / folder.LABEL, type(experiment))
    except InputError:
        return f"{place} holds a run of another command; give another --out"
    longer = {name: getattr(experiment, name) for name in experiment.afterwards}
    here, there = experiment.to_table(), run.with_values(longer).to_table()
    changed = [
        f"{name} {_spelled(there.get(name))}, not {_spelled(here.get(name))}"
        for name in {**there, **here}
        if name not in _LONGER and there.get(name) != here.get(name)
    ]
    if changed:
        told = "; ".join(changed)
        return (
            f"{place} has {told}; only {' and '.join(_LONGER)} may grow: give the "
            "same, or another --out without --extend"
        )
    for name in _LONGER:
        old, new = getattr(run, name), getattr(experiment, name)
        if old > new:
            return f"{place} has {name} {old}, more than {new}; give at least as many"
    if run.digest(data) != folder.digest_in(place):
        return f"{place} is of other data or source; give another --out"
    return f"{place} {_lacking(place)}"


def _spelled(value: Any) -> str:
    """A value of a declaration in a message."""
    several = value if isinstance(value, list | tuple) else [value]
    return "unset" if value is None else " ".join(map(str, several)) or "empty"


def _fits(experiment: Experiment) -> int:
    return (experiment.num_generations + 1) * experiment.num_seeds
