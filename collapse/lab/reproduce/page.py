"""The report in one HTML file that needs nothing else: figures, numbers, verdicts."""

import base64
import html
from collections.abc import Mapping, Sequence
from pathlib import Path

from collapse.experiment.claims.claim import Paper
from collapse.lab.reproduce.entries import Entry
from collapse.lab.reproduce.records import Records
from collapse.lab.reproduce.words import Line, lines, total

_COLOURS = {"agrees": "#0072b2", "differs": "#d55e00", "undecided": "#666666"}
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; color: #222; background: #fff; }}
img {{ max-width: 100%; border: 1px solid #ddd; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0;
  border-bottom: 1px solid #ddd; }}
.verdict {{ font-weight: bold; white-space: nowrap; }}
.small {{ font-size: .85rem; color: #555; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


def text(some: Sequence[Entry], found: Records, places: Mapping[str, Path]) -> str:
    """The report of entries that were made.

    Args:
      some: entries to tell of.
      found: records of verdicts.
      places: name of an entry -> folder of its run, where its figures are.
    """
    papers = lines(some, found)
    every = [line for _, several in papers for line in several]
    body = [f"<p>{html.escape(total(some, found))}.</p>", _summary(papers)]
    for entry in some:
        own = [line for line in every if line.entry.name == entry.name]
        body.append(_entry(entry, own, found[entry.name], places[entry.name]))
    title = "Claims on model collapse, measured again"
    return _PAGE.format(title=title, body="\n".join(body))


def _summary(papers: Sequence[tuple[Paper, Sequence[Line]]]) -> str:
    """The table of all claims, by paper."""
    rows = "".join(
        f'<tr>{_verdict(line)}<td><a href="#{line.claim.name}">'
        f"{html.escape(line.claim.says)}</a></td><td>{html.escape(paper.cite)}</td>"
        "</tr>\n"
        for paper, several in papers
        for line in several
    )
    head = "<tr><th>verdict</th><th>claim</th><th>paper</th></tr>"
    return f"<table>{head}\n{rows}</table>"


def _verdict(line: Line) -> str:
    colour = _COLOURS.get(line.verdict, "#222")
    return f'<td class="verdict" style="color: {colour}">{line.verdict}</td>'


def _entry(
    entry: Entry, own: Sequence[Line], record: Mapping[str, object], place: Path
) -> str:
    """The section of one declaration."""
    parts = [f'<h2 id="{entry.stem}">{html.escape(entry.titles[0] or entry.stem)}</h2>']
    for stem, title in zip(entry.figures, entry.titles, strict=True):
        parts.append(picture(place / f"{entry.drawn(stem)}.png", title or stem))
    parts += [_claim(line) for line in own]
    packages = record["packages"]
    versions = (
        ", ".join(f"{k} {v}" for k, v in packages.items())
        if isinstance(packages, dict)
        else ""
    )
    cut = "; cut down (--quick)" if record["quick"] else ""
    about = (
        f"collapse reproduce {entry.stem}: {record['seeds']} seeds{cut}, "
        f"{record['seconds']} s on {record['processor']}; {versions}; "
        f"commit {record['commit']}"
    )
    parts.append(f'<p class="small">{html.escape(about)}</p>')
    return "\n".join(parts)


def picture(file: Path, title: str) -> str:
    """An image tag that holds the picture of a file itself; a note if it is missing."""
    if not file.is_file():
        return f"<p>({html.escape(title)}: no picture)</p>"
    data = base64.b64encode(file.read_bytes()).decode()
    return f'<img alt="{html.escape(title)}" src="data:image/png;base64,{data}">'


def _claim(line: Line) -> str:
    """The table of one claim, published and measured side by side."""
    claim = line.claim
    measured = "<br>".join(html.escape(one) for one in line.measured) or "nothing"
    rows = [
        ("verdict", f"<strong>{line.verdict}</strong>"),
        ("published", html.escape(f"{claim.published} ({claim.place})")),
        ("known from", html.escape(claim.trust)),
        ("measured", measured),
        ("control", html.escape(line.control) or "none"),
    ]
    rows += [("reason", html.escape(claim.reason))] if claim.reason else []
    table = "".join(f"<tr><th>{k}</th><td>{v}</td></tr>\n" for k, v in rows)
    return (
        f'<h3 id="{claim.name}">{html.escape(claim.says)}</h3>\n<table>{table}</table>'
    )
