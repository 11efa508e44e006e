"""The caption of a run with language models, and its files of generated text."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from collapse.data.text_blocks import TextRows, evenly
from collapse.data.texts import spaced
from collapse.data.vocabulary import UNKNOWN, decode
from collapse.experiment.base import spelled
from collapse.experiment.condition import Condition
from collapse.experiment.files import atomic
from collapse.sims.charlm.fields import CharlmFields

if TYPE_CHECKING:
    import xarray as xr

_SHOWN = (0, 1, 5, 9)  # generations on the page of continuations
TEXTS = "texts"


def settings(e: CharlmFields) -> list[str]:
    """Phrases on the network, its training and its decoding, for captions."""
    steps = [f"{spelled(s for s in e.steps if s)} steps"] if any(e.steps) else []
    epochs = [f"{spelled(e.epochs)} epochs"] if 0 in e.steps else []
    length = " or ".join(epochs + steps)
    origin = f"{Path(e.pretrain).name}'s pretrained" if e.pretrain else "new"
    origin = origin if e.start == "scratch" else "the previous"
    phrases = [f"transformer {spelled(e.size)}", f"{length} from {origin} weights"]
    if e.prompts:
        phrases.append("continuing real blocks")
    if e.beams > 1:
        phrases.append(f"{e.beams} beams")
    else:
        phrases.append(f"temperature {spelled(e.temperature)}")
    cuts = {"top_k": e.top_k, "top_p": e.top_p % 1}
    phrases += [f"{name} {getattr(e, name):g}" for name, own in cuts.items() if own]
    if e.repetition_penalty != (1.0,):
        phrases.append(f"repetition penalty {spelled(e.repetition_penalty)}")
    return phrases


def tested(e: CharlmFields, data: TextRows) -> str:
    """How long the test rows are that are measured; empty where all are alike."""
    if data.pairs is None:
        return ""
    rows = evenly(data.test, e.measured_rows)
    sizes = data.lengths(rows).sum(1)
    return (
        f"{len(rows)} test rows of {min(sizes)} to {max(sizes)} characters, "
        f"{spaced(sizes.sum())} in all"
    )


def caption(e: CharlmFields, real: Mapping[str, float], tested: str = "") -> str:
    """The caption of the default figure.

    Args:
      e: the experiment.
      real: measure -> its value for new real text.
      tested: of the test rows, in words.
    """
    network, *rest = settings(e)
    rows = f"{spelled(e.samples_per_generation)} rows of {e.block} {e.unit}"
    if e.size_of_pairs:
        rows += f" (vocabulary {e.vocabulary})"
    phrases = [f"{e.data}: {network}, {rows}", *rest, e.repetitions()]
    if e.unknown == "replace":
        phrases.append(f"unknown characters are read as {UNKNOWN}")
    if tested:
        phrases.append(tested)
    if "tail_mass_10pct" not in real:
        return f"{'; '.join(phrases)}. Written without spaces: no measures of words."
    return (
        f"{'; '.join(phrases)}. New real text, the test part: tail mass "
        f"{real['tail_mass_10pct']:.2f}, survival {real['word_survival']:.2f}, unknown "
        f"words {real['hallucinated_share']:.1%}."
    )


def with_real_level(dataset: "xr.Dataset", real: Mapping[str, float]) -> "xr.Dataset":
    """The dataset, with the metrics of new real text as a JSON attribute."""
    return dataset.assign_attrs(real_text=json.dumps(real))


def with_levels(dataset: "xr.Dataset", reached: Mapping[str, float]) -> "xr.Dataset":
    """The dataset, whose figures mark the loss that other models reach.

    Args:
      dataset: results.
      reached: name of a model -> its bits a character.
    """
    if "bits_per_character" in dataset:
        dataset = dataset.copy()
        dataset["bits_per_character"].attrs["levels"] = json.dumps(reached)
    return dataset


def leave(
    e: CharlmFields, data: TextRows, traces: Mapping[Any, Any], folder: Path
) -> None:
    """Write all generated text, and a page of continuations of one prompt.

    Args:
      e: the experiment.
      data: that it was run on.
      traces: key of a condition -> `text` [S, G + 1, rows, block] and `continued`
        [S, G + 1, block - 1].
      folder: folder of the run.
    """
    (folder / TEXTS).mkdir(exist_ok=True)
    page = ["# One prompt, continued by each generation", ""]
    for condition in e.conditions():
        trace, name = traces[condition.key], _name(condition)
        page += _continuations(e, name, trace["continued"][0], data.vocabulary)
        for seed, of_seed in enumerate(trace["text"]):
            for t, rows in enumerate(of_seed):
                file = f"{name.replace(', ', '-').replace(' ', '_')}-{seed}-{t}.txt"
                text = "\n----\n".join(decode(r, data.vocabulary) for r in rows)
                _write(folder / TEXTS / file, text + "\n")
    _write(folder / "continuations.md", "\n".join(page))


def _name(condition: Condition[CharlmFields]) -> str:
    """A condition in words: `replace`, or `replace, temperature 0.5`."""
    several = condition.experiment.several()
    return ", ".join(
        [condition.workflow.label, *(f"{axis} {condition[axis]}" for axis in several)]
    )


def _continuations(
    e: CharlmFields, name: str, rows: Any, vocabulary: Sequence[str]
) -> list[str]:
    """Lines with the text with which a condition's models continue the prompt."""
    half = e.block // 2 - 1
    page = [f"## {name}", "", "First seed. The prompt, then what follows.", ""]
    for t, tokens in enumerate(rows):
        if t in (*_SHOWN, e.num_generations):
            begun, rest = (decode(x, vocabulary) for x in np.split(tokens, [half]))
            page += [f"Generation {t}:", "", "```text", f"{begun}|{rest}", "```", ""]
    return page


def _write(path: Path, text: str) -> None:
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
