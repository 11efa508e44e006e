"""The caption of a run with pretrained models, and its files of generated text."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from collapse.experiment.base import spelled
from collapse.experiment.condition import Condition
from collapse.experiment.files import atomic
from collapse.sims.hf.fields import HfFields

if TYPE_CHECKING:
    import xarray as xr

NOTHING = -1  # in place of a token behind the end of a text
_SHOWN = (0, 1, 5, 9)  # generations on the page of continuations
_FOLDER = "texts"


def settings(e: HfFields) -> list[str]:
    """Phrases on the model, its training and its decoding, for captions."""
    length = f"{e.steps} steps" if e.steps else f"{e.epochs:g} epochs"
    origin = "the model's own" if e.start == "base" else "the previous"
    trained = f"adapters of rank {e.lora_rank}" if e.lora_rank else "all weights"
    phrases = [f"{trained} trained", f"{length} from {origin} weights"]
    if e.beams > 1:
        phrases.append(f"{e.beams} beams")
    else:
        phrases.append(f"temperature {spelled(e.temperature)}")
    cuts = {"top_k": e.top_k, "top_p": e.top_p % 1}
    phrases += [f"{name} {getattr(e, name):g}" for name, own in cuts.items() if own]
    if e.repetition_penalty != (1.0,):
        phrases.append(f"repetition penalty {spelled(e.repetition_penalty)}")
    return phrases


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
    if "tail_mass_10pct" not in real:
        return f"{'; '.join(phrases)}. Written without spaces: no measures of words."
    return (
        f"{'; '.join(phrases)}. New real text, the test part: tail mass "
        f"{real['tail_mass_10pct']:.2f}, survival {real['word_survival']:.2f}, unknown "
        f"words {real['hallucinated_share']:.1%}."
    )


def with_attributes(
    dataset: "xr.Dataset", real: Mapping[str, float], device: str
) -> "xr.Dataset":
    """The dataset, with the metrics of new real text, and what torch ran on."""
    return dataset.assign_attrs(real_text=json.dumps(real), torch_device=device)


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
    (folder / _FOLDER).mkdir(exist_ok=True)
    prompt = tokenizer.decode(data.test.tokens[0][: prompt_length(data.test, 0)])
    page = ["# One prompt, continued by each generation", "", "```text", prompt, "```"]
    for condition in e.conditions():
        trace, name = traces[condition.key], _name(condition)
        page += ["", f"## {name}", "", "First seed.", ""]
        for t, tokens in enumerate(trace["continued"][0]):
            if t in (*_SHOWN, e.num_generations):
                said = decoded(tokenizer, tokens)
                page += [f"Generation {t}:", "", "```text", said, "```", ""]
        for seed, of_seed in enumerate(trace["text"]):
            for t, rows in enumerate(of_seed):
                file = f"{name.replace(', ', '-').replace(' ', '_')}-{seed}-{t}.txt"
                text = "\n----\n".join(decoded(tokenizer, row) for row in rows)
                _write(folder / _FOLDER / file, text + "\n")
    _write(folder / "continuations.md", "\n".join(page))


def prompt_length(rows: Any, row: int) -> int:
    """Tokens of a row that are its prompt: of running text the whole row."""
    return int(rows.first[row]) or int(rows.end[row])


def decoded(tokenizer: Any, tokens: np.ndarray) -> str:
    """The text of tokens, up to `NOTHING`, without special ones."""
    own = np.asarray(tokens)
    return tokenizer.decode(own[own != NOTHING], skip_special_tokens=True)


def _name(condition: Condition[HfFields]) -> str:
    """A condition in words: `replace`, or `replace, temperature 0.5`."""
    several = condition.experiment.several()
    return ", ".join(
        [condition.workflow.label, *(f"{axis} {condition[axis]}" for axis in several)]
    )


def _write(path: Path, text: str) -> None:
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
