"""What a command line may not leave open or mistake: one line that says what to do."""

import contextlib
import os
import subprocess
import sys

import pytest

from collapse.experiment import registry
from collapse.lab import commands, session
from collapse.lab import run as runner
from collapse.sims.gaussian import Gaussian

QUICK = "--quick --workflows replace --metrics variance_ratio --out a".split()


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """Run in an empty folder, without touching how jax is set up."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "configured", lambda *_: contextlib.nullcontext())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gaussian", "--data", ""], "data: empty; give a file or drop --data"),
        (["gaussian", "--data="], "data: empty; give a file or drop --data"),
        (["gaussian", "--out", ""], "out: empty; give a folder or drop --out"),
        (
            ["gaussian", "--publish", ""],
            "publish: empty; give a folder or drop --publi",
        ),
        (["mixing", "--model", ""], "model: empty; give a value or drop --model"),
        (["gaussian", "--metrics"], "metrics: give a value or drop --metrics"),
        (["gaussian", "--metrics", "--quick"], "metrics: give a value or drop"),
        (
            ["gaussian", "--workflows", "mix 2"],
            "workflows: mix: SHARE is 2; give a num",
        ),
        (["gaussian", "--data", "."], ".: a folder; give a .csv or .npy file, or"),
        (["gaussian", "--data", os.devnull], ": not an ordinary file; give a .csv or"),
        (
            ["gaussian", "--data", "faithful", "--dimension", "5"],
            "dimension: the data have 2; drop --dimension: the data's columns say it",
        ),
        (["ok.toml"], "ok.toml: a TOML file needs its command: collapse gmm ok.toml"),
        (["--quick"], "--quick: an option needs its command: collapse gmm --quick"),
        (["completion"], "completion: give one of bash, zsh, fish"),
        (["completion", "bash", "zsh"], "completion: give one of bash, zsh, fish"),
        (["gaussian", "price"], "price: is a figure of mixing; use that"),
        (["gaussian", "a.toml"], "; is this a file for mixing?"),
        (["mixing", "b.toml"], "b.toml: model is given twice; use [model] with name"),
        (
            ["gaussian", "--publish", "new/figures", "--resume"],
            "holds nothing to continue; drop --resume",
        ),
        (["gaussian", "--publish", "a.toml"], "publish: a.toml cannot be written (Not"),
        (["gaussian", "--publish", "b/a.toml", "--out", "a.toml"], "a.toml is a file"),
    ],
)
def test_it_is_refused_in_one_line(tmp_path, capsys, arguments, said):
    (tmp_path / "a.toml").write_text('constraint = "price"\n')
    (tmp_path / "b.toml").write_text('model = "gmm"\n[model]\nddof = 0\n')
    before = sorted(tmp_path.iterdir())
    assert commands.main(arguments) == 2
    told = capsys.readouterr().err
    assert said in told and told.startswith("error: ") and told.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("model", ["foo", "mixing"])
def test_only_families_are_named_where_one_is_asked_for(capsys, model):
    assert commands.main(["mixing", "--model", model]) == 2
    known = ", ".join(registry.families())
    assert f"; known are {known}, or give a .py file" in capsys.readouterr().err


def test_nobody_need_listen_to_the_last_words(tmp_path):
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "collapse.sims.gaussian", *QUICK]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "a" / "checkpoints").exists()


def test_there_is_nothing_to_resume_where_all_was_written(monkeypatch, capsys):
    from collapse.lab import report

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report, "_say", full)
    assert runner.main(Gaussian, QUICK) == 1
    said = capsys.readouterr().err
    assert "No space left" in said and "--resume" not in said
