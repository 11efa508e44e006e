"""Whole programs on disk: found without tracing, and only by what they were made of."""

import json
import os
import subprocess
import sys
import types
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from collapse.core import streams
from collapse.core.seeds import over_seeds
from collapse.lab import cache, fingerprint, stored


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A cache in use, in a package whose files may be changed meanwhile."""
    monkeypatch.setattr(cache, "_active", tmp_path)
    monkeypatch.setattr(fingerprint, "_started", (1e18).__float__)
    return tmp_path


class Traced:
    """Counts how often a function is traced; of no influence on its program."""

    def __init__(self):
        self.times = 0


def seeds_program(traced, shift):
    """Keys, a donated state, one generation for all: as the lab's own programs are."""

    def advance(root, state, values):
        traced.times += 1
        noise = jax.random.normal(root, state["x"].shape)
        factor = jnp.linalg.cholesky(jnp.eye(3) + values[0] * jnp.ones((3, 3)))
        new = {"x": state["x"] + factor @ noise + shift, "step": state["step"] + 1}
        return new, jnp.sum(noise)

    own = {"x": 0, "step": None}
    program = over_seeds(advance, (0, own, None), (own, 0), donate=1)
    return stored.kept(program, "advance", shift)


def arguments(num=4):
    state = {"x": jnp.zeros((num, 3)), "step": jnp.zeros((), jnp.int32)}
    return streams.seeds(0, num), state, (jnp.array(0.5),)


def chunks(program, num=4):
    """Two calls: the state of the second one lies on the devices of the first."""
    roots, state, values = arguments(num)
    state, first = program.call(roots, state, values)
    given = state
    state, second = program.call(roots, state, values)
    assert given["x"].is_deleted()  # donated
    return [np.asarray(x) for x in (state["x"], state["step"], first, second)]


@pytest.mark.parametrize("num", [4, 3])
def test_a_kept_program_is_not_traced_again_and_has_the_same_bits(num, folder):
    plain, cold, warm = Traced(), Traced(), Traced()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "_active", None)
        expected = chunks(seeds_program(plain, 1.0), num)
    assert not list(folder.iterdir())
    first = chunks(seeds_program(cold, 1.0), num)
    jax.clear_caches()
    second = chunks(seeds_program(warm, 1.0), num)
    assert plain.times > 0 and cold.times > 0 and warm.times == 0
    for one in (first, second):
        for a, b in zip(one, expected, strict=True):
            np.testing.assert_array_equal(a, b)
    assert expected[1] == 2


def test_shapes_are_kept_too(folder):
    cold, warm = Traced(), Traced()
    first = seeds_program(cold, 1.0).shapes(*arguments())
    second = seeds_program(warm, 1.0).shapes(*arguments())
    assert cold.times > 0 and warm.times == 0
    assert first == second and first[0]["x"].shape == (4, 3)


def test_what_differs_is_not_mistaken(folder, monkeypatch):
    def made(shift=1.0, num=4):
        traced = Traced()
        seeds_program(traced, shift).call(*arguments(num))
        return traced.times > 0

    assert made() and not made()
    assert made(shift=1.5)
    assert made(num=2)
    monkeypatch.setattr(stored, "sources", "others".__str__)
    assert made() and not made()
    monkeypatch.setattr(cache, "processor", "another".__str__)
    assert made()
    with jax.default_matmul_precision("highest"):
        assert made()
    assert not made()


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b"", lambda b: b * 2])
def test_a_damaged_file_is_made_again(damage, folder):
    first = chunks(seeds_program(Traced(), 1.0))
    for path in folder.glob("*.program"):
        path.write_bytes(damage(path.read_bytes()))
    traced = Traced()
    second = chunks(seeds_program(traced, 1.0))
    assert traced.times > 0
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    traced = Traced()
    chunks(seeds_program(traced, 1.0))
    assert traced.times == 0


def test_a_disk_that_takes_nothing_is_no_error(folder, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stored.tempfile, "mkstemp", full)
    chunks(seeds_program(Traced(), 1.0))
    assert not list(folder.iterdir())


def test_a_function_put_into_the_package_keeps_nothing(monkeypatch):
    monkeypatch.setattr(fingerprint, "_started", (1e18).__float__)
    stored._surroundings()
    for place, name in ((streams, "seeds"), (cache.Enabled, "__enter__")):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(place, name, lambda *_: None)
            with pytest.raises(fingerprint.Unknown, match="has been replaced"):
                stored._surroundings()
    monkeypatch.setattr(streams, "seeds", jax.jit(lambda *_: None))
    with pytest.raises(fingerprint.Unknown, match="has been replaced"):
        stored._surroundings()


def test_what_cannot_be_followed_is_not_kept(folder):
    program = stored.kept(jax.jit(lambda x: x + 1), object())
    assert program.call(jnp.array(1.0)) == 2
    assert program.shapes(jnp.array(1.0)).shape == ()
    assert not list(folder.iterdir())


def test_a_program_that_calls_back_is_not_kept(folder):
    def back(x):
        shape = jax.ShapeDtypeStruct(x.shape, x.dtype)
        return jax.pure_callback(lambda x: np.asarray(x) + 1, shape, x)

    program = stored.kept(jax.jit(back), "back")
    assert program.call(jnp.array(1.0)) == 2
    assert not list(folder.glob("*.program"))


def test_a_result_is_remembered_by_what_it_depends_on(folder):
    asked = []

    def square(x):
        def compute():
            asked.append(x)
            return {"low": -np.inf, "square": x * x}

        return stored.remembered(compute, "square", x)

    assert square(0.1) == square(0.1) == {"low": -np.inf, "square": 0.1 * 0.1}
    assert square(0.2)["square"] == 0.2 * 0.2
    assert asked == [0.1, 0.2]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "_active", None)
        square(0.1)
    assert asked == [0.1, 0.2, 0.1]


def module(name, text):
    """A module of a user's."""
    made = types.ModuleType(name)
    exec(text, vars(made))
    return made


def test_a_helper_imported_in_a_function_is_seen_to_change(folder):
    seen = []
    text = "def fit(x):\n    from helper_of_mine import FACTOR\n    return x * FACTOR\n"
    fit = module("mine", text).fit
    with pytest.MonkeyPatch.context() as patch:
        for factor in (2.0, 3.0):
            helper = module("helper_of_mine", f"FACTOR = {factor}\n")
            patch.setitem(sys.modules, "helper_of_mine", helper)
            jax.clear_caches()
            fresh = types.FunctionType(fit.__code__, fit.__globals__)
            seen.append(float(stored.kept(jax.jit(fresh), fit).call(jnp.array(1.0))))
    assert seen == [2.0, 3.0]


def test_what_this_process_alone_can_name_is_not_written(folder):
    class Own:
        def __reduce__(self):
            raise stored.pickle.PicklingError

    for thing in (lambda: None, Own(), Own):
        assert stored.remembered(lambda thing=thing: thing, "own") is thing
    assert not list(folder.iterdir())


def test_a_value_that_cannot_be_built_is_made_again(folder):
    for error in (TypeError, ValueError, EOFError, KeyError):
        with pytest.MonkeyPatch.context() as patch:
            assert stored.remembered(lambda: "value", "one") == "value"
            patch.setattr(stored.pickle, "loads", mock.Mock(side_effect=error))
            assert stored.remembered(lambda: "value", "one") == "value"


# Families

# family: an option, another value of it, and whether it is an argument of the program
OPTIONS = {
    "gaussian": ("ddof", 1, False),
    "gmm": ("tol", 0.3, False),
    "kde": ("bandwidth", 0.9, True),
    "discrete": ("smoothing", 0.5, False),
    "linear": ("ridge", 2.0, False),
}
METRICS = {"discrete": "entropy", "linear": "test_error"}  # few are compiled sooner

CODE = """
import hashlib, json, os, sys
import jax
import collapse

traced = []

def listen(event, duration, **about):
    if event.endswith("trace_duration"):
        traced.append(about.get("fun_name"))

jax.monitoring.register_event_duration_secs_listener(listen)
family, runs = json.loads(sys.argv[1])
for place, fields in runs:
    os.environ["COLLAPSE_CACHE"] = place
    jax.clear_caches()
    traced.clear()
    data = collapse.run(family, **fields).dataset
    bits = {n: hashlib.sha256(v.values.tobytes()).hexdigest() for n, v in data.items()}
    print(json.dumps([traced.count("call"), bits]))
"""


def process(family, *runs):
    """For each run in a new process: programs that were traced, results by name."""
    command = [sys.executable, "-c", CODE, json.dumps([family, runs])]
    env = {k: v for k, v in os.environ.items() if k != cache.VARIABLE}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("family", OPTIONS)
def test_programs_of_a_family_are_found_again(family, tmp_path):
    """By another process, with the same bits; another option is not mistaken.

    In processes of their own, since no program is kept of functions whose signatures
    are checked, as in all other tests.
    """
    option, value, is_argument = OPTIONS[family]
    usual = {"quick": True, "workflows": "accumulate", "num_seeds": 3}
    usual["metrics"] = METRICS.get(family, "variance_ratio")
    here, other = str(tmp_path), usual | {option: value}
    ((traced, first),) = process(family, (here, usual))
    programs = {*tmp_path.rglob("*.program")}
    assert 0 < len(programs) == traced
    runs = process(family, (here, usual), (here, other), ("off", other))
    (again, same), (new, changed), (plain, expected) = runs
    assert again == 0 and same == first
    assert (new == 0) == is_argument and changed != first
    assert {*tmp_path.rglob("*.program")} >= programs
    assert len([*tmp_path.rglob("*.program")]) == len(programs) + new
    assert plain > 0 and changed == expected
