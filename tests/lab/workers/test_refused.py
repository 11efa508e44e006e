"""Workers: what is refused in one line, shares of shards, locks, and layouts."""

import contextlib
import re
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from collapse.data.errors import InputError
from collapse.experiment import registry
from collapse.experiment.files import write_once
from collapse.lab import (
    checkpoint,
    commands,
    folder,
    layout,
    lock,
    prepare,
    session,
    stopwatch,
)
from collapse.lab.layout import Layout
from collapse.lab.prepare import Piece
from collapse.lab.workers import cluster, description, local, merge, options, shards
from collapse.lab.workers import parts as workers_parts
from collapse.lab.workers.options import Shard
from collapse.sims.gaussian import Gaussian

RUN = ["gaussian", "--num-seeds", "3", "--num-generations", "2", "--quiet"]
RUN += ["--samples-per-generation", "20", "--workflows", "replace"]
RUN += ["--metrics", "mean_error"]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "configured", lambda *_: contextlib.nullcontext())


def refused(capsys, *arguments):
    """The one line that is said to arguments that cannot be run."""
    assert commands.main([*arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1
    return said.removeprefix("error: ")


WRONG = {
    "--jobs 0": "jobs: 0; give a number from 1 to 1024",
    "--devices -1": "devices: -1; give 0 to 1024",
    "--shard 0/3": "shard: 0/3: there are shards 1/3 to 3/3",
    "--shard 4/3": "shard: 4/3: there are shards 1/3 to 3/3",
    "--shard 1/0": "shard: 1/0: no shards; give number/count, such as 1/3",
    "--shard 2": "shard: '2'; give number/count, such as 1/3",
    "--shard=": "shard: empty; give a share such as 1/3 or drop --shard",
    "--shard 1/2 --force": "shard: does not go with --force; it would remove what",
    "--shard 1/2 --extend": "shard: does not go with --extend; extend in one command",
    "--shard 1/2 --publish p": "shard: does not go with --publish; first join the",
    "--shard 1/2 --scheduler local": "shard: does not go with --scheduler; a cluster",
    "--scheduler c.json": "scheduler: c.json: no such file; give a scheduler's file, a",
    "--scheduler=": "scheduler: empty; give an address, a file or local or drop --sch",
    "--scheduler tcp://h:1 --jobs 2": "jobs: has no effect on the workers of a cluster",
    "--block-seeds -1": "block_seeds: -1; give a number from 0 to",
}


@pytest.mark.parametrize("line", WRONG)
def test_options_that_mean_nothing_are_refused_and_nothing_is_left(line, capsys):
    assert refused(capsys, *RUN, *line.split()).startswith(WRONG[line])
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize(
    "name", ["tcp://h:8786", "10.0.0.1:8786", "node-3:1", "[::1]:1"]
)
def test_an_address_is_no_file(name):
    assert options.is_address(name)
    assert not any(map(options.is_address, ("c.json", "a:b.json", "local", "node-3")))


def test_without_distributed_its_extra_is_named(capsys, monkeypatch):
    monkeypatch.setattr(options, "util", SimpleNamespace(find_spec=lambda _: None))
    said = refused(capsys, *RUN, "--scheduler", "local")
    assert "pip install 'model-collapse-lab[cluster]'" in said


def test_a_scheduler_that_does_not_answer_is_said(capsys, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "_PATIENCE", 0.3)
    said = refused(capsys, *RUN, "--out", "a", "--scheduler", "tcp://127.0.0.1:9")
    assert said.startswith(
        "scheduler: tcp://127.0.0.1:9 does not answer within 0.3 s; is"
    )
    assert not Path("a").exists()
    Path("c.json").write_text("{")
    said = refused(capsys, *RUN, "--out", "a", "--scheduler", "c.json")
    assert said.startswith("scheduler: c.json is no scheduler's file; give what dask")


def test_a_local_cluster_that_cannot_be_started_is_said(capsys, monkeypatch):
    """As if one of its workers had been killed meanwhile."""
    distributed = pytest.importorskip("distributed")

    def start(*arguments, **named):
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr(distributed, "LocalCluster", start)
    line = [*RUN, "--scheduler", "local", "--out", "out"]
    assert commands.main(line) == 1
    said = capsys.readouterr().err
    assert "could not be started (Nanny failed to start.); run the" in said
    assert said.count("\n") == 1


def test_what_cannot_be_merged_is_said(capsys):
    Path("empty").mkdir()
    for line, start in (
        ("", "merge: no folder; give that of the shards"),
        ("nowhere", "merge: nowhere: no such folder; give that of the shards"),
        ("empty", "merge: empty holds no run; give the folder of shards"),
        ("--quit empty", "--quit: no such option; did you mean --quiet?"),
        ("empty --family", "family: empty; give a Python file or drop --family"),
        ("empty --family=", "family: empty; give a Python file or drop --family"),
        ("empty --familiy f.py", "--familiy: no such option; did you mean --family?"),
        ("empty --family-of f.py", "--family-of: no such option; did you mean"),
    ):
        assert refused(capsys, "merge", *line.split()).startswith(start)
    with pytest.raises(SystemExit) as stop:
        commands.main(["merge", "--help"])
    assert stop.value.code == 0
    assert "usage: collapse merge FOLDER" in capsys.readouterr().out


def test_shards_of_another_experiment_or_of_other_devices_are_refused(capsys):
    assert commands.main([*RUN, "--out", "a", "--shard", "1/1"]) == 0
    assert commands.main([*RUN, "--out", "b", "--seed", "1", "--shard", "1/1"]) == 0
    said = refused(capsys, *RUN, "--out", "a", "--seed", "1", "--shard", "1/1")
    assert said.startswith("shard: a holds another experiment; give all shards of one")
    said = refused(capsys, "merge", "a", "b")
    assert said.startswith("merge: a and b hold shards of different experiments; merge")
    label = Path("a/experiment.toml")
    text = label.read_text()
    said = refused(capsys, *RUN, "--out", "a", "--shard", "1/1", "--devices", "3")
    assert said.startswith("devices: a was begun on 2 devices, ")
    begun = text.replace("layout 2 devices", "layout 16 devices")
    label.write_text(re.sub("# crc32 .*\n", "", begun))  # as earlier versions wrote
    said = refused(capsys, *RUN, "--out", "a", "--shard", "1/1")
    assert said.startswith("shard: a was begun on 16 devices, ")
    label.write_text(text)
    # nothing is computed twice, and the results are those of the parts
    before = stopwatch.seconds(Path("a/checkpoints"))
    assert commands.main(["merge", "a", "--quiet"]) == 0
    assert before > 0 and folder.is_complete(Path("a"))


def test_the_shares_of_shards_are_all_parts_once_and_of_equal_size():
    pieces = [Piece(n, range(s, s + 4)) for n in range(7) for s in (0, 4, 8)]
    for total in (1, 2, 5, 21, 30):
        shares = [Shard(i + 1, total).share(pieces) for i in range(total)]
        assert sorted(p.name for s in shares for p in s) == [p.name for p in pieces]
        assert {len(share) for share in shares} <= {21 // total, -(-21 // total)}
    # every third condition has the same workflow: no shard of three gets one alone
    grid = [Piece(number, range(4)) for number in range(12)]
    kinds = [{p.number % 3 for p in Shard(i, 3).share(grid)} for i in (1, 2, 3)]
    assert all(len(kind) > 1 for kind in kinds)


def test_shards_share_a_lock_and_nobody_else_has_it_meanwhile():
    place = Path("a")
    place.mkdir()
    with lock.shared(place, 1, 3), lock.shared(place, 2, 3):
        with pytest.raises(InputError, match="in use by"), lock.shared(place, 2, 3):
            pass
        with (
            pytest.raises(InputError, match="as many shards"),
            lock.shared(place, 1, 2),
        ):
            pass
        with pytest.raises(InputError, match="in use by shard 1/3"), lock.held(place):
            pass
        with pytest.raises(InputError, match="in use by shard 1/3"):
            lock.check_free(place)
        lock.check_free(place, alone=False)
    assert list(place.iterdir()) == []
    with lock.held(place), pytest.raises(InputError, match="in use by process"):
        with lock.shared(place, 1, 3):
            pass
    assert list(place.iterdir()) == []


def test_the_first_of_many_writes_a_file_that_all_read():
    path, found = Path("layout"), []
    threads = [
        threading.Thread(target=lambda i=i: found.append(write_once(path, str(i))))
        for i in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {*found} == {path.read_text()} and len(found) == 8
    assert [one.name for one in Path.cwd().iterdir()] == ["layout"]


def test_a_file_that_is_written_once_can_be_read_by_others_as_any_file():
    write_once(Path("layout"), "µ")
    Path("usual").touch()
    assert Path("layout").stat().st_mode == Path("usual").stat().st_mode


def test_a_layout_is_read_as_it_is_written_and_kept_unless_another_is_asked_for():
    two = Layout(2, 8)
    assert layout.read(str(two)) == two and layout.read("") is None
    assert layout.chosen(0, two, "a") == two and layout.chosen(2, two, "a") == two
    assert layout.chosen(0, None, "a") is None
    assert layout.chosen(3, None, "a") == Layout(3, 12)
    with pytest.raises(InputError, match="a was begun on 2 devices, 8 threads; drop"):
        layout.chosen(3, two, "a")


def test_cores_are_shared_by_workers(monkeypatch):
    every = {0, 2, 4, 6, 7}
    monkeypatch.setattr(local.os, "sched_getaffinity", lambda _: every, raising=False)
    two = [local._cores(i, 2) for i in range(2)]
    assert sorted(sum(two, [])) == sorted(every)
    assert [local._cores(i, 5) for i in range(5)] == [[0], [2], [4], [6], [7]]
    assert local._cores(6, 7) == [2]


def test_seeds_come_in_blocks_of_at_most_so_many_and_of_one_without():
    """The field is no part of an experiment that does not set it."""

    def blocks(**fields):
        asked = Gaussian(workflows=("replace",), num_seeds=10, **fields)
        asked = asked.resolved(0, 0)
        plan = prepare.planner(asked, None, Path("c"))
        return [piece.seeds for piece in workers_parts.pieces(asked, plan)]

    assert blocks() == [range(10)]
    assert blocks(block_seeds=4) == [range(4), range(4, 8), range(8, 10)]
    assert blocks(block_seeds=5) == [range(5), range(5, 10)]
    assert blocks(block_seeds=64) == [range(10)]
    assert "block_seeds" not in Gaussian().to_table()
    assert Gaussian(block_seeds=4).digest() != Gaussian().digest()


def test_a_worker_of_other_versions_or_other_source_computes_nothing():
    asked = Gaussian(workflows=("replace",)).resolved(0, 0)
    told = description.describe(asked, None, "jobs", 0, keep_programs=False)
    assert told.sources == () and told.own == ()
    assert description.experiment_of(told) == asked
    with pytest.raises(InputError, match="versions: the worker on .* has model-coll"):
        description.experiment_of(told._replace(versions="jax 9"))
    Path("own.py").write_text("x = 1")
    other = told._replace(sources=((str(Path("own.py").resolve()), "0" * 64),))
    with pytest.raises(InputError, match="has other source in .*own.py; give all"):
        description.experiment_of(other)
    assert (
        description.experiment_of(told._replace(sources=(("gone.py", "0"),))) == asked
    )


def test_a_full_disk_of_a_worker_is_told_as_that_of_the_run(capsys):
    worker = SimpleNamespace(number=2)
    told = "a/000.npz cannot be written (No space left on device); make room"
    error = local._error(worker, "disk", told)
    assert isinstance(error, OSError) and str(error) == told
    assert capsys.readouterr().err == ""
    assert "worker 2 of --jobs failed" in str(local._error(worker, "other", "x"))


def test_a_damaged_layout_of_shards_is_refused():
    place = Path("a/checkpoints")
    place.mkdir(parents=True)
    assert shards.agreed(place, 3) == Layout(3, 12) == shards.agreed(place, 0)
    text = (place / "layout").read_text()
    (place / "layout").write_text(text.replace("3 devices", "2 devices"))
    with pytest.raises(InputError, match="shard: .*layout is damaged; delete"):
        shards.agreed(place, 0)


def test_a_merge_takes_the_part_that_came_furthest():
    def save(where, number, done):
        path = Path(where, "checkpoints", f"00{number}-000000.npz")
        checkpoint.save(path, checkpoint.Progress(done, {}, [], None))
        return path

    here = [save("a", number, 3) for number in range(2)]
    there = [save("b", 0, 5), save("b", 1, 2), save("b", 2, 4)]
    merge._collect(Path("a"), [Path("b")])
    found = [checkpoint.done(here[0].with_name(path.name)) for path in there]
    assert found == [5, 3, 4]


def test_a_family_that_stands_in_no_file_has_no_workers(monkeypatch):
    monkeypatch.setattr(registry, "file_of", lambda _: "")
    made = type("Own", (Gaussian,), {"name": "own", "__module__": "__main__"})
    asked = made(workflows=("replace",)).resolved(0, 0)
    with pytest.raises(InputError, match="jobs: Own is defined in no file, from which"):
        description.describe(asked, None, "jobs", 0, keep_programs=False)
