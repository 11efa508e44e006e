"""Commands in processes of their own, killed (SIGKILL) at moments within a phase.

The child wraps the functions in which a phase passes, writes down when each of them
begins and ends, and kills itself a given time after one has begun: at a random moment,
wherever it is then, in Python, XLA, HDF5 or the system.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import xarray as xr

ROOT = Path(__file__).parents[1]
CHILD = """
import functools, os, signal, sys, threading, time

from collapse.experiment import results
from collapse.figures import draw
from collapse.lab import (
    checkpoint, checksums, commands, extend, folder, outputs, parts, programs, report,
)
from collapse.lab.workers import cluster, local, merge

parts._SECONDS_BETWEEN_SAVES = -1.0  # after every chunk
log = os.open(os.environ["KILL_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
wanted, number, delay = os.environ.get("KILL_AT", "none 0 0").split()
counts = {}

def say(*words):
    os.write(log, (" ".join(map(str, words)) + "\\n").encode())

def workers():
    found = []
    for place in os.listdir("/proc"):
        if place.isdigit():
            try:
                with open(f"/proc/{place}/stat") as file:
                    parent = file.read().rpartition(")")[2].split()[1]
                with open(f"/proc/{place}/cmdline") as file:
                    line = file.read()
            except OSError:
                continue
            kind = "workers.process" in line or "spawn_main" in line
            if parent == str(os.getpid()) and kind:
                found.append(int(place))
    return found

def die():
    time.sleep(float(delay))
    if os.environ.get("KILL_WORKER"):
        victim = (workers() or [0])[0]
        say("begin", "worker", victim, time.monotonic())
        victim and os.kill(victim, signal.SIGKILL)
        say("end", "worker", victim, time.monotonic(), "")
    else:
        os.kill(os.getpid(), signal.SIGKILL)

def phase(name, room, attribute):
    real = getattr(room, attribute)
    @functools.wraps(real)
    def within(*arguments, **named):
        counts[name] = counts.get(name, 0) + 1
        say("begin", name, counts[name], time.monotonic())
        if (name, counts[name]) == (wanted, int(number)):
            threading.Thread(target=die, daemon=True).start()
        found = real(*arguments, **named)
        what = ""
        if name == "checkpoint":
            what = f"{arguments[0].name} {arguments[1].done}"
        say("end", name, counts[name], time.monotonic(), what)
        return found
    setattr(room, attribute, within)

def chunk():
    stops, named = parts.stops, parts.named
    def begun(*arguments):
        for end in stops(*arguments):
            counts["chunk"] = counts.get("chunk", 0) + 1
            say("begin", "chunk", counts["chunk"], time.monotonic())
            if ("chunk", counts["chunk"]) == (wanted, int(number)):
                threading.Thread(target=die, daemon=True).start()
            yield end
            say("over", "chunk", counts["chunk"], time.monotonic())
    def ended(entries):
        found = named(entries)
        say("end", "chunk", counts["chunk"], time.monotonic(), "")
        return found
    parts.stops, parts.named = begun, ended

chunk()
phase("checkpoint", checkpoint, "save")
phase("results", results, "write_dataset")
phase("tables", outputs, "write_summary")
phase("drawing", draw, "save")
phase("checksums", checksums, "write")
phase("finishing", folder, "finish")
phase("copying", merge, "_collect")
phase("merging", merge, "_write")
phase("extending", extend, "begin")
phase("parts", local.Crew, "compute")
phase("cluster", cluster.Cluster, "compute")
say("begin", "loaded", 1, time.monotonic())
sys.exit(commands.main(sys.argv[1:]))
"""


KILLED = -signal.SIGKILL
NO = ("none", 0, 0.0)  # moment of no kill


class Mark(NamedTuple):
    """One time that a phase was gone through.

    Attributes:
      phase: its name.
      number: of this time, from 1.
      began: seconds of the monotonic clock.
      ended: the same; None if it was ended within.
      what: file and generation, of a checkpoint.
    """

    phase: str
    number: int
    began: float
    ended: float | None
    what: str


class Ended(NamedTuple):
    """A command that has ended.

    Attributes:
      code: its exit code, -9 if it was killed.
      marks: the phases that it went through.
      said: on stderr.
      outlived: by a process that it had started.
    """

    code: int
    marks: list[Mark]
    said: str
    outlived: bool

    @property
    def killed(self) -> bool:
        """Whether it, or a worker of it, was killed."""
        return self.code == KILLED or any(m.phase == "worker" for m in self.marks)

    @property
    def within(self) -> str:
        """The innermost phase that it was in; "between" for none."""
        open_ones = [mark.phase for mark in self.marks if mark.ended is None]
        return {"loaded": "between"}.get(open_ones[-1], open_ones[-1])


def command(place, arguments, at=NO, worker=False, patience=120.0):
    """A command that has ended, by itself or by the kill that is asked for.

    Args:
      place: folder that it runs in.
      arguments: after `collapse`.
      at: phase, which time of it, and seconds after its beginning.
      worker: whether a worker of it is killed, instead of the command itself.
      patience: seconds after which it is killed from outside.
    """
    log = place / "kill.log"
    log.unlink(missing_ok=True)
    told = {"KILL_LOG": str(log), "KILL_AT": " ".join(map(str, at))}
    told |= {"PYTHONPATH": str(ROOT), "COLLAPSE_CACHE": str(place / "programs")}
    told |= {"KILL_WORKER": "yes"} if worker else {}
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments],
        cwd=place,
        env=os.environ | told,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        said = process.communicate(timeout=patience)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        said = process.communicate()[1]
    return Ended(process.returncode, marks(log), said, outlives(process.pid))


def outlives(group):
    """Whether a process of a group is there 10 s after the first one has ended."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    return True


def marks(log):
    """The phases that a command has written down."""
    found = {}
    lines = log.read_text().splitlines() if log.exists() else []
    for line in lines:
        how, phase, number, when, *what = line.split(" ", 4)
        key = (phase, int(number))
        if how == "begin":
            found[key] = Mark(*key, float(when), None, "")
        elif how == "end":
            found[key] = found[key]._replace(ended=float(when), what=" ".join(what))
        elif found[key].ended is None:  # a chunk that was there already
            del found[key]
    return list(found.values())


def moment(draw: random.Random, whole: list[Mark], phase: str):
    """A random moment of a phase: which time of it, and seconds after its beginning."""
    times = [m for m in whole if m.phase == phase and m.ended is not None]
    one = draw.choice(times)
    return phase, one.number, round(draw.uniform(0, one.ended - one.began), 6)


def same(one: Path, other: Path) -> bool:
    """Whether two runs have the same bits in every variable, and the same table."""
    found = [xr.load_dataset(p / "results.nc", engine="h5netcdf") for p in (one, other)]
    bits = [
        {n: (v.dims, v.dtype, v.values.tobytes()) for n, v in data.variables.items()}
        for data in found
    ]
    files = ("summary.csv", "profile.csv", "figure.svg", "experiment.toml")
    tables = [[(p / name).read_bytes() for name in files] for p in (one, other)]
    return bits[0] == bits[1] and tables[0] == tables[1]
