"""Character-level transformers under any workflow: `python -m collapse.sims.charlm`.

A small transformer learns real text and generates as much; the next one learns that
text. What is forgotten shows on held-out real text, in rare words and rare n-grams.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from collapse.data.text_blocks import TextRows, fingerprinted, text_rows
from collapse.data.vocabulary import decode
from collapse.experiment.results import atomic
from collapse.experiment.spec import spelled
from collapse.lab import run as runner
from collapse.sims.charlm.experiment import CharlmExperiment
from collapse.sims.charlm.measures import real_level
from collapse.sims.charlm.task import setup

_SHOWN = (0, 1, 5, 9)  # generations on the page of continuations
TEXTS = "texts"


def caption(experiment: CharlmExperiment) -> str:
    """Caption of the default figure, with the values of new real text."""
    e = experiment
    length = f"{e.steps} steps" if e.steps else f"{e.epochs:g} epochs"
    origin = f"{Path(e.pretrain).name}'s pretrained" if e.pretrain else "new"
    origin = origin if e.start == "scratch" else "the previous"
    rows = spelled(e.samples_per_generation)
    said = [
        f"{e.data}: transformer {e.size}, {rows} rows of {e.block} characters",
        f"{length} from {origin} weights",
    ]
    if e.prompts:
        said.append("writing on from real blocks")
    if e.beams > 1:
        said.append(f"{e.beams} beams")
    else:
        said.append(f"temperature {spelled(e.temperature)}")
    cuts = {"top_k": e.top_k, "top_p": e.top_p % 1}
    said += [f"{name} {getattr(e, name):g}" for name, own in cuts.items() if own]
    if e.repetition_penalty != (1.0,):
        said.append(f"repetition penalty {spelled(e.repetition_penalty)}")
    said.append(e.repetitions())
    real = real_level(load(e), e.measured_rows)
    return (
        f"{'; '.join(said)}. New real text, the test part: tail mass "
        f"{real['tail_mass_10pct']:.2f}, survival {real['word_survival']:.2f}, unknown "
        f"words {real['hallucinated_share']:.1%}."
    )


def load(experiment: CharlmExperiment) -> TextRows:
    """The text that an experiment names, cut into sequences."""
    data = text_rows(experiment.data, experiment.block)
    return fingerprinted(data, experiment.pretrain) if experiment.pretrain else data


def derive(experiment: CharlmExperiment, dataset: xr.Dataset) -> xr.Dataset:
    """Add what the measures give for new real text."""
    level = real_level(load(experiment), experiment.measured_rows)
    return dataset.assign_attrs(real_text=json.dumps(level))


def leave(
    experiment: CharlmExperiment,
    data: TextRows,
    traces: Mapping[tuple[Any, ...], Mapping[str, Any]],
    place: Path,
) -> None:
    """Save all generated text, and a page of continuations of one prompt."""
    folder, letters = place / TEXTS, data.text.vocabulary
    folder.mkdir(exist_ok=True)
    half = experiment.block // 2 - 1
    page = ["# One prompt, continued by each generation", ""]
    axes = [a for a in experiment.axes() if len(getattr(experiment, a)) > 1]
    for key, trace in traces.items():
        cell = dict(zip((*experiment.axes(), "workflow"), key, strict=True))
        name = ", ".join([str(cell["workflow"]), *(f"{a} {cell[a]}" for a in axes)])
        page += [f"## {name}", "", "First seed. The prompt, then what follows.", ""]
        for t, tokens in enumerate(trace["continued"][0]):
            if t in (*_SHOWN, experiment.num_generations):
                text = decode(tokens, letters)
                page += [f"Generation {t}:", "", "```text"]
                page += [text[:half] + "|" + text[half:], "```", ""]
        for seed, of_seed in enumerate(trace["text"]):
            for t, rows in enumerate(of_seed):
                file = f"{name.replace(', ', '-').replace(' ', '_')}-{seed}-{t}.txt"
                text = "\n----\n".join(decode(row, letters) for row in rows)
                with atomic(folder / file) as temporary:
                    temporary.write_text(text + "\n", encoding="utf-8")
    with atomic(place / "continuations.md") as temporary:
        temporary.write_text("\n".join(page), encoding="utf-8")


FAMILY = runner.Family(
    module="charlm",
    default=CharlmExperiment(),
    description="A language model trained on text that earlier ones wrote.",
    panels=("bits_per_character", "tail_mass_10pct", "word_survival"),
    table=(
        "bits_per_character",
        "tail_mass_10pct",
        "word_survival",
        "hallucinated_share",
    ),
    setup=setup,
    theory=lambda experiment, cell, label: {},
    caption=caption,
    load=load,
    derive=derive,
    leave=leave,
)
