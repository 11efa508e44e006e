"""Blocks of seeds: the usual ones, or those that fit into the memory there is."""

import contextlib
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from collapse.core.seeds import over_seeds
from collapse.data.errors import InputError
from collapse.lab import blocks, commands, parts, prepare, room, run, session
from collapse.lab.command import parse
from collapse.sims.gaussian import Gaussian

SEEDS = 8
RUN = "--num-generations 2 --samples-per-generation 400 --workflows replace".split()
RUN += ["--dimension", "2", "--metrics", "mean_error"]


@pytest.fixture(autouse=True)
def _as_it_runs(monkeypatch):
    monkeypatch.setattr(session, "configured", lambda *_: contextlib.nullcontext())
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def asked(*more):
    return run.prepare(parse(Gaussian, [*RUN, "--num-seeds", str(SEEDS), *more])[0])[0]


def needed(experiment, folder, seeds):
    """Bytes that the compiler says so many seeds take."""
    condition = next(experiment.conditions())
    ready = prepare.planner(experiment, None, folder, most_seeds=0)(0, condition)
    return blocks._needed(ready, seeds)


def leave(monkeypatch, size):
    """Let so many bytes be free for arrays, and a few more."""
    monkeypatch.setattr(room, "free", lambda: int(1.01 * size / blocks._SHARE) + 1)


def seeds_of(experiment, folder):
    plan = prepare.planner(experiment, None, folder)
    return [list(seeds) for seeds, _ in plan(0, next(experiment.conditions())).blocks]


def test_seeds_that_do_not_fit_together_run_in_smaller_blocks(tmp_path, monkeypatch):
    """As many as the compiler says there is room for; a run that has begun keeps it."""
    experiment = asked()
    all_of_them, half = (needed(experiment, tmp_path, n) for n in (SEEDS, SEEDS // 2))
    assert half < 0.7 * all_of_them  # else no block would be smaller
    assert blocks.choose(experiment, None, tmp_path) == ""
    assert seeds_of(experiment, tmp_path) == [list(range(SEEDS))]
    leave(monkeypatch, half)
    said = blocks.choose(experiment, None, tmp_path)
    assert said.startswith("8 seeds together take ") and "in blocks of 4" in said
    assert seeds_of(experiment, tmp_path) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    monkeypatch.undo()
    assert blocks.choose(experiment, None, tmp_path) == ""
    assert len(seeds_of(experiment, tmp_path)) == 2
    few = parts.simulate(experiment, None, tmp_path)
    (tmp_path / room.MOST_SEEDS).unlink()
    for path in tmp_path.glob("*.npz"):
        path.unlink()
    for key, trace in parts.simulate(experiment, None, tmp_path).items():
        np.testing.assert_allclose(
            few[key]["mean_error"], trace["mean_error"], rtol=1e-9
        )


def test_a_run_that_has_begun_keeps_its_blocks(tmp_path, monkeypatch):
    (tmp_path / "000-000000.npz").touch()
    leave(monkeypatch, 1)
    assert blocks.choose(asked(), None, tmp_path) == ""


def test_blocks_that_are_asked_for_are_run_or_refused(tmp_path, monkeypatch):
    experiment = asked("--block-seeds", "8")
    leave(monkeypatch, needed(experiment, tmp_path, 4))
    with pytest.raises(InputError, match="block_seeds: 8 seeds .* give at most 4"):
        blocks.choose(experiment, None, tmp_path)
    assert blocks.choose(asked("--block-seeds", "4"), None, tmp_path) == ""
    with pytest.raises(InputError, match="block_seeds: 4 seeds"):  # a half for each
        blocks.choose(asked("--block-seeds", "4"), None, tmp_path, processes=2)


def test_what_cannot_fit_is_said_before_it_starts(tmp_path, monkeypatch, capsys):
    """In one line with its size and the remedy; nothing is run and nothing is left."""
    monkeypatch.chdir(tmp_path)
    begun = []
    monkeypatch.setattr(parts, "run_part", lambda *own: begun.append(own))
    leave(monkeypatch, 1e4)
    assert commands.main(["gaussian", *RUN, "--quiet"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: samples_per_generation: 400 rows in this workflow")
    assert " GB with one seed at a time, and 1e-05 GB are free; give fewer" in said
    assert said.count("\n") == 1 and not begun and not list(tmp_path.iterdir())


def test_small_runs_are_not_compiled_to_be_weighed(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "_needed", None)
    monkeypatch.setattr(room, "free", lambda: 2**33)
    assert blocks.choose(asked(), None, tmp_path) == ""


def test_a_program_takes_what_its_arrays_take():
    """Arguments, results and what is between, on both devices."""
    size = 2**16

    def square(x):
        return jnp.sort(x) * 2.0

    program = over_seeds(square).lower(jnp.zeros((4, size))).compile()
    each = 8 * size * 4
    assert 2 * each <= room.taken(program) < 5 * each
    assert room.taken(threading.Event()) == 0  # nothing that is compiled


def test_the_memory_there_is(tmp_path, monkeypatch):
    """That of the machine, or the rest of a job's limit and the pages of files."""
    assert 2**20 < room.free() <= room.total() < room.UNKNOWN
    job = tmp_path / "job"
    job.mkdir()
    for name, text in {"max": 1000, "current": 700, "stat": "anon 1\nfile 50"}.items():
        (job / f"memory.{name}").write_text(str(text))
    assert list(room._left(job)) == [350]
    (job / "memory.max").write_text("max")
    assert list(room._left(job)) == []
