"""Real text from files: read, checked, and split into three contiguous parts."""

import hashlib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from collapse.data import vocabulary
from collapse.data.encoding import decoded
from collapse.data.errors import DataError

SHIPPED = ("shakespeare",)
# part -> its least number of characters; an undivided text needs that of train.txt
LEAST = {"train.txt": 1000, "validation.txt": 100, "test.txt": 100}
HELD_OUT_SHARE = 0.1  # of a whole text, for each of the last two parts
# A cut is moved to a line end that is at most this share of the text away: a small one,
# so that no part gets small.
_REACH = 0.025
_LISTED = 20  # most characters listed in a message


class TextData(NamedTuple):
    """A user's text in three parts that do not overlap.

    Attributes:
      train: generation 0 is trained on it, and word frequencies are counted in it.
      validation: for model selection.
      test: for test losses only.
      vocabulary: the distinct characters of `train`, sorted; the other parts have no
        others.
      sha256: of the file; of several files, that of `sha256sum FILES | sha256sum`.
    """

    train: str
    validation: str
    test: str
    vocabulary: str
    sha256: str


class _File(NamedTuple):
    path: Path
    text: str
    sha256: str


def load_text(name: str) -> TextData:
    r"""The text that `name` means, in parts for training, validation and testing.

    Line ends become "\n", and a byte order mark is dropped. A text without parts is cut
    80 : 10 : 10 in its order, at a line end if one is near: if lines were shuffled,
    names and phrases that a play repeats would be in all parts.

    Args:
      name: the name of a shipped text; or a folder with train.txt, validation.txt and
        test.txt; or a folder of other .txt files, joined in the order of their names,
        with a line end between; or one file. All UTF-8.

    Raises:
      DataError: if something is missing, empty, too short or not text, or if a
        character of the other parts never occurs in the training part: a model of
        characters has no token for it.
    """
    paths, divided = _locate(name)
    files = [_read(path) for path in paths]
    if divided:
        for file in files:
            _check_length(str(file.path), file.text, LEAST[file.path.name])
        train, validation, test = (file.text for file in files)
    else:
        files = [*map(_ended, files[:-1]), files[-1]]
        whole = "".join(file.text for file in files)
        _check_length(name, whole, LEAST["train.txt"])
        train, validation, test = _split(whole)
    origin = "train.txt" if divided else "the first 80 %, the training part"
    _check_characters(files, train, validation + test, origin)
    return TextData(train, validation, test, vocabulary.symbols(train), _digest(files))


def _locate(name: str) -> tuple[list[Path], bool]:
    """Paths of all files, and whether they are the three parts, in this order."""
    if name in SHIPPED:
        folder = resources.files("collapse.data") / name
        return [Path(str(folder / part)) for part in LEAST], True
    path = Path(name)
    if path.is_file():
        return [path], False
    if not path.is_dir():
        raise DataError(
            f"{name}: no such file or folder; give a .txt file, a folder of them, or "
            + " or ".join(SHIPPED)
        )
    found = [p for p in sorted(path.iterdir()) if p.suffix.lower() == ".txt"]
    found = [p for p in found if p.is_file()]
    if not found:
        raise DataError(f"{name}: no .txt file in this folder; put one there")
    has = [part for part in LEAST if path / part in found]
    if has and len(has) < len(LEAST):
        missing = " and ".join(part for part in LEAST if part not in has)
        raise DataError(
            f"{name}: has {' and '.join(has)} but no {missing}; give all three, or "
            "other names to have the files joined and split"
        )
    return ([path / part for part in LEAST], True) if has else (found, False)


def _read(path: Path) -> _File:
    """One file, with uniform line ends."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    text = decoded(str(path), raw)
    if not text.strip():
        raise DataError(f"{path}: the file is empty; fill or remove it")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _File(path, text, hashlib.sha256(raw).hexdigest())


def _ended(file: _File) -> _File:
    """The file with a line end, which separates it from the next file's first word."""
    return file._replace(text=file.text.removesuffix("\n") + "\n")


def _check_length(name: str, text: str, least: int) -> None:
    if len(text) < least:
        raise DataError(
            f"{name}: {len(text)} characters are too few; give at least {least}"
        )


def _split(text: str) -> tuple[str, str, str]:
    """Contiguous parts, the last two of about `HELD_OUT_SHARE` each."""
    first, second = (
        _cut(text, round((1 - k * HELD_OUT_SHARE) * len(text))) for k in (2, 1)
    )
    return text[:first], text[first:second], text[second:]


def _cut(text: str, position: int) -> int:
    """The start of the line nearest to `position`, or `position` if none is near."""
    reach = int(_REACH * len(text))
    before = text.rfind("\n", position - reach, position) + 1
    after = text.find("\n", position, position + reach) + 1
    near = [start for start in (before, after) if start]  # 0 where none was found
    return min(near, key=lambda start: abs(start - position), default=position)


def _check_characters(
    files: Sequence[_File], train: str, others: str, origin: str
) -> None:
    """Raise DataError if the other parts have a character that `train` lacks."""
    unknown = set(others).difference(train)
    if not unknown:
        return
    position = min(others.index(character) for character in unknown)
    character = others[position]
    position += len(train)
    for file in files:  # their texts, joined, are train + others
        if position < len(file.text):
            break
        position -= len(file.text)
    line = file.text.count("\n", 0, position) + 1
    column = position - file.text.rfind("\n", 0, position)
    rest = sorted(unknown - {character})
    listed = " ".join(map(repr, rest[:_LISTED]))
    listed += f" and {len(rest) - _LISTED} more" if len(rest) > _LISTED else ""
    more = f", nor do {listed}" if rest else ""
    raise DataError(
        f"{file.path}: line {line}, column {column}: {character!r} "
        f"(U+{ord(character):04X}) never occurs in {origin}{more}; replace it, or have "
        "it there, too"
    )


def _digest(files: Sequence[_File]) -> str:
    if len(files) == 1:
        return files[0].sha256
    lines = "".join(f"{file.sha256}  {file.path.name}\n" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()
