"""Tables of real people from the command line: what is printed, and exit codes."""

import dataclasses
import shlex
import warnings

import numpy as np
import pytest

import collapse
from collapse.experiment import registry
from collapse.experiment.toml import from_table, to_toml
from collapse.lab import commands, work
from collapse.sims.charlm import Charlm
from collapse.sims.discrete import Discrete
from collapse.sims.gaussian import Gaussian
from collapse.sims.linear import Linear
from collapse.sims.mixing import FAMILY as MIXING

RNG = np.random.default_rng(3)
ROWS = RNG.normal(50, 9, size=(60, 3)).round(2) + 0.001
BODY = "".join(f"{a},{b},{c}\n" for a, b, c in ROWS.tolist())
TWO = "".join(f"{a},{b}\n" for a, b, _ in ROWS.tolist())
YEAR = RNG.integers(1990, 2021, 80)
PIXELS = RNG.integers(0, 16, size=(150, 5)) * [0, 1, 1, 0, 1]
CASES = {
    "years.csv": "2019,2020\n" + TWO,
    "counts.csv": "0,1\n" + TWO,
    "named.csv": "0,1,2\n" + BODY,
    "abc.csv": "a,b,c\n" + BODY,
    "index.csv": ",a,b,y\n"
    + "".join(f"{i},{line}\n" for i, line in enumerate(BODY.splitlines())),
    "comma.csv": "height\n" + "".join(f"{a}\n".replace(".", ",") for a in ROWS[:, 0]),
    "underscore.csv": "id_a,weight\n"
    + "".join(f"{i}_{i % 7},{a}\n" for i, a in enumerate(ROWS[:, 0], 10)),
    "na.csv": "NA,NA\n" + TWO,
    "time.csv": "time,temperature\n"
    + "".join(f"{1.7e9 + 3 * (a - 50):.3f},{b}\n" for a, b, _ in ROWS),
    "cube.csv": "year,year2,year3,price\n"
    + "".join(
        f"{y},{y**2},{y**3},{y / 9 + e}\n"
        for y, e in zip(YEAR, YEAR[::-1] % 7, strict=True)
    ),
    "pixels.csv": "".join(",".join(map(str, row)) + "\n" for row in PIXELS.tolist()),
    "prose.txt": "It was the best of times, it was the worst of times.\n" * 40,
}
CP1252 = "Größe,Gewicht\n"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """Run in a folder that holds the cases."""
    monkeypatch.chdir(tmp_path)
    for name, content in CASES.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "cp1252.csv").write_bytes((CP1252 + TWO).encode("cp1252"))


@pytest.fixture
def command(capsys, monkeypatch):
    """Exit code and stderr of a command that stops where it would run."""
    monkeypatch.setattr(work, "run_and_write", lambda *given: 0)

    def run(line):
        code = commands.main(shlex.split(line))
        return code, capsys.readouterr().err

    return run


SIZE = " --samples-per-generation 20"
SAID = {
    "gaussian --data years.csv": (
        "years.csv: names 2019, 2020 from line 1; 60 rows x 2 columns: 2019, 2020; "
        "held out 15"
    ),
    "gaussian --data years.csv --header no": "no names in line 1; 61 rows x 2 columns",
    "gaussian --data counts.csv": "counts.csv: names 0, 1 from line 1; 60 rows x 2 col",
    "gmm --data counts.csv --header yes": "names 0, 1 from line 1; 60 rows x 2 columns",
    "mixing --data years.csv" + SIZE: "names 2019, 2020 from line 1; 60 rows x 2 col",
    "linear --data named.csv --target 2": (
        "target 2 is the column named 2, not column number 2, named 1; held out 15; "
        "target 2"
    ),
    "linear --data index.csv --target y": (
        "index.csv: 60 rows x 3 columns: a, b, y; left out column 1, unnamed, which "
        "counts the rows (to keep it, name it in --columns); held out 15; target y"
    ),
    "linear --data index.csv --target y --columns 1 b": "60 rows x 3 columns: column 1",
    "kde --data index.csv --drop y": "60 rows x 2 columns: a, b; left out column 1",
    "mixing --data index.csv --drop y"
    + SIZE: "columns: a, b; left out column 1, unnam",
    "gaussian --data comma.csv --decimal ,": "60 rows x 1 column: height; held out 15",
    "gaussian --data comma.csv --decimal=, --separator=;": "60 rows x 1 column: height",
    "gaussian --data underscore.csv --drop id_a": "60 rows x 1 column: weight; held",
    "gaussian --data na.csv --missing drop": "left out 1 row with missing values; held",
    "gmm --data time.csv --precision float32": "60 rows x 2 columns: time, temperature",
    "linear --data cube.csv --target price": "80 rows x 4 columns: year, year2, year3",
    "gaussian --data pixels.csv --drop 1 4": "150 rows x 3 columns: column 2, column",
}


@pytest.mark.parametrize("line", SAID)
def test_what_was_read_is_said_in_one_line(command, line):
    code, printed = command(line)
    assert code == 0 and SAID[line] in printed
    assert printed.count("\n") == 1 and "warning" not in printed
    assert command(f"{line} --quiet") == (0, "")


REFUSED = {
    "gaussian --data comma.csv": (
        "comma.csv: line 1 names 1 column, line 2 has 2; a decimal comma? --decimal ,"
    ),
    "gaussian --data underscore.csv": (
        "underscore.csv: line 2, column 'id_a': '10_3' is not a number; mend it, or "
        "leave the column out: --drop id_a"
    ),
    "gaussian --data na.csv": (
        "na.csv: line 1, column 1 is missing, and 1 more; fill in, or leave out such "
        "rows with --missing drop"
    ),
    "mixing --data na.csv": "na.csv: line 1, column 1 is missing",
    "linear --data cube.csv --target price --precision float32": (
        "cube.csv: columns 'year', 'year2' and 'year3' need float64: in the training "
        "rows they are too close to collinear for float32"
    ),
    "mixing --model linear --data cube.csv --target price": "no such option",
    "gaussian --data pixels.csv": (
        "pixels.csv: columns 1 and 4 do not vary in the training rows; leave out: "
        "--drop 1 4"
    ),
    "gaussian --data cp1252.csv": (
        "cp1252.csv: not UTF-8: byte 0xf6 at offset 2, line 1; save it as UTF-8"
    ),
    "linear --data named.csv --target 3": "target: unknown '3'; named.csv has 0, 1, 2",
    "gaussian --data abc.csv --columns a z": "columns: unknown 'z'; abc.csv has a, b",
    "gaussian --data abc.csv --header maybe": "header: unknown 'maybe'; known are aut",
    "gaussian --data abc.csv --decimal ;": "decimal: unknown ';'; known are",
    "gaussian --data abc.csv --columns": "columns: give a value or drop --columns",
    "gaussian --data abc.csv --separator xy": "separator: 'xy'; give one character, or",
    "discrete --data prose.txt --drop a": "--drop a: no such option",
    "charlm --columns a": "--columns a: no such option",
    "mixing --model discrete --data prose.txt --decimal ,": "--decimal ,: no such",
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_cannot_be_read_is_refused_in_one_line(command, line, tmp_path):
    before = sorted(tmp_path.iterdir())
    code, printed = command(line)
    assert code == 2 and printed.startswith("error: ") and REFUSED[line] in printed
    assert printed.count("\n") == 1 and sorted(tmp_path.iterdir()) == before


def test_options_without_data_are_remarked_on(command):
    code, printed = command("gaussian --header no")
    assert code == 0
    assert "warning: header: has no effect here, only with --data" in printed


# From Python

SMALL = {"num_seeds": 2, "num_generations": 1, "workflows": "replace"}


def test_python_reads_alike_and_warns_of_what_was_decided():
    own = SMALL | {"target": "y", "precision": "float64"}
    with pytest.warns(UserWarning, match="left out column 1, unnamed, which counts"):
        run = collapse.run("linear", data="index.csv", **own)
    assert "60 rows x 3 columns: a, b, y; left out" in run.dataset.attrs["data"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        own["target"] = "c"
        same = collapse.run("linear", data="abc.csv", **own)
    assert run.dataset.test_error.equals(same.dataset.test_error)
    with pytest.raises(collapse.InputError, match="'10_3' is not a number"):
        collapse.run("gaussian", data="underscore.csv", **SMALL)


def test_python_warns_of_what_line_1_may_have_meant(tmp_path):
    rows = np.random.default_rng(1).integers(2, 50, (60, 2))
    text = "1,0\n" + "".join(f"{a},0{b % 9}\n" for a, b in rows)
    (tmp_path / "whole.csv").write_text(text)
    with pytest.warns(UserWarning) as found:
        collapse.run("gaussian", data=str(tmp_path / "whole.csv"), **SMALL)
    said = [str(one.message) for one in found]
    assert said[:2] == [
        "data: no names in line 1",
        "data: column 2 has zeros in front: a decimal comma? --decimal ,",
    ]


# What an experiment is


def test_options_that_are_not_set_leave_digest_and_declaration_alone():
    """So that what was run before they existed is still the same experiment."""
    for kind in (Gaussian, Linear, Discrete, Charlm, MIXING):
        assert not any(f"\n{field} = " in to_toml(kind()) for field in OPTIONS)
    fields = {field.name for field in dataclasses.fields(Gaussian)}
    later = {*OPTIONS, "snapshot_seeds", "block_seeds", "models", "private_rows"}
    assert set(Gaussian().to_table()) == fields - later


OPTIONS = {
    "columns": ("a", "b"),
    "drop": ("a",),
    "separator": ";",
    "decimal": ",",
    "header": "yes",
    "missing": "drop",
}


@pytest.mark.parametrize("field", OPTIONS)
def test_an_option_that_is_set_is_another_experiment(field):
    for plain in (
        Gaussian(data="a.csv"),
        from_table({"data": "a.csv"}, MIXING, "test"),
    ):
        changed = plain.with_values({field: OPTIONS[field]})
        assert changed.digest("f00d") != plain.digest("f00d")
        again = from_table(changed.to_table(), type(changed), "test")
        assert again == changed


def test_text_has_no_columns():
    for kind in (Discrete, Charlm):
        experiment = dataclasses.replace(kind(), header="no").resolved(0, 0)
        with pytest.raises(
            collapse.InputError, match="^header: only for tables; .* text"
        ):
            experiment.check()
    for name in ("discrete", "charlm"):
        assert "header" not in registry.experiment(name).own_fields()
