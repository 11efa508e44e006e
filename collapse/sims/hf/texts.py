"""The caption of a run with pretrained models, and its files of generated text."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from collapse.experiment.base import spelled
from collapse.experiment.text import pages
from collapse.sims.hf.fields import HfFields

if TYPE_CHECKING:
    import xarray as xr

NOTHING = -1  # in place of a token behind the end of a text


def settings(e: HfFields) -> list[str]:
    """Phrases on the model, its training and its decoding, for captions."""
    length = f"{e.steps} steps" if e.steps else f"{e.epochs:g} epochs"
    origin = "the model's own" if e.start == "base" else "the previous"
    trained = f"adapters of rank {e.lora_rank}" if e.lora_rank else "all weights"
    phrases = [f"{trained} trained", f"{length} from {origin} weights"]
    return [*phrases, *e.decoding_words()]


def caption(e: HfFields, real: Mapping[str, float]) -> str:
    """The caption of the default figure.

    Args:
      e: the experiment.
      real: measure -> its value for new real text.
    """
    what = "responses" if e.of_responses else f"blocks of {e.block} tokens"
    rows = f"{spelled(e.samples_per_generation)} {what}"
    model = Path(e.model).name or e.model
    phrases = [f"{model} on {e.data}: {rows}", *settings(e), e.repetitions()]
    return pages.caption(phrases, real)


def with_attributes(
    dataset: "xr.Dataset", real: Mapping[str, float], device: str
) -> "xr.Dataset":
    """The dataset, with the metrics of new real text, and what torch ran on."""
    return pages.with_real_level(dataset, real).assign_attrs(torch_device=device)


def leave(
    e: HfFields, data: Any, traces: Mapping[Any, Any], folder: Path, tokenizer: Any
) -> None:
    """Write all generated text, and a page of continuations of one prompt.

    Args:
      e: the experiment.
      data: that it was run on.
      traces: key of a condition -> `text` [S, G + 1, rows, length] and `continued`
        [S, G + 1, length], tokens with `NOTHING` behind their end.
      folder: folder of the run.
      tokenizer: of the model.
    """
    prompt = tokenizer.decode(data.test.tokens[0][: prompt_length(data.test, 0)])
    read = functools.partial(decoded, tokenizer)
    head = ["", *pages.fenced(prompt)]
    pages.leave(list(e.conditions()), traces, folder, read, read, "First seed.", head)


def prompt_length(rows: Any, row: int) -> int:
    """Tokens of a row that are its prompt: of running text the whole row."""
    return int(rows.first[row]) or int(rows.end[row])


def decoded(tokenizer: Any, tokens: np.ndarray) -> str:
    """The text of tokens, up to `NOTHING`, without special ones."""
    own = np.asarray(tokens)
    return tokenizer.decode(own[own != NOTHING], skip_special_tokens=True)
