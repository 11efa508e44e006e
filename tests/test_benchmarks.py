"""The page of speeds: agreement is tested, failures are told, nothing is by hand."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
HERE = ROOT / "benchmarks"


@pytest.fixture(autouse=True)
def _on_path(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))


def entry(case, precision="float64", cores="1", **more):
    cells = [case, precision, cores]
    return {
        "table": "gaussian",
        "columns": ["case", "precision", "cores"],
        "case": case,
        "cells": cells,
        "goals": [],
        **more,
    }


def found(rows, load=0.0):
    return {"machine": "a machine", "load": load, "seconds": 600, "rows": rows}


def test_results_of_one_law_agree_and_those_of_two_differ():
    agreement = importlib.import_module("agreement")
    rng = np.random.default_rng(0)
    one, same = rng.normal(0, 1, 100), rng.normal(0, 3, 20)
    assert agreement.compare(one, same).agree
    found = agreement.compare(one, same + 6)
    assert not found.agree
    assert found.words("loop").endswith("**differs from the lab**")
    error = np.sqrt(one.var(ddof=1) / 100 + same.var(ddof=1) / 20)
    assert found.error == pytest.approx(error)


@pytest.mark.parametrize("wrong", [[1.0], [1.0, np.nan]])
def test_too_few_or_no_numbers_are_no_agreement(wrong):
    agreement = importlib.import_module("agreement")
    with pytest.raises(ValueError):
        agreement.compare([1.0, 2.0], wrong)


def test_rows_of_a_case_stand_together_and_a_failed_one_says_why():
    tables = importlib.import_module("tables")
    failed = {"table": "gaussian", "case": "b", "failed": "ValueError: of | b"}
    rows = [entry("a"), failed, entry("c"), entry("a", cores="all 2")]
    lines = tables.table(rows).splitlines()[2:]
    assert lines == [
        "| a | float64 | 1 |",
        "| a | float64 | all 2 |",
        "| b | **failed**: ValueError: of / b |  |",
        "| c | float64 | 1 |",
    ]


def test_the_page_says_which_goals_are_met_and_what_is_wrong():
    page = importlib.import_module("page")
    goals = [
        {"name": "slow", "cores": "1", "goal": 2, "found": [1.9, 1.8, 2.1]},
        {"name": "fast", "cores": "1", "goal": 2, "found": [2.0, 1.8, 2.1]},
    ]
    told = entry("a", goals=goals)
    told["cells"][0] = "loop 1 ± 2 **differs from the lab**"
    lost = {"table": "kde", "case": "the rest", "failed": "stopped after 9 s"}
    text = page.page(found([told, lost]))
    assert "| slow | 1 | 2 | 1.9 (1.8 to 2.1) | **not met** |" in text
    assert "| fast | 1 | 2 | 2 (1.8 to 2.1) | met |" in text
    assert "1 of 2 are met" in text
    assert "1 failed, and 1 results differ" in text
    assert "stopped after 9 s" in text
    assert "was busy" not in text
    assert "was busy" in page.page(found([told], load=2.0))


def test_every_benchmark_has_its_place_on_the_page():
    page, every = (importlib.import_module(name) for name in ("page", "all"))
    commands = {command for _, command, _ in page.SECTIONS.values() if command}
    assert commands == {*every.ONE_CORE, *every.ALL_CORES}
    assert all((HERE / f"{name}.py").is_file() for name in commands)


@pytest.mark.skipif(
    not (HERE / "results.json").exists(), reason="nothing has been measured"
)
def test_the_page_is_that_of_the_kept_rows():
    page = importlib.import_module("page")
    rows = json.loads((HERE / "results.json").read_text())
    assert (HERE / "README.md").read_text() == page.page(rows)


def test_cited_numbers_are_filled_in_where_they_are_known(tmp_path):
    cited = importlib.import_module("cited")
    text = "<!--speed a-->1.8<!--/--> times, <!--speed b-->3<!--/--> times"
    (tmp_path / "A.md").write_text(text)
    known = cited.facts([{"facts": {"a": 2.04}}, {"failed": "b"}])
    assert cited.fill(tmp_path, known) == ["A.md"]
    assert (tmp_path / "A.md").read_text() == text.replace("1.8", "2")
    assert cited.fill(tmp_path, known) == []


def test_documents_cite_only_what_is_measured():
    cited = importlib.import_module("cited")
    known = {"inverse_error_float64", "inverse_error_float32"}
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        assert set(cited.names(path.read_text())) <= known, path


def process(monkeypatch, tmp_path, source):
    """`all.py` with another program in place of `suites.py`."""
    every = importlib.import_module("all")
    (tmp_path / "suites.py").write_text("import json, os, sys, time\n" + source)
    monkeypatch.setattr(every, "HERE", tmp_path)
    return every


ONE_OF_THEM_ENDS = """
for name in json.loads(sys.argv[1])[2:]:
    print(json.dumps({"begin": name}), flush=True)
    print(json.dumps({"table": name, "case": "1", "cells": []}), flush=True)
    if name == "b":
        END
print(json.dumps({"begin": ""}), flush=True)
"""


@pytest.mark.parametrize(
    "end, why",
    [
        ("os._exit(3)", "exit status 3"),
        pytest.param("time.sleep(60)", "stopped after 4 s", marks=pytest.mark.full),
    ],
)
def test_the_others_go_on_after_one_that_ends_or_hangs(monkeypatch, tmp_path, end, why):
    source = ONE_OF_THEM_ENDS.replace("END", end)
    every = process(monkeypatch, tmp_path, source)
    monkeypatch.setattr(every, "QUICK_LIMIT", 4)
    rows = list(every.measured(["a", "b", "c"], True, True))
    assert [row["table"] for row in rows] == ["a", "b", "b", "c"]
    assert why in rows[2]["failed"]


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path):
    every = importlib.import_module("all")
    path = tmp_path / "README.md"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        every.write(path, "new" * 1000 + "\ud800")
    assert path.read_text() == "old"


@pytest.mark.slow
def test_a_quick_run_measures_every_row():
    every = importlib.import_module("all")
    names = {*every.ONE_CORE, *every.ALL_CORES} - {"charlm", "vae"}  # no torch
    line = [sys.executable, HERE / "all.py", "--quick", "--only", *sorted(names)]
    done = subprocess.run(line, capture_output=True, text=True, cwd=ROOT)
    assert " 0 failed, " in done.stdout, done.stdout + done.stderr[-3000:]
    assert "differs from the lab" not in done.stdout
    assert done.returncode == 0
