"""The command for pretrained models: what it leaves, refuses, and how it goes on."""

import copy
import json

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
import xarray as xr
from hf_cases import TEXT, make_model, make_pairs

from collapse.lab import checkpoint, commands, parts
from collapse.lab import run as runner
from collapse.sims.hf import Hf, training
from collapse.sims.hf import data as hf_data
from collapse.sims.hf.measures import rare_tokens

ROWS, GENERATIONS = 8, 1
SMALL = ["--samples-per-generation", "12", "--measured-rows", str(ROWS), "--quiet"]
SMALL += ["--num-generations", str(GENERATIONS)]
SMALL += ["--learning-rate", "0.01", "--batch-size", "4", "--length", "32"]
TWO = ["--num-generations", "2"]
PAIRS = ["--data", "pairs.jsonl", "--workflows", "accumulate", "--num-seeds", "2"]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """Run in a folder that holds a text and instructions."""
    monkeypatch.chdir(tmp_path)
    make_pairs(tmp_path / "pairs.jsonl")
    (tmp_path / "text.txt").write_text(TEXT.read_text()[:6000])


def run(model, *arguments):
    return runner.main(Hf, ["--model", str(model), *SMALL, *arguments])


def results(name):
    return xr.open_dataset(f"{name}/results.nc", engine="h5netcdf")


def test_a_resumed_run_is_bitwise_an_uninterrupted_one(
    model, tmp_path, monkeypatch, capsys
):
    """And what it leaves: results, texts, a profile, provenance."""
    assert run(model, *PAIRS, "--out", "whole") == 0
    save = checkpoint.save

    def stop(*given):
        save(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(parts.checkpoint, "save", stop)
        assert run(model, *PAIRS, "--out", "part") == 130
    assert not (tmp_path / "part" / "results.nc").exists()
    assert run(model, *PAIRS, "--out", "part", "--resume") == 0
    whole = results("whole")
    assert whole.drop_attrs().identical(results("part").drop_attrs())

    assert dict(whole.sizes) | {"row_perplexity": 60} == {
        **{"workflow": 1, "seed": 2, "generation": GENERATIONS + 1},
        "row_perplexity": 60,
    }
    for name in Hf().known_metrics():
        assert np.isfinite(whole[name]).all(), name
    assert not np.isclose(
        *whole.test_loss.values[0, :, 0]
    )  # seeds have rows of their own
    counted = whole.fit_tokens.sel(workflow="accumulate").values
    assert (np.diff(counted) > 0).all()  # its data grow
    same = whole.own_token_perplexity == whole.first_token_perplexity
    assert same[..., 0].all() and not same[..., 1].any()
    np.testing.assert_allclose(whole.first_token_histogram.sum("row_perplexity"), 1)
    told = json.loads(whole.attrs["environment"])
    assert told["packages"]["torch"] == torch.__version__
    assert whole.attrs["torch_device"] == "cpu"
    place = tmp_path / "whole"
    assert len(list((place / "texts").iterdir())) == 2 * 2
    text = (place / "texts" / "accumulate-0-1.txt").read_text()
    assert text.count("\n----\n") == ROWS - 1
    assert "say " in (place / "continuations.md").read_text()
    assert {"figure.svg", "profile.csv", "summary.csv"} <= {
        path.name for path in place.iterdir()
    }
    capsys.readouterr()
    assert commands.main(["show", "whole"]) == 0
    assert "test_loss" in capsys.readouterr().out


def test_adapters_that_carry_on_and_beams(model, monkeypatch):
    """Blocks of text continued by beams, some of them real; `start` at the last."""
    pytest.importorskip("peft")
    seen = []
    arguments = ["--data", "text.txt", "--block", "8", "--beams", "2", "--num-seeds"]
    arguments += ["1", "--lora-rank", "2", "--workflows", "mix", "--real-fraction"]
    arguments += ["0.5", "--keep", "best", "--out", "a"]
    train = training.train

    def watched(network, begin, rows, *rest):
        found = train(network, begin, rows, *rest)
        seen.append((begin, found.weights, rows))
        return found

    monkeypatch.setattr(training, "train", watched)
    assert run(model, *arguments, "--start", "previous", *TWO) == 0
    assert all("lora" in name for name in seen[0][0])
    for (_, end, _), (begin, *_) in zip(seen, seen[1:], strict=False):
        for name in end:
            np.testing.assert_array_equal(end[name], begin[name])
    real = {tuple(row) for row in seen[0][2].tokens}
    for _, _, rows in seen[1:]:
        assert sum(tuple(row) in real for row in rows.tokens) == 6  # half are real


def test_every_generation_begins_at_the_base_and_generates_what_it_is_asked_for(
    model, monkeypatch
):
    """All rows of `replace_multiple` are new, and as many as it wants."""
    seen, train = [], training.train

    def watched(network, begin, rows, weights, *rest):
        seen.append((begin is network.base, int((weights > 0).sum())))
        used = rows.tokens[weights > 0]
        assert len(np.unique(used, axis=0)) == len(used)
        return train(network, begin, rows, weights, *rest)

    monkeypatch.setattr(training, "train", watched)
    own = ["--data", "text.txt", "--block", "8", "--num-seeds", "1", "--out", "a"]
    assert run(model, *own, "--workflows", "replace_multiple", *TWO) == 0
    assert seen == [(True, 12), (True, 24), (True, 36)]


BAD = [
    (["--data", "text.txt", "--learn", "responses"], "responses are read from .jsonl"),
    (["--data", "other.jsonl"], "line 1: no field 'prompt'; name one with --prompt-f"),
    (
        ["--response-field", "score"],
        "'score' is not text but int; name another with --",
    ),
    (["--data", "empty.jsonl"], "line 2: field 'response' is empty; remove the line"),
    (["--data", "few.jsonl"], "few.jsonl: 3 records are too few for three parts"),
    (["--data", "text.txt", "--block", "33"], "block: a block of 33 tokens is contin"),
    (["--length", "65"], "length: 65 tokens, but this model takes 64; give at most"),
    (["--length", "9"], "every prompt of the train part fills --length 9"),
    (["--template", "say it"], "template: 'say it' has no {prompt}"),
    (["--template", "chat"], "template: this tokenizer has no chat template"),
    (["--samples-per-generation", "49"], "49 rows are needed but pairs.jsonl has 48"),
    (["--device", "cuda:99"], "device: cuda:99 is not here"),
    (["--device", "quantum"], "device: quantum is not here"),
]


@pytest.mark.parametrize(("arguments", "said"), BAD)
def test_bad_input_is_one_line(model, tmp_path, capsys, arguments, said):
    make_pairs(tmp_path / "few.jsonl", 3)
    (tmp_path / "other.jsonl").write_text('{"question": "a", "response": "b"}\n')
    (tmp_path / "empty.jsonl").write_text(
        '{"prompt": "a", "response": "b"}\n{"prompt": "a", "response": " "}\n'
    )
    before = sorted(tmp_path.rglob("*"))
    assert run(model, "--data", "pairs.jsonl", *arguments) == 2
    printed = capsys.readouterr().err
    assert said in printed and printed.startswith("error: ")
    assert printed.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_what_does_not_go_with_a_model_is_refused(tmp_path, capsys):
    """Text shorter than a block; no tokenizer; no architecture. Files are read anew."""
    folder = tmp_path / "model"
    make_model(folder, positions=40_000)

    def said(*arguments):
        assert run(folder, *arguments) == 2
        printed = capsys.readouterr().err
        assert printed.count("\n") == 1
        return printed

    short = said("--data", "text.txt", "--block", "4000")
    assert "tokens, fewer than a block of 4000; give more text or a small" in short
    (folder / "tokenizer.json").rename(tmp_path / "t")
    assert "no tokenizer can be read" in said("--data", "pairs.jsonl")
    (folder / "config.json").write_text("{}")
    assert "cannot be read" in said("--data", "pairs.jsonl")


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ("training.token_losses", "batch_size"),
        ("scoring.token_losses", "generation_ba"),
    ],
)
def test_a_full_gpu_is_bad_input(model, monkeypatch, capsys, place, field):
    def full(*_):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 TB.")

    monkeypatch.setattr(f"collapse.sims.hf.{place}", full)
    assert run(model, *PAIRS, "--out", "a") == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {field}") and "CUDA out of memory" in said
    assert "give less than --" in said and said.count("\n") == 1


def test_a_folder_of_parts_is_taken_as_it_is(model, tmp_path):
    """A validation part is the test part, too, where there is none."""
    for part, num in (("train", 30), ("validation", 10)):
        make_pairs(tmp_path / f"{part}.jsonl", num, seed=num)
    e = Hf(model=str(model), data=str(tmp_path), length=64)
    assert e.of_responses
    found = hf_data.load(e)
    assert [len(x.tokens) for x in (found.rows, found.validation, found.test)] == [
        *(30, 10, 10)
    ]
    tokenizer = hf_data.tokenizer_of(str(model))
    records = [json.loads(line) for line in open(tmp_path / "train.jsonl")]
    for record, tokens, first, end in zip(records, *found.rows, strict=True):
        assert tokenizer.decode(tokens[:first]) == f"{record['prompt']}\n\n"
        assert tokenizer.decode(tokens[first : end - 1]) == record["response"]
        assert tokens[end - 1] == tokenizer.eos_token_id
    make_pairs(tmp_path / "train.jsonl", 31)
    assert len(hf_data.load(e).train) == 31  # read anew


def test_a_chat_template_is_that_of_the_tokenizer(model):
    tokenizer = copy.deepcopy(hf_data.tokenizer_of(str(model)))
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}me: {% endif %}"
    )
    tokens = hf_data._template(tokenizer, "chat")("the moon")
    assert tokenizer.decode(tokens) == "user: the moon\nme: "


def test_rare_tokens_are_the_rarest_tenth_of_those_that_are_known():
    train = hf_data.TokenRows(
        np.array([[9, 1, 1, 1, 2, 2, 3]]), np.array([1]), np.array([7])
    )
    tokens = np.array([[3, 1, 1, 1, 1, 2, 4, 1, 1, 1, 1, 2, 9, 3, 3]])
    rows = hf_data.TokenRows(tokens, np.array([1]), np.array([13]))
    (rare,) = rare_tokens(train, rows)  # 4 and 9 are not known, the last 3 is padding
    assert list(np.flatnonzero(rare)) == [5, 11]
    rows = hf_data.TokenRows(np.tile(tokens, 2), np.array([1]), np.array([30]))
    (rare,) = rare_tokens(train, rows)
    assert set(np.tile(tokens[0], 2)[rare]) == {3}
