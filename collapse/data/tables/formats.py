"""Files of tables: found, unpacked, and read by what their names end in."""

import gzip
import hashlib
import io
import zlib
from importlib import resources
from pathlib import Path

import numpy as np

from collapse.data.encoding import decoded
from collapse.data.errors import DataError
from collapse.data.tables import delimited
from collapse.data.tables.options import Options, Raw

SHIPPED = ("faithful", "diabetes")
_TEXT = (".csv", ".tsv", ".txt")
_KINDS = (*_TEXT, ".npy", ".parquet")
_GIVE = f"give a {', '.join(_KINDS[:-1])} or {_KINDS[-1]} file"


def read(name: str, options: Options) -> tuple[Raw, str]:
    """The table that `name` means, and the sha256 of its file.

    Args:
      name: of shipped data, or a file: .csv, .tsv or .txt, .npy or .parquet, or one of
        them packed by gzip (.csv.gz).
      options: how text is read.

    Raises:
      DataError: if there is no such file, or it is not what its name says.
    """
    path, suffix = _locate(name)
    try:
        packed = path.read_bytes()
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({error.strerror})") from None
    raw = _unpacked(name, packed) if path.suffix.lower() == ".gz" else packed
    if not raw:
        raise DataError(f"{name}: the file is empty; give it a row for each sample")
    sha256 = hashlib.sha256(packed).hexdigest()
    if suffix in _TEXT:
        return delimited.parse(name, decoded(name, raw), suffix, options), sha256
    for field in ("separator", "decimal", "header"):
        if getattr(options, field) != getattr(Options(), field):
            raise DataError(f"{field}: only for text, and {name} is none; drop it")
    return (_npy if suffix == ".npy" else _parquet)(name, raw), sha256


def _locate(name: str) -> tuple[Path, str]:
    """The file, and the kind that its name says, `.gz` aside."""
    if name in SHIPPED:
        return Path(str(resources.files("collapse.data") / f"{name}.csv")), ".csv"
    path = Path(name)
    if not path.is_file():
        shipped = " or ".join(SHIPPED)
        what = "no such file"
        if path.exists():
            what = "a folder" if path.is_dir() else "not an ordinary file"
        raise DataError(f"{name}: {what}; {_GIVE}, or {shipped}")
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    suffix = plain.suffix.lower()
    if suffix not in _KINDS:
        more = "save the sheet as .csv" if suffix.startswith(".xls") else _GIVE
        raise DataError(f"{name}: unknown kind of file; {more}")
    return path, suffix


def _unpacked(name: str, packed: bytes) -> bytes:
    try:
        return gzip.decompress(packed)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{name}: not a readable .gz file ({error})") from None


def _npy(name: str, raw: bytes) -> Raw:
    try:
        # np.load would also open an archive of arrays
        points = np.lib.format.read_array(io.BytesIO(raw), allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"{name}: not a readable .npy file ({error})") from None
    if not np.issubdtype(points.dtype, np.number) or np.iscomplexobj(points):
        raise DataError(f"{name}: holds {points.dtype}, not real numbers")
    points = points.astype(float)
    if points.ndim == 1:
        points = points[:, None]
    if points.ndim != 2 or points.size == 0:
        raise DataError(
            f"{name}: need rows x dimensions, got shape {points.shape}; save a table "
            "with a row for each sample"
        )
    rows, d = points.shape
    return Raw(("",) * d, list(points.T), range(1, rows + 1), "row", (), named=False)


def _parquet(name: str, raw: bytes) -> Raw:
    import pandas as pd  # takes a quarter of a second, which --help need not

    try:
        frame = pd.read_parquet(io.BytesIO(raw), engine="pyarrow")
    except ImportError:
        raise DataError(
            f"{name}: .parquet needs pyarrow: pip install 'model-collapse-lab[parquet]'"
            "; or save it as .csv"
        ) from None
    except Exception as error:  # pyarrow's own kinds, unknown where it is not installed
        said = " ".join(str(error).split())
        raise DataError(f"{name}: not a readable .parquet file ({said})") from None
    if frame.size == 0:
        raise DataError(f"{name}: no rows of numbers")
    columns = []
    for k in range(frame.shape[1]):
        series = frame.iloc[:, k]
        if series.dtype.kind in "iuf":
            columns.append(series.to_numpy(float, na_value=np.nan))
        else:  # dates, words, flags: text, which may still spell numbers
            gone = series.isna()
            columns.append(
                ["" if no else str(v) for v, no in zip(series, gone, strict=True)]
            )
    told: tuple[str, ...] = ()
    if not isinstance(frame.index, pd.RangeIndex):
        label = f" {frame.index.name!r}" if frame.index.name is not None else ""
        told = (f"left out the file's index{label}",)
    titles = tuple(" ".join(str(title).split()) for title in frame.columns)
    return Raw(titles, columns, range(1, len(frame) + 1), "row", told)
