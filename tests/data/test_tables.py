"""Tables of real people: first lines, numbers, columns, files, and what is said."""

import gzip
import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from collapse.data import tables
from collapse.data.errors import DataError
from collapse.data.tables import Options
from collapse.data.tables.numbers import NotANumberError, numbers

RNG = np.random.default_rng(5)
ROWS = RNG.normal(50, 9, size=(60, 2)).round(2) + 0.001  # none is whole
WHOLE = RNG.integers(2, 50, size=(60, 2))


def lines(rows, separator=",", spell=str):
    """Rows as text, one a line."""
    return "".join(separator.join(map(spell, row)) + "\n" for row in rows.tolist())


def comma(value):
    return str(value).replace(".", ",")


def numbered(first, rows=ROWS):
    """Rows with a first column that counts from `first`."""
    return "".join(f"{first + i},{a},{b}\n" for i, (a, b) in enumerate(rows))


@pytest.fixture
def load(tmp_path):
    """Loads a table from text or bytes, with options; messages name it `t.csv`."""

    def load(content, name="t.csv", target=None, **options):
        path = tmp_path / name
        raw = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(raw)
        own = Options(**options)
        if target is None:
            return tables.load(str(path), 0, own)
        return tables.load_regression(str(path), target, 0, own)

    return load


def same(one, other):
    """Whether two tables hold the same rows, bit for bit."""
    pairs = ((one.train, other.train), (one.held_out, other.held_out))
    return all(np.array_equal(a, b) for a, b in pairs)


# The first line

NAMES = {  # first line, rows below, names: None where it is data
    "words": ("a,b", ROWS, "a b"),
    "counts from 0": ("0,1", ROWS, "0 1"),
    "counts from 1": ("1,2", ROWS, "1 2"),
    "counts above whole numbers": ("0,1", WHOLE, "0 1"),
    "years": ("2019,2020", ROWS, "2019 2020"),
    "negative": ("-5,-3", ROWS, "-5 -3"),
    "a word and a year": ("weight,2020", ROWS, "weight 2020"),
    "a word above whole numbers": ("n,7", WHOLE, "n 7"),
    "whole above whole": ("5,7", WHOLE, None),
    "one of them above whole": ("5,7", "half", None),
    "a point": ("1.0,2.0", ROWS, None),
    "an exponent": ("1e3,2e3", ROWS, None),
    "not in order": ("1,0", WHOLE, None),
    "a count that is a row": ("0,1", np.append(WHOLE, [[0, 1]], 0), None),
    "missing": ("NA,NA", ROWS, None),
    "blank": (",", ROWS, None),
    "missing and whole": ("NA,15", ROWS, None),
    "missing and a word": ("NA,b", ROWS, "column 1 b"),
}


@pytest.mark.parametrize("name", NAMES)
def test_the_first_line_is_names_or_data_by_one_rule(load, name):
    first, rows, names = NAMES[name]
    fields = {"missing": "drop"}
    if name == "missing and a word":  # NA is then a name, of an unnamed column
        first = first.replace("NA", "")
    if isinstance(rows, str):  # one column of decimals, one of whole numbers
        below = "".join(
            f"{a},{b}\n" for (a, _), (_, b) in zip(ROWS, WHOLE, strict=True)
        )
    else:
        below = lines(rows)
    data = load(f"{first}\n{below}", **fields)
    if names is None:
        missing = "NA" in first or first == ","
        count = len(below.splitlines()) + (not missing)
        assert "no names in line 1; " in data.said
        assert data.columns == ("column 1", "column 2")
    else:
        count = len(below.splitlines())
        assert " ".join(data.columns) == names
        told = f"names {', '.join(first.split(','))} from line 1; "
        assert (told in data.said) == any(c.isdigit() for c in first)
    assert len(data.train) + len(data.held_out) == count
    assert f"{count} rows x 2 columns: " in data.said


@pytest.mark.parametrize(
    ("first", "named"),
    [("country,2019,2020", True), ("C3,7,8", False), ("country,0.5,2020", False)],
)
def test_a_word_above_words_is_a_name_unless_it_is_one_of_them(load, first, named):
    """A point in line 1 says that it is data; then advice names --header."""
    body = f"{first}\n" + "".join(f"C{i}," + x for i, x in enumerate(ABY))
    other = body.replace("C59,", "C3,")
    word = "country" if named else "1"
    refused = f"line {2 if named else 1}, .* is not a number; .*: --drop {word}$"
    with pytest.raises(DataError, match=refused) as caught:
        load(other)
    assert ("--header yes" in str(caught.value)) == ("country,0.5" in first)
    data = load(other, drop=(word,))
    count = len(data.train) + len(data.held_out)
    assert count == (60 if named else 61)
    assert data.columns == (("2019", "2020") if named else ("column 2", "column 3"))
    if named:
        assert same(data, load("a,b\n" + lines(ROWS)))


@pytest.mark.parametrize(
    ("content", "decided"),
    [
        (f"1,0\n{lines(WHOLE)}", ("no names in line 1",)),
        (lines(ROWS), ()),
        (
            "7,01,5\n" + "".join(f"{a},{b},0{b % 7}\n" for a, b in WHOLE),
            (
                "no names in line 1",
                "column 2 has zeros in front: a decimal comma? --decimal ,",
                "column 3 has zeros in front: a decimal comma? --decimal ,",
            ),
        ),
    ],
)
def test_what_line_1_may_have_meant_otherwise_is_decided(load, content, decided):
    data = load(content)
    assert data.decided == decided and "no names in line 1" in data.said
    assert load(content, header="no").decided == decided[1:]


@pytest.mark.parametrize("first", ["0,1", "2019,2020", "7,5"])
@pytest.mark.parametrize("rows", [ROWS, WHOLE], ids=["decimal", "whole"])
def test_header_yes_and_no_decide(load, first, rows):
    """As if the names were words, or the numbers a row."""
    names, body = load("a,b\n" + lines(rows)), f"{first}\n{lines(rows)}"
    yes, no = (load(body, header=word) for word in ("yes", "no"))
    assert same(yes, names) and yes.columns == tuple(first.split(","))
    assert len(no.train) + len(no.held_out) == len(rows) + 1
    assert no.columns == ("column 1", "column 2")


def test_a_single_column_of_counts_is_data_if_its_first_value_recurs(load):
    """So that no row of 0 and 1 is lost; over decimals a 0 is a name."""
    data = load("0\n" + "2\n0\n1\n3\n" * 10)
    assert len(data.train) + len(data.held_out) == 41
    assert load("0\n" + lines(ROWS[:, :1])).columns == ("0",)


# Numbers


@pytest.mark.parametrize(
    ("cell", "number"),
    [("1e3", 1e3), ("-.5", -0.5), ("+5.", 5), (" 7 ", 7), ("1E-2", 0.01), ("007", 7)],
)
def test_numbers_are_what_python_reads_as_them(cell, number):
    assert numbers([cell, "x"][:1], ".") == [number]
    rest = ["nan", cell]  # by the slower way
    assert_array_equal(numbers(rest, "."), [np.nan, number])


@pytest.mark.parametrize(
    "cell",
    ["10_3", "１２", "٣", "0x10", "1d5", "1,5", "1 5", "1.2.3", "--1", "True", "e3"],
)
def test_what_only_looks_like_a_number_is_none(load, cell):
    with pytest.raises(NotANumberError):
        numbers(["1", cell], ".")
    with pytest.raises(DataError, match="line 62, column 'b': .* is not a number; "):
        load(f'a,b\n{lines(ROWS)}1,"{cell}"\n', missing="drop")


@pytest.mark.parametrize("cell", ["1.5", "1.234,5", "1,2,3", ","])
def test_with_decimal_commas_a_point_is_none(load, cell):
    with pytest.raises(DataError, match="line 62, column 'b': .* is not a number; "):
        load(f"a;b\n{lines(ROWS, ';', comma)}1;{cell}\n", decimal=",")
    assert_array_equal(numbers(["1,5", "-,5e1", "2"], ","), [1.5, -5, 2])


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e999", "INF"])
def test_the_infinite_is_refused_and_not_dropped(load, cell):
    message = f"line 62, column 'b': '{cell}' is not a finite number; "
    with pytest.raises(DataError, match=message):
        load(f"a,b\n{lines(ROWS)}1,{cell}\n", missing="drop")


@pytest.mark.parametrize("cell", ["", "NA", "n/a", "nan", "NaN", "NULL", "?", ".", " "])
@pytest.mark.parametrize("line", [0, 30, 60], ids=["first", "middle", "last"])
def test_missing_values_are_refused_or_dropped_wherever_they_stand(load, cell, line):
    every = lines(ROWS).splitlines()
    body = "\n".join([*every[:line], f"{cell},1.5", *every[line:]])
    place = (
        f"line {line + 1}, column 1 is missing; fill in, or leave out such rows with"
    )
    with pytest.raises(DataError, match=place):
        load(body)
    data = load(body, missing="drop")
    assert same(data, load(lines(ROWS)))
    assert "60 rows x 2 columns" in data.said
    assert "left out 1 row with missing values" in data.said


def test_nothing_is_left_of_rows_or_a_column_that_is_missing(load):
    gone = "".join(f"{a},NA\n" for a in ROWS[:, 0])
    for missing in ("error", "drop"):
        with pytest.raises(DataError, match="column 'b' has no values; .*: --drop b"):
            load("a,b\n" + gone, missing=missing)
    halves = "".join(f"{a},\n,{a}\n" for a in ROWS[:, 0])
    with pytest.raises(DataError, match="every row has a missing value"):
        load("a,b\n" + halves, missing="drop")


# Indices

ABY = [f"{a},{b}\n" for a, b in ROWS]
SHUFFLED = np.random.default_rng(1).permutation(60)
INDICES = {  # text of the file, column that goes, what is said of it
    "of pandas": (",a,b\n" + numbered(0), "column 1, unnamed, which counts the rows"),
    "of R": ('"","a","b"\n' + numbered(1), "column 1, unnamed, which counts the rows"),
    "above names that count": (",0,1\n" + numbered(0), "column 1, unnamed, which co"),
    "above years": (",2019,2020\n" + numbered(1), "column 1, unnamed, which counts"),
    "of rows that were drawn": (
        ",a,b\n" + "".join(f"{7 * i},{x}" for i, x in zip(SHUFFLED, ABY, strict=True)),
        "column 1, unnamed, which numbers the rows",
    ),
    "without names": (numbered(0), "column 1, unnamed, which counts the rows"),
    "id": ("ID,a,b\n" + numbered(1), "ID, which counts the rows"),
    "in any order": (
        "row_id,a,b\n"
        + "".join(f"{i + 1},{x}" for i, x in zip(SHUFFLED, ABY, strict=True)),
        "row_id, which numbers the rows",
    ),
    "of a frame read again": ("Unnamed: 0,a,b\n" + numbered(0), "Unnamed: 0, which"),
}


@pytest.mark.parametrize("name", INDICES)
def test_an_index_is_left_out_and_said(load, name):
    content, told = INDICES[name]
    data = load(content)
    assert same(data, load("a,b\n" + lines(ROWS)))
    assert f"left out {told}" in data.said and "60 rows x 2 columns" in data.said
    assert any(told in phrase for phrase in data.decided)
    names = [word.strip('" \n') for word in content.splitlines()[0].split(",")]
    every = ("1", "2", "3")
    if name.startswith("above"):  # whose names are numbers: a number is a name then
        every = ("column 1", *names[1:])
    kept = load(content, columns=every)
    assert kept.train.shape[1] == 3 and "left out" not in kept.said


@pytest.mark.parametrize(
    ("first", "spread", "told"),
    [
        ("t", 1, "t counts the rows: --drop it if it is an index"),
        ("customer_id", 9, "customer_id differs in all rows: --drop it if it is an id"),
        ("value", 9, "column value looks like an index: --drop value"),
    ],
)
def test_what_may_be_an_index_is_kept_and_said(load, first, spread, told):
    rows = "".join(f"{spread * i},{x}" for i, x in enumerate(ABY))
    data = load(f"{first},a,b\n{rows}")
    assert data.columns == (first, "a", "b")
    assert told in data.said and bool(told) == bool(data.decided)


def test_whole_numbers_in_no_order_are_no_index(load):
    rows = "".join(f"{9 * i},{x}" for i, x in zip(SHUFFLED, ABY, strict=True))
    data = load(f"value,a,b\n{rows}")
    assert data.columns == ("value", "a", "b") and not data.decided


def test_a_column_that_repeats_or_has_points_is_no_index(load):
    for cells in (np.arange(60) // 2, np.arange(60) / 2):
        rows = "".join(f"{i},{x}" for i, x in zip(cells, ABY, strict=True))
        assert load(",a,b\n" + rows).columns == ("column 1", "a", "b")


def test_the_only_column_and_the_target_stay():
    data = tables.load("faithful", 0, Options(columns=("waiting",)))
    assert data.columns == ("waiting",)


def test_a_target_is_no_index(load):
    data = load("id,a,b\n" + numbered(1), target="id")
    assert data.columns == ("a", "b", "id")
    assert load("n\n" + lines(np.arange(60)[:, None])).columns == ("n",)


# Columns

THREE = np.column_stack([ROWS, RNG.normal(size=60).round(3) + 0.0001])
ABC = "a,b,c\n" + lines(THREE)


@pytest.mark.parametrize(
    ("options", "columns"),
    [
        ({"columns": ("a", "c")}, "a c"),
        ({"columns": ("c", "1")}, "c a"),
        ({"drop": ("b",)}, "a c"),
        ({"drop": ("3", "a")}, "b"),
    ],
)
def test_columns_are_chosen_by_name_or_number(load, options, columns):
    data, every = load(ABC, **options), load(ABC)
    assert " ".join(data.columns) == columns
    order = [every.columns.index(name) for name in data.columns]
    assert_array_equal(data.train, every.train[:, order])


def test_columns_of_words_may_be_dropped(load):
    text = "".join(f"{a},red,{b},2020-01-01\n" for a, b in ROWS)
    message = "line 2, column 'hue': 'red' is not a number; .*: --drop hue day$"
    with pytest.raises(DataError, match=message):
        load("a,hue,b,day\n" + text)
    data = load("a,hue,b,day\n" + text, drop=("hue", "day"))
    assert same(data, load("a,b\n" + lines(ROWS)))
    assert same(load(text, columns=("1", "3")), load(lines(ROWS)))


REFUSED_COLUMNS = {
    "unknown": ({"columns": ("a", "z")}, "^columns: unknown 'z'; .* has a, b, c$"),
    "beyond": ({"drop": ("4",)}, "^drop: unknown '4'; .* has a, b, c$"),
    "blank": ({"drop": (" ",)}, "^drop: name the column meant; .* has a, b, c$"),
    "both": ({"columns": ("a",), "drop": ("b",)}, "^columns: not together with drop"),
    "twice": ({"columns": ("a", "1")}, "^columns: a is named twice"),
    "all": ({"drop": ("a", "b", "c")}, "^drop: leaves no column"),
    "separator": ({"separator": "ab"}, "^separator: 'ab'; give one character, or"),
    "digit": ({"separator": "1"}, "^separator: '1'; give one character"),
    "equal": ({"separator": "comma", "decimal": ","}, "is the decimal point"),
}


@pytest.mark.parametrize("name", REFUSED_COLUMNS)
def test_options_that_cannot_be_followed_are_refused(load, name):
    options, message = REFUSED_COLUMNS[name]
    with pytest.raises(DataError, match=message):
        load(ABC, **options)


# The target

COUNTED = "0,1,2\n" + lines(THREE)


def test_a_number_that_is_a_name_is_that_column(load):
    named = {"0": "a", "1": "b", "2": "c"}
    for target, letter in named.items():
        data, same_one = load(COUNTED, target=target), load(ABC, target=letter)
        assert same(data, same_one) and data.columns[-1] == target
    said = load(COUNTED, target="2").said
    assert "target 2 is the column named 2, not column number 2, named 1" in said
    assert "not column number" not in load(COUNTED, target="0").said


def test_a_number_that_is_no_name_among_numbers_is_unknown(load):
    with pytest.raises(DataError, match="^target: unknown '3'; .* has 0, 1, 2$"):
        load(COUNTED, target="3")
    mixed = "x,2,3\n" + lines(THREE)
    assert load(mixed, target="1").columns[-1] == "x"
    assert load(mixed, target="2").columns[-1] == "2"


def test_columns_are_the_inputs_of_a_target(load):
    for columns in (("a",), ("a", "c")):
        assert load(ABC, target="c", columns=columns).columns == ("a", "c")
    with pytest.raises(DataError, match="^target: 'c' is dropped; keep it$"):
        load(ABC, target="c", drop=("c",))
    with pytest.raises(DataError, match="no column is left to predict the target from"):
        load(ABC, target="c", drop=("a", "b"))


# Files

FILES = {
    "t.tsv": ("a\tb\n" + lines(ROWS, "\t"), {}),
    "t.txt": ("a b\n" + lines(ROWS, "   "), {}),
    "aligned.txt": ("  a  b  \n" + lines(ROWS, "  ").replace("\n", " \r\n"), {}),
    "tabs.txt": ("a\tb\n" + lines(ROWS, "\t"), {}),
    "commas.TXT": ("a,b\n" + lines(ROWS), {}),
    "hash.txt": ("# a b\n" + lines(ROWS, " "), {}),
    "european.csv": ("a;b\n" + lines(ROWS, ";", comma), {"decimal": ","}),
    "european.txt": ("a b\n" + lines(ROWS, " ", comma), {"decimal": ","}),
    "semicolon.csv": ("a;b\n" + lines(ROWS, ";"), {"separator": ";"}),
    "named.csv": ("a|b\n" + lines(ROWS, "|"), {"separator": "bar"}),
    "tab.csv": ("a\tb\n" + lines(ROWS, "\t"), {"separator": "\\t"}),
    "packed.csv.gz": (gzip.compress(("a,b\n" + lines(ROWS)).encode()), {}),
    "packed.tsv.GZ": (gzip.compress(("a\tb\n" + lines(ROWS, "\t")).encode()), {}),
    "blank.csv": ("a,b\n  \n\n" + lines(ROWS) + " \n\n", {}),
    "mac.csv": (("a,b\n" + lines(ROWS)).replace("\n", "\r"), {}),
}


@pytest.mark.parametrize("name", FILES)
def test_kinds_of_files_hold_the_same_rows(load, name):
    content, options = FILES[name]
    data = load(content, name, **options)
    assert same(data, load("a,b\n" + lines(ROWS))) and data.columns == ("a", "b")


def test_options_of_text_are_refused_elsewhere(tmp_path):
    np.save(tmp_path / "t.npy", ROWS)
    for field, value in (("header", "no"), ("decimal", ","), ("separator", ";")):
        with pytest.raises(DataError, match=f"^{field}: only for text"):
            tables.load(str(tmp_path / "t.npy"), 0, Options(**{field: value}))


def test_parquet_without_its_package_says_what_to_install(load, monkeypatch):
    import pandas as pd

    def absent(*args, **kwargs):
        raise ImportError("no pyarrow")

    monkeypatch.setattr(pd, "read_parquet", absent)
    with pytest.raises(DataError, match=r"pip install 'model-collapse-lab\[parquet\]'"):
        load(b"PAR1", "t.parquet")


def test_parquet_holds_the_same_rows(tmp_path, load):
    pytest.importorskip("pyarrow")
    import pandas as pd

    frame = pd.DataFrame(ROWS, columns=["a", "b"]).assign(word="x")
    frame.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match="row 1, column 'word': 'x' is not a number"):
        tables.load(str(tmp_path / "t.parquet"))
    data = tables.load(str(tmp_path / "t.parquet"), 0, Options(drop=("word",)))
    assert same(data, load("a,b\n" + lines(ROWS)))


# Likely causes

CAUSES = {
    "decimal comma": (
        "x\n" + lines(ROWS[:, :1], spell=comma),
        "a decimal comma? --dec",
    ),
    "two of them": ("a,b\n" + lines(ROWS, spell=comma), "a decimal comma? --decimal ,"),
    "quoted": ('a,b\n"1,5","2,5"\n', "'1,5' is not a number; a decimal comma "),
    "semicolons": (
        "a;b\n" + lines(ROWS, ";"),
        "separated by semicolons? --separator ';'",
    ),
    "and commas": (
        "a;b\n" + lines(ROWS, ";", comma),
        "line 1 names 1 column, line 2 has 3; separated otherwise? --separator ';' "
        "--decimal ,",
    ),
    "tabs": ("a\tb\n" + lines(ROWS, "\t"), "separated by tabs? --separator tab"),
    "spaces": ("a b\n" + lines(ROWS, " "), "separated by spaces? --separator space"),
    "thousands": ('a,b\n"1,234.5",2\n', "thousands separators? write the number with"),
    "raw thousands": ("a,b\n1,234,5\n", "thousands separators? write numbers without"),
    "row names": ("a b\n" + numbered(1).replace(",", " "), "row names without a name"),
    "title": ("My table\na,b\n" + lines(ROWS), "is line 1 a title? delete it"),
    "wider": ("a,b,c\n" + lines(ROWS), "line 1 names 3 columns, line 2 has 2; a separ"),
    "end": ("a,b\n" + lines(ROWS).replace("\n", ",\n"), "does the line end with a sep"),
    "quote": ('a,b\n"1.5,2\n' + lines(ROWS), "line 62 has 1; is a quote left open?"),
    "minus": ("a,b\n1,\u22125\n", "a minus sign of typography? write - for it"),
    "percent": ("a,b\n1,5%\n", "'5%' is not a number; write it without %"),
    "cp1252": (
        "Gr\xf6\xdfe,b\n".encode("cp1252"),
        "byte 0xf6 at offset 2, line 1; save",
    ),
    "later": (
        "a,b\n1,caf\xe9".encode("cp1252"),
        "byte 0xe9 at offset 9, line 2; save it",
    ),
    "utf-16": (
        ("a,b\n" + lines(ROWS)).encode("utf-16"),
        "a zero byte at offset 3; UTF",
    ),
    "utf-16le": (
        "a,b\n".encode("utf-16-le"),
        "a zero byte at offset 1; save it as UTF",
    ),
}


@pytest.mark.parametrize("name", CAUSES)
def test_the_likely_cause_is_named(load, name):
    content, message = CAUSES[name]
    options = {"separator": "space"} if name == "row names" else {}
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        load(content, **options)
    assert "\n" not in str(caught.value)


def test_zeros_in_front_hint_at_a_decimal_comma(load):
    """Two columns of whole numbers in a file without names cannot tell it otherwise."""
    rows = "".join(f"{a:.2f}\n".replace(".", ",") for a in np.linspace(1, 9.5, 60))
    assert (
        "column 2 has zeros in front: a decimal comma? --decimal ," in load(rows).said
    )
    assert "zeros in front" not in load(lines(WHOLE)).said


# Columns that no model can be fitted to


def test_every_constant_column_is_named(load):
    pixels = np.random.default_rng(2).integers(0, 16, size=(90, 9))
    pixels[:, [0, 4, 8]] = 0, 7, 16
    message = (
        "columns 1, 5 and 9 do not vary in the training rows; leave out: --drop 1 5 9"
    )
    with pytest.raises(DataError, match=message):
        load(lines(pixels))
    data = load(lines(pixels), drop=("1", "5", "9"))
    assert "90 rows x 6 columns" in data.said


def test_columns_that_are_constant_in_one_part_are_named_with_it(load):
    rows = THREE.copy()
    order = np.random.default_rng(0).permutation(60)
    rows[order[:15], 1], rows[order[15:], 2] = 1.5, 2.5
    message = (
        "column 'c' does not vary in the training rows, column 'b' does not vary in "
        "the held-out rows; leave out: --drop b c$"
    )
    with pytest.raises(DataError, match=message):
        load("a,b,c\n" + lines(rows))


def test_collinear_columns_are_named(load):
    a, b = ROWS.T
    rows = np.column_stack([a, b, a + 2 * b, 3 * a, RNG.normal(size=60)])
    message = (
        "column 'sum' is a linear combination of columns 'a' and 'b', column "
        "'my triple' is a linear combination of column 'a' in the training rows; "
        "leave out: --drop sum 'my triple'$"
    )
    with pytest.raises(DataError, match=message):
        load("a,b,sum,my triple,e\n" + lines(rows))
    data = load("a,b,sum,my triple,e\n" + lines(rows), drop=("sum", "my triple"))
    assert data.columns == ("a", "b", "e")


def test_columns_that_are_collinear_in_the_held_out_rows_alone_are_named(load):
    rows, order = THREE.copy(), np.random.default_rng(0).permutation(60)
    rows[order[:15], 2] = rows[order[:15], 0] - rows[order[:15], 1]
    message = (
        "column 'c' is a linear combination of columns 'a' and 'b' in the held-out "
        "rows; leave out: --drop c$"
    )
    with pytest.raises(DataError, match=message):
        load("a,b,c\n" + lines(rows))


# What is said


def test_one_line_says_what_was_read(load):
    assert tables.load("faithful").said == (
        "faithful: 272 rows x 2 columns: eruptions, waiting; held out 68"
    )
    names = ",".join("abcdefghijkl")
    many = RNG.normal(size=(80, 12))
    said = load(f"{names}\n{lines(many)}").said
    assert said.endswith(": 80 rows x 12 columns: a, b, c, d, e, f, ...; held out 20")
    assert "target c" in load(ABC, target="c").said
    assert "1 blank line skipped" in load("x\n1.5\n\n" + lines(ROWS[:, :1])).said
    assert "blank" not in load("x\n" + lines(ROWS[:, :1]) + "\n\n").said
