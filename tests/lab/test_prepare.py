"""Conditions are made ready ahead of the run, and give what they give without."""

import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from collapse.core.seeds import over_seeds
from collapse.lab import cache, checkpoint, fingerprint, parts, prepare, run, stored
from collapse.lab.command import parse
from collapse.sims.gaussian import Gaussian


def ahead(made, last):
    return prepare._ahead(made, ((i, None) for i in range(last)), threading.Event())


def test_they_come_in_order_and_few_are_begun_ahead():
    begun = []

    def made(number, condition):
        begun.append(number)
        time.sleep(0.05 if number % 2 == 0 else 0)  # the second is ready first
        return number

    seen = []
    for number in ahead(made, 7):
        time.sleep(0.02)
        seen.append(number)
        assert max(begun) <= number + 1 + prepare._AHEAD
    assert seen == list(range(7)) == sorted(begun)


def test_a_later_one_is_made_while_an_earlier_one_runs():
    second = threading.Event()

    def made(number, condition):
        if number == 1:
            second.set()
        return number

    running = ahead(made, 3)
    assert next(running) == 0
    assert second.wait(10)
    running.close()


@pytest.mark.parametrize("ends", ["error", "close"])
def test_after_an_error_in_its_turn_or_a_close_nothing_is_begun(ends):
    begun, first_runs = [], threading.Event()

    def made(number, condition):
        begun.append(number)
        if number == 1 and ends == "error":
            raise ValueError("the second")
        if number == 2:
            first_runs.wait(10)  # as a compilation that cannot be interrupted
        return number

    running = ahead(made, 100)
    assert next(running) == 0  # an error of the second waits for its turn
    while 2 not in begun and ends == "close":
        time.sleep(0.01)
    before = list(begun)
    threading.Timer(0.2, first_runs.set).start()
    if ends == "error":
        with pytest.raises(ValueError, match="the second"):
            next(running)
    else:
        running.close()
    assert set(begun) <= {*before, 2}  # that may have been on its way
    assert not [t for t in threading.enumerate() if t.name.startswith("compile")]


def test_once_it_is_to_stop_nothing_is_compiled(tmp_path, monkeypatch):
    call = parse(Gaussian, ["--num-generations", "2", "--num-seeds", "2"])
    experiment, _ = run.prepare(call.experiment)
    lowered, stopping = [], threading.Event()
    monkeypatch.setattr(stored, "_compile", lambda *own: lowered.append(own))
    stopping.set()
    conditions = list(prepare.prepared(experiment, None, tmp_path, stopping))
    assert len(conditions) == 3 and not lowered


def test_settings_of_the_caller_s_thread_alone_are_kept():
    """Threads would compile with others: everything is made by the caller then."""
    seen = []

    def made(number, condition):
        seen.append((threading.current_thread(), stored.settings()))
        return number

    assert list(ahead(made, 2)) == [0, 1]
    assert threading.current_thread() not in [thread for thread, _ in seen]
    seen.clear()
    with jax.default_matmul_precision("highest"):
        here = stored.settings()
        assert list(ahead(made, 2)) == [0, 1]
    assert seen == [(threading.current_thread(), here)] * 2


class Counted:
    """A function that counts how often it is lowered, to be compiled."""

    def __init__(self, function):
        self.function, self.times = over_seeds(function), 0

    def lower(self, *arguments):
        self.times += 1
        time.sleep(0.05)
        return self.function.lower(*arguments)


def test_two_threads_compile_a_program_once(tmp_path, monkeypatch):
    """And give the setting of the cache back that both of them change."""
    monkeypatch.setattr(cache, "_active", tmp_path)
    monkeypatch.setattr(fingerprint, "_started", (1e18).__float__)
    before = jax.config.jax_enable_compilation_cache
    counted = [Counted(jnp.sin), Counted(jnp.cos)]
    programs = [stored.kept(one, number) for number, one in enumerate(counted)]
    threads = [
        threading.Thread(target=programs[i % 2].program, args=(jnp.ones(4),))
        for i in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.times for one in counted] == [1, 1]
    assert jax.config.jax_enable_compilation_cache == before
    assert len(list(tmp_path.glob("*.program"))) == 2


@pytest.mark.parametrize("first_out", [0, 1])
def test_a_bypass_of_the_cache_ends_with_the_last_that_asked(first_out):
    before = jax.config.jax_enable_compilation_cache
    both = [cache.bypassed(), cache.bypassed()]
    for one in both:
        one.__enter__()
    both[first_out].__exit__(None, None, None)
    assert not jax.config.jax_enable_compilation_cache
    both[1 - first_out].__exit__(None, None, None)
    assert jax.config.jax_enable_compilation_cache == before


def test_a_resumed_run_is_run_by_the_programs_of_the_first(tmp_path, monkeypatch):
    """States from a file lie where those of a program lie, or it compiles anew."""
    command = "--num-generations 5 --num-seeds 3 --workflows accumulate --dimension 2"
    call = parse(Gaussian, command.split())
    experiment, _ = run.prepare(call.experiment)
    real, save = stored._compile, checkpoint.save
    times, saved = [], []

    def simulated(folder):
        times.append(0)
        return parts.simulate(experiment, None, folder)

    def counted(*arguments):
        times[-1] += 1
        return real(*arguments)

    def interrupted(path, progress):
        save(path, progress)
        saved.append(progress.done)
        if len(saved) == 1:
            raise parts.Interrupted("stop")

    monkeypatch.setattr(stored, "_compile", counted)
    whole = simulated(tmp_path / "whole")
    monkeypatch.setattr(parts, "_SECONDS_BETWEEN_SAVES", -1.0)  # save every chunk
    monkeypatch.setattr(checkpoint, "save", interrupted)
    with pytest.raises(parts.Interrupted):
        simulated(tmp_path / "stopped")
    assert 0 <= saved[0] < 5
    resumed = simulated(tmp_path / "stopped")
    assert times == [2, 2, 2]  # a blank state, and a chunk of generations
    for a, b in zip(*map(jax.tree.leaves, (whole, resumed)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_without_compilation_the_function_itself_is_called():
    """As `jax.disable_jit` asks for, to look into a model of one's own."""
    program = stored.kept(over_seeds(jnp.sin), "sin")
    with jax.disable_jit():
        assert program.program(jnp.ones(2)).__wrapped__
