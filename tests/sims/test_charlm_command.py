"""The command for language models: what it leaves, what it refuses, how it goes on."""

import contextlib
import dataclasses
import json
import random
import resource
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
import xarray as xr

from collapse.figures.redraw import redraw
from collapse.lab import checkpoint, parts, session
from collapse.lab import prepare as preparing
from collapse.lab import run as runner
from collapse.measures.catalogue import EXCESS_LOSS
from collapse.models.language import decoding
from collapse.models.language.architecture import SIZES, Size
from collapse.sims.charlm import Charlm
from collapse.sims.mixing import Mixing

MEASURED = {*Charlm.catalogue} - {EXCESS_LOSS}  # which is measured if it is named

# programs and texts of this file are made once, by one worker
pytestmark = pytest.mark.xdist_group("charlm_command")

BLOCK, ROWS, GENERATIONS, SEEDS = 16, 8, 2, 2
SMALL = ["--data", "text.txt", "--block", str(BLOCK), "--measured-rows", str(ROWS)]
SMALL += ["--samples-per-generation", "16", "--steps", "3", "--quiet"]
SMALL += ["--num-generations", str(GENERATIONS), "--num-seeds", str(SEEDS)]
SMALL += ["--workflows", "replace", "accumulate"]


CHINESE = "子曰學而時習之，不亦說乎。\n有朋自遠方來，不亦樂乎。\n"


def text_of(num, seed=0):
    """Lines of words that are more or less frequent."""
    words = "a we see the sun and moon go by far away but no kite ends up here".split()
    pick, text = random.Random(seed), ""
    while len(text) < num:
        text += words[int(len(words) * pick.random() ** 2)] + pick.choice("   \n")
    return text[:num]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """Run in a folder that holds a text."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text(text_of(3000))


PROGRAMS, COMPILE = {}, preparing.compiled


def run(*arguments, file=()):
    """The exit code of a command: quick to compile, and that only once."""

    def shared(condition, task):
        # another text may have another vocabulary
        own = condition.experiment
        name = (own.data, own.unknown, Path.cwd() if own.data != "text.txt" else "")
        name = (*name, task.program)
        if name not in PROGRAMS:
            PROGRAMS[name] = COMPILE(condition, task)
        return PROGRAMS[name]

    with (
        pytest.MonkeyPatch.context() as patch,
        jax.enable_x64(False),  # as `configure` would
        jax.numpy_dtype_promotion("standard"),
    ):
        patch.setattr(session, "configured", lambda *_: contextlib.nullcontext())
        patch.setitem(SIZES, "nano", Size(1, 8, 1))
        patch.setattr(decoding, "_STAGES", 1)
        patch.setattr(preparing, "compiled", shared)
        return runner.main(Charlm, [*file, *SMALL, *arguments])


def opened(place):
    with xr.open_dataset(place / "results.nc", engine="h5netcdf") as data:
        return data.load()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a run that nothing disturbed."""
    place = tmp_path_factory.mktemp("charlm")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        (place / "text.txt").write_text(text_of(3000))
        assert run("--out", "a") == 0
    return place / "a"


def test_every_metric_of_every_generation_is_kept(whole):
    data = opened(whole)
    sizes = {"workflow": 2, "seed": SEEDS, "generation": GENERATIONS + 1}
    for name in MEASURED:
        assert dict(data[name].sizes) == sizes, name
        assert np.isfinite(data[name].values).all(), name
        assert data[name].attrs["long_name"] and data[name].attrs["units"]
    assert data.finite.all() and (data.fit_steps == 3).all()
    histogram = data.first_histogram
    assert histogram.dims == (*sizes, "row_perplexity")
    np.testing.assert_allclose(histogram.sum("row_perplexity"), 1)
    np.testing.assert_allclose(
        np.log2(data.perplexity), data.bits_per_character, rtol=1e-5
    )
    assert len(np.unique(data.bits_per_character.sel(workflow="replace"))) == 6


def test_generation_zero_is_the_same_under_all_workflows(whole):
    data = opened(whole)
    one, other = (data.sel(workflow=w) for w in ("replace", "accumulate"))
    for name in MEASURED:
        found = [part[name].isel(generation=0).values for part in (one, other)]
        np.testing.assert_array_equal(*found, err_msg=name)
    later = [p.bits_per_character.isel(generation=2).values for p in (one, other)]
    assert (later[0] != later[1]).all()
    for seed in range(SEEDS):
        files = [
            (whole / "texts" / f"{w}-{seed}-0.txt").read_bytes()
            for w in ("replace", "accumulate")
        ]
        assert files[0] == files[1]


def test_generation_zero_judges_its_own_text_as_its_own(whole):
    """Its perplexity is of its own weights in generation 0, of other text later."""
    zero = opened(whole).isel(generation=0)
    np.testing.assert_array_equal(zero.first_perplexity, zero.self_perplexity)
    later = opened(whole).isel(generation=slice(1, None))
    assert (later.first_perplexity != later.self_perplexity).all()


def test_texts_are_kept_for_every_workflow_seed_and_generation(whole):
    found = {path.name: path.read_text() for path in (whole / "texts").iterdir()}
    assert set(found) == {
        f"{workflow}-{seed}-{t}.txt"
        for workflow in ("replace", "accumulate")
        for seed in range(SEEDS)
        for t in range(GENERATIONS + 1)
    }
    assert len(set(found.values())) == 10  # generations 0 are shared
    for text in found.values():
        rows = text.removesuffix("\n").split("\n----\n")
        assert len(rows) == ROWS and {len(row) for row in rows} == {BLOCK}
        assert set("".join(rows)) <= set(text_of(3000))


def test_continuations_show_one_prompt_for_all(whole):
    page = (whole / "continuations.md").read_text()
    shown = [part.split("\n```\n")[0] for part in page.split("```text\n")[1:]]
    assert len(shown) == 2 * (GENERATIONS + 1)
    prompts = {text.split("|")[0] for text in shown}
    (prompt,) = prompts
    assert len(prompt) == BLOCK // 2 - 1 and prompt in text_of(3000)[2300:]
    assert {len(text) for text in shown} == {BLOCK}  # the bar for the mark


@pytest.mark.parametrize("saves", [pytest.param(2, marks=pytest.mark.slow), 4])
def test_a_resumed_run_is_bitwise_an_uninterrupted_one(tmp_path, whole, saves):
    """Stopped in the first workflow, and in the second."""
    real, count = checkpoint.save, []

    def save(path, progress):
        real(path, progress)
        count.append(path)
        if len(count) == saves:
            raise parts.Interrupted("stop")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "save", save)
        assert run("--out", "a") == 130
    assert not (tmp_path / "a" / "results.nc").exists()
    assert run("--out", "a", "--resume") == 0
    found = opened(tmp_path / "a").drop_attrs()
    assert found.identical(opened(whole).drop_attrs())
    for path in [*(whole / "texts").iterdir(), whole / "continuations.md"]:
        own = tmp_path / "a" / path.relative_to(whole)
        assert own.read_bytes() == path.read_bytes()


def test_a_full_disk_costs_no_generation_that_is_done(tmp_path, whole, capsys):
    unit = resource.getrlimit(resource.RLIMIT_FSIZE)
    real, count = checkpoint.save, []

    def save(path, progress):
        count.append(progress.done)
        most = 1000 if len(count) == 3 else unit[0]  # bytes, less than a checkpoint
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, unit[1]))
        try:
            real(path, progress)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, unit)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "save", save)
        assert run("--out", "a") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("a keeps what was done: see --resume")
    assert run("--out", "a", "--resume") == 0
    assert opened(tmp_path / "a").drop_attrs().identical(opened(whole).drop_attrs())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "empty.txt"], "empty.txt: the file is empty"),
        (["--data", "binary.txt"], "binary.txt: not text: a zero byte at offset 1"),
        (["--data", "none.txt"], "none.txt: no such file"),
        (["--data", "strange"], "strange/test.txt: line 2, column 1: 'Ω' (U+03A9)"),
        (["--data", "short.txt"], "short.txt: 500 characters are too few"),
        (["--block", "400"], "text.txt: the validation part has "),
        (["--block", "4"], "block: 4; give at least 8"),
        (["--size", "giant"], "size: unknown 'giant'; known are nano, micro, mini"),
        (["--temperature", "-1"], "temperature: -1; give a number from 0 to 1000"),
        (["--temperature", "0"], "temperature: at 0 all rows would be alike"),
        (
            ["--temperature", "1", "1e-38"],
            "temperature: at 1e-38 all rows would be alike without prompts; add "
            "--prompts or give at least 1e-06",
        ),
        (
            ["--prompts", "--temperature", "1e-7", "--workflows", "replace_multiple"],
            "workflows: replace_multiple would generate the same rows",
        ),
        (["--data", "strange"], "have it there, too, or give --unknown replace"),
        (["--data", "a.jsonl", "--field", "body"], "a.jsonl: line 2: no field 'body'"),
        (["--unknown", "drop"], "unknown: unknown 'drop'; known are error, replace"),
        (["--characters", "10"], "characters: 10; give 0, or at least 1000"),
        (
            ["--data", "chinese.txt", "--metrics", "perplexity", "word_survival"],
            "metrics: word_survival is of words, but of chinese.txt 100% of the "
            "letters are of scripts without spaces; give --metrics without it",
        ),
        (["--prompts", "--beams", "3", "--top-k", "4"], "beams: beam search takes"),
        (
            ["--prompts", "--beams", "3", "--temperature", "0.5"],
            "beams: beam search takes the most likely text",
        ),
        (
            ["--prompts", "--beams", "100000"],
            "beams: 100000; give a number from 1 to 100",
        ),
        (
            ["--prompts", "--beams", "3", "--workflows", "replace_multiple"],
            "workflows: replace_multiple would generate the same rows",
        ),
        (["--temperature", "nan"], "temperature: nan; give a number from 0 to 1000"),
        (["--temperature"], "temperature: empty; give at least one value"),
        (["--top-p", "0"], "top_p: 0; give a number above 0 and at most 1"),
        (["--top-k", "-1"], "top_k: -1; give a number from 0"),
        (["--beams", "3"], "beams: without prompts all rows would be alike"),
        (["--prompts", "--positions", "learned"], "prompts: learned positions end"),
        (
            ["--repetition-penalty", "0.5"],
            "repetition_penalty: 0.5; give a number from 1",
        ),
        (["--learning-rate", "0"], "learning_rate: 0; give a number above 0"),
        (["--steps", "-1"], "steps: -1; give a number from 0"),
        (["--epochs", "0", "--steps", "0"], "epochs: 0 trains nothing"),
        (["--precision", "float64"], "precision: networks run in float32"),
        (["--snapshots", "1"], "snapshots: texts of all generations are kept"),
        (["--samples-per-generation", "999"], "999 rows of 16 characters are needed"),
        (
            ["--samples-per-generation", "0"],
            "samples_per_generation: 0; give a number from 1",
        ),
        (["--metrics", "bits"], "metrics: unknown 'bits'"),
        (["--out", "text.txt"], "out: text.txt is a file"),
        (["--out", "text.txt/a"], "out: text.txt/a cannot be written"),
        (["--pretrain", "none.txt"], "none.txt: no such file"),
        (["--pretrain", "greek.txt"], "pretrain: greek.txt has 'Ω'"),
        (["--pretrain", "few.txt"], "few.txt: 300 characters are too few"),
    ],
)
def test_bad_input_ends_in_one_line_and_leaves_nothing(
    tmp_path, capsys, arguments, said
):
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "binary.txt").write_bytes(b"a\0" * 999)
    (tmp_path / "short.txt").write_text(text_of(500))
    (tmp_path / "greek.txt").write_text(text_of(3000).replace("k", "Ω"))
    (tmp_path / "few.txt").write_text(text_of(300))
    (tmp_path / "a.jsonl").write_text('{"body": "a"}\n{"text": "b"}\n')
    (tmp_path / "chinese.txt").write_text(CHINESE * 100)
    (tmp_path / "strange").mkdir()
    for part, more in (("train", "\n"), ("validation", ""), ("test", "\nΩ")):
        (tmp_path / "strange" / f"{part}.txt").write_text("a b " * 400 + more)
    before = sorted(tmp_path.rglob("*"))
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert said in error and error.startswith("error: ") and error.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


MANY = ["--prompts", "--beams", "2", "--repetition-penalty", "1", "2"]
MANY += ["--keep", "best", "--pretrain", "more.txt", "--pretrain-steps", "2"]
MANY += ["--workflows", "replace", "mix", "--real-fraction", "0.5"]


@pytest.mark.slow
def test_every_way_of_training_and_writing_goes_through_the_command(tmp_path):
    (tmp_path / "more.txt").write_text(text_of(3000, seed=5))
    assert run("--out", "a", *MANY) == 0
    data = opened(tmp_path / "a")
    assert dict(data.bits_per_character.sizes) == {
        "repetition_penalty": 2,
        "workflow": 2,
        "seed": SEEDS,
        "generation": GENERATIONS + 1,
    }
    assert data.finite.all() and ((data.fit_kept >= 1) & (data.fit_kept <= 3)).all()
    # what is written depends on the penalty from generation 0 on, the fit only later
    one, two = (data.bits_per_character.sel(repetition_penalty=p) for p in (1, 2))
    same = (one == two).all(["workflow", "seed"]).values
    assert same[0] and not same[1:].any()
    first, second = (
        (tmp_path / "a" / "texts" / f"replace-repetition_penalty_{p}-0-0.txt")
        for p in (1.0, 2.0)
    )
    assert first.read_text() != second.read_text()
    # a row goes on from a real block, and is none itself
    plain = opened_texts(first)
    assert not any(row in text_of(3000) for row in plain)


def test_the_lowest_temperatures_are_that_of_0(tmp_path):
    """Rounding once made NaN of the logits, and the first character of all texts."""
    own = ["--prompts", "--workflows", "replace", "--num-generations", "1"]
    for temperature in ("0", "1e-38"):
        assert run("--out", temperature, *own, "--temperature", temperature) == 0
    texts = [
        {path.name: path.read_text() for path in (tmp_path / out / "texts").iterdir()}
        for out in ("0", "1e-38")
    ]
    assert texts[0] == texts[1] and len(texts[0]) == SEEDS * 2
    assert len(set("".join(texts[1].values()))) > 8  # not one character for ever


def test_a_text_without_spaces_has_no_measures_of_words(tmp_path, capsys):
    """They are left out, also of the figure and the table, and that is said."""
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "a.md").write_text(CHINESE * 60)
    (tmp_path / "folder" / "deep" / "b.txt").write_text(CHINESE * 40 + "岂" * 30)
    loud = ["--data", "folder", "--unknown", "replace", "--workflows", "replace"]
    arguments = [one for one in SMALL if one != "--quiet"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules[__name__], "SMALL", arguments)
        assert run("--out", "a", *loud, "--samples-per-generation", "16") == 0
    out, err = capsys.readouterr()
    (said,) = [line for line in err.splitlines() if line.startswith("folder: ")]
    assert said.startswith("folder: 2 files, 2 730 characters, 22 distinct; held out ")
    assert "% of the held-out characters (1 distinct) are unknown and read as" in said
    assert said.endswith("without spaces: measures of words are left out")
    data = opened(tmp_path / "a")
    of_words = {"tail_mass_10pct", "tail_mass_1pct", "word_survival", "distinct_1"}
    of_words |= {"distinct_2", "distinct_3", "hallucinated_share"}
    assert not of_words & set(data.data_vars) and data.finite.all()
    assert MEASURED - of_words <= set(data.data_vars)
    assert "bits_per_character" in out and "word_survival" not in out
    assert not of_words & set(json.loads(data.attrs["real_text"]))
    levels = json.loads(data.bits_per_character.attrs["levels"])
    assert list(levels) == ["3-gram", "4-gram", "5-gram"]
    assert max(levels.values()) < 0.3 < float(data.bits_per_character.min())
    figure = json.loads(data.attrs["figure"])
    assert figure["metrics"] == ["bits_per_character"]
    assert figure["caption"].endswith("Written without spaces: no measures of words.")
    assert "unknown characters are read as \ufffd" in figure["caption"]


def test_a_quick_run_reads_the_beginning_of_a_large_text(tmp_path):
    """Enough for the sequences that are asked for, and all that is asked for."""
    (tmp_path / "large.txt").write_text(text_of(600_000))
    made = Charlm(data="large.txt")
    experiment, data = runner.prepare(made, quick=True)
    sizes = [len(part) for part in data.text[:3]]
    assert sizes == [160_000, 20_000, 20_000]
    assert experiment.characters == 200_000 and experiment.load() is data
    asked = dataclasses.replace(made, samples_per_generation=(1000,))
    assert sum(map(len, runner.prepare(asked, quick=True)[1].text[:3])) == 256_000
    study = Mixing(model="charlm", samples_per_generation=(2000,), precision="float32")
    study = study.with_values({"data": "large.txt"})
    _, data = runner.prepare(study, quick=True)
    assert sum(map(len, data.text[:3])) == 512_000
    own = dataclasses.replace(made, characters=50_000)
    assert sum(map(len, runner.prepare(own, quick=True)[1].text[:3])) == 50_000
    assert runner.prepare(made)[1].train.size > 470_000


def opened_texts(path):
    return path.read_text().removesuffix("\n").split("\n----\n")


TWO_FIGURES = """
[[figure]]
metrics = ["bits_per_character", "word_survival"]
[[figure]]
name = "histogram"
metrics = ["first_histogram"]
x = "row_perplexity"
hue = "generation"
generations = [0, 2]
x_scale = "log"
"""


def test_a_declaration_may_have_several_figures(tmp_path):
    (tmp_path / "two.toml").write_text(TWO_FIGURES)
    assert run("--out", "a", "--publish", "figures", file=["two.toml"]) == 0
    drawn = {}
    for stem, own in {"two": "", "two_histogram": "_histogram"}.items():
        data = tmp_path / "figures" / "data" / f"{stem}.nc"
        svg = tmp_path / "figures" / f"{stem}.svg"
        drawn[own] = svg.read_bytes()
        assert (tmp_path / "a" / f"figure{own}.svg").is_file()
        assert redraw(data) == [svg.with_suffix(".png"), svg]
        assert svg.read_bytes() == drawn[own]
    assert drawn[""] != drawn["_histogram"]
    again = redraw(tmp_path / "a" / "results.nc")
    pictures = [file.name for file in again if file.suffix == ".svg"]
    assert pictures == ["results.svg", "results_histogram.svg"]
    with xr.open_dataset(data, engine="h5netcdf") as kept:
        names = {"first_histogram", "first_histogram_difference"}
        assert set(kept.data_vars) == names
        assert kept.generation.values.tolist() == [0, 2]


def test_the_caption_tells_how_models_generate():
    made = Charlm(
        data="text.txt", block=BLOCK, samples_per_generation=(16,), num_seeds=1
    )
    made = dataclasses.replace(made, measured_rows=ROWS)
    caption = made.caption()
    assert caption.startswith("text.txt: transformer nano, 16 rows of 16 characters; 5")
    assert "temperature 1; 1 seed. New real text, the test part: tail mass" in caption
    searching = dataclasses.replace(
        made, prompts=True, beams=5, repetition_penalty=(1.0, 2.0), num_seeds=4
    )
    caption = searching.caption()
    assert "continuing real blocks; 5 beams" in caption
    assert "repetition penalty 1, 2; 4 seeds." in caption
    assert "temperature" not in caption
