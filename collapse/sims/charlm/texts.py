"""The caption of a run with language models, and its files of generated text."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from collapse.data.text.blocks import TextRows, evenly
from collapse.data.text.split import spaced
from collapse.data.vocabulary import UNKNOWN, decode
from collapse.experiment.base import spelled
from collapse.experiment.text import pages
from collapse.sims.charlm.fields import CharlmFields

if TYPE_CHECKING:
    import xarray as xr


def settings(e: CharlmFields) -> list[str]:
    """Phrases on the network, its training and its decoding, for captions."""
    origin = f"{Path(e.pretrain).name}'s pretrained" if e.pretrain else "new"
    origin = origin if e.start == "scratch" else "the previous"
    phrases = [
        f"transformer {spelled(e.size)}",
        f"{e.length_words()} from {origin} weights",
        *e.architecture_words(),
    ]
    if e.prompts:
        phrases.append("continuing real blocks")
    return [*phrases, *e.decoding_words()]


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
    return pages.caption(phrases, real)


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
    half = e.block // 2 - 1

    def continued(tokens: np.ndarray) -> str:
        return "|".join(decode(x, data.vocabulary) for x in np.split(tokens, [half]))

    pages.leave(
        list(e.conditions()),
        traces,
        folder,
        lambda row: decode(row, data.vocabulary),
        continued,
        "First seed. The prompt, then what follows.",
    )
