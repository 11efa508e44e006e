"""The compilation cache: found again, never by another machine, never in the way."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from collapse.lab import cache

HITS: list[str] = []


def listen(event, **_):
    if event == "/jax/compilation_cache/cache_hits":
        HITS.append(event)


jax.monitoring.register_event_listener(listen)


@pytest.fixture
def free(monkeypatch):
    """As a user's process: no cache has been chosen, and every program is kept."""
    before = jax.config.jax_compilation_cache_dir
    cache._configure({"jax_compilation_cache_dir": None})
    monkeypatch.setattr(cache, "_LEAST_SECONDS", 0.0)
    monkeypatch.delenv(cache.VARIABLE, raising=False)
    yield
    monkeypatch.setattr(cache, "_active", None)
    cache._configure({"jax_compilation_cache_dir": before})


def settings():
    return {name: value for name, value in jax.config.values.items() if "cache" in name}


def compute(x):
    jax.clear_caches()  # as in a new process
    return np.asarray(jax.jit(lambda x: jnp.sin(x) @ jnp.cos(x))(x))


def test_first_run_misses_and_second_one_hits_with_the_same_bits(free, tmp_path):
    x = jnp.linspace(0.0, 1.0, 64)
    plain = compute(x)
    with cache.enable(tmp_path) as used:
        seen = len(HITS)
        cold = compute(x)
        assert len(HITS) == seen
        files = list((used.folder / "xla").glob("*-cache"))
        assert files
        warm = compute(x)
        assert len(HITS) > seen
        assert set(files) <= set((used.folder / "xla").glob("*-cache"))
    seen = len(HITS)
    compute(x)  # no longer in use
    assert len(HITS) == seen
    np.testing.assert_array_equal(cold, plain)
    np.testing.assert_array_equal(warm, plain)


def test_settings_are_given_back(free, tmp_path):
    before = settings()
    with cache.enable(tmp_path) as used:
        assert settings() != before
        assert cache.active() == used.folder / "programs"
    assert settings() == before
    assert cache.active() is None


@pytest.mark.parametrize("what", ["processor", "versions"])
def test_another_machine_or_version_has_another_folder(what, monkeypatch):
    own = cache.key()
    assert own == cache.key()
    monkeypatch.setattr(cache, what, lambda: "another")
    assert cache.key() != own


def test_the_processor_is_told_apart_by_its_features(monkeypatch):
    def named(flags):
        text = f"model name : some\nflags : {flags}\ncpu MHz : {len(flags)}\n"
        monkeypatch.setattr(cache.Path, "read_text", lambda *_, **__: text)
        return cache.processor.__wrapped__()

    assert named("avx2 fma") == named("fma avx2")  # another order, another clock
    assert named("avx2 fma") != named("avx2 avx512f fma")


@pytest.mark.parametrize("value", ["off", ""])
def test_it_can_be_switched_off(value, free, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, value)
    before = settings()
    assert cache.enable().folder is None
    assert settings() == before and cache.active() is None


def test_it_can_be_switched_off_for_a_while(free, tmp_path):
    x = jnp.linspace(0.0, 1.0, 64)
    with cache.enable(tmp_path) as used:
        compute(x)
        before, seen = settings(), len(HITS)
        with cache.enable("off") as none:
            assert none.folder is None and cache.active() is None
            compute(x)
            assert len(HITS) == seen
        assert settings() == before
        assert cache.active() == used.folder / "programs"
        with cache.enable(tmp_path / "another") as same:
            assert same.folder is None  # that in use stays in use
            assert cache.active() == used.folder / "programs"
        assert cache.active() == used.folder / "programs"
    assert cache.active() is None


def test_a_cache_that_somebody_chose_is_left_alone(free, tmp_path):
    cache._configure({"jax_compilation_cache_dir": str(tmp_path / "mine")})
    assert cache.enable(tmp_path / "ours").folder is None
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "mine")
    assert not (tmp_path / "ours").exists()


def test_a_folder_that_cannot_be_made_is_no_error(free, tmp_path):
    (tmp_path / "file").touch()
    before = settings()
    assert cache.enable(tmp_path / "file" / "below").folder is None
    assert settings() == before and cache.active() is None


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners here")
def test_a_folder_open_to_others_is_not_used(free, tmp_path):
    with cache.enable(tmp_path) as used:
        programs = used.folder / "programs"
    programs.chmod(0o777)
    assert cache.enable(tmp_path).folder is None


def test_a_folder_that_vanishes_is_no_error(free, tmp_path):
    """A full disk looks the same: nothing can be written."""
    x = jnp.linspace(0.0, 1.0, 8)
    with cache.enable(tmp_path) as used:
        for path in (used.folder / "xla").iterdir():
            path.unlink()
        (used.folder / "xla").rmdir()
        (used.folder / "xla").touch()
        with pytest.warns(UserWarning, match="persistent compilation cache"):
            compute(x)


def written(path, age):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(100))
    os.utime(path, (age, age))
    return path


def test_the_oldest_files_go_when_there_are_too_many(tmp_path):
    own = tmp_path / cache.key()
    for i in range(4):
        written(own / "xla" / f"{i}-cache", i)
        written(own / "programs" / f"{4 + i}.program", 4 + i)
    files = {path.name for path in own.glob("*/*")}
    cache.prune(tmp_path, most=800)
    assert {path.name for path in own.glob("*/*")} == files
    cache.prune(tmp_path, most=799)  # down to three quarters of it
    assert {p.name for p in own.glob("*/*")} == files - {f"{i}-cache" for i in range(3)}


def test_no_file_of_another_is_removed(free, tmp_path, monkeypatch):
    """However old it is, beside the programs or among them."""
    with cache.enable(tmp_path) as used:
        assert used.folder.parent.parent == tmp_path
    folder = used.folder.parent
    foreign = [
        written(tmp_path / name, 0)
        for name in ("thesis.tex", "deep/down/data.csv", "0123456789abcdef0123/xla/a")
    ] + [
        written(folder / name, 0)
        for name in ("mine", "my/xla/a-cache", "a/b/c/d-cache")
    ]
    foreign.append(written(used.folder / "notes.txt", 0))
    foreign.append(written(used.folder / "xla" / "notes.txt", 0))
    old = written(used.folder / "xla" / "jit_f-0-cache", 0)
    link = used.folder / "xla" / "linked-cache"
    link.symlink_to(foreign[0])
    prune = cache.prune
    monkeypatch.setattr(cache, "prune", lambda folder: prune(folder, most=0))
    with cache.enable(tmp_path):
        pass
    assert not old.exists()
    assert all(path.exists() for path in [*foreign, link])


@pytest.mark.parametrize(
    ("system", "variable", "parts"),
    [
        ("linux", "XDG_CACHE_HOME", ("collapse",)),
        ("linux", "HOME", (".cache", "collapse")),
        ("darwin", "HOME", ("Library", "Caches", "collapse")),
        ("win32", "LOCALAPPDATA", ("collapse",)),
    ],
)
def test_it_lies_where_the_system_keeps_caches(
    system, variable, parts, tmp_path, monkeypatch
):
    for name in (cache.VARIABLE, "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setenv(variable, str(tmp_path))
    assert cache.chosen_folder() == tmp_path.joinpath(*parts)
    own = "collapse-programs"  # among files of the user's
    assert cache.chosen_folder("elsewhere").parts == ("elsewhere", own)
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "other"))
    assert cache.chosen_folder() == tmp_path / "other" / own


def test_xla_is_told_to_be_quiet_before_it_is_loaded():
    text = "import os, sys, collapse; print(os.environ[{!r}], 'jax' in sys.modules)"
    name = "TF_CPP_MIN_LOG_LEVEL"
    command = [sys.executable, "-c", text.format(name)]
    for given, expected in (({}, "3"), ({name: "0"}, "0")):
        others = {key: value for key, value in os.environ.items() if key != name}
        out = subprocess.check_output(command, env=others | given, text=True)
        assert out.split() == [expected, "False"]
