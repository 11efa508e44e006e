"""Files of text: found, read and checked, one after the other."""

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from collapse.data.encoding import decoded
from collapse.data.errors import DataError

SHIPPED = ("shakespeare",)
PARTS = ("train", "validation", "test")
_PROSE, _RECORDS = (".txt", ".md"), (".jsonl", ".ndjson")
_LISTED = 10  # most fields listed in a message


class TextFile(NamedTuple):
    r"""A file that has been read.

    Attributes:
      path: of the file.
      name: path within the folder that was named, or the file's own name.
      text: with line ends "\n"; of JSON lines the texts of all records, joined by it.
      sha256: of the file as it is, packed or not.
    """

    path: Path
    name: str
    text: str
    sha256: str


def found(name: str) -> tuple[list[Path], bool]:
    """Paths of all files, and whether they are the three parts, in this order.

    Args:
      name: of a shipped text, a file, or a folder. A folder that has train.txt,
        validation.txt and test.txt (or .jsonl, or either with .gz) is divided; of
        another one all .txt and .md files are taken, also from folders in it, in the
        order of their names; where there are none, all .jsonl files. Names that begin
        with a dot are left out.

    Raises:
      DataError: if there is nothing to read, or only some of the parts.
    """
    if name in SHIPPED:
        folder = Path(str(resources.files("collapse.data") / name))
        return [folder / f"{part}.txt" for part in PARTS], True
    path = Path(name)
    if path.is_file():
        return [path], False
    if not path.is_dir():
        raise DataError(
            f"{name}: no such file or folder; give a .txt file, a folder of them, or "
            + " or ".join(SHIPPED)
        )
    parts = _parts(name, path)
    if parts:
        return parts, True
    every = sorted(_below(path), key=lambda file: file.relative_to(path).parts)
    for kinds in (_PROSE, _RECORDS):
        if files := [file for file in every if _kind(file) in kinds]:
            return files, False
    raise DataError(
        f"{name}: no .txt file in this folder; put one there, or .md or .jsonl"
    )


def left_out(name: str) -> list[str]:
    """Names of the other files of text in a folder, which are not read with it.

    Args:
      name: as for `found`.
    """
    folder = Path(name)
    if name in SHIPPED or not folder.is_dir():
        return []
    read = set(found(name)[0])
    others = (file for file in _below(folder) if _kind(file) in _PROSE + _RECORDS)
    return sorted(
        file.relative_to(folder).as_posix() for file in others if file not in read
    )


def stamp(name: str) -> tuple[tuple[str, int, int], ...]:
    """Absolute path, time of the last change and size of each file that is read."""
    try:
        paths = found(name)[0]
    except DataError:
        return ((str(Path(name).absolute()), 0, 0),)
    seen = [(str(path.absolute()), path.stat()) for path in paths if path.exists()]
    return tuple((path, now.st_mtime_ns, now.st_size) for path, now in seen)


def read(path: Path, root: Path, field: str) -> TextFile:
    """One file, with uniform line ends and without byte order mark.

    Args:
      path: of the file: .gz is unpacked; .jsonl are lines of JSON, anything else UTF-8.
      root: that was named: the file, or the folder that it is in.
      field: of the records of JSON lines that holds the text.

    Raises:
      DataError: if it cannot be read, is empty, or is not text; with line or offset.
    """
    packed = _bytes(path)
    raw = _unpacked(path, packed)
    if _kind(path) in _RECORDS:
        text = "\n".join(piece for _, piece in _records(path, raw, field))
    else:
        text = decoded(str(path), raw)
    if not text or text.isspace():
        raise DataError(f"{path}: the file is empty; fill or remove it")
    if "\r" in text:
        text = _uniform(text)
    name = path.name if path == root else path.relative_to(root).as_posix()
    return TextFile(path, name, text, hashlib.sha256(packed).hexdigest())


def records(path: Path, fields: dict[str, str]) -> list[tuple[str, ...]]:
    """The texts of some fields of every record of a file of JSON lines.

    Args:
      path: of the file, packed or not.
      fields: name of a field -> option that sets it, for messages.

    Raises:
      DataError: if the file cannot be read, has no record, or one lacks a field or has
        it empty.
    """
    raw = _unpacked(path, _bytes(path))
    found: list[list[str]] = []
    for field, flag in fields.items():
        column = []
        for line, text in _records(path, raw, field, flag):
            if not text.strip():
                raise DataError(
                    f"{path}: line {line}: field {field!r} is empty; remove the line"
                )
            column.append(text)
        found.append(column)
    if not found[0]:
        raise DataError(f"{path}: the file is empty; fill or remove it")
    return list(zip(*found, strict=True))


def place(file: TextFile, position: int, field: str) -> str:
    """Where a character of a file is, in words: `line 3, column 4`."""
    line = file.text.count("\n", 0, position) + 1
    column = position - file.text.rfind("\n", 0, position)
    if _kind(file.path) not in _RECORDS:
        return f"line {line}, column {column}"
    raw, end, where = _unpacked(file.path, _bytes(file.path)), 0, 0
    for number, piece in _records(file.path, raw, field):
        if position >= end:  # it is in this record, or behind it
            where = number
        end += len(_uniform(piece)) + 1
    return f"line {where}, field {field!r}"


def _parts(name: str, folder: Path) -> list[Path]:
    """The three parts in a folder; none where it is not divided."""
    for kind in (".txt", ".txt.gz", ".jsonl", ".jsonl.gz"):
        files = [folder / f"{part}{kind}" for part in PARTS]
        has = [file.name for file in files if file.is_file()]
        if not has:
            continue
        if len(has) < len(files):
            missing = " and ".join(file.name for file in files if file.name not in has)
            raise DataError(
                f"{name}: has {' and '.join(has)} but no {missing}; give all three, or "
                "other names to have the files joined and split"
            )
        return files
    return []


def _below(folder: Path) -> Iterator[Path]:
    """All files in a folder and in those in it, but no hidden ones."""

    def refuse(error: OSError) -> None:
        raise DataError(f"{error.filename}: cannot be read ({error.strerror})")

    for where, inside, names in os.walk(folder, onerror=refuse):
        inside[:] = [one for one in inside if not one.startswith(".")]
        files = (Path(where, one) for one in names if not one.startswith("."))
        yield from (file for file in files if file.is_file())


def _kind(path: Path) -> str:
    """The ending of a name in lower case, without that of a packed file."""
    name = path.name.lower().removesuffix(".gz")
    return os.path.splitext(name)[1]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def _unpacked(path: Path, raw: bytes) -> bytes:
    if path.suffix.lower() != ".gz":
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path}: cannot be unpacked ({error}); pack it again with gzip"
        ) from None


def _records(
    path: Path, raw: bytes, field: str, flag: str = "--field"
) -> Iterator[tuple[int, str]]:
    """The number of each line of JSON, from 1, and its text."""
    for line, content in enumerate(decoded(str(path), raw).split("\n"), 1):
        if content.strip():
            yield line, _field(f"{path}: line {line}", content, field, flag)


def _field(where: str, content: str, field: str, flag: str) -> str:
    """The text in a record, a line of JSON."""
    try:
        record = json.loads(content)
    except (ValueError, RecursionError) as error:
        said = getattr(error, "msg", str(error))
        raise DataError(
            f"{where}: not JSON ({said}); give an object on each line"
        ) from None
    if not isinstance(record, dict):
        raise DataError(f'{where}: not an object; give lines like {{"{field}": "..."}}')
    if field not in record:
        known = ", ".join([*record][:_LISTED]) or "none"
        raise DataError(f"{where}: no field {field!r}; name one with {flag} ({known})")
    text = record[field]
    if not isinstance(text, str):
        raise DataError(
            f"{where}: field {field!r} is not text but {type(text).__name__}; name "
            f"another with {flag}"
        )
    if "\0" in text or any("\ud800" <= one <= "\udfff" for one in _beyond_ascii(text)):
        raise DataError(
            f"{where}: field {field!r} holds a character that is no text (\\u0000, or "
            "half a surrogate pair); remove it"
        )
    return text


def _beyond_ascii(text: str) -> set[str]:
    return set() if text.isascii() else set(text)


def _uniform(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
