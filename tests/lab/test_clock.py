"""A clock that jumps, forwards or backwards, while a run is at work."""

import ast
import itertools
import time
from pathlib import Path

import pytest

import collapse
from collapse.lab import lock, stopwatch
from collapse.lab.stopwatch import Stopwatch

ROOM = Path(collapse.__file__).parent
# A page tells the day. A change of a source file is compared with the time at which it
# was read: this decides whether compiled programs may be kept, and nothing else.
WALL_CLOCK = {"lab/fingerprint.py", "lab/look/report.py"}


@pytest.fixture(params=[-1e9, 1e9])
def jumps(request, monkeypatch):
    """Each look at the wall clock finds it years away from the one before."""
    times = itertools.count(time.time(), request.param)
    monkeypatch.setattr(time, "time", lambda: next(times))


def test_seconds_do_not_follow_the_clock(jumps, tmp_path):
    stopwatch.note_seconds(tmp_path, 5.0)
    watch = Stopwatch(tmp_path)
    watch.note()
    assert 5.0 <= stopwatch.seconds(tmp_path) < 10.0
    watch.note()
    assert 5.0 <= stopwatch.seconds(tmp_path) < 10.0


def test_a_lock_is_as_old_as_it_likes(jumps, tmp_path):
    """It is held while its process is there, and free when that is gone."""
    with lock.held(tmp_path):
        with pytest.raises(lock.InputError, match="in use by process"):
            lock.check_free(tmp_path)
    lock.check_free(tmp_path)


def test_nothing_else_of_the_package_asks_for_the_time_of_day():
    found = set()
    for path in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = isinstance(node, ast.Attribute) and ast.unparse(node)
            if named in ("time.time", "datetime.now", "datetime.datetime.now"):
                found.add(path.relative_to(ROOM).as_posix())
    assert found == WALL_CLOCK
