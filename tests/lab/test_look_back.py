"""What a reader of finished runs may rely on: the same data, pairs, files that stay."""

import json
import os
from typing import NamedTuple

import numpy as np
import pytest
from look_cases import leave, relabelled, run
from matplotlib.text import Text

import collapse
from collapse.data.errors import InputError
from collapse.experiment import provenance, results
from collapse.experiment.toml import to_toml
from collapse.figures.draw import draw
from collapse.figures.drawable import drawable
from collapse.figures.spec import Figure
from collapse.lab import folder, report
from collapse.lab.look import changes, labels
from collapse.lab.look.opened import opened
from collapse.lab.look.side_by_side import is_rounding, side_by_side
from collapse.lab.look.writing import check_target, write
from collapse.lab.programs import roots_of
from collapse.sims.mixing import FAMILY as MIXING

Path = folder.Path
SMALL = {"samples_per_generation": (60,), "dimension": (3,)}


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def note_data(place, sha256, rows=60):
    """What a run on data writes down of them."""
    path = Path(place) / "environment.json"
    record = json.loads(path.read_text()) | {
        "data": {"sha256": sha256, "rows": rows, "dimension": 3}
    }
    path.write_text(json.dumps(record))


def paired(*places):
    table = side_by_side([opened(Path(p)) for p in places], ["test_error"])
    return set(table.paired.dropna())


def test_data_are_the_same_by_what_they_hold(capsys):
    for place, name, sha256 in (
        *(("a", "x.csv", "1" * 64), ("b", "other.csv", "1" * 64)),
        *(("c", "x.csv", "2" * 64), ("d", "x.csv", "")),
    ):
        leave(place, data=name, **SMALL)
        note_data(place, sha256)
    assert [paired("a", x) for x in "bcd"] == [{True}, {False}, {False}]
    assert run("compare", "a", "b") == 0
    assert "a: the same\nb: the same" in capsys.readouterr().out
    assert run("compare", "a", "c", "d") == 0
    said = capsys.readouterr().out
    assert "c: data differ: sha256 22222222" in said and "d: data differ: not" in said


def test_a_run_that_wrote_down_no_data_is_known_by_its_digest():
    for place in "ab":
        experiment = leave(place, data="x.csv", **SMALL)
        relabelled(place, (experiment.digest(), experiment.digest("1" * 64)))
    note_data("a", "1" * 64)
    assert paired("a", "b") == {True}
    note_data("a", "2" * 64)
    assert paired("a", "b") == {False}


def test_seeds_are_paired_only_where_numbers_are_shared():
    leave("a", rows="samples")
    leave("b", rows="law")
    leave("c", precision="float32")
    leave("d", workflows=("replace",), ddof=(1,), num_seeds=5, metrics=("test_error",))
    assert [paired("a", x) for x in "bcd"] == [{False}, {False}, {True}]
    leave("e", rows="auto", workflows=("replace",))
    leave("f", rows="auto", workflows=("fixed_budget",))
    assert paired("e", "f") == {False}


def test_keys_are_those_of_a_size_whatever_others_there_are():
    several = leave("a", samples_per_generation=(50, 100))
    one = leave("b", samples_per_generation=(100,))
    of = [list(e.conditions())[-1] for e in (several, one)]
    keys = [str(roots_of(condition)) for condition in of]
    assert keys[0] == keys[1]


def test_rounding_is_no_difference(capsys):
    leave("a")
    leave("b", shift=1e-15, num_seeds=10)
    leave("c", shift=1e-9, num_seeds=1)
    assert run("compare", "a", "b") == 0
    said = capsys.readouterr().out
    assert "equal to rounding" in said and "of the 10 seeds that both have" in said
    assert run("compare", "a", "c") == 0
    said = capsys.readouterr().out
    assert "equal to rounding" not in said and "of the one seed that both" in said
    single = np.float32([1.0, 2.0])
    assert is_rounding(single, single * np.float32(1 + 1e-6))
    exact = single.astype(float)
    assert not is_rounding(exact, exact * (1 + 1e-6))


def test_models_of_a_study_are_named_and_not_mixed(capsys):
    share = {"real_fraction": (0.5, 1.0), "metrics": ("test_error",)}
    leave("m/a", MIXING, model="gaussian", **share)
    leave("m/b", MIXING, model="linear", **share)
    assert run("runs", "m") == 0
    said = capsys.readouterr().out
    assert "mixing --model gaussian" in said and "mixing --model linear" in said
    assert run("compare", "m/a", "m/b") == 2
    assert "m/b of mixing --model linear; give runs of one" in capsys.readouterr().err


def test_a_run_that_cannot_be_read_is_listed_with_the_others(capsys):
    for place in ("m/a", "m/b", "m/c", "m/d"):
        leave(place)
    text = Path("m/b/experiment.toml").read_text()
    Path("m/b/experiment.toml").write_text(text + "\nno toml")
    content = Path("m/c/results.nc").read_bytes()
    Path("m/c/results.nc").write_bytes(content[:-20])
    Path("m/d/experiment.toml").write_bytes(b"\xff\xfe")
    assert run("runs", "m") == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [("damaged" in line) for line in lines] == [False, True, True, True]


def test_what_follows_from_other_fields_is_not_set():
    leave("a", MIXING, model="gaussian", real_fraction=(0.5, 1.0))
    told = changes.differences(labels.read(Path("a")))
    assert told["num_generations"] == 3 and "late" not in told
    leave("b", data="x.csv", **SMALL)
    note_data("b", "1" * 64)
    told = changes.differences(labels.read(Path("b")))
    assert "data" in told and not {*SMALL} & {*told}
    note_data("b", "1" * 64, rows=500)
    assert "samples_per_generation" in changes.differences(labels.read(Path("b")))
    assert labels.spelled({"metrics": []}) == "metrics all"


def test_an_edited_declaration_is_told(capsys):
    experiment = leave("a")
    data = opened(Path("a")).dataset
    data.attrs["experiment"] = to_toml(experiment)
    results.write_dataset(data, Path("a/results.nc"))
    assert run("show", "a") == 0
    assert "note:" not in capsys.readouterr().out
    relabelled("a", ("num_seeds = 20", "newfield = 3\nnum_seeds = 21"))
    assert run("show", "a") == 0
    said = capsys.readouterr().out
    assert "changed after the run: num_seeds was 20, newfield was not there" in said


def test_metrics_and_folders_are_given_once(capsys):
    leave("a")
    leave("b", metrics=("test_error",))
    os.symlink("a", "link")
    assert run("compare", "a", "b", "--metrics", "test_error", "test_error") == 0
    for arguments, told in (
        (["compare", "b", "a", "link"], "compare: link is given twice, as a, too"),
        (["report", "a", "../" + Path.cwd().name + "/a"], "report: ../"),
        (
            ["compare", "a", "b", "--metrics", "variance_ratio"],
            "metrics: variance_ratio was not measured in b; all have test_error",
        ),
    ):
        capsys.readouterr()
        assert run(*arguments) == 2
        assert capsys.readouterr().err.startswith(f"error: {told}")


def test_nothing_of_a_user_s_is_replaced():
    leave("a")
    Path("mine.html").write_text("mine")
    os.symlink("mine.html", "link")
    for name in ("mine.html", "link", "a/results.nc", "a/new.html", "a"):
        with pytest.raises(InputError, match="^out: "):
            check_target(Path(name), "a mark")
    assert Path("mine.html").read_text() == "mine"
    Path("mine.html").write_text("a mark")
    check_target(Path("link"), "a mark")
    write(Path("link"), "a mark, again")
    assert Path("link").is_symlink() and Path("mine.html").read_text().endswith("again")
    check_target(Path("/dev/null"), "a mark")
    write(Path("/dev/null"), "text")
    assert Path("/dev/null").is_char_device()


def test_all_conditions_are_written_and_long_names_are_short(capsys):
    sizes = tuple(range(20, 40))
    long = ["a" * 30, "b" * 30]
    for place in long:
        leave(place, samples_per_generation=sizes, num_seeds=2)
    assert run("compare", *long, "--out", "all.csv") == 0
    said = capsys.readouterr().out
    assert f"A = {long[0]}: " in said and max(map(len, said.splitlines())) < 120
    assert "more conditions: --out FILE.csv has all" in said
    table = collapse.compare_runs(long)
    assert len(Path("all.csv").read_text().splitlines()) == len(table) + 1 > 200
    assert run("compare", *long, "--out", "all.csv") == 0  # its own


def test_a_folder_is_opened_as_a_run():
    leave("a")
    found = collapse.open_run("a")
    assert isinstance(found, collapse.Run) and found.experiment.num_seeds == 20
    assert "generation 3" in found.table() and len(found.profile())
    with pytest.raises(InputError, match="known are (?!.*finite)"):
        found.crossings("nosuch")
    for margin in ("x", None, [0.1], True):
        with pytest.raises(InputError, match="^margin: "):
            found.profile(margin=margin)
    with pytest.raises(InputError, match="holds no run"):
        collapse.open_run(".")


def test_one_seed_is_told_as_one(capsys):
    experiment = leave("a", num_seeds=1)
    data, figure = opened(Path("a")).dataset, Figure(metrics=("variance_ratio",))
    whole = report.complete(experiment, figure, data)
    drawn = draw(drawable(data, [whole]), whole)
    words = [t.get_text() for t in drawn.findobj(Text)]
    assert any(word.startswith("one run") for word in words)
    assert not any("of seeds" in word or "over seeds" in word for word in words)
    assert run("show", "a") == 0
    said = capsys.readouterr().out
    assert "3 x 1 seed x 4 generations" in said
    assert " .. " not in said.split("profile:")[0].split("\n", 6)[-1]


def test_a_run_writes_down_its_data():
    class Data(NamedTuple):
        train: np.ndarray
        sha256: str

    told = provenance.of_data(Data(np.zeros((60, 3)), "1" * 64))
    assert told == {"sha256": "1" * 64, "rows": 60, "dimension": 3}
