"""Real data: what is read, what is refused and how it is split; and the truths."""

import hashlib
import io

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from collapse import tables
from collapse.data import mixtures

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
    "empty.csv": ("", "the file is empty"),
    "empty.npy": (b"", "the file is empty"),
    "header.csv": ("a,b\n", "no rows of numbers"),
    "blank.csv": ("\n\n", "no rows of numbers"),
    "word.csv": (CSV + "1,two\n", "line 13: 'two' is not a number"),
    "gap.csv": ("a,b\n" + CSV + "1,\n", "line 14: '' is not a number"),
    "short.csv": ("1,2\n" * 7, "7 rows are too few for 2 columns; give at least 12"),
    "one.csv": ("1,2\n1,3\n" * 9, "column 1 does not vary in the training rows"),
    "twice.npy": (ROWS[:, :1] * [1, 2], "a linear combination of others"),
    "huge.npy": (ROWS * 1e160, "column 1 varies by inf; change its unit"),
    "ragged.csv": (CSV + "1,2,3\n", "line 13 has 3 columns where 2 are expected"),
    "nan.csv": (CSV + "1,nan\n", "row 13, column 2 is not a finite number"),
    "inf.npy": (np.append(ROWS, [[np.inf, 1]], 0), "row 13, column 1 is not a fin"),
    "latin.csv": ("temp\xe9rature\n".encode("latin-1") + b"1\n" * 9, "not a text"),
    "cube.npy": (np.ones((9, 2, 2)), r"rows x dimensions, got shape \(9, 2, 2\)"),
    "no_rows.npy": (np.ones((0, 2)), r"got shape \(0, 2\)"),
    "scalar.npy": (np.array(3.0), r"got shape \(\)"),
    "object.npy": (np.array([{}, None] * 5), "not a readable .npy file"),
    "text.npy": (np.array(["a"] * 9), "holds <U1, not real numbers"),
    "complex.npy": (np.ones(9) * 1j, "holds complex128, not real numbers"),
    "quote.csv": ('"' + "1" * 200_000, "not a text file"),
    "junk.npy": (b"not an array", "not a readable .npy file"),
    "archive.npy": (archive(), "not a readable .npy file"),
    "rows.txt": (CSV, "unknown kind of file; give a .csv or .npy file"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_refused(written, name):
    content, message = REFUSED[name]
    path = written(name, content)
    with pytest.raises(tables.DataError, match=message) as caught:
        tables.load(path)
    assert str(caught.value).startswith(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for name in ("faithfull", str(tmp_path / "absent.csv"), str(tmp_path)):
        with pytest.raises(tables.DataError, match="no such file.*or faithful"):
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
