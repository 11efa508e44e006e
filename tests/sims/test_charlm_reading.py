"""What the command of language models says of the text it reads, before it runs."""

import pytest

from collapse.data.errors import InputError
from collapse.data.text.blocks import text_rows
from collapse.data.text.split import load_text
from collapse.lab import run as runner
from collapse.sims.charlm.experiment import Charlm

LINE = "the cat sat on the mat, as it had sat for years\n"
SHORT, LONG = LINE * 400, LINE * 6000  # 19 200 and 288 000 characters
PARTS = {"train.txt": SHORT, "validation.txt": LINE * 40, "test.txt": LINE * 40}


@pytest.fixture
def told(tmp_path, monkeypatch, capsys):
    """What a command prints on the text `a`, which it does not run."""
    monkeypatch.chdir(tmp_path)

    def stop():
        raise InputError("enough")

    monkeypatch.setattr(runner, "_load_jax", stop)

    def told(*arguments):
        assert runner.main(Charlm, ["--data", "a", *arguments]) == 2
        return capsys.readouterr()

    return told


def test_a_quick_run_says_only_of_a_long_text_that_it_is_cut(told, tmp_path):
    (tmp_path / "a").write_text(SHORT)
    said = told("--quick")
    assert said.out.startswith("quick: num_generations 2 instead of 3, ")
    assert "characters" not in said.out and "used" not in said.err
    assert "pretrain_steps" not in said.out  # nothing is pretrained
    (tmp_path / "a").write_text(LONG)
    said = told("--quick")
    assert said.out.startswith("quick: characters 200000 instead of all, ")
    assert "; used 200 000 (--characters)" in said.err
    assert "characters" not in told("--quick", "--characters", "2000").out
    pretrained = told("--quick", "--pretrain", "a").out
    assert "pretrain_steps 10 instead of 1000" in pretrained


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_texts_that_are_left_out_beside_the_three_parts_are_said(told, tmp_path):
    left = {"notes.md": LINE, "b/more.txt": LINE, "train.jsonl": "{}"}
    write(tmp_path / "a", {**PARTS, **left, "x.py": "", ".hidden.txt": LINE})
    said = "left out 3 other text files: b/more.txt, notes.md, train.jsonl"
    assert f"; {said}\n" in told().err
    rows = text_rows(str(tmp_path / "a"), 16)
    assert rows.decided == (said,) and rows.said.endswith(said)
    write(tmp_path / "a", {f"c{k}.txt": LINE for k in range(4)})
    assert load_text(str(tmp_path / "a")).left_out == (
        "left out 7 other text files: b/more.txt, c0.txt, c1.txt, c2.txt, c3.txt, ..."
    )


def test_records_beside_prose_are_left_out_and_said(tmp_path):
    write(tmp_path, {"a.txt": SHORT, "b.jsonl": '{"text": "never read"}'})
    said = "left out 1 other text file: b.jsonl"
    assert load_text(str(tmp_path)).left_out == said


def test_nothing_is_said_where_all_is_read(tmp_path):
    write(tmp_path / "a", PARTS)
    assert not load_text(str(tmp_path / "a")).left_out
    write(tmp_path / "b", {"a.txt": SHORT, "c/b.md": LINE})
    assert not load_text(str(tmp_path / "b")).left_out
    assert not load_text(str(tmp_path / "a" / "train.txt")).left_out
    assert not load_text("shakespeare").left_out
