"""A run that is complete is told, not repeated; a longer one goes on from it."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from importlib import util

import numpy as np
import pytest
import xarray as xr
from lab_cases import interrupt

from collapse.data.errors import InputError
from collapse.experiment import sources
from collapse.experiment.files import sealed, unsealed
from collapse.lab import folder, lock, parts, session, work
from collapse.lab import run as runner
from collapse.sims.gaussian import Gaussian

ONE = ["--samples-per-generation", "20", "--metrics", "variance_ratio", "mean_error"]
ONE += ["--workflows", "replace", "--num-seeds", "3", "--num-generations"]
SHORT, LONG = [*ONE, "3"], [*ONE, "7"]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """Run in an empty folder, without touching how jax is set up."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "configured", lambda *_: contextlib.nullcontext())


def run(*arguments):
    return runner.main(Gaussian, [*arguments])


def numbers(place):
    return xr.load_dataset(f"{place}/results.nc", engine="h5netcdf").drop_attrs()


@pytest.fixture
def counted(monkeypatch):
    """Number of simulations so far, one entry each."""
    real, times = work.simulate, []

    def simulate(*arguments, **named):
        times.append(1)
        return real(*arguments, **named)

    monkeypatch.setattr(work, "simulate", simulate)
    return times


def test_a_complete_run_is_told_again_and_repeated_only_by_force(
    capsys, counted, monkeypatch
):
    assert run(*SHORT, "--out", "a") == 0
    first = capsys.readouterr().out.split("\n\n")
    before = {path: path.read_bytes() for path in folder.Path("a").glob("*.*")}
    for option in ([], ["--resume"], ["--extend"]):
        assert run(*SHORT, "--out", "a", *option) == 0
        again = capsys.readouterr().out.split("\n\n")
        assert again[:2] == first[:2]
        assert again[2].startswith("1 x 3 seeds x 4 generations: a/ is complete; --for")
        assert {p: p.read_bytes() for p in folder.Path("a").glob("*.*")} == before
    with monkeypatch.context() as patch:  # in a folder that cannot be written to
        patch.setattr(folder, "held", None)
        assert run(*SHORT, "--out", "a", "--quiet") == 0
    assert sum(counted) == 1
    assert run(*SHORT, "--out", "a", "--force") == 0
    assert sum(counted) == 2
    assert "in a/" in capsys.readouterr().out


def test_a_change_of_the_figure_alone_draws_it_again(capsys, counted):
    folder.Path("a.toml").write_text('[figure]\nstatistic = "mean"\n')
    folder.Path("b.toml").write_text('[figure]\nstatistic = "median"\nname = "b"\n')
    arguments = [*SHORT, "--out", "a"]
    assert run("a.toml", *arguments) == 0
    whole = numbers("a")
    capsys.readouterr()
    assert run("b.toml", *arguments) == 0
    assert "is complete, and its figure drawn again" in capsys.readouterr().out
    drawn = sorted(path.name for path in folder.Path("a").glob("figure*"))
    assert drawn == ["figure_b.png", "figure_b.svg"]
    assert numbers("a").identical(whole) and sum(counted) == 1
    assert run("b.toml", *arguments) == 0
    assert "is complete; --force" in capsys.readouterr().out
    assert run("a/experiment.toml", "--out", "a", "--publish", "c") == 0
    assert sum(counted) == 1 and folder.Path("c/data/experiment_b.nc").is_file()


def test_more_generations_go_on_from_the_last_one_bit_for_bit(counted, monkeypatch):
    """Of a store that has grown there is nothing to go on from: it is run anew."""
    several = ["--workflows", "replace", "fixed_budget", "--quiet"]
    assert run(*SHORT, *several, "--out", "a") == 0
    assert run(*LONG, *several, "--out", "whole") == 0
    walked, real = [], parts._begun

    def begun(part, *rest):
        found = real(part, *rest)
        walked.append((part.condition.workflow.label, found.done))
        return found

    monkeypatch.setattr(parts, "_begun", begun)
    assert run(*LONG, *several, "--out", "a", "--extend") == 0
    assert numbers("a").identical(numbers("whole"))
    assert walked == [("replace", 3), ("fixed_budget", -1)]
    told = json.loads(folder.Path("a/environment.json").read_text())
    assert told["digest"] == folder.digest_in(folder.Path("a"))


def test_more_seeds_and_generations_are_found_among_the_results(monkeypatch):
    """Interrupted and resumed on the way, and the short run stays as it is."""
    assert run(*SHORT, "--quiet") == 0
    (short,) = folder.Path("results").iterdir()
    before = numbers(short)
    more = [*LONG, "--num-seeds", "7", "--quiet"]
    with monkeypatch.context() as patch:
        interrupt(patch, 3)
        assert run(*more, "--extend") == 130
    assert run(*more, "--extend") == 2  # not without --resume
    assert run(*more, "--extend", "--resume") == 0
    (long,) = set(folder.Path("results").iterdir()) - {short}
    assert numbers(short).identical(before)
    assert run(*more, "--out", "whole") == 0
    # to rounding: XLA may sum in another order with other seeds beside it
    whole, found = numbers("whole"), numbers(long)
    for name in ("variance_ratio", "mean_error"):
        np.testing.assert_allclose(found[name], whole[name], rtol=1e-12)
    np.testing.assert_array_equal(found.mean_error[:, :3, :4], before.mean_error)


def test_only_a_shorter_run_of_the_same_is_extended(capsys):
    assert run(*SHORT, "--out", "a", "--quiet") == 0
    for change, reason in (
        ("seed 1", "a has seed 0, not 1; only num_generations and num_seeds may grow"),
        ("num-generations 2", "a has num_generations 3, more than 2; give at least as"),
        ("out b", "b holds no run; drop --extend"),
    ):
        flag, value = change.split()
        arguments = ["--out", "a", "--extend", "--quiet", f"--{flag}", value]
        assert run(*LONG, *arguments) == 2
        said = capsys.readouterr().err
        assert f"error: extend: {reason}" in said
        assert said.count("\n") == 1
    assert not folder.Path("b").exists()


def test_what_a_shorter_run_lacks_is_said(capsys):
    """With or without --extend: the option, its states, or an end of its own."""

    def refused(*arguments):
        assert run(*LONG, "--quiet", *arguments) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        return said

    into = ("--out", "results/a")
    assert run(*SHORT, "--quiet", *into) == 0
    said = refused(*into)
    assert "out: results/a holds this experiment with num_generations 3 instead" in said
    assert "add --extend to go on from it, or give another --out" in said
    assert "another experiment; give another" in refused(*into, "--seed", "1")
    states = folder.Path("results/a") / folder.STATES
    states.rename("kept")
    lacking = "lacks its states (more than 256 MB, or deleted), from which it would go"
    for arguments in (into, (*into, "--extend"), ("--extend",)):
        said = refused(*arguments)
        assert lacking in said and "results/a" in said
        assert "name its folder by --out" not in said
    folder.Path("kept").rename(folder.Path("results/a") / folder.CHECKPOINTS)
    for arguments in (into, (*into, "--extend")):
        said = refused(*arguments)
        assert "unfinished: first end it by its own command with --resume" in said


def test_a_run_of_other_versions_is_not_extended(capsys, monkeypatch):
    assert run(*SHORT, "--out", "a", "--quiet") == 0
    monkeypatch.setattr(folder, "versions", lambda: "jax 9")
    assert run(*LONG, "--out", "a", "--extend", "--quiet") == 2
    assert "extend: a was begun with" in capsys.readouterr().err


def test_a_live_folder_is_refused_and_free_once_its_process_is_gone(capsys):
    place = folder.Path("a")
    place.mkdir()
    with lock.held(place):
        assert run(*SHORT, "--out", "a", "--quiet") == 2
        said = capsys.readouterr().err
        assert f"out: a is in use by process {os.getpid()} on " in said
        assert "--resume" not in said and said.count("\n") == 1
        with pytest.raises(InputError, match="in use"), lock.held(place):
            pass
    assert not any(place.iterdir())
    code = (
        "import os, pathlib; from collapse.lab import lock\n"
        "mine = lock.held(pathlib.Path('a')); mine.__enter__(); os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 9
    assert (place / lock.NAME).exists()
    lock.check_free(place)
    with lock.held(place):
        pass
    assert not any(place.iterdir())


def test_the_one_who_waits_for_a_lock_does_not_take_a_removed_one():
    place = folder.Path("a")
    place.mkdir()
    with lock.held(place), (place / lock.NAME).open() as old:
        assert lock._is_at(old, place / lock.NAME)
        shutil.rmtree(place)
        assert not lock._is_at(old, place / lock.NAME)


def test_two_processes_that_claim_a_folder_at_once_do_not_share_it(capsys, monkeypatch):
    """Both find it free; the second is refused when it comes to write."""
    real = folder.held

    def late(claim):
        claim.folder.mkdir()
        stack = contextlib.ExitStack()
        stack.enter_context(lock.held(claim.folder))
        with stack:
            return real(claim).__enter__()

    monkeypatch.setattr(folder, "held", late)
    assert run(*SHORT, "--out", "a", "--quiet") == 2
    assert "in use" in capsys.readouterr().err


def test_what_was_killed_before_its_first_save_is_simply_run(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(work, "simulate", lambda *_, **named: os.abort())
        patch.setattr(os, "abort", lambda: (_ for _ in ()).throw(SystemExit(9)))
        patch.setattr(folder, "_abandon", lambda _: None)  # as if it were killed
        with pytest.raises(SystemExit):
            run(*SHORT, "--out", "a", "--quiet")
    assert folder.Path("a/checkpoints").is_dir()
    assert run(*SHORT, "--out", "a", "--quiet") == 0


def test_an_unfinished_run_is_begun_anew_by_force(monkeypatch, capsys, counted):
    with monkeypatch.context() as patch:
        interrupt(patch)
        assert run(*LONG, "--out", "a", "--quiet") == 130
    assert run(*LONG, "--out", "a", "--quiet") == 2
    assert "--force to begin anew" in capsys.readouterr().err
    damaged = next(folder.Path("a/checkpoints").glob("*.npz"))
    damaged.write_bytes(b"")
    assert run(*LONG, "--out", "a", "--quiet", "--force") == 0


def test_a_run_is_resumed_on_the_kind_of_device_that_began_it(monkeypatch, capsys):
    with monkeypatch.context() as patch:
        interrupt(patch)
        assert run(*LONG, "--out", "a", "--quiet") == 130
    with monkeypatch.context() as patch:
        patch.setattr(work.pinned, "machine", lambda: "gpu H100")
        assert run(*LONG, "--out", "a", "--quiet", "--resume") == 2
    said = capsys.readouterr().err
    assert "resume: a was begun on cpu cpu, this is gpu H100; use that" in said
    monkeypatch.setattr(work.provenance, "processor", lambda: "Abacus")
    assert run(*LONG, "--out", "a", "--quiet", "--resume") == 0
    said = capsys.readouterr().err
    assert said.startswith("warning: begun on ") and ", this is Abacus: numbers" in said
    assert said.count("\n") == 1


def test_seconds_of_all_stretches_add_up(monkeypatch):
    with monkeypatch.context() as patch:
        interrupt(patch, saves=2)  # the first has been noted then
        assert run(*LONG, "--out", "a", "--quiet") == 130
    file = folder.Path("a/checkpoints/seconds")
    first = float(unsealed(file))
    assert first > 0
    file.write_text(sealed(f"{first + 1000}"))
    assert run(*LONG, "--out", "a", "--quiet", "--resume") == 0
    seconds = json.loads(folder.Path("a/environment.json").read_text())["seconds"]
    assert 1000 + first < seconds < 1200


def test_large_states_are_not_kept(monkeypatch):
    monkeypatch.setattr(parts, "_MOST_KEPT", 10)
    assert run(*SHORT, "--out", "a", "--quiet") == 0
    (path,) = folder.Path("a/states").iterdir()
    assert "state/params/mean" not in np.load(path).files
    assert not [name for name in np.load(path).files if name.startswith("state/")]
    monkeypatch.setattr(folder, "MOST_STATES", 10)
    assert run(*SHORT, "--out", "a", "--quiet", "--force") == 0
    assert not folder.Path("a/states").exists()


def test_figures_are_published_from_a_commit(monkeypatch, capsys, counted):
    arguments = [*SHORT, "--out", "a", "--publish", "figures", "--quiet"]
    dirty = "1234567890abcdef-dirty"
    with monkeypatch.context() as patch:
        patch.setattr(sources, "commit", lambda: dirty)
        assert run(*arguments) == 2
        said = capsys.readouterr().err
        assert "publish: collapse/ or sims/ differ from the commit 1234567890; " in said
        assert not counted and not any(folder.Path.cwd().iterdir())
        assert run(*SHORT, "--out", "a", "--quiet") == 0
    assert run(*arguments) == 2  # of results that were computed then
    assert "repeat the run by --force" in capsys.readouterr().err
    assert run(*arguments, "--force") == 0
    data = xr.load_dataset("figures/data/gaussian.nc", engine="h5netcdf")
    assert json.loads(data.attrs["environment"])["commit"] == "0" * 40
    seeds = numbers("a").mean_error.isel(workflow=0).values
    error = data.mean_error.sel(statistic="standard_error").values[0]
    np.testing.assert_allclose(error, seeds.std(0, ddof=1) / 3**0.5, rtol=1e-4)


def test_a_commit_is_that_of_the_sources_alone(tmp_path, monkeypatch):
    def git(*arguments):
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *who, *arguments], check=True, capture_output=True)

    room = tmp_path / "collapse" / "experiment"
    room.mkdir(parents=True)
    (room / "sources.py").write_text("")
    spec = util.spec_from_file_location("sources_again", sources.__file__)
    again = util.module_from_spec(spec)  # without what conftest.py has put there
    spec.loader.exec_module(again)
    monkeypatch.setattr(again, "__file__", str(room / "sources.py"))
    commit = again.commit
    assert commit() == "unknown"
    git("init")
    git("add", ".")
    git("commit", "-m", "a")
    head = commit()
    assert len(head) == 40
    (tmp_path / "figures.png").write_text("a figure")
    assert commit() == head
    (room / "new.py").write_text("")
    assert commit() == f"{head}-dirty"
    git("rm", "-q", "--cached", "collapse/experiment/sources.py")
    assert commit() == "unknown"  # installed into somebody's repository
