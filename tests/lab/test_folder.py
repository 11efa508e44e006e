"""The folder of a run: whose it is, and what an interruption may leave in it."""

import errno
import json
import threading
import time
from importlib import metadata

import numpy as np
import pytest

from collapse.data.errors import InputError
from collapse.figures.declaration import to_declaration
from collapse.lab import checkpoint, extend, folder, lock, stopwatch
from collapse.sims.gaussian import Gaussian

MINE, OTHER = "a" * 12, "b" * 12


@pytest.fixture
def place(tmp_path):
    """A folder with the label of an experiment, and nothing else."""
    found = tmp_path / "run"
    found.mkdir()
    folder.label(found, "", MINE, "gaussian", "cpu cpu", "Abacus", "")
    return found


def unfinished(place):
    (place / folder.CHECKPOINTS).mkdir()
    (place / folder.CHECKPOINTS / "0.npz").write_bytes(b"")


def test_a_folder_is_one_experiment_s(place):
    assert folder.digest_in(place) == MINE
    assert folder.claim(place, MINE) == folder.Claim(place)
    with pytest.raises(InputError, match="holds the results of another experiment"):
        folder.claim(place, OTHER)
    with pytest.raises(InputError, match="holds the results of another experiment"):
        folder.claim(place, OTHER, resume=True, force=True)


def test_an_unfinished_run_goes_on_only_if_asked(place):
    unfinished(place)
    with pytest.raises(InputError, match="holds an unfinished run; add --resume"):
        folder.claim(place, MINE)
    assert folder.claim(place, MINE, resume=True) == folder.Claim(place)
    assert folder.claim(place, MINE, force=True) == folder.Claim(place, anew=True)


def test_a_run_is_complete_once_it_has_results_and_no_checkpoints(place):
    (place / folder.RESULTS).write_bytes(b"")
    assert folder.claim(place, MINE) == folder.Claim(place, complete=True)
    unfinished(place)  # it was begun anew by --force, and stopped
    assert not folder.is_complete(place)
    with pytest.raises(InputError, match="holds an unfinished run"):
        folder.claim(place, MINE)


def test_files_of_somebody_are_left_alone(tmp_path):
    assert folder.claim(tmp_path, MINE) == folder.Claim(tmp_path)
    (tmp_path / "thesis.tex").write_text("")
    for force in (False, True):
        with pytest.raises(InputError, match="is not empty; give a new folder"):
            folder.claim(tmp_path, MINE, force=force)


def test_versions_are_those_of_the_package_and_of_the_compiler(place, monkeypatch):
    told = folder.versions().split(", ")
    assert told[-2:] == [f"{n} {metadata.version(n)}" for n in ("jax", "jaxlib")]
    unfinished(place)
    monkeypatch.setattr(folder, "versions", lambda: "jax 9")
    with pytest.raises(InputError, match="begun with .*, this is jax 9; use those"):
        folder.claim(place, MINE, resume=True)


def test_a_run_stays_on_its_kind_of_device(place):
    folder.check_machine(place, "gpu H100")  # nothing was done yet
    unfinished(place)
    folder.check_machine(place, "cpu cpu")
    with pytest.raises(InputError, match="was begun on cpu cpu, this is gpu H100"):
        folder.check_machine(place, "gpu H100")


def test_a_file_system_without_locks_keeps_nobody_out(place, monkeypatch):
    def none(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock.fcntl, "flock", none)
    lock.check_free(place)
    with lock.held(place):
        lock.check_free(place)


def test_those_who_write_one_file_wait_for_their_turn(place):
    path = place / "count"
    path.write_text("0")

    def add():
        for _ in range(5):
            with lock.turn(place, ".turn"):
                number = int(path.read_text())
                time.sleep(0.001)
                path.write_text(str(number + 1))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert path.read_text() == "20" and not (place / ".turn").exists()


def test_a_lock_that_another_process_has_made_anew_is_not_held(place):
    """Its holder removes the file; the next one makes another of the same name."""
    path = place / lock.NAME
    with path.open("a+") as old:
        assert lock._is_at(old, path)
        path.unlink()
        assert not lock._is_at(old, path)
        with path.open("a+") as new:
            assert lock._is_at(new, path) and not lock._is_at(old, path)


# Longer runs

SHORT = {"num_seeds": 3, "workflows": ("replace",), "num_generations": 3}


def finished(place, data="", **fields):
    """A folder of a finished run that can be extended, with its experiment."""
    run = Gaussian(**SHORT | fields).resolved(0, 0)
    (place / folder.STATES).mkdir(parents=True)
    (place / folder.STATES / "0.npz").write_bytes(b"")
    (place / folder.RESULTS).write_bytes(b"")
    text = to_declaration(run, ())
    folder.label(place, text, run.digest(data), "gaussian", "cpu cpu", "Abacus", "")
    (place / "environment.json").write_text(json.dumps({"seconds": 70.5}))
    return run


def longer(**fields):
    return Gaussian(**SHORT | {"num_generations": 20} | fields).resolved(0, 0)


def test_the_longest_of_the_finished_runs_is_extended(tmp_path):
    for name, count in (("a", 3), ("b", 9), ("c", 5), ("d", 30)):
        finished(tmp_path / name, num_generations=count)
    assert extend.found(longer(), "", "", tmp_path / "new") == tmp_path / "b"


def test_a_run_of_other_data_or_source_is_not_extended(tmp_path):
    finished(tmp_path / "a", data="1" * 64)
    assert extend.found(longer(), "1" * 64, str(tmp_path / "a"), tmp_path / "new")
    with pytest.raises(InputError, match="a is of other data or source; give another"):
        extend.found(longer(), "2" * 64, str(tmp_path / "a"), tmp_path / "new")
    with pytest.raises(InputError, match="holds no finished run of this experiment"):
        extend.found(longer(), "2" * 64, "", tmp_path / "new")


def test_a_longer_run_has_the_states_and_the_seconds_of_the_shorter(tmp_path):
    finished(tmp_path / "a")
    checkpoints = tmp_path / "new" / folder.CHECKPOINTS
    checkpoints.mkdir(parents=True)
    extend.begin(tmp_path / "a", tmp_path / "new")
    assert (checkpoints / "0.npz").is_file()
    assert extend.earlier_seeds(checkpoints) == 3
    assert stopwatch.seconds(checkpoints) == 70.5


# Checkpoints


def test_a_checkpoint_is_written_whole_or_the_old_one_stays(tmp_path, monkeypatch):
    state, path = {"a": np.zeros(3)}, tmp_path / "x.npz"
    checkpoint.save(path, checkpoint.Progress(2, {}, [], state))
    before = path.read_bytes()

    def full(file, **arrays):
        file.write(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint.np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save(path, checkpoint.Progress(3, {}, [], state))
    assert path.read_bytes() == before
    assert [*tmp_path.iterdir()] == [path]


def test_a_state_of_another_precision_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    checkpoint.save(path, checkpoint.Progress(2, {}, [], {"a": np.zeros(3, "f4")}))
    assert checkpoint.load(path, {"a": np.zeros(3, "f4")}).state["a"].dtype == "f4"
    with pytest.raises(InputError, match=r"damaged \(float32.* is expected"):
        checkpoint.load(path, {"a": np.zeros(3, "f8")})
