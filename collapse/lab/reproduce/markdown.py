"""REPRODUCTION.md: every claim with its verdict, every figure with its command."""

from collections.abc import Callable, Sequence

from collapse.lab.reproduce.entries import Entry
from collapse.lab.reproduce.records import Records
from collapse.lab.reproduce.words import Line, device, lines, size, total

MARK = "This file is written by `collapse reproduce`"  # in the head of the file
_HEAD = """\
# Reproduction of published figures and claims

This file is written by `collapse reproduce`, from the claims in `sims/claims/` and from
the results of their runs. Do not edit it.

```bash
collapse reproduce                  # the list: figures, claims, cost, state
collapse reproduce {example:<14}   # makes one figure and judges its claims
collapse reproduce --all            # all of them; the same command goes on after a stop
collapse reproduce --all --check    # with other seeds, at a size that decides
collapse reproduce --all --quick    # in minutes: shows that all run
```

Each figure is also made by its own command,
`python -m collapse.sims.<command> sims/<command>/<figure>.toml --publish figures`,
which writes the figure and its data, `figures/data/<figure>.nc`;
`python -m collapse.plotting figures/data/<figure>.nc` draws it again from these.

How a verdict comes about: each claim names numbers of a run and the range in which the
claim holds. The lab *agrees* if the confidence interval of every number lies within its
range, *differs* if one lies beyond it, and is *undecided* if there are too few seeds to
say. Some claims also name what has to be equal, such as numbers of real rows (*like
with like*): where it is not, and favours the claim, the lab does not agree; it is
undecided, or differs if the claim does not even hold then. All rules of all claims
share one budget of false alarms, 5 %: the confidence of each interval is {confidence}
(somewhat less for means of few seeds with heavy tails). Outside of it are confidence
sets of a study, such as those of the best share, of 95 % each. Every claim has a
control, a condition under which it must not agree, which is judged beside it.
Generations are counted from 0; papers that count fits start at 1, so their fit n is
generation n - 1.

{counts}
"""


def text(
    some: Sequence[Entry], found: Records, link: Callable[[Entry, str], str]
) -> str:
    """The file in Markdown.

    Args:
      some: entries to tell of.
      found: records of verdicts.
      link: entry and figure -> path of the figure, from where the file is to lie.
    """
    levels = [record["confidence"] for record in found.values()]
    confidence = f"{100 * max(levels, default=0.95):.4g} %"
    example = next((entry.stem for entry in some), "NAME")
    parts = [
        _HEAD.format(example=example, confidence=confidence, counts=total(some, found))
    ]
    for paper, several in lines(some, found):
        title = f"[{paper.title}]({paper.link})" if paper.link else paper.title
        parts.append(f"## {paper.cite}\n\n{title}\n")
        parts += [_claim(line, link) for line in several]
    parts.append(_figures(some, found, link))
    return "\n".join(parts)


def _claim(line: Line, link: Callable[[Entry, str], str]) -> str:
    claim, entry = line.claim, line.entry
    shown = ", ".join(f"[{f}]({link(entry, f)})" for f in entry.figures[:1])
    rows = [
        f"* **{line.verdict}**: {claim.says} (`{claim.name}`, {shown})",
        f"  * published: {claim.published} ({claim.place}; known from: {claim.trust})",
    ]
    rows += [f"  * measured: {one}" for one in line.measured]
    rows += [f"  * control: {line.control}"] if line.control else []
    if line.check:
        rows.append(f"  * {line.check.size}: **{line.check.verdict}**")
        rows += [f"    * {one}" for one in line.check.measured]
        rows.append(f"    * control: {line.check.control}")
    rows += [f"  * {claim.reason}"] if claim.reason else []
    return "\n".join(rows) + "\n"


def _figures(
    some: Sequence[Entry], found: Records, link: Callable[[Entry, str], str]
) -> str:
    rows = ["## Figures", "", "| figure | command | run |", "|---|---|---|"]
    for entry in some:
        shown = ", ".join(
            f"[{title or stem}]({link(entry, stem)})"
            for stem, title in zip(entry.figures, entry.titles, strict=True)
        )
        rows.append(
            f"| {shown} | `collapse reproduce {entry.stem}` | {_run(entry, found)} |"
        )
    return "\n".join(rows) + "\n"


def _run(entry: Entry, found: Records) -> str:
    """Seeds, wall time and machine of a run, in words."""
    record = found.get(entry.name)
    if record is None:
        return "not run"
    jax = record["packages"]["jax"]
    return f"{size(record)}, {record['seconds']:.0f} s, {device(record)}, jax {jax}"
