"""Files of a run with grammars: the sentences that snapshots are of."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from collapse.data.grammars import WrittenGrammar
from collapse.experiment.base import Experiment
from collapse.experiment.files import atomic

FOLDER, PAGE = "sentences", "sentences.md"
_SHOWN = 8  # sentences of a generation on the page


def leave(
    e: Experiment, data: WrittenGrammar, traces: Mapping[Any, Any], folder: Path
) -> None:
    """Write all sentences of the snapshots of the first seed, and a page of some.

    Args:
      e: the experiment.
      data: the grammar that derivations are of.
      traces: key of a condition -> `samples` [snapshots, rows, length], or with seeds
        in between, rules as numbers.
      folder: folder of the run.
    """
    if not e.snapshots:
        return
    (folder / FOLDER).mkdir(exist_ok=True)
    page = ["# Sentences that models generate", "", "First seed."]
    for condition in e.conditions():
        values = [condition.workflow.label, *(condition[axis] for axis in e.several())]
        page += ["", f"## {', '.join(map(str, values))}"]
        samples = traces[condition.key]["samples"]
        samples = samples if samples.ndim == 3 else samples[:, 0]
        for t, rows in zip(sorted(e.snapshots), samples, strict=True):
            found = [data.sentence(row.astype(int)) for row in rows]
            file = "-".join([*map(str, values), f"{t}.txt"]).replace(" ", "_")
            _write(folder / FOLDER / file, "\n".join(found) + "\n")
            many = f"{len(set(found))} distinct of {len(found)}"
            page += ["", f"Generation {t}: {many}.", "", "```text"]
            page += [*found[:_SHOWN], "```"]
    _write(folder / PAGE, "\n".join(page) + "\n")


def _write(path: Path, text: str) -> None:
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
