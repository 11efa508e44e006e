"""Real data: what is read, what is refused and how it is split; and the truths."""

import dataclasses
import hashlib
import io
import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn import datasets

from collapse.data import mixtures, tables
from collapse.data.errors import DataError
from collapse.experiment.family import Family
from collapse.lab import run as runner
from collapse.sims.gaussian import Gaussian

ROWS = np.arange(24.0).reshape(12, 2) ** 2 / 7
CSV = "".join(f"{a!r},{b!r}\n" for a, b in ROWS.tolist())


def archive():
    """Bytes of an .npz file."""
    file = io.BytesIO()
    np.savez(file, rows=ROWS)
    return file.getvalue()


@pytest.fixture
def written(tmp_path):
    """Writes a file (text, bytes or an array) and returns its path as a string."""

    def write(name, content):
        path = tmp_path / name
        if isinstance(content, np.ndarray):
            np.save(path, content, allow_pickle=True)
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content, encoding="utf-8")
        return str(path)

    return write


def in_order(data):
    """All rows that were read, sorted by the first column (which rises in ROWS)."""
    rows = np.concatenate([data.train, data.held_out])
    return rows[np.argsort(rows[:, 0])]


# What can be read


READABLE = {
    "plain.csv": CSV,
    "header.csv": "eruptions,waiting\n" + CSV,
    "spaces.csv": "a,b\n\n" + CSV.replace(",", ", ") + "\n\n",
    "bom.csv": b"\xef\xbb\xbf" + CSV.encode(),
    "bom_and_header.csv": b"\xef\xbb\xbfa,b\n" + CSV.encode(),
    "windows.csv": CSV.replace("\n", "\r\n").encode(),
    "quoted.csv": '"a","b"\n' + CSV,
    "double.npy": ROWS,
    "fortran.npy": np.asfortranarray(ROWS),
}


@pytest.mark.parametrize("name", READABLE)
def test_every_row_is_read_once(written, name):
    path = written(name, READABLE[name])
    data = tables.load(path)
    assert_array_equal(in_order(data), ROWS)
    assert data.train.dtype == data.held_out.dtype == np.float64
    with open(path, "rb") as file:
        assert data.sha256 == hashlib.sha256(file.read()).hexdigest()


@pytest.mark.parametrize("dtype", ["float32", "int16", "uint8"])
def test_other_numbers_and_one_dimension(written, dtype):
    whole = np.arange(9).astype(dtype)
    data = tables.load(written("numbers.npy", whole))
    assert_array_equal(in_order(data), whole[:, None].astype(float))
    one_column = tables.load(written("column.csv", "x\n" + "\n".join(map(str, whole))))
    assert_array_equal(in_order(one_column), in_order(data))


def test_faithful_is_shipped():
    data = tables.load("faithful")
    rows = np.concatenate([data.train, data.held_out])
    assert data.train.shape == (204, 2) and data.held_out.shape == (68, 2)
    # means and extremes that R prints for its own copy
    np.testing.assert_allclose(rows.mean(0), [3.487783, 70.897059], rtol=1e-6)
    assert_array_equal([rows.min(0), rows.max(0)], [[1.6, 43], [5.1, 96]])
    assert len(data.sha256) == 64


def test_diabetes_is_what_scikit_learn_ships():
    bunch = datasets.load_diabetes(scaled=False)
    data = tables.load("diabetes")
    rows = np.concatenate([data.held_out, data.train])
    theirs = np.column_stack([bunch.data, bunch.target])
    order = np.random.default_rng(0).permutation(len(theirs))
    assert_array_equal(rows, theirs[order])  # bit for bit
    assert data.columns == (*bunch.feature_names, "progression")


# The names of columns


NAMED = {
    "plain.csv": (CSV, ("column 1", "column 2")),
    "header.csv": ("eruptions,waiting\n" + CSV, ("eruptions", "waiting")),
    "bom.csv": (b"\xef\xbb\xbfa,b\n" + CSV.encode(), ("a", "b")),
    "spaces.csv": (' a ,"b  or\nc"\n' + CSV, ("a", "b or c")),
    "blank.csv": (",b\n" + CSV, ("column 1", "b")),
    "twice.csv": ("a,a\n" + CSV, ("a", "a")),
    "double.npy": (ROWS, ("column 1", "column 2")),
    "one.npy": (ROWS[:, 0], ("column 1",)),
}


@pytest.mark.parametrize("name", NAMED)
def test_columns_are_named(written, name):
    content, columns = NAMED[name]
    assert tables.load(written(name, content)).columns == columns


# A column to predict


WIDE = np.random.default_rng(0).normal(size=(60, 3)).round(3)
WIDE_CSV = "".join(f"{a},{b},{c}\n" for a, b, c in WIDE.tolist())
ABC, ABA = "a,b,c\n" + WIDE_CSV, "a,b,a\n" + WIDE_CSV


@pytest.mark.parametrize(
    ("name", "content", "target", "order"),
    [
        ("abc.csv", ABC, "a", [1, 2, 0]),
        ("abc.csv", ABC, "b", [0, 2, 1]),
        ("abc.csv", ABC, " c ", [0, 1, 2]),
        ("abc.csv", ABC, "1", [1, 2, 0]),
        ("twice.csv", ABA, "b", [0, 2, 1]),
        ("twice.csv", ABA, "3", [0, 1, 2]),
        ("plain.csv", WIDE_CSV, "1", [1, 2, 0]),
        ("rows.npy", WIDE, "2", [0, 2, 1]),
        ("rows.npy", WIDE, "column 2", [0, 2, 1]),
    ],
)
def test_the_target_comes_last(written, name, content, target, order):
    """And nothing else differs from what `load` reads."""
    path = written(name, content)
    plain, data = tables.load(path, 3), tables.load_regression(path, target, 3)
    assert_array_equal(data.train, plain.train[:, order])
    assert_array_equal(data.held_out, plain.held_out[:, order])
    assert data.columns == tuple(plain.columns[k] for k in order)
    assert data.sha256 == plain.sha256


@pytest.mark.parametrize("d", [2, 3, 6, 11])
def test_the_shortest_table_leaves_noise_to_estimate(written, d):
    """At least (features + 3) rows to train on, (features + 2) to test on."""
    rows = np.random.default_rng(d).normal(size=(200, d))
    with pytest.raises(DataError, match="give at least") as caught:
        tables.load_regression(written("few.npy", rows[:7]), "1")
    least = int(str(caught.value).split()[-1])
    data = tables.load_regression(written("enough.npy", rows[:least]), "1")
    assert len(data.train) >= d + 2 and len(data.held_out) >= d + 1
    with pytest.raises(DataError, match=f"{least - 1} rows are too few"):
        tables.load_regression(written("fewer.npy", rows[: least - 1]), "1")


SUM = np.column_stack([WIDE, WIDE @ [2, -1, 3] + 5])
MANY = ",".join("abcdefghijkl") + "\n" + f"{','.join('1' * 12)}\n" * 60
IN_ONE_PART = WIDE.copy()  # constant in the held-out rows of seed 0
IN_ONE_PART[np.random.default_rng(0).permutation(60)[:15], 1] = 2

REFUSED_TARGETS = {
    "none.csv": (ABC, "", "^target: name the column to predict; {} has a, b, c$"),
    "blank.csv": (ABC, " ", "^target: name the column to predict; {} has a, b, c$"),
    "none.npy": (WIDE, "", "predict; {} has column 1, column 2, column 3$"),
    "many.csv": (MANY, "", "predict; {} has a, b, c, d, e, f, g, h, i, j, ...$"),
    "unknown.csv": (ABC, "d", "^target: unknown 'd'; {} has a, b, c$"),
    "case.csv": (ABC, "A", "^target: unknown 'A'; {} has a, b, c$"),
    "zero.csv": (ABC, "0", "^target: unknown '0'; {} has a, b, c$"),
    "high.csv": (ABC, "4", "^target: unknown '4'; {} has a, b, c$"),
    "minus.npy": (WIDE, "-1", "^target: unknown '-1'; {} has column 1, column 2, "),
    "long.npy": (WIDE, "9" * 5000, "^target: unknown '9+'; {} has column 1"),
    "lines.csv": (ABC, "d\ne", "^target: unknown 'd e'; {} has a, b, c$"),
    "title.csv": ("a,b\n" + WIDE_CSV, "b", "^{}: line 1 names 2 columns, line 2 has 3"),
    "all.csv": (MANY, "m", "unknown 'm'; {} has a, b, c, d, e, f, g, h, i, j, ...$"),
    "twice.csv": (ABA, "a", "^target: 'a' names columns 1 and 3 of {}; give one num"),
    "single.csv": ("a\n" + "1\n2\n" * 9, "a", "^{}: has a single column; add one"),
    "single.npy": (WIDE[:, 0], "", "^{}: has a single column; add one"),
    "short.npy": (WIDE[:15], "1", "^{}: 15 rows are too few for 3 columns; give at "),
    "constant.npy": (
        WIDE * [1, 0, 1] + [0, 7, 0],
        "2",
        "^{}: the target does not vary in the training rows; name another column$",
    ),
    "in_one_part.npy": (IN_ONE_PART, "2", "the target does not vary in the held-out"),
    "huge.npy": (WIDE * [1, 1e160, 1], "2", "the target varies by inf; change its"),
    "sum.npy": (
        SUM,
        "4",
        "^{}: the target is a linear combination of the other columns: there is no "
        "noise to estimate in the training rows; name another column$",
    ),
    "part_of_sum.npy": (SUM, "2", "the target is a linear combination of the other"),
    "copy.npy": (WIDE[:, [0, 1, 0]], "1", "the target is a linear combination of the"),
    "collinear.npy": (
        np.column_stack([SUM, WIDE[:, 0] ** 2]),
        "5",
        "^{}: column 4 is a linear combination of columns 1, 2 and 3 in the training "
        "rows; leave out: --drop 4$",
    ),
    # counted as in the file, whatever the place of the target
    "flat.npy": (WIDE * [1, 0, 1], "1", "^{}: column 2 does not vary in the training"),
    "large.npy": (WIDE * [1, 1, 1e160], "1", "^{}: column [23] varies by inf; change"),
    "nan.csv": (
        ABC + "1,nan,2\n",
        "b",
        "^{}: line 62, column 'b' is missing; fill in, or",
    ),
    "word.csv": (ABC + "1,2,x\n", "a", "line 62, column 'c': 'x' is not a number;"),
    "empty.csv": ("", "a", "^{}: the file is empty"),
}


@pytest.mark.parametrize("name", REFUSED_TARGETS)
def test_what_cannot_be_predicted_is_refused(written, name):
    content, target, message = REFUSED_TARGETS[name]
    path = written(name, content)
    with pytest.raises(DataError) as caught:
        tables.load_regression(path, target)
    assert re.search(message.replace("{}", re.escape(path)), str(caught.value))
    assert "\n" not in str(caught.value)


def test_a_target_may_be_close_to_a_linear_combination(written):
    """Noise a millionth of the target's spread is noise."""
    noise = np.random.default_rng(1).normal(size=60)
    for scale, offset in ((1e-6, 0), (1e-6, 1e6), (1e-3, 1e9)):
        rows = np.column_stack([WIDE, SUM[:, 3] + scale * noise + offset])
        data = tables.load_regression(written("close.npy", rows), "4")
        assert data.columns[-1] == "column 4"


# How a simulation reads its data


class Named(Family):
    """A family that runs as it stands."""

    name = "named"

    def resolved(self, rows, dimension):
        return dataclasses.replace(
            self, samples_per_generation=(rows - dimension or 1,)
        )


class Regressed(Named):
    """One that reads its data itself."""

    def load(self):
        if not self.data:
            return None
        return tables.load_regression(self.data, "bmi", self.seed)


def test_a_family_reads_all_columns_alike():
    experiment, data = runner.prepare(Named(data="faithful", seed=3))
    expected = tables.load("faithful", 3)
    assert_array_equal(data.train, expected.train)
    assert experiment.samples_per_generation == (202,)


def test_a_family_may_read_its_data_itself():
    experiment, data = runner.prepare(Regressed(data="diabetes", seed=3))
    assert data.columns[-1] == "bmi"
    assert experiment.samples_per_generation == (332 - 11,)
    assert runner.prepare(Regressed(), True)[1] is None  # there is nothing to read


def test_main_reads_with_the_loader_of_the_family(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def load(experiment):
        raise DataError(f"{experiment.data}: seen by the family")

    monkeypatch.setattr(Gaussian, "load", load)
    assert runner.main(Gaussian, ["--data", "anything"]) == 2
    assert "anything: seen by the family" in capsys.readouterr().err


# The split


@pytest.mark.parametrize(("num_rows", "held_out"), [(8, 2), (9, 2), (100, 25)])
def test_the_split_is_disjoint_and_complete(written, num_rows, held_out):
    data = tables.load(written("rows.npy", np.arange(float(num_rows))))
    assert data.held_out.shape == (held_out, 1)
    assert data.train.shape == (num_rows - held_out, 1)
    assert not set(data.train.ravel()) & set(data.held_out.ravel())
    assert_array_equal(in_order(data).ravel(), np.arange(num_rows))


def test_the_split_follows_the_seed(written):
    path = written("rows.npy", np.arange(100.0))
    first, again, other = (tables.load(path, seed).held_out for seed in (3, 3, 4))
    assert_array_equal(first, again)
    assert set(first.ravel()) != set(other.ravel())
    assert sorted(first.ravel()) != list(range(25))  # shuffled before the split


# What is refused: one line that names the file and what is wrong


REFUSED = {
    "empty.csv": ("", "the file is empty; give it a row for each sample"),
    "empty.npy": (b"", "the file is empty"),
    "header.csv": ("a,b\n", "no rows of numbers"),
    "blank.csv": ("\n\n", "no rows of numbers"),
    "word.csv": (CSV + "1,two\n", "line 13, column 2: 'two' is not a number; mend"),
    "gap.csv": ("a,b\n" + CSV + "1,\n", "line 14, column 'b' is missing; fill in, or"),
    "gaps.csv": ("a,\n" + CSV + "1,\n", "line 14, column 2 is missing; fill in, or"),
    "title.csv": (
        "Title\n" + CSV + "1,\n",
        "line 1 names 1 column, line 2 has 2; is line 1",
    ),
    "short.csv": ("1,2\n" * 7, "7 rows are too few for 2 columns; give at least 12"),
    "one.csv": ("1,2\n1,3\n" * 9, "column 1 does not vary in the training rows"),
    "twice.npy": (
        ROWS[:, :1] * [1, 2],
        "column 2 is a linear combination of column 1 in",
    ),
    "huge.npy": (ROWS * 1e160, "column 1 varies by inf; change its unit"),
    "ragged.csv": (CSV + "1,2,3\n", "line 1 has 2 columns, line 13 has 3"),
    "nan.csv": (CSV + "1,nan\n", "line 13, column 2 is missing; fill in, or leave"),
    "inf.csv": (CSV + "1,-inf\n", "line 13, column 2: '-inf' is not a finite number"),
    "inf.npy": (
        np.append(ROWS, [[np.inf, 1]], 0),
        "row 13, column 1: inf is not a fin",
    ),
    "latin.csv": (
        "temp\xe9rature\n".encode("latin-1") + b"1\n" * 9,
        "byte 0xe9 at off",
    ),
    "cube.npy": (np.ones((9, 2, 2)), r"rows x dimensions, got shape \(9, 2, 2\); save"),
    "no_rows.npy": (np.ones((0, 2)), r"got shape \(0, 2\)"),
    "scalar.npy": (np.array(3.0), r"got shape \(\)"),
    "object.npy": (np.array([{}, None] * 5), "not a readable .npy file"),
    "text.npy": (np.array(["a"] * 9), "holds <U1, not real numbers"),
    "complex.npy": (np.ones(9) * 1j, "holds complex128, not real numbers"),
    "quote.csv": ('"' + "1" * 200_000, "line 1: a cell does not end; is a quote left"),
    "junk.npy": (b"not an array", "not a readable .npy file"),
    "archive.npy": (archive(), "not a readable .npy file"),
    "rows.dat": (CSV, "unknown kind of file; give a .csv, .tsv, .txt, .npy or .par"),
    "rows.xlsx": (CSV, "unknown kind of file; save the sheet as .csv"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_refused(written, name):
    content, message = REFUSED[name]
    path = written(name, content)
    with pytest.raises(DataError, match=message) as caught:
        tables.load(path)
    assert str(caught.value).startswith(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for name, said in (
        ("faithfull", "no such file"),
        (str(tmp_path / "absent.csv"), "no such file"),
        (str(tmp_path), "a folder"),
    ):
        with pytest.raises(DataError, match=f": {said}.*or faithful or diabetes"):
            tables.load(name)


# Truths


@pytest.mark.parametrize("name", mixtures.TRUTHS)
def test_truths_are_mixtures(name):
    """Shares that sum to 1; covariances that are symmetric and positive definite."""
    weights, means, covariances = mixtures.TRUTHS[name]()
    num_components, d = means.shape
    assert weights.shape == (num_components,)
    assert covariances.shape == (num_components, d, d)
    assert (weights > 0).all() and weights.sum() == pytest.approx(1, rel=1e-12)
    assert_array_equal(covariances, np.swapaxes(covariances, 1, 2))
    assert (np.linalg.eigvalsh(covariances) > 0.1).all()


def test_the_rare_component_stands_apart():
    """By four of the largest standard deviations; its weight is what the text says."""
    weights, means, covariances = mixtures.rare()
    rare = weights.argmin()
    assert weights[rare] == 0.02
    apart = np.linalg.norm(np.delete(means, rare, 0) - means[rare], axis=1)
    assert apart.min() > 4 * np.sqrt(np.linalg.eigvalsh(covariances).max())
