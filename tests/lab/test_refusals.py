"""What a command line may not leave open or mistake: one line that says what to do."""

import contextlib
import os
import subprocess
import sys

import pytest

import collapse
from collapse.experiment import registry
from collapse.experiment.remarks import remarks
from collapse.figures.declaration import read_declaration
from collapse.lab import command, commands, declarations, session
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
        (["gaussian", "--data", "."], ".: a folder; give a .csv, .tsv, .txt, "),
        (["gaussian", "--data", os.devnull], ": not an ordinary file; give a .csv,"),
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
    printed = capsys.readouterr().err
    assert said in printed and printed.startswith("error: ")
    assert printed.count("\n") == 1
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

    monkeypatch.setattr(report.terminal, "say", full)
    assert runner.main(Gaussian, QUICK) == 1
    said = capsys.readouterr().err
    assert "No space left" in said and "--resume" not in said


def given(line):
    """The experiment that a command line asks for; `_` stands for a space."""
    name, *arguments = [word.replace("_", " ") for word in line.split()]
    return command.parse(registry.experiment(name), arguments).experiment


NO_EFFECT = {
    "gmm --workflows replace --window 3": (
        "window: has no effect under replace, only under window, named without "
        "parameters"
    ),
    "gaussian --workflows mix_0.2_fresh --real-fraction 0.5": (
        "real_fraction: has no effect under mix 0.2 fresh, only under mix, named "
        "without parameters"
    ),
    "kde --workflows replace --anchor fixed": (
        "anchor: has no effect under replace, only under mix, named without parameters"
    ),
    "gmm --data faithful --truth blob": (
        "truth: has no effect here, only without --data"
    ),
    "discrete --law uniform --exponent 2": (
        "exponent: has no effect here, only with --law zipf"
    ),
    "discrete --data shakespeare --num-symbols 9": (
        "num_symbols: has no effect here, only without --data"
    ),
    "mixing --model discrete --law uniform --offset 1": (
        "offset: has no effect here, only with --law zipf"
    ),
    "linear --learner-noise-variance 2": (
        "learner_noise_variance: has no effect here, only with --learner-samples"
    ),
    "charlm --pretrain-steps 5": (
        "pretrain_steps: has no effect here, only with --pretrain"
    ),
    "charlm --steps 5 --epochs 1": ("epochs: has no effect here, only with --steps 0"),
    "gaussian --samples-per-generation 50 1": (
        "samples_per_generation: a fit to 1 row has no variance; give more"
    ),
    "discrete --samples-per-generation 1": (
        "samples_per_generation: a fit to 1 row leaves one symbol; give more"
    ),
}
AN_EFFECT = [
    "gmm --workflows replace window --window 3",
    "gaussian --workflows mix --real-fraction 0.5 --anchor fixed",
    "mixing --anchor fixed --real-fraction 0.5",
    "gmm --truth blob",
    "discrete --exponent 2 --offset 1 --num-symbols 9",
    "linear --learner-noise-variance 2 --learner-samples 9",
    "charlm --pretrain-steps 5 --pretrain shakespeare",
    "kde --samples-per-generation 1",
    "discrete --samples-per-generation 1 --smoothing 0.5",
]


@pytest.mark.parametrize("line", NO_EFFECT)
def test_what_has_no_effect_is_said_in_one_line(line):
    assert remarks(given(line)) == (NO_EFFECT[line],)


@pytest.mark.parametrize("line", AN_EFFECT)
def test_nothing_is_remarked_where_all_counts(line):
    assert remarks(given(line)) == ()


def test_no_declaration_has_a_field_without_effect():
    for path in declarations.every():
        kind = registry.experiment(path.parent.name)
        assert remarks(read_declaration(path, kind)[0]) == (), path


def test_a_remark_is_a_warning_and_no_error(capsys):
    assert runner.main(Gaussian, [*QUICK, "--window", "3"]) == 0
    said = capsys.readouterr().err
    assert said.startswith("warning: window: has no effect under replace, ")
    assert said.count("\n") == 1
    assert runner.main(Gaussian, [*QUICK[:-1], "b", "--window", "3", "--quiet"]) == 0
    assert capsys.readouterr().err == ""
    fields = {"workflows": "replace", "metrics": "variance_ratio", "window": 3}
    with pytest.warns(UserWarning, match="^window: has no effect under replace, only"):
        collapse.run("gaussian", quick=True, **fields)
