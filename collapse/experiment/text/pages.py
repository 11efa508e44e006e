"""Files of the text that a run generated, and what captions say of new real text."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collapse.experiment.condition import Condition
from collapse.experiment.files import atomic

if TYPE_CHECKING:
    import xarray as xr

TEXTS = "texts"
_SHOWN = (0, 1, 5, 9)  # generations on the page of continuations


def with_real_level(dataset: "xr.Dataset", real: Mapping[str, float]) -> "xr.Dataset":
    """The dataset, with the metrics of new real text as a JSON attribute."""
    return dataset.assign_attrs(real_text=json.dumps(real))


def caption(phrases: Sequence[str], real: Mapping[str, float]) -> str:
    """The caption of a default figure.

    Args:
      phrases: on the data, the model and the run.
      real: measure -> its value for new real text.
    """
    if "tail_mass_10pct" not in real:
        return f"{'; '.join(phrases)}. Written without spaces: no measures of words."
    return (
        f"{'; '.join(phrases)}. New real text, the test part: tail mass "
        f"{real['tail_mass_10pct']:.2f}, survival {real['word_survival']:.2f}, unknown "
        f"words {real['hallucinated_share']:.1%}."
    )


def leave(
    conditions: Sequence[Condition[Any]],
    traces: Mapping[Any, Any],
    folder: Path,
    read: Callable[[Any], str],
    read_continued: Callable[[Any], str],
    opening: str,
    head: Iterable[str] = (),
) -> None:
    """Write all generated text, and a page of continuations of one prompt.

    Args:
      conditions: of the run.
      traces: key of a condition -> `text` [S, G + 1, rows, tokens] and `continued`
        [S, G + 1, tokens].
      folder: folder of the run.
      read: tokens of a row -> its text.
      read_continued: tokens of a continuation -> its text.
      opening: the line below each heading of the page.
      head: lines at the top of the page.
    """
    (folder / TEXTS).mkdir(exist_ok=True)
    page = ["# One prompt, continued by each generation", *head, ""]
    for condition in conditions:
        trace, said_of = traces[condition.key], name(condition)
        page += [f"## {said_of}", "", opening, ""]
        last = len(trace["continued"][0]) - 1
        for t, tokens in enumerate(trace["continued"][0]):
            if t in (*_SHOWN, last):
                said = read_continued(tokens)
                page += [f"Generation {t}:", "", *fenced(said), ""]
        for seed, of_seed in enumerate(trace["text"]):
            for t, rows in enumerate(of_seed):
                file = f"{said_of.replace(', ', '-').replace(' ', '_')}-{seed}-{t}.txt"
                text = "\n----\n".join(map(read, rows))
                _write(folder / TEXTS / file, text + "\n")
    _write(folder / "continuations.md", "\n".join(page))


def fenced(text: str) -> list[str]:
    """Lines of a block of Markdown, whose fence is longer than any in the text."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", text, fence]


def name(condition: Condition[Any]) -> str:
    """A condition in words: `replace`, or `replace, temperature 0.5`."""
    several = condition.experiment.several()
    return ", ".join(
        [condition.workflow.label, *(f"{axis} {condition[axis]}" for axis in several)]
    )


def _write(path: Path, text: str) -> None:
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
