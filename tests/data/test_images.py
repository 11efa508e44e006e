"""Images from files: what is read, what is refused, and the law of classes."""

import gzip
import struct

import numpy as np
import pytest

from collapse.data.errors import DataError
from collapse.data.images import load
from collapse.data.images.factors import factors

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (90, 8, 4), dtype=np.uint8)
LABELS = (np.arange(90) % 3).astype(np.uint8)


def idx(array):
    head = struct.pack(">HBB", 0, 8, array.ndim)
    return head + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def folder(tmp_path):
    """As MNIST is packed, with a part for testing."""
    for part, (begin, end) in {"train": (0, 60), "t10k": (60, 90)}.items():
        for name, array in {"images-idx3": IMAGES, "labels-idx1": LABELS}.items():
            path = tmp_path / f"{part}-{name}-ubyte.gz"
            path.write_bytes(gzip.compress(idx(array[begin:end])))
    return tmp_path


def test_the_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    data, theirs = load("digits"), load_digits()
    assert data.train.shape == (1348, 64) and data.held_out.shape == (449, 64)
    both = np.concatenate([data.train, data.held_out]) * 16
    labels = np.concatenate([data.labels, data.held_labels])
    seen = sorted(map(tuple, np.column_stack([both, labels])))
    assert seen == sorted(map(tuple, np.column_stack([theirs.data, theirs.target])))
    assert (load("digits", 1).train != data.train).any()


def test_a_folder_as_of_mnist_holds_its_test_part_out(folder):
    data = load(str(folder))
    np.testing.assert_array_equal(data.train, IMAGES[:60].reshape(60, -1) / 255)
    np.testing.assert_array_equal(data.held_out, IMAGES[60:].reshape(30, -1) / 255)
    np.testing.assert_array_equal(data.labels, LABELS[:60])
    assert data.shape == (8, 4)
    assert data.said.endswith(
        "90 images of 8 x 4, grey levels 0..255, 3 classes; held out 30"
    )
    alone = load(str(folder / "train-images-idx3-ubyte.gz"))
    assert len(alone.train) == 45 and alone.labels is not None


@pytest.mark.parametrize("kind", ["npy", "npz", "keras"])
def test_arrays_of_numpy(tmp_path, kind):
    path = tmp_path / f"x.{'npy' if kind == 'npy' else 'npz'}"
    labels = tmp_path / "y.npy"
    np.save(labels, LABELS)
    more = {}
    if kind == "npy":
        np.save(path, IMAGES[..., None] / 255)
        more = {"labels": str(labels)}
    elif kind == "npz":
        np.savez(path, images=IMAGES, labels=LABELS)
    else:
        own = {"x_train": IMAGES[:60], "y_train": LABELS[:60]}
        np.savez(path, **own, x_test=IMAGES[60:], y_test=LABELS[60:])
    data = load(str(path), **more)
    held = 30 if kind == "keras" else 22
    assert len(data.held_out) == held and len(data.train) == 90 - held
    both = np.concatenate([data.train, data.held_out])
    np.testing.assert_allclose(
        np.sort(both, 0), np.sort(IMAGES.reshape(90, -1), 0) / 255
    )
    assert sorted([*data.labels, *data.held_labels]) == sorted(LABELS)


def test_a_long_tailed_law_thins_classes_out():
    plain, data = load("digits"), load("digits", imbalance=20.0)
    for part in ("labels", "held_labels"):
        counts = np.bincount(getattr(data, part))
        law = 20.0 ** -(np.arange(10) / 9)
        assert (abs(counts / counts[0] - law) < 1 / counts[0]).all()
    rows = set(map(bytes, plain.train))
    assert all(bytes(row) in rows for row in data.train)
    assert "class 0 is 20 times as frequent as the last" in data.said


BAD = {
    "pixels from -1 to 1; give 0 to 1": lambda p: np.save(p, IMAGES / 127.5 - 1),
    "pixels from 0 to 510; give": lambda p: np.save(p, IMAGES.astype(int) * 2),
    "pixels that are no numbers": lambda p: np.save(p, IMAGES * np.nan),
    "is none of grey images; make colours grey": lambda p: np.save(
        p, np.zeros((9, 8, 8, 3))
    ),
    "is none of grey images; give images x": lambda p: np.save(p, np.zeros((9, 8))),
    "not numbers": lambda p: np.save(p, np.full((30, 2, 2), "a")),
    "give at least 10": lambda p: np.save(p, IMAGES[:20]),
    "not a readable .npy file": lambda p: p.write_bytes(b"x"),
}


@pytest.mark.parametrize("said", BAD)
def test_bad_images_are_told_in_a_line(tmp_path, said):
    path = tmp_path / "x.npy"
    BAD[said](path)
    with pytest.raises(DataError, match="x.npy") as error:
        load(str(path))
    assert said in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (LABELS[:-1], "89 labels of 90 images; give a label for each"),
        (np.where(LABELS == 1, 3, LABELS), "class 1 has no image to train on"),
        (LABELS * 0, "a single class; give two"),
        (LABELS + 0.5, "give classes 0, 1"),
        (LABELS - 1.0, "labels from -1.0 to 1.0; give classes 0, 1"),
    ],
)
def test_bad_labels_are_told_in_a_line(tmp_path, labels, said):
    path = tmp_path / "x.npz"
    np.savez(path, images=IMAGES, labels=labels)
    with pytest.raises(DataError) as error:
        load(str(path))
    assert said in str(error.value)


def test_bad_idx_files_are_told_in_a_line(folder):
    images = folder / "train-images-idx3-ubyte.gz"
    whole = gzip.decompress(images.read_bytes())
    for raw, said in (
        (whole[:-7], "truncated: 1913 bytes of numbers, and its head says 1920; copy"),
        (whole[:6], "truncated: 0 bytes"),
        (b"GIF89a" + whole, "no IDX file"),
    ):
        images.write_bytes(gzip.compress(raw))
        with pytest.raises(DataError) as error:
            load(str(folder))
        assert said in str(error.value)
    images.write_bytes(gzip.compress(whole)[:-9])
    with pytest.raises(DataError, match="not a readable .gz file"):
        load(str(folder))
    images.write_bytes(gzip.compress(idx(IMAGES[:60, :4])))
    with pytest.raises(DataError, match="give one shape"):
        load(str(folder))
    images.unlink()
    with pytest.raises(DataError, match="no file train-images"):
        load(str(folder))


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(DataError, match="no such file; give an IDX file"):
        load(str(tmp_path / "none.npy"))
    np.save(tmp_path / "x.npy", IMAGES)
    with pytest.raises(DataError, match="classes: .*no such file"):
        load(str(tmp_path / "x.npy"), labels=str(tmp_path / "none"))
    with pytest.raises(DataError, match="imbalance: .* has no labels"):
        load(str(tmp_path / "x.npy"), imbalance=3.0)


def test_the_factor_model_has_smooth_orthogonal_patterns():
    law = factors(4, 3, 0.1)
    gram = law.loadings.T @ law.loadings
    np.testing.assert_allclose(gram, np.diag([0.5, 0.25, 0.5 / 3]), atol=1e-12)
    np.testing.assert_allclose(law.loadings.sum(0), 0, atol=1e-12)
    covariance = law.loadings @ law.loadings.T + 0.1 * np.eye(16)
    np.testing.assert_allclose(
        law.eigenvalues, np.linalg.eigvalsh(covariance)[::-1], atol=1e-12
    )
