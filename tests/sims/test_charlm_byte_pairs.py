"""Language models over byte pairs: losses a character, and what a run leaves."""

import contextlib
import dataclasses
import json
import random

import jax
import numpy as np
import pytest
import xarray as xr

from collapse.data.byte_pairs import BytePairs
from collapse.data.text.blocks import text_rows
from collapse.data.text.split import spaced
from collapse.experiment.fields import told
from collapse.lab import run as runner
from collapse.lab import session
from collapse.measures.ngram_lines import ngram_bits
from collapse.models.language import decoding
from collapse.models.language.architecture import SIZES, Size
from collapse.sims.charlm import Charlm, measures, texts
from collapse.sims.charlm.fields import EDGES

PAIRS = Charlm(data="text.txt", block=16, tokens="byte_pairs", vocabulary=40)
PAIRS = dataclasses.replace(PAIRS, samples_per_generation=(16,), measured_rows=8)
PLAIN = dataclasses.replace(PAIRS, tokens="characters", vocabulary=512)


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pick = random.Random(0)
    words = "a we see the sun and moon go by far away but no kite ends".split()
    text = "".join(pick.choice(words) + pick.choice("   \n") for _ in range(1500))
    (tmp_path / "text.txt").write_text(text)


def losses_of(data, num_seeds=2, nats=None):
    """Measures of made-up losses of the test rows of some data."""
    shape = (num_seeds, *data.test[:8].shape)
    drawn = np.random.default_rng(0).exponential(1, shape).astype(np.float32)
    seen = dict.fromkeys(("test", "own", "first"), drawn if nats is None else nats)
    rare = np.zeros(shape[1:], bool)
    rare[:, 1::3] = True
    lengths = data.lengths(data.test[:8])
    return measures._losses(seen, rare, lengths), rare, lengths


def test_bits_of_a_uniform_model_are_log2_v_times_tokens_over_characters():
    data = PAIRS.load()
    rows = data.test[:8]
    uniform = np.full((1, *rows.shape), np.log(40))
    found, rare, lengths = losses_of(data, nats=uniform)
    per_character = (
        np.log2(40)
        * rows.size
        / len("".join(data.vocabulary[token] for token in rows.ravel()))
    )
    np.testing.assert_allclose(found["bits_per_character"], per_character, rtol=1e-12)
    own = np.log2(40) * rare.sum() / lengths[rare].sum()
    np.testing.assert_allclose(found["rare_bits_per_character"], own, rtol=1e-12)
    for name in ("perplexity", "rare_perplexity", "self_perplexity"):
        np.testing.assert_allclose(found[name], 40, rtol=1e-12)  # of a token
    assert per_character < 0.7 * np.log2(40)


def test_without_pairs_all_is_as_with_characters():
    """Losses to the last bit, rows, lines of n-grams and the measures of real text."""
    plain = PLAIN.load()
    pairs = BytePairs(tuple(plain.text.vocabulary), ())
    same = plain._replace(pairs=pairs, sha256="of pairs")
    np.testing.assert_array_equal(same.lengths(same.test), np.ones(same.test.shape))
    for name, value in losses_of(plain)[0].items():
        np.testing.assert_array_equal(losses_of(same)[0][name], value, err_msg=name)
    drawn = np.random.default_rng(0).exponential(1, (2, *plain.test[:8].shape))
    bits = (drawn.astype(np.float32) / np.log(2)).mean((1, 2))
    np.testing.assert_array_equal(losses_of(plain)[0]["bits_per_character"], bits)
    np.testing.assert_array_equal(same.characters(same.train), plain.train.ravel())
    assert measures.real_level(same, 8) == measures.real_level(plain, 8)
    lines = (measures.ngram_levels(data, 16, 8) for data in (same, plain))
    np.testing.assert_allclose(*[[*line.values()] for line in lines], rtol=1e-12)


def test_lines_are_of_characters_of_the_same_rows():
    """Rows of one length together: as of all, where a BOS token parts them."""
    data = PAIRS.load()
    levels = measures.ngram_levels(data, 16, 8)
    assert list(levels) == ["3-gram", "4-gram", "5-gram"]
    assert 0.2 < min(levels.values()) and max(levels.values()) < 3
    rows = np.random.default_rng(0).integers(0, 3, (9, 7))
    whole = ngram_bits(rows, rows[:4], 3, 3)
    parts = ngram_bits([rows[:2], rows[2:]], [rows[:1], rows[1:4]], 3, 3)
    np.testing.assert_allclose(parts, whole, rtol=1e-12)
    shorter = [rows[:5], rows[5:, :4]]
    bits = [ngram_bits(shorter, held, 3, 3) * held.size for held in shorter]
    together = ngram_bits(shorter, shorter, 3, 3)
    np.testing.assert_allclose(together, sum(bits) / (35 + 16), rtol=1e-12)


def test_quantities_say_what_they_are_of():
    quantities = {e.tokens: e.quantity("perplexity").unit for e in (PLAIN, PAIRS)}
    assert quantities == {
        "characters": "a character",
        "byte_pairs": "a byte-pair token",
    }
    for name in ("bits_per_character", "rare_bits_per_character"):
        assert PAIRS.quantity(name) == PLAIN.quantity(name)
    dims = [e.more_dims("first_histogram")["row_perplexity"] for e in (PLAIN, PAIRS)]
    assert len(dims[0]) == len(dims[1]) == 40 and PLAIN.edges == EDGES
    assert PAIRS.edges[-1] == 10**5 and PAIRS.edges[0] == 1


def test_an_experiment_over_characters_is_told_as_before():
    assert not {"tokens", "vocabulary"} & set(told(PLAIN))
    assert {"tokens", "vocabulary"} < set(told(PAIRS))


def test_the_caption_tells_the_tokens_and_the_test_rows():
    data = PAIRS.load()
    sizes = [len(x) for x in _rows(data, data.test[:: len(data.test) // 8][:8])]
    assert len(set(sizes)) > 1
    caption = PAIRS.caption()
    assert "16 rows of 16 byte-pair tokens (vocabulary 40)" in caption
    assert "; 8 test rows of " in caption and " characters, " in caption
    own = texts.tested(dataclasses.replace(PAIRS, measured_rows=10**5), data)
    lengths = [len(x) for x in _rows(data, data.test)]
    assert own == (
        f"{len(lengths)} test rows of {min(lengths)} to {max(lengths)} characters, "
        f"{spaced(sum(lengths))} in all"
    )
    assert "16 rows of 16 characters" in PLAIN.caption()
    assert texts.tested(PLAIN, PLAIN.load()) == ""


def _rows(data, rows):
    return ["".join(data.vocabulary[token] for token in row) for row in rows]


def test_a_quick_run_reads_enough_for_its_pairs():
    """All pairs of a large vocabulary, and all of the sequences that are asked for."""
    quick = dataclasses.replace(PAIRS, vocabulary=5000).reads_less()
    assert quick.characters == 500_000
    asked = dataclasses.replace(PAIRS, samples_per_generation=(2000,))
    assert asked.reads_less().characters == 2 * 2000 * 16 * 8
    assert dataclasses.replace(PLAIN).reads_less().characters == 200_000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--vocabulary", "10"], "vocabulary: 10; text.txt has 2"),
        (["--vocabulary", "9999"], "byte-pair tokens, as no further pair occurs twice"),
        (["--vocabulary", "70000"], "to 65535"),
        (
            ["--tokens", "words"],
            "tokens: unknown 'words'; known are characters, byte_p",
        ),
        (["--block", "400"], "byte-pair tokens, fewer than a block of 400"),
        (["--samples-per-generation", "999"], "999 rows of 16 byte-pair tokens are"),
        (["--pretrain", "few.txt"], "few.txt: 300 characters are too few"),
        (["--pretrain", "greek.txt"], "pretrain: greek.txt has 'Ω'"),
    ],
)
def test_bad_input_ends_in_one_line(tmp_path, capsys, arguments, said):
    (tmp_path / "few.txt").write_text("a b" * 100)
    (tmp_path / "greek.txt").write_text("a Ω" * 1000)
    before = sorted(tmp_path.rglob("*"))
    own = ["--data", "text.txt", "--block", "16", "--tokens", "byte_pairs"]
    assert runner.main(Charlm, [*own, "--vocabulary", "40", *arguments, "--quiet"]) == 2
    error = capsys.readouterr().err
    assert said in error and error.startswith("error: ") and error.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_a_run_leaves_text(tmp_path):
    """Prompts, beams and pretraining, in one generation after the first."""
    (tmp_path / "more.txt").write_text((tmp_path / "text.txt").read_text()[50:3000])
    own = ["--data", "text.txt", "--block", "16", "--tokens", "byte_pairs", "--quick"]
    own += ["--vocabulary", "40", "--workflows", "replace", "--num-generations", "1"]
    own += ["--num-seeds", "1", "--steps", "2", "--measured-rows", "8", "--quiet"]
    own += ["--prompts", "--beams", "2", "--pretrain", "more.txt"]
    own += ["--samples-per-generation", "16", "--out", "a"]
    with (
        pytest.MonkeyPatch.context() as patch,
        jax.enable_x64(False),
        jax.numpy_dtype_promotion("standard"),
    ):
        patch.setattr(session, "configured", lambda *_: contextlib.nullcontext())
        patch.setitem(SIZES, "nano", Size(1, 8, 1))
        patch.setattr(decoding, "_STAGES", 1)
        assert runner.main(Charlm, own) == 0
    with xr.open_dataset(tmp_path / "a" / "results.nc", engine="h5netcdf") as kept:
        found = kept.load()
    data = text_rows("text.txt", 16, size=40)
    held = data.test[np.floor(np.arange(8) * len(data.test) / 8).astype(int)]
    ratio = held.size / data.lengths(held).sum()
    bits = np.log2(found.perplexity) * ratio
    np.testing.assert_allclose(found.bits_per_character, bits, rtol=1e-5)
    assert found.perplexity.attrs["units"] == "a byte-pair token"
    assert found.finite.all() and np.isfinite(found.rare_bits_per_character).all()
    assert set(json.loads(found.bits_per_character.attrs["levels"])) == {
        f"{k}-gram" for k in (3, 4, 5)
    }
    for t in (0, 1):
        text = (tmp_path / "a" / "texts" / f"replace-0-{t}.txt").read_text()
        rows = text.removesuffix("\n").split("\n----\n")
        assert len(rows) == 8 and max(map(len, rows)) > 16  # tokens of several letters
        assert set("".join(rows)) <= set(data.text.vocabulary)
    page = (tmp_path / "a" / "continuations.md").read_text()
    begun = "".join(data.vocabulary[token] for token in held[0][:7])
    assert page.count(f"```text\n{begun}|") == 2
