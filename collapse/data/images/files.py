"""Files of images and labels: found, unpacked, and read by what their names end in."""

import gzip
import hashlib
import io
import math
import zlib
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from collapse.data.errors import DataError

DIGITS = "digits"
# names of data that a package of the system installs -> their folder
INSTALLED = {"fashion-mnist": "/usr/share/datasets/fashion-mnist"}
_GIVE = "give an IDX file (as of MNIST), .npy or .npz, or a folder of IDX files"
_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
# names of arrays in .npz files: images and labels, of each part
_KEYS = {
    "train": (("x_train", "train_images", "images", "x"), ("y_train", "train_labels")),
    "test": (("x_test", "test_images"), ("y_test", "test_labels")),
}
_PLAIN_LABELS = ("labels", "y")


_Array = NDArray[np.generic]
_Parts = tuple[_Array, _Array | None, _Array | None, _Array | None]


class RawImages(NamedTuple):
    """Arrays as files hold them.

    Attributes:
      train: images, not checked.
      labels: of these; None where there are none.
      test: other images, which the data hold out; None if all are in one.
      test_labels: of these.
      sha256: of all files.
    """

    train: NDArray[np.generic]
    labels: NDArray[np.generic] | None
    test: NDArray[np.generic] | None
    test_labels: NDArray[np.generic] | None
    sha256: str


def read(name: str, labels: str = "") -> RawImages:
    """The arrays that `name` means.

    Args:
      name: 'digits'; 'fashion-mnist', where the system has it; an IDX file (its labels
        are found by its name, as those of MNIST are), .npy, .npz; or a folder of IDX
        files.
      labels: file of labels, for images that come without.

    Raises:
      DataError: if something is missing or not what its name says.
    """
    read_files: list[bytes] = []

    def array(path: Path) -> NDArray[np.generic]:
        raw = _bytes(path)
        read_files.append(raw)
        return _array(path, raw)

    if name == DIGITS:
        raw = (resources.files("collapse.data") / "digits.csv.gz").read_bytes()
        table = np.loadtxt(io.BytesIO(gzip.decompress(raw)), np.uint8, delimiter=",")
        images = table[:, :-1].reshape(-1, 8, 8)
        return RawImages(images, table[:, -1], None, None, _digest([raw]))
    path = Path(INSTALLED.get(name, name))
    if path.is_dir():
        train, test = (_in_folder(path, part) for part in ("train", "t10k"))
        if train is None:
            raise DataError(f"{name}: no file train-images*; {_GIVE}")
        parts = [array(p) if p else None for p in (*train, *(test or (None, None)))]
        if parts[0] is None:
            raise DataError(f"{name}: no file train-images*; {_GIVE}")
        own: _Parts = (parts[0], parts[1], parts[2], parts[3])
    elif not path.is_file():
        raise DataError(f"{name}: {_missing(name)}")
    elif path.name.endswith(".npz"):
        own = _npz(path, read_files)
    else:
        beside = None if labels else _beside(path)
        own = (array(path), array(beside) if beside else None, None, None)
    if labels:
        if own[2] is not None:
            raise DataError(f"classes: {name} has its own; drop --classes")
        given = Path(labels)
        if not given.is_file():
            raise DataError(f"classes: {labels}: no such file; give one, or drop it")
        own = (own[0], array(given), None, None)
    return RawImages(*own, _digest(read_files))


def _missing(name: str) -> str:
    """What to do where there is no such file, in words."""
    if name in INSTALLED:
        return (
            f"not installed at {INSTALLED[name]}; install the system's package "
            f"dataset-{name}, or give its folder"
        )
    return f"no such file; {_GIVE}, or {DIGITS} or {' or '.join(INSTALLED)}"


def _in_folder(folder: Path, part: str) -> tuple[Path, Path | None] | None:
    """Images of a part, and its labels; None if there are none."""
    found = sorted(folder.glob(f"{part}-images*"))
    if not found:
        return None
    return found[0], _beside(found[0])


def _beside(path: Path) -> Path | None:
    """The file of labels that belongs to one of images, by its name."""
    name = path.name.replace("images", "labels").replace("idx3", "idx1")
    other = path.with_name(name)
    return other if name != path.name and other.is_file() else None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def _array(path: Path, packed: bytes) -> NDArray[np.generic]:
    """The array in a file: .npy, or IDX, either of them packed by gzip."""
    raw, plain = packed, path
    if path.suffix == ".gz":
        plain = path.with_suffix("")
        try:
            raw = gzip.decompress(packed)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path}: not a readable .gz file ({error})") from None
    if plain.suffix != ".npy":
        return _idx(path, raw)
    try:
        return np.lib.format.read_array(io.BytesIO(raw), allow_pickle=False)
    except (ValueError, OSError, EOFError):
        raise DataError(
            f"{path}: not a readable .npy file of numbers; write it with numpy.save"
        ) from None


def _idx(path: Path, raw: bytes) -> NDArray[np.generic]:
    """The array in an IDX file: two zeros, type, number of axes, sizes, numbers."""
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] not in _TYPES or not raw[3]:
        raise DataError(f"{path}: no IDX file; {_GIVE}")
    dtype, axes = np.dtype(_TYPES[raw[2]]), raw[3]
    begin = 4 + 4 * axes
    sizes = raw[4 : min(begin, len(raw) // 4 * 4)]
    shape = tuple(int(x) for x in np.frombuffer(sizes, ">u4"))
    wanted, found = math.prod(shape) * dtype.itemsize, len(raw) - begin
    if len(shape) < axes or wanted != found:
        raise DataError(
            f"{path}: truncated: {max(found, 0)} bytes of numbers, and its head says "
            f"{wanted}; copy it again"
        )
    return np.frombuffer(raw, dtype, offset=begin).reshape(shape)


def _npz(path: Path, read_files: list[bytes]) -> _Parts:
    """Images and labels of both parts in an .npz file; None for what is not there."""
    raw = _bytes(path)
    read_files.append(raw)
    try:
        with np.load(io.BytesIO(raw), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except Exception:  # of NumPy, of zipfile or of zlib
        raise DataError(
            f"{path}: not a readable .npz file of numbers; write it with numpy.savez"
        ) from None
    found: list[_Array | None] = []
    for part, (of_images, of_labels) in _KEYS.items():
        more = _PLAIN_LABELS if part == "train" else ()
        for names in (of_images, (*of_labels, *more)):
            found.append(next((arrays[n] for n in names if n in arrays), None))
    images, labels, test, test_labels = found
    if images is None and len(arrays) == 1:
        images = next(iter(arrays.values()))
    if images is None:
        raise DataError(
            f"{path}: no array images or x_train among {', '.join(arrays) or 'none'}; "
            "name it so"
        )
    return images, labels, test, test_labels


def _digest(files: list[bytes]) -> str:
    """Of one file its sha256; of several that of their digests."""
    each = [hashlib.sha256(raw).hexdigest() for raw in files]
    return (
        each[0]
        if len(each) == 1
        else hashlib.sha256("".join(each).encode()).hexdigest()
    )
