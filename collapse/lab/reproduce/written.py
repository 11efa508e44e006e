"""The files that `collapse reproduce` writes beside the runs: records and reports."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from collapse.experiment.files import atomic
from collapse.lab import lock
from collapse.lab.html import MARK
from collapse.lab.look.writing import check_target
from collapse.lab.reproduce import markdown, page, records
from collapse.lab.reproduce.entries import Entry

if TYPE_CHECKING:
    from collapse.lab.reproduce.making import Manner

MARKDOWN, PAGE = "REPRODUCTION.md", "report.html"
LOCK = ".verdicts.lock"  # of what several commands write in one folder


def check_targets(out: Path, publish: str, suffix: str) -> None:
    """Raise InputError if a report would take the place of somebody's own file.

    Args:
      out: folder of the runs.
      publish: folder of published figures; "" for none.
      suffix: of `Manner`.
    """
    for name in (MARKDOWN, PAGE):
        check_target(out / suffixed(name, suffix), _mark(name))
    if publish:
        check_target(beside(publish), _mark(MARKDOWN), "publish")


def written(manner: "Manner") -> list[Path]:
    """All files that are written in such a manner."""
    paths = [manner.out / suffixed(name, manner.suffix) for name in (PAGE, MARKDOWN)]
    if manner.publish:
        paths += [Path(manner.publish) / records.NAME, beside(manner.publish)]
    return paths


def suffixed(name: str, suffix: str) -> str:
    """A file name that quick runs and checks do not share with full ones."""
    path = Path(name)
    return f"{path.stem}{suffix}{path.suffix}"


def _mark(name: str) -> str:
    """What stands in the head of a file of this command, and in nobody else's."""
    return MARK if name == PAGE else markdown.MARK


def beside(publish: str) -> Path:
    """The file that tells of what is published, beside the folder of it."""
    target = Path(publish)
    if target.name in ("", ".."):  # `.`, the name of which is not in its path
        target = target.resolve()
    return target.parent / MARKDOWN


def write(
    wanted: Sequence[Entry],
    every: Sequence[Entry],
    manner: "Manner",
    found: records.Records,
) -> None:
    """Write the report of what has been made so far."""
    some = [entry for entry in every if entry.name in found]
    folders = {e.name: manner.out / f"{e.stem}{manner.suffix}" for e in some}
    text = markdown.text(
        some, found, lambda e, f: f"{folders[e.name].name}/{e.drawn(f)}.svg"
    )
    for name, told in (
        (MARKDOWN, text),
        (PAGE, page.text(some, found, folders)),
    ):
        _replace(manner.out / suffixed(name, manner.suffix), told)
    if not manner.publish:
        return
    target = Path(manner.publish)
    merge = records.merge_checks if manner.check else records.merge
    some_found = {e.name: found[e.name] for e in wanted if e.name in found}
    with lock.turn(target, LOCK):
        merged = merge(target / records.NAME, some_found)
        some, name = [e for e in every if e.name in merged], target.resolve().name
        text = markdown.text(some, merged, lambda e, f: f"{name}/{f}.svg")
        _replace(beside(manner.publish), text)


def _replace(path: Path, text: str) -> None:
    """Write a file, whole or not at all."""
    with atomic(path.resolve()) as temporary:
        temporary.write_text(text, encoding="utf-8")
