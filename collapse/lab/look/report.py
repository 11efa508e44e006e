"""The command `collapse report FOLDER ...`: finished runs on one page of HTML."""

import datetime
import html
import io
import json
from collections.abc import Sequence
from pathlib import Path

import collapse
from collapse.data.errors import InputError
from collapse.experiment.arguments import Parser
from collapse.figures import draw
from collapse.figures.declaration import from_json
from collapse.figures.drawable import drawable
from collapse.figures.spec import Figure
from collapse.lab import checksums, folder, terminal
from collapse.lab.html import MARK, contents, image, page, picture, rows
from collapse.lab.look import show
from collapse.lab.look.opened import Opened, opened
from collapse.lab.look.side_by_side import check_once
from collapse.lab.look.writing import check_target, write

_KEPT = ("commit", "python", "packages", "precision", "devices", "processor")


def main(arguments: Sequence[str], program: str) -> int:
    """The exit code of the command, after writing the page.

    Raises:
      InputError: for what is no finished run, a run that is given twice, or a page that
        cannot be written or would replace another file.
    """
    parser = Parser(prog=program, description=__doc__)
    parser.add_argument("folder", nargs="+", type=Path, help="of a finished run")
    parser.add_argument(
        "--out", type=Path, default=Path("report.html"), help="file (%(default)s)"
    )
    options = parser.parse_args(arguments)
    check_once(options.folder, "report")
    check_target(options.out, MARK)
    runs = [opened(place) for place in options.folder]
    write(options.out, text(runs))
    return 0


def text(runs: Sequence[Opened]) -> str:
    """The page: a list of its runs if there are several, and a section for each."""
    names = list(map(_name, runs))
    commands = ", ".join(dict.fromkeys(run.label.title for run in runs))
    title = f"{len(runs)} runs of {commands}"
    if len(runs) == 1:
        title = f"Run of {commands}: {names[0]}"
    sections = [section(run, k) for k, run in enumerate(runs, 1)]
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    foot = f'<p class="small">{day}, collapse {collapse.__version__}</p>'
    return page(title, [contents(names), *sections, foot])


def section(run: Opened, number: int = 1) -> str:
    """One run in HTML: its figures, table, profile, versions and declaration.

    Args:
      run: with its results.
      number: of the section, from 1, to which links lead.
    """
    place, name = run.label.place, _name(run)
    parts = [f'<h2 id="section-{number}">{html.escape(name)}</h2>']
    for figure in from_json(run.dataset.attrs["figure"]):
        parts.append(_picture(run, figure, f"{name}: {figure.title or 'figure'}"))
    parts.append(f"<pre>{html.escape(show.text(run))}</pre>")
    parts.append(rows([(k, html.escape(v)) for k, v in _versions(run)]))
    declaration = (place / folder.LABEL).read_text(encoding="utf-8")
    parts.append(
        "<details><summary>declaration</summary>"
        f"<pre>{html.escape(declaration)}</pre></details>"
    )
    return "\n".join(parts)


def _name(run: Opened) -> str:
    """The folder of a run, with a name even if the path has none, as `.` and `..`."""
    place = run.label.place
    return str(place if place.name not in ("", "..") else place.resolve().name)


def _picture(run: Opened, figure: Figure, title: str) -> str:
    """The figure that the run has left, or the same drawn again from its results."""
    file = run.label.place / f"{figure.stem('figure')}.png"
    if file.is_file():
        advice = "repeat its command to draw it again"
        checksums.check(run.label.place, file.name, advice)
        return picture(file, title)
    held = io.BytesIO()
    try:
        drawn = draw.draw(drawable(run.dataset, [figure]), figure)
        drawn.savefig(held, format="png")
    except InputError as error:
        terminal.tell(f"warning: {file} is missing, and cannot be drawn again: {error}")
        return picture(file, title)
    terminal.tell(f"{file} is missing; drawn again from {folder.RESULTS}")
    return image(held.getvalue(), title)


def _versions(run: Opened) -> list[tuple[str, str]]:
    """What the numbers of a run depend on, by name."""
    record = json.loads(run.dataset.attrs["environment"])
    return [(name, _spelled(record.get(name, ""))) for name in _KEPT]


def _spelled(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
