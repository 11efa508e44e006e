"""Digests: others for what traces to another program, none for what is not followed."""

import functools
import math
import os
import statistics
import sys
import time
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from collapse.lab import cache, fingerprint

SCALE = 2.0


def shifted(by, constant=1):
    def function(x):
        return x + by + constant * SCALE

    return function


def of(*things):
    return fingerprint.fingerprint(*things)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (0.0, -0.0),
        (1, 1.0),
        (1, True),
        ("a", b"a"),
        ((1, 2), [1, 2]),
        (("ab", "c"), ("a", "bc")),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (np.zeros(2), np.zeros(2, np.float32)),
        (np.zeros((1, 2)), np.zeros((2, 1))),
        (np.zeros(2), np.array([0, 1e-300])),
        (jax.random.key(0), jax.random.key(1)),
        (jnp.asarray(1.0), jnp.asarray(np.float64(1.0))),  # weak and strong
        (shifted(1), shifted(2)),
        (shifted(1), shifted(1, constant=2)),
        (shifted(np.ones(2)), shifted(np.zeros(2))),
        (functools.partial(shifted, 1), functools.partial(shifted, 2)),
        (lambda x: x + 1, lambda x: x + 2),
        (lambda x: x + 1, lambda x: x - 1),
        (lambda: lambda x: x * 2, lambda: lambda x: x * 3),
        (jnp.sin, jnp.cos),
        (lambda x, y: x, lambda x, /, y: x),
        (lambda x, y: x, lambda x, *, y: x),
    ],
)
def test_different_things_have_different_digests(one, other):
    assert of(one) == of(one)
    assert of(one) != of(other)


def test_equal_functions_made_twice_have_one_digest():
    assert of(shifted(np.arange(3.0))) == of(shifted(np.arange(3.0)))


def test_globals_of_a_users_module_are_followed(monkeypatch):
    function, before = shifted(1), of(shifted(1))
    assert of(function) == before
    monkeypatch.setitem(globals(), "SCALE", 3.0)
    assert of(function) != before


@pytest.mark.parametrize(
    "thing",
    [object(), iter(()), np.random.default_rng(0), np.ma.masked_array([1], [True])],
)
def test_what_cannot_be_followed_has_no_digest(thing):
    with pytest.raises(fingerprint.Unknown):
        of(lambda: thing)


def module(name, text):
    """A module of a user's."""
    made = types.ModuleType(name)
    exec(text, vars(made))
    return made


@pytest.mark.parametrize(
    "line",
    [
        "from helper_of_mine import FACTOR",
        "from .math import FACTOR",
        "import not_there_at_all as FACTOR",
        "FACTOR = globals()['SCALE']",
        "FACTOR = eval('SCALE')",
        "exec('x = x + SCALE'); FACTOR = 1",
        "FACTOR = vars(__import__('helper_of_mine'))",
        "import importlib; FACTOR = importlib.import_module('helper_of_mine').FACTOR",
        "import sys; FACTOR = sys.modules['helper_of_mine'].FACTOR",
        "FACTOR = (lambda: globals()['SCALE'])()",
        "import numpy; FACTOR = numpy.load('factor.npy')",
    ],
)
def test_what_is_looked_up_at_run_time_has_no_digest(line):
    text = f"SCALE = 2.0\ndef fit(x):\n    {line}\n    return x * FACTOR\n"
    made = module("mine", text)
    with pytest.raises(fingerprint.Unknown):
        of(made.fit)


def test_imports_of_known_packages_inside_a_function_are_followed():
    text = "def fit(x):\n    import jax.numpy as j\n    from math import pi\n"
    text += "    from collapse import draws\n    return j.sin(x) * {}\n"
    one = module("mine", text.format("pi"))
    other = module("mine", text.format("2"))
    assert len({of(one.fit), of(other.fit)}) == 2


def test_a_function_that_takes_the_name_of_a_known_one_is_followed(monkeypatch):
    @functools.wraps(jnp.sum)
    def total(x):
        return x * SCALE

    assert total.__module__.startswith("jax")
    before = of(total)
    monkeypatch.setitem(globals(), "SCALE", 3.0)
    assert of(total) != before
    with pytest.raises(fingerprint.Unknown):
        of(jax.jit(total))


def test_what_a_function_carries_is_part_of_it():
    one, other = shifted(1), shifted(1)
    one.scale, other.scale = 1.0, 2.0
    assert len({of(one), of(other), of(shifted(1))}) == 3


def package(folder):
    """A package of two files, older than this process."""
    for name in ("first.py", "below/second.py"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder / "first.py"


def test_sources_that_changed_while_in_use_have_no_digest(tmp_path, monkeypatch):
    monkeypatch.setattr(fingerprint, "_ROOT", tmp_path)
    path = package(tmp_path)
    monkeypatch.setattr(fingerprint, "_started", time.time)
    time.sleep(0.05)  # the clock of files is a coarse one
    first = fingerprint.sources()
    assert len(first) == 64 and fingerprint.sources() == first
    begun = time.time()
    monkeypatch.setattr(fingerprint, "_started", lambda: begun)
    assert fingerprint.sources() == first
    time.sleep(0.05)
    path.write_text("other")
    with pytest.raises(fingerprint.Unknown, match="changed while in use"):
        fingerprint.sources()
    os.utime(path, (0, 0))  # as a copy that keeps its time
    with pytest.raises(fingerprint.Unknown, match="changed while in use"):
        fingerprint.sources()
    monkeypatch.setattr(fingerprint, "_started", lambda: 1e18)  # another process
    assert fingerprint.sources() != first


def test_no_process_begins_after_it_has_loaded_the_package(monkeypatch):
    assert fingerprint._started() <= fingerprint._LOADED
    texts = {"/proc/self/stat": "1 (x) S" + " 0" * 40, "/proc/uptime": "-1000 0"}
    monkeypatch.setattr(fingerprint.Path, "read_text", lambda self: texts[str(self)])
    assert fingerprint._started() == fingerprint._LOADED


def test_a_file_named_as_a_known_package_is_not_known(tmp_path):
    for name in ("statistics", "optax", "collapse"):
        made = types.ModuleType(name)
        made.__file__ = str(tmp_path / f"{name}.py")
        exec("SCALE = 2.0\ndef fit(x):\n    return x * SCALE\n", vars(made))
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(sys.modules, name, made)
            before = fingerprint.fingerprint(made.fit)
            made.SCALE = 3.0
            assert fingerprint.fingerprint(made.fit) != before
            with pytest.raises(fingerprint.Unknown):
                fingerprint.fingerprint(made)


def test_known_modules_are_found_where_they_are_installed():
    of = fingerprint.fingerprint
    for known in (jax, jnp, np, functools, math, statistics, cache, sys):
        assert of(known)
    assert of(statistics.mean, jnp.sin, math.sqrt, jax.nn.relu, jax.nn.gelu)
