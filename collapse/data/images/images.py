"""Images as rows of grey levels, with classes: checked, and split for experiments."""

import functools
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from collapse.data.errors import DataError
from collapse.data.images.files import INSTALLED, RawImages, read

HELD_OUT_SHARE = 0.25
LEAST = 10  # images of either part
MOST_CLASSES = 1000
_LEVELS = (1, 15, 16, 255)  # largest grey levels that files count to


class ImageData(NamedTuple):
    """Images, split in the same way for all seeds.

    Attributes:
      train: [rows, d] grey levels in [0, 1] that generations may be trained on.
      held_out: [m, d], for test errors.
      labels: [rows] classes 0, 1, ...; None where classes are not known.
      held_labels: [m].
      shape: height and width of an image; d is their product.
      sha256: of the files.
      said: what was read and decided, in one line.
      decided: the phrases of it that a user may not expect.
      watched: [rows, d], of a monitor, in neither of the others; None for none.
    """

    train: Float[np.ndarray, "rows d"]
    held_out: Float[np.ndarray, "m d"]
    labels: Int[np.ndarray, " rows"] | None
    held_labels: Int[np.ndarray, " m"] | None
    shape: tuple[int, int]
    sha256: str
    said: str = ""
    decided: tuple[str, ...] = ()
    watched: Float[np.ndarray, "rows d"] | None = None

    def with_watched(self, share: float = 0.5) -> "ImageData":
        """The images with a part of those held out set apart for a monitor."""
        count = round(share * len(self.held_out))
        labels = self.held_labels
        return self._replace(
            held_out=self.held_out[count:],
            held_labels=None if labels is None else labels[count:],
            watched=self.held_out[:count],
        )

    @property
    def class_shares(self) -> Float[np.ndarray, " classes"]:
        """Share of each class among the training images."""
        assert self.labels is not None
        return np.bincount(self.labels) / len(self.labels)


def load(name: str, seed: int = 0, labels: str = "", imbalance: float = 1) -> ImageData:
    """The images that `name` means, with a random quarter held out.

    Data that come with a part of their own for testing hold out that part.

    Args:
      name: as `files.read` takes it.
      seed: shuffles the images before the split; the split is the same for every seed
        of an experiment.
      labels: file of labels, for images that come without.
      imbalance: how many times as frequent the first class is as the last; frequencies
        fall from class to class by one factor. Images beyond that are left out, of both
        parts. 1 leaves the data as they are.

    Raises:
      DataError: if the files cannot be used.
    """
    return _load(name, seed, labels, imbalance, _stamp(name), _stamp(labels))


def _stamp(name: str) -> tuple[object, ...]:
    """What tells files of one name apart."""
    path = Path(INSTALLED.get(name, name))
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    found = [
        (str(f), f.stat().st_size, f.stat().st_mtime_ns) for f in files if f.is_file()
    ]
    return tuple(found)


@functools.lru_cache(maxsize=4)
def _load(
    name: str, seed: int, labels: str, imbalance: float, *stamps: tuple[object, ...]
) -> ImageData:
    del stamps
    raw = read(name, labels)
    images, levels = _grey(name, raw.train)
    of = f"classes: {labels}" if labels else name
    classes = _classes(of, raw.labels, len(images))
    rng = np.random.default_rng(seed)
    if raw.test is None:
        order = rng.permutation(len(images))
        cut = round(HELD_OUT_SHARE * len(images))
        held, kept = order[:cut], order[cut:]
        parts = [
            (images[i], None if classes is None else classes[i]) for i in (kept, held)
        ]
    else:
        parts = _given_parts(name, raw, images, classes)
    decided = []
    if imbalance != 1:
        parts = [_thinned(name, *part, imbalance, rng) for part in parts]
        decided.append(f"class 0 is {imbalance:g} times as frequent as the last")
    (train, own), (test, other) = parts
    for part, found in (("train on", train), ("test on", test)):
        if len(found) < LEAST:
            raise DataError(
                f"{name}: {len(found)} images to {part}; give at least {LEAST}"
            )
    if own is not None and other is not None:
        _check_classes(name, own, other)
    shape = images.shape[1:]
    words = "no labels" if own is None else f"{own.max() + 1} classes"
    said = (
        f"{name}: {len(train) + len(test)} images of {shape[0]} x {shape[1]}, grey "
        f"levels 0..{levels}, {words}; held out {len(test)}"
    )
    said = "; ".join([said, *decided])
    if not np.ptp(train, axis=0).any():
        raise DataError(f"{name}: all images are alike; give images that differ")
    flat, rest = (part.reshape(len(part), -1) for part in (train, test))
    how = (shape, raw.sha256, said, tuple(decided))
    return ImageData(flat, rest, own, other, *how)


def _given_parts(
    name: str,
    raw: RawImages,
    images: NDArray[np.float64],
    classes: NDArray[np.int64] | None,
) -> list[tuple[NDArray[np.float64], NDArray[np.int64] | None]]:
    """Both parts of data that come with one for testing."""
    assert raw.test is not None
    test, _ = _grey(f"{name}: its test part", raw.test)
    if test.shape[1:] != images.shape[1:]:
        raise DataError(
            f"{name}: images of {images.shape[1:]} to train on and of {test.shape[1:]} "
            "to test on; give one shape"
        )
    other = _classes(f"{name}: its test part", raw.test_labels, len(test))
    if (classes is None) != (other is None):
        raise DataError(f"{name}: one part has labels and one has none; give both")
    return [(images, classes), (test, other)]


def _grey(name: str, array: NDArray[np.generic]) -> tuple[NDArray[np.float64], int]:
    """Images [rows, height, width] of grey levels in [0, 1], and the largest level."""
    if array.dtype.kind not in "uifb":
        raise DataError(f"{name}: holds {array.dtype}, not numbers")
    if array.ndim == 4 and 1 in (array.shape[1], array.shape[3]):
        array = array.reshape(len(array), *[s for s in array.shape[1:] if s > 1])
    side = round(array.shape[-1] ** 0.5) if array.ndim == 2 else 0
    if array.ndim == 2 and side**2 == array.shape[1]:
        array = array.reshape(-1, side, side)
    if array.ndim != 3 or not array.size:
        colour = array.ndim == 4 and 3 in (array.shape[1], array.shape[3])
        fix = "make colours grey" if colour else "give images x height x width"
        raise DataError(f"{name}: shape {array.shape} is none of grey images; {fix}")
    values = array.astype(np.float64)
    if not np.isfinite(values).all():
        raise DataError(f"{name}: pixels that are no numbers; replace them")
    low, high = values.min(), values.max()
    if low >= 0 and high <= 1 and array.dtype.kind == "f":
        return values, 1
    whole = (values % 1 == 0).all()
    levels = next((level for level in _LEVELS if high <= level), 0)
    if low < 0 or not levels or not whole:
        raise DataError(
            f"{name}: pixels from {low:g} to {high:g}; give 0 to 1, or whole numbers "
            "from 0 to 255"
        )
    return values / levels, levels


def _classes(
    name: str, labels: NDArray[np.generic] | None, images: int
) -> NDArray[np.int64] | None:
    """Labels [rows] as whole numbers."""
    if labels is None:
        return None
    labels = labels.reshape(-1) if labels.ndim == 2 and 1 in labels.shape else labels
    if labels.ndim != 1 or labels.dtype.kind not in "uif":
        raise DataError(
            f"{name}: labels of shape {labels.shape}; give a number for each"
        )
    if len(labels) != images:
        raise DataError(
            f"{name}: {len(labels)} labels of {images} images; give a label for each"
        )
    whole = labels.astype(np.int64)
    if (whole != labels).any() or whole.min() < 0 or whole.max() >= MOST_CLASSES:
        raise DataError(
            f"{name}: labels from {labels.min()} to {labels.max()}; give classes 0, 1, "
            f"..., at most {MOST_CLASSES - 1}"
        )
    return whole


def _check_classes(
    name: str, labels: NDArray[np.int64], held: NDArray[np.int64]
) -> None:
    """Raise DataError for a single class, or one without an image to learn from."""
    counts = np.bincount(labels, minlength=max(labels.max(), held.max()) + 1)
    if len(counts) < 2:
        raise DataError(f"{name}: a single class; give two, or images without labels")
    if not counts.all():
        empty = int(np.argmin(counts))
        raise DataError(
            f"{name}: class {empty} has no image to train on; number classes 0, 1, ... "
            "without gaps, or give more images or a smaller --imbalance"
        )


def _thinned(
    name: str,
    images: NDArray[np.float64],
    labels: NDArray[np.int64] | None,
    imbalance: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """As many images of each class as a long-tailed law leaves, in a random order."""
    if not imbalance >= 1:
        raise DataError(f"imbalance: {imbalance:g}; give a number from 1")
    if labels is None:
        raise DataError(f"imbalance: {name} has no labels; give --classes, or drop it")
    counts = np.bincount(labels)
    law = imbalance ** -(np.arange(len(counts)) / max(len(counts) - 1, 1))
    scale = (counts / law).min()  # no class has fewer than its law wants
    wanted = np.maximum(np.rint(scale * law), 1).astype(int)
    order = rng.permutation(len(images))
    chosen = np.concatenate(
        [order[labels[order] == c][:num] for c, num in enumerate(wanted)]
    )
    chosen = rng.permutation(chosen)
    return images[chosen], labels[chosen]
