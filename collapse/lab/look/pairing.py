"""Which runs share their random numbers, so that they are compared seed by seed.

The numbers of seed k follow from `seed`, the data, the precision, what is stored of a
row, and the values of those axes that an experiment calls independent: sizes. What a
run makes of them may differ: workflows, the number of generations and of seeds, and
axes whose values share numbers.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from collapse.experiment.files import sha256
from collapse.experiment.workflows import takers
from collapse.lab import folder
from collapse.lab.look.changes import data_of
from collapse.lab.look.opened import Opened

_FREE = (
    *("num_generations", "num_seeds", "block_seeds", "metrics"),
    *("snapshots", "snapshot_seeds", "workflows", "data"),
)


def shares_numbers(first: Opened, other: Opened) -> bool:
    """Whether two runs share random numbers, where the sizes of a condition agree."""
    one, two = first.label.fields, other.label.fields
    free = {*_FREE, *takers(), *_axes(first)[0], *_axes(first)[1], *_afterwards(first)}
    same = all(
        _plain(one.get(n)) == _plain(two.get(n)) for n in {*one, *two} if n not in free
    )
    return same and not data_differ([first, other])


def sizes_agree(
    runs: tuple[Opened, Opened], positions: tuple[Mapping[str, int], ...]
) -> bool:
    """Whether a condition has the same random numbers in two runs that share them.

    Args:
      runs: of which `shares_numbers`.
      positions: of the condition in each, coordinate -> position.
    """
    first, other = runs
    names = [*_axes(first)[1]]
    if first.label.fields.get("rows") == "auto":  # which the workflow decides
        names.append("workflow")
    return all(
        _at(first, positions[0], name) == _at(other, positions[1], name)
        for name in names
    )


def data_differ(runs: Sequence[Opened]) -> bool:
    """Whether runs have learned from different data, or may have.

    Data are the same if their files are, whatever these are called.
    """
    prints = fingerprints(runs)
    has = [bool(run.label.fields.get("data")) for run in runs]
    return any(has) and not (all(has) and all(prints) and len({*prints}) == 1)


def fingerprints(runs: Sequence[Opened]) -> list[str]:
    """The sha256 of each run's data; "" without data, or if it is not known.

    A run that has not written it down has that of the others, or of the file as it is
    now, if the digest of its experiment says so.
    """
    known = [str(data_of(run.label).get("sha256", "")) for run in runs]
    tried = [*known, *(_of_file(run) for run in runs)]
    return [
        own or next((sha for sha in tried if sha and _is_of(run, sha)), "")
        for own, run in zip(known, runs, strict=True)
    ]


def _is_of(run: Opened, digest: str) -> bool:
    if run.experiment is None or not run.label.fields.get("data"):
        return False
    return run.experiment.digest(digest) == folder.digest_in(run.label.place)


def _of_file(run: Opened) -> str:
    """The sha256 of the file that a run's data name, as it is now."""
    try:
        return sha256(Path(str(run.label.fields.get("data"))))
    except (OSError, ValueError):
        return ""


def _axes(run: Opened) -> tuple[list[str], list[str]]:
    """Axes along which runs share random numbers, and those along which they do not."""
    parts = [] if run.experiment is None else [p for p, _ in run.experiment.parts()]
    apart = list(dict.fromkeys(a for part in parts for a in part.independent_axes()))
    every = dict.fromkeys(a for part in parts for a in part.every_axis())
    return [a for a in every if a not in apart], apart


def _afterwards(run: Opened) -> tuple[str, ...]:
    return () if run.experiment is None else run.experiment.afterwards


def _at(run: Opened, positions: Mapping[str, int], name: str) -> Any:
    """The value of a coordinate in a condition."""
    if name in run.dataset.dims:
        return run.dataset[name].values.tolist()[positions.get(name, 0)]
    return _plain(run.label.fields.get(name))


def _plain(value: Any) -> Any:
    """A value; of a list of one the value itself."""
    if isinstance(value, list | tuple):
        return value[0] if len(value) == 1 else list(value)
    return value
