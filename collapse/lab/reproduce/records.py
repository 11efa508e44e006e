"""Records of verdicts: what was found, from which run, as JSON.

Those of the published figures come with the package.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import collapse
from collapse.data.errors import InputError
from collapse.experiment.files import atomic
from collapse.lab import declarations

NAME = "verdicts.json"
CHECKED = "checked"  # in a record, that of a run with other seeds
Records = dict[str, dict[str, Any]]  # declaration -> record


def published() -> Records:
    """Records of the published figures: in the package, or in a checkout's figures/."""
    inside = declarations.folder() / NAME
    beside = Path(collapse.__file__).parent.parent / "figures" / NAME
    return read(inside if inside.is_file() else beside)


def read(path: Path) -> Records:
    """The records of a file; none if it is not there.

    Raises:
      InputError: if it cannot be understood.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); delete it") from None
    if not isinstance(found, dict) or not all(map(_is_record, found.values())):
        raise InputError(f"{path}: cannot be read (no records of runs); delete it")
    every: Records = found
    return every


def _is_record(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("claims"), dict)


def merge(path: Path, records: Mapping[str, Mapping[str, Any]]) -> Records:
    """The records of a file, after those given have been put into it.

    What a check found stays in the record of a run that is made again.
    """
    every = read(path)
    for name, one in records.items():
        kept = {k: v for k, v in every.get(name, {}).items() if k == CHECKED}
        every[name] = {**kept, **one}
    return _write(path, every)


def merge_checks(path: Path, records: Mapping[str, Mapping[str, Any]]) -> Records:
    """The records of a file, after checks have been put into those of their runs."""
    every = read(path)
    for name, one in records.items():
        every[name] = {**every[name], CHECKED: dict(one)}
    return _write(path, every)


def _write(path: Path, every: Records) -> Records:
    """The records by name, after writing them to a file."""
    every = dict(sorted(every.items()))
    with atomic(path) as temporary:
        text = json.dumps(every, indent=1, allow_nan=True)
        temporary.write_text(text + "\n", encoding="utf-8")
    return every
