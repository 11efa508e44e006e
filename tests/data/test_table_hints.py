"""Tables that are probably meant otherwise: one line says how, and what to do."""

import numpy as np
import pytest

from collapse.data import tables
from collapse.data.errors import DataError
from collapse.data.tables import Options

RNG = np.random.default_rng(7)
ROWS = RNG.normal(50, 9, size=(40, 3)).round(2) + 0.001  # none is whole
WHOLE = RNG.integers(2, 50, size=(40, 2))
UP = np.arange(1980, 2020)


def lines(rows, separator=",", point="."):
    cells = ([str(cell).replace(".", point) for cell in row] for row in rows.tolist())
    return "".join(separator.join(row) + "\n" for row in cells)


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Loads a table from text, with options; messages name it `t.csv`."""
    monkeypatch.chdir(tmp_path)

    def load(content, name="t.csv", target=None, **options):
        (tmp_path / name).write_text(content)
        if target is None:
            return tables.load(name, 0, Options(**options))
        return tables.load_regression(name, target, 0, Options(**options))

    return load


def after(first, values):
    """A table whose first column holds these values."""
    rows = zip(values, ROWS.tolist(), strict=True)
    return f"{first},a,b\n" + "".join(f"{v},{x},{y}\n" for v, (x, y, _) in rows)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("year", UP),
        ("Year", UP // 2),  # each twice
        ("year", RNG.permutation(UP)),
        ("t", np.arange(5, 45)),
        ("t", -np.arange(40)),
        ("my t", np.cumsum(1 + WHOLE[:, 0])),
    ],
)
def test_a_first_column_like_an_index_is_learned_and_hinted_at(load, name, values):
    data = load(after(name, values))
    flag = f"'{name}'" if " " in name else name
    said = f"column {name} looks like an index: --drop {flag}"
    assert data.columns == (name, "a", "b") and said in data.decided
    assert f"; {said}; held out 10" in data.said
    assert said in load(after(name, values), target="b").said
    assert "index" not in load(after(name, values), columns=(name, "a")).said
    assert "index" not in load(after(name, values), drop=(name,)).said


@pytest.mark.parametrize(
    ("name", "values"),
    [("t", UP // 2), ("t", RNG.permutation(UP)), ("year", UP + 0.5), ("t", UP / 2)],
)
def test_other_first_columns_are_not_hinted_at(load, name, values):
    assert not load(after(name, values)).decided


def test_the_first_column_that_is_kept_is_looked_at(load):
    rows = lines(np.column_stack([np.arange(40), UP, ROWS[:, 0]]).astype(object))
    data = load("id,year,a\n" + rows)
    assert data.columns == ("year", "a")
    assert "left out id" in data.said and "column year looks like" in data.said


COMMAS = "t.csv: the columns are separated by commas; "


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ("x,y,z\n" + lines(ROWS), {"decimal": ","}, "drop --decimal ,"),
        ("x,y\n" + lines(ROWS[:, :2]), {"decimal": ","}, "drop --decimal ,"),
        ("x,y\n" + lines(WHOLE), {"decimal": ","}, "drop --decimal ,"),
        (lines(ROWS[:, :2]), {"decimal": ","}, "drop --decimal ,"),
        (after("land", [f"n{i}" for i in UP]), {"decimal": ","}, "drop --decimal ,"),
        (
            "x,y\n" + lines(ROWS[:, :2]),
            {"decimal": ",", "separator": ";"},
            "drop --decimal , and --separator",
        ),
        ("x,y\n" + lines(ROWS[:, :2]), {"separator": "tab"}, "give --separator comma"),
        (
            'x,y\n"1,5","2,5"\n' * 9,
            {"decimal": ","},
            "its numbers have decimal commas, too: save it with semicolons",
        ),
    ],
)
def test_commas_between_columns_are_seen_whatever_was_asked_for(
    load, content, options, said
):
    with pytest.raises(DataError) as caught:
        load(content, **options)
    assert str(caught.value) == COMMAS + said


def test_commas_are_seen_in_files_of_other_kinds(load):
    for name, options in (("t.tsv", {}), ("t.txt", {"decimal": ","})):
        with pytest.raises(DataError, match="separated by commas; (give|drop) --"):
            load("x, y\n" + lines(ROWS[:, :2], ", "), name, **options)


@pytest.mark.parametrize("separator", [";", "\t", " "])
@pytest.mark.parametrize("names", ["", "x y z"])
def test_decimal_commas_do_not_separate(load, separator, names):
    head = names.replace(" ", separator) + "\n" * bool(names)
    name = "t.csv" if separator == ";" else "t.txt"
    data = load(head + lines(ROWS, separator, ","), name, decimal=",")
    np.testing.assert_array_equal(data.train, load(lines(ROWS)).train)
    one = load("x\n" + lines(ROWS[:, :1], ";", ","), decimal=",")
    assert one.train.shape == (30, 1)


def test_points_in_a_file_of_decimal_commas_are_told(load):
    said = "is not a number; a decimal point. drop --decimal ,$"
    with pytest.raises(DataError, match=said):
        load("x;y\n" + lines(ROWS[:, :2].round(1), ";"), decimal=",")
    with pytest.raises(DataError, match="'1.234' is not a number; thousands separ"):
        load("x;y\n1.234;5,5\n", decimal=",")


NAMES, UNITS = "x,y,z\n", "cm,s,kg\n"


@pytest.mark.parametrize(
    ("head", "options", "said"),
    [
        (NAMES + UNITS, {}, "line 2 looks like a header, too (cm, s, kg); keep one li"),
        (NAMES + "cm,,kg\n", {}, "line 2 looks like a header, too (cm, kg); keep one"),
        (NAMES + UNITS, {"header": "yes"}, "line 2 looks like a header, too (cm, s, k"),
        (NAMES + UNITS, {"drop": ("z",)}, "line 2 looks like a header, too (cm, s);"),
        ("Of 2020,,\n" + NAMES, {}, "line 2 looks like a header, too (x, y, z); keep"),
        ("2019,2020,2021\n" + UNITS, {}, "line 2 looks like a header, too (cm, s, kg)"),
        (NAMES + UNITS * 2, {}, "lines 2 to 3 look like headers, too (cm, s, kg); kee"),
        (
            NAMES + UNITS,
            {"header": "no"},
            "lines 1 to 2 look like headers (x, y, z); keep one line of names and "
            "delete the others, and drop --header no",
        ),
        (
            NAMES,
            {"header": "no"},
            "line 1 looks like a header (x, y, z); drop --header",
        ),
        (
            "Mine\nOf 2020\n" + NAMES,
            {},
            "line 1 names 1 column, line 3 has 3; are the ",
        ),
    ],
)
def test_more_lines_of_names_than_one_are_told(load, head, options, said):
    with pytest.raises(DataError) as caught:
        load(head + lines(ROWS), **options)
    assert str(caught.value).startswith(f"t.csv: {said}")


def test_words_further_down_are_no_header(load):
    words = "".join(f"{x},w{i}\n" for i, x in enumerate(ROWS[:, 0]))
    for content in (
        NAMES + lines(ROWS[:5]) + UNITS + lines(ROWS[5:]),
        NAMES + "cm,1,2\n" + lines(ROWS),
        "x,w\n" + words,
    ):
        with pytest.raises(DataError, match="is not a number; mend it, or leave "):
            load(content)
