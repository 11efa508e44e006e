"""What a run tells while it runs, how it is stopped, and what nobody need hear."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest
from tyro import _fmtlib, _settings

from collapse.data.errors import InputError
from collapse.experiment import registry
from collapse.lab import (
    api,
    checkpoint,
    command,
    commands,
    folder,
    interrupt,
    parts,
    session,
    terminal,
)
from collapse.lab import run as runner
from collapse.lab.progress import Bar, Lines, progress, spelled
from collapse.sims.gaussian import Gaussian

SMALL = "--samples-per-generation 20 --workflows replace --num-seeds 3 --metrics"
SMALL = [*SMALL.split(), "mean_error", "--num-generations", "7"]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """Run in an empty folder, without touching how jax is set up."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "configured", lambda *_: contextlib.nullcontext())


def test_streams_that_are_closed_lead_nowhere(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert commands.main(["show", "nowhere"]) == 2
    assert sys.stdout.name == sys.stderr.name == os.devnull
    sys.stdout.close()
    sys.stderr.close()


def lines_of(steps, total=1000, skipped=0):
    """What is printed of fits that are done at such times, in seconds."""
    said, now = [], [0.0]
    told = Lines(total, lambda: now[0], said.append)
    told.name("replace")
    told.skip(skipped)
    for seconds, fits in steps:
        now[0] += seconds
        told.add(fits)
    return said


def test_without_a_terminal_there_is_an_estimate_and_a_line_a_minute():
    said = lines_of([(1, 2)] * 200)
    assert said == [
        "2 % (replace), about 8.2 min to go",
        "14 % (replace), about 7.2 min left",
        "26 % (replace), about 6.2 min left",
        "38 % (replace), about 5.2 min left",
    ]


def test_short_runs_are_silent_and_the_end_is_told_by_the_results():
    assert lines_of([(1, 20)] * 50) == []
    assert lines_of([(5000, 1000)]) == []
    assert lines_of([(9.0, 1)]) == []
    assert lines_of([(59.0, 990)]) == []
    assert lines_of([(59.0, 990), (2.0, 5)]) == ["100 % (replace), about 0 s to go"]
    assert lines_of([(61.0, 500), (61.0, 499)]) == [
        "50 % (replace), about 61 s to go",
        "100 % (replace), about 0 s left",
    ]


def test_what_an_earlier_run_has_done_is_no_part_of_the_speed():
    assert lines_of([(20, 10)], skipped=900) == ["91 % (replace), about 3 min to go"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (99, "99 s"),
        (100, "1.7 min"),
        (3600, "60 min"),
        (7200, "2 h"),
        (86400 * 5, "5 d"),
    ],
)
def test_times_are_spelled_to_two_digits(seconds, words):
    assert spelled(seconds) == words


def test_a_terminal_gets_a_bar_and_a_quiet_run_nothing(monkeypatch, capsys):
    assert isinstance(progress(10, quiet=False), Lines)
    quiet = progress(10, quiet=True)
    quiet.skip(3)
    quiet.add(7)
    quiet.close()
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    bar = progress(10, quiet=False)
    assert isinstance(bar, Bar)
    bar.skip(3)
    bar.add(7)
    bar.close()
    assert "10/10" in capsys.readouterr().err and bar.bar.initial == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_run_at_its_next_save(monkeypatch, capsys, number):
    real = checkpoint.save

    def save(path, progress):
        real(path, progress)
        if progress.done < 7:
            os.kill(os.getpid(), number)

    before = [signal.getsignal(one) for one in interrupt._SIGNALS]
    with monkeypatch.context() as patch:
        patch.setattr(parts, "_SECONDS_BETWEEN_SAVES", -1.0)
        patch.setattr(checkpoint, "save", save)
        assert runner.main(Gaussian, [*SMALL, "--out", "a"]) == 130
    said = capsys.readouterr().err
    assert "stopping at the next save" in said
    assert "interrupted; continue with the same command and --resume" in said
    assert [signal.getsignal(one) for one in interrupt._SIGNALS] == before
    assert folder.has_checkpoints(folder.Path("a"))


def test_a_signal_before_anything_is_done_leaves_nothing(monkeypatch, capsys, tmp_path):
    def stopped(*_):
        assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    monkeypatch.setattr(runner, "prepare", stopped)
    assert runner.main(Gaussian, [*SMALL, "--out", "a"]) == 130
    assert "interrupted; nothing was done yet" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_ends_a_command_whatever_it_waits_for(number):
    """A compilation in another thread, which Python would wait for."""
    code = (
        "import concurrent.futures, time; from collapse.lab import interrupt\n"
        "pool = concurrent.futures.ThreadPoolExecutor(1)\n"
        "with interrupt.of_command(), interrupt.PatientInterrupt():\n"
        "    with pool:\n"
        "        waiting = pool.submit(time.sleep, 60)\n"
        "        print('ready', flush=True); waiting.result()\n"
    )
    began = time.monotonic()
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-c", code], **pipes)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    while process.stderr.readline() == "\n":  # the first one has been heard
        pass
    time.sleep(0.2)
    assert process.poll() is None
    process.send_signal(number)
    assert process.wait(20) == -number
    assert time.monotonic() - began < 30


def test_the_second_signal_does_not_end_somebody_s_session(monkeypatch):
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    with interrupt.of_command(), interrupt.PatientInterrupt() as flag:
        os.kill(os.getpid(), signal.SIGINT)
        assert flag.wait(5)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_reader_who_has_left_is_no_error(monkeypatch, name):
    read, write = os.pipe()
    with os.fdopen(write, "w") as stream:
        os.close(read)
        monkeypatch.setattr(sys, name, stream)
        for _ in range(2):
            {"stdout": terminal.say, "stderr": terminal.tell}[name]("a line")
        terminal.flush()


@pytest.mark.parametrize("arguments", [["gmm", "--help"], ["--help"], ["gmm"]])
def test_head_of_a_help_is_no_error(arguments):
    """`collapse gmm --help | head`, and a mistake that nobody reads."""
    read, write = os.pipe()
    os.close(read)
    code = "import sys; from collapse.lab.commands import main\nsys.exit(main())\n"
    if arguments == ["gmm"]:
        arguments = ["gmm", "--version"]
    line = [sys.executable, "-c", code, *arguments]
    buffered = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    pipes = {"stdout": write, "stderr": subprocess.PIPE, "text": True}
    done = subprocess.run(line, env=buffered, **pipes)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_a_terminal_cannot_show_is_replaced(monkeypatch):
    read, write = os.pipe()
    with os.fdopen(write, "w", encoding="ascii") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        terminal.say("σ² of a Gauß")
    assert os.read(read, 100) == b"?? of a Gau?\n"
    os.close(read)


def test_a_parser_s_complaint_is_one_line_of_words_in_any_terminal():
    line = [sys.executable, "-m", "collapse.sims.gaussian", "--num-seeds", "many"]
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = subprocess.run(line, capture_output=True, text=True, env=environment)
    assert done.stderr == "error: num_seeds: 'many' is not a whole number\n"
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("value", ["1", ""])
def test_no_color_is_obeyed(monkeypatch, capsys, value):
    """Anything but an empty value; see no-color.org."""
    monkeypatch.setattr(_fmtlib, "_FORCE_ANSI", True)
    monkeypatch.setitem(_settings._experimental_options, "ansi_codes", True)
    monkeypatch.setenv("NO_COLOR", value)
    with pytest.raises(SystemExit):
        command.parse(Gaussian, ["--help"])
    assert ("\x1b[" in capsys.readouterr().out) == (value == "")


@pytest.mark.parametrize("arguments", [["--version"], ["gmm", "--version"]])
def test_every_command_tells_the_version(capsys, arguments):
    assert commands.main(arguments) == 0
    assert capsys.readouterr().out == "collapse 0.1.0\n"


WORDS = {
    "gausian": "gausian: no such command; did you mean gaussian?",
    "complet": "complet: no such command; did you mean completion?",
    "gmm --num-seds 3": "--num-seds 3: no such option; did you mean --num-seeds?; see",
    "gmm --workflows replac": "mix SHARE fresh|fixed; did you mean replace?",
    "gmm --workflows Window_7": "unknown 'Window 7'; known are replace, accumulate,",
    "gmm --metrics survival3": "; did you mean survival_3?",
    "gmm --precision float3": "known are float64, float32; did you mean float32?",
    "mixing --model gmn": "or give a .py file; did you mean gmm?",
    "gmm tail_mas": "no such file; give an experiment's TOML; did you mean tail_mass?",
    "gaussian tail_mass": "tail_mass: is a figure of gmm; use that",
    "gmm d.toml": "the figure shows survival3, which is not measured; measured are",
    "gmm pric": "give an experiment's TOML; did you mean price?",
    "completion bas": "unknown 'bas'; known are bash, zsh, fish; did you mean bash?",
    "gmm a.toml": "known are num_generations, num_seeds, block_seeds, seed, precision,",
    "gaussian b.toml": "b.toml: is a declaration of gmm; use that command",
    "linear c.toml": "is this a file for gmm?",
}


@pytest.mark.parametrize("line", WORDS)
def test_the_word_that_was_meant_is_named(tmp_path, capsys, line):
    (tmp_path / "a.toml").write_text("num_sed = 3\n")
    (tmp_path / "b.toml").write_text("# digest 1\n# jax\n# on cpu\n# collapse gmm\n")
    (tmp_path / "d.toml").write_text('[figure]\nmetrics = "survival3"\n')
    (tmp_path / "c.toml").write_text('truth = "blob"\nnum_components = 2\n')
    assert commands.main([word.replace("_7", " 7") for word in line.split()]) == 2
    said = capsys.readouterr().err
    assert WORDS[line] in said and said.count("\n") == 1


def test_declarations_of_the_package_belong_to_their_folder(capsys):
    from collapse.lab import declarations

    path = declarations.folder() / "gmm" / "tail_mass.toml"
    assert commands.main(["gaussian", str(path)]) == 2
    assert "is a declaration of gmm; use that command" in capsys.readouterr().err
    assert declarations.found(str(path), registry.experiment("gmm")) == path


def quick(line):
    """The experiment of `--quick` with other flags, and what was cut."""
    name, *arguments = line.split()
    call = command.parse(registry.experiment(name), [*arguments, "--quick"])
    full, data = runner.prepare(call.experiment)
    small = runner.cut_down(full, data, call.given)
    return small, runner.tell_cuts(full, small)


def test_quick_cuts_what_no_flag_sets_and_says_so(tmp_path):
    small, cuts = quick("gaussian --num-seeds 200")
    assert (small.num_seeds, small.num_generations) == (200, 6)
    assert cuts == "num_generations 6 instead of 50"
    small, cuts = quick("gaussian --num-generations=9 --samples-per-generation 500 30")
    assert small.samples_per_generation == (500, 30)
    assert cuts == "num_seeds 8 instead of 1000"
    small, cuts = quick("mixing --model gmm --num-components 2 --real-fraction 0.1 0.2")
    assert small.real_fraction == (0.1, 0.2) and small.num_seeds == 8
    assert "real_fraction" not in cuts
    assert "num_seeds 8 instead of 200" in cuts
    cuts = quick("gaussian --num-seeds 2 --num-generations 3 --dimension 1 2")[1]
    assert cuts == ""
    small, cuts = quick("mixing --num-seeds 2 --num-generations 3 --late 2 --bias 1 2")
    assert cuts.startswith("real_fraction 0.05 0.55 1.0 instead of 0.05 0.1 0.15")
    (tmp_path / "a.toml").write_text("num_seeds = 200\nnum_generations = 5\n")
    small, cuts = quick("gaussian a.toml")  # a file is no flag
    assert (small.num_seeds, small.num_generations) == (8, 5)
    assert cuts == "num_seeds 8 instead of 200"
    assert quick("gaussian --num-seeds 2 --num-generations 3")[1] == ""


def test_a_figure_of_a_quick_run_shows_the_generations_that_a_flag_asks_for(tmp_path):
    (tmp_path / "a.toml").write_text("[figure]\ngenerations = [0, 1, 50]\n")
    arguments = ["a.toml", "--quick", "--num-generations"]
    assert command.parse(Gaussian, [*arguments, "30"]).figures[0].generations == (0, 30)
    assert command.parse(Gaussian, arguments[:2]).figures[0].generations == (0, 6)


def test_a_flag_that_does_not_go_with_what_quick_cuts_is_refused(capsys):
    assert runner.main(Gaussian, ["--quick", "--snapshots", "50"]) == 2
    said = capsys.readouterr().err
    assert "snapshots: generation 50 is not run; stay within 0..6 (--quick cut" in said
    assert "num_generations 6 instead of 50" in said and said.count("\n") == 1


def test_keywords_are_flags_of_a_quick_run_in_memory(monkeypatch):
    seen = []

    def prepared(experiment, quick, given):
        seen.append((quick, set(given)))
        raise InputError("enough")

    monkeypatch.setattr(api, "prepare", prepared)
    with pytest.raises(InputError, match="enough"):
        api.run("gaussian", quick=True, num_seeds=200)
    assert seen == [(True, {"num_seeds"})]


def test_a_quick_run_says_what_was_cut(capsys):
    line = ["--quick", *SMALL[:-2], "--out", "a"]
    assert runner.main(Gaussian, line) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first == "quick: num_generations 6 instead of 50"
    assert runner.main(Gaussian, [*line[:-1], "b", "--quiet"]) == 0
    assert capsys.readouterr().out == ""
