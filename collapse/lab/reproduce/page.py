"""The report in one HTML file that needs nothing else: figures, numbers, verdicts."""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

from collapse.experiment.claims.claim import Paper
from collapse.lab.html import page, picture, rows
from collapse.lab.reproduce.entries import Entry
from collapse.lab.reproduce.records import Records
from collapse.lab.reproduce.words import Line, device, lines, size, total

_QUICK = "Cut down by --quick: this shows that all runs, and decides nothing."
_COLOURS = {"agrees": "#0072b2", "differs": "#d55e00", "undecided": "#666666"}


def text(some: Sequence[Entry], found: Records, folders: Mapping[str, Path]) -> str:
    """The report of entries that were made.

    Args:
      some: entries to tell of.
      found: records of verdicts.
      folders: name of an entry -> folder of its run, where its figures are.
    """
    papers = lines(some, found)
    every = [line for _, several in papers for line in several]
    body = [f"<p>{html.escape(total(some, found))}.</p>", _summary(papers)]
    if any(record["quick"] for record in found.values()):
        body.insert(0, f"<p><strong>{_QUICK}</strong></p>")
    for entry in some:
        own = [line for line in every if line.entry.name == entry.name]
        body.append(_entry(entry, own, found[entry.name], folders[entry.name]))
    return page("Claims on model collapse, measured again", body)


def _summary(papers: Sequence[tuple[Paper, Sequence[Line]]]) -> str:
    """The table of all claims, by paper."""
    told = "".join(
        f'<tr>{_verdict(line)}<td><a href="#{line.claim.name}">'
        f"{html.escape(line.claim.says)}</a></td><td>{html.escape(paper.cite)}</td>"
        "</tr>\n"
        for paper, several in papers
        for line in several
    )
    head = "<tr><th>verdict</th><th>claim</th><th>paper</th></tr>"
    return f"<table>{head}\n{told}</table>"


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
    about = (
        f"collapse reproduce {entry.stem}{' --check' * bool(record['check'])}"
        f"{' --quick' * bool(record['quick'])}: {size(record)}, "
        f"{record['seconds']} s on {device(record)}; {versions}; "
        f"commit {record['commit']}"
    )
    parts.append(f'<p class="small">{html.escape(about)}</p>')
    return "\n".join(parts)


def _claim(line: Line) -> str:
    """The table of one claim, published and measured side by side."""
    claim = line.claim
    measured = "<br>".join(html.escape(one) for one in line.measured) or "nothing"
    told = [
        ("verdict", f"<strong>{line.verdict}</strong>"),
        ("published", html.escape(f"{claim.published} ({claim.place})")),
        ("known from", html.escape(claim.trust)),
        ("measured", measured),
        ("control", html.escape(line.control) or "none"),
    ]
    told += [("reason", html.escape(claim.reason))] if claim.reason else []
    if line.check:
        lines = (line.check.verdict, *line.check.measured, line.check.control)
        told.append((line.check.size, "<br>".join(html.escape(one) for one in lines)))
    head = f'<h3 id="{claim.name}">{html.escape(claim.says)}</h3>'
    return f"{head}\n{rows(told)}"
