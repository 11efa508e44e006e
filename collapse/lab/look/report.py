"""The command `collapse report FOLDER ...`: finished runs on one page of HTML."""

import html
import json
from collections.abc import Sequence
from pathlib import Path

from collapse.data.errors import InputError
from collapse.experiment.files import atomic
from collapse.figures.declaration import from_json
from collapse.lab import checksums, folder, terminal
from collapse.lab.html import page, picture, rows
from collapse.lab.look import labels, show
from collapse.lab.look.arguments import Parser
from collapse.lab.look.opened import Opened, opened

_KEPT = ("commit", "python", "packages", "precision", "devices", "processor")


def main(arguments: Sequence[str], program: str) -> int:
    """The exit code of the command, after writing the page.

    Raises:
      InputError: for what is no finished run, or a page that cannot be written.
    """
    parser = Parser(prog=program, description=__doc__)
    parser.add_argument("folder", nargs="+", type=Path, help="of a finished run")
    parser.add_argument(
        "--out", type=Path, default=Path("report.html"), help="file (%(default)s)"
    )
    options = parser.parse_args(arguments)
    runs = [opened(place) for place in options.folder]
    if options.out.is_dir():
        raise InputError(f"out: {options.out} is a folder; name a file")
    title = "Runs" if len(runs) > 1 else f"Run of {runs[0].label.name}"
    try:
        with atomic(options.out) as temporary:
            told = page(title, list(map(section, runs)))
            temporary.write_text(told, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"out: {options.out} cannot be written ({error.strerror}); name another"
        ) from None
    terminal.say(f"written: {options.out}")
    return 0


def section(run: Opened) -> str:
    """One run in HTML: its figures, table, profile, versions and declaration."""
    place = run.label.place
    parts = [f"<h2>{html.escape(str(place))}</h2>"]
    for figure in from_json(run.dataset.attrs["figure"]):
        stem = figure.stem("figure")
        checksums.check(place, f"{stem}.png", "repeat its command to draw it again")
        parts.append(picture(place / f"{stem}.png", figure.title or stem))
    parts.append(f"<pre>{html.escape(show.text(run))}</pre>")
    parts.append(rows([(k, html.escape(v)) for k, v in _versions(run)]))
    declaration = (place / folder.LABEL).read_text(encoding="utf-8")
    parts.append(
        "<details><summary>declaration</summary>"
        f"<pre>{html.escape(declaration)}</pre></details>"
    )
    return "\n".join(parts)


def _versions(run: Opened) -> list[tuple[str, str]]:
    """What the numbers of a run depend on, by name."""
    record = json.loads(run.dataset.attrs["environment"])
    told = [(name, record.get(name, "")) for name in _KEPT]
    told.append(
        ("differs from the default", labels.spelled(labels.differences(run.label)))
    )
    return [(name, _spelled(value)) for name, value in told]


def _spelled(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
