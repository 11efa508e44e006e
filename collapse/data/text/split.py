"""Real text from files: checked, and split into three contiguous parts."""

import hashlib
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from collapse.data import vocabulary
from collapse.data.errors import DataError
from collapse.data.text import files as text_files
from collapse.data.text.files import TextFile

# file -> its least number of characters; an undivided text needs that of the first
LEAST = {"train.txt": 1000, "validation.txt": 100, "test.txt": 100}
HELD_OUT_SHARE = 0.1  # of a whole text, for each of the last two parts
# A cut is moved to a line end that is at most this share of the text away: a small one,
# so that no part gets small.
_REACH = 0.025
_LISTED = 20  # most characters listed in a message
_FEW = 5  # most files that are listed

Unknown = Literal["error", "replace", "keep"]


class TextData(NamedTuple):
    """A user's text in three parts that do not overlap.

    Attributes:
      train: generation 0 is trained on it, and word frequencies are counted in it.
      validation: for model selection.
      test: for test losses only.
      vocabulary: the distinct characters of the training part, sorted; the other parts
        have no others. If unknown ones are replaced, `vocabulary.UNKNOWN` is among
        them.
      sha256: of the file; of several files, that of `sha256sum FILES | sha256sum`.
      summary: what was read, in a line.
      unknown: which held-out characters were replaced, in words; empty if none were.
      unknown_share: share of the held-out characters that were replaced.
      left_out: which other files of the folder were not read, in words.
      is_whole: whether all characters are used.
    """

    train: str
    validation: str
    test: str
    vocabulary: str
    sha256: str
    summary: str = ""
    unknown: str = ""
    unknown_share: float = 0.0
    left_out: str = ""
    is_whole: bool = True


def load_text(
    name: str, unknown: Unknown = "error", field: str = "text", characters: int = 0
) -> TextData:
    r"""The text that `name` means, in parts for training, validation and testing.

    Line ends become "\n", and a byte order mark is dropped. A text without parts is cut
    80 : 10 : 10 in its order, at a line end if one is near: if lines were shuffled,
    names and phrases that a play repeats would be in all parts. Several files are
    joined in the order of their names, with a line end between.

    All of it is read and checked, whatever number of characters is used: so a part of
    a text has the vocabulary of the whole.

    Args:
      name: of a shipped text, a file, or a folder, see `files.found`.
      unknown: what is done with characters that only the held-out parts have: "error"
        refuses them, "replace" puts `vocabulary.UNKNOWN` in their place, "keep" leaves
        them to a vocabulary that has tokens for them.
      field: of JSON lines that holds the text.
      characters: that are used, 0 for all: the beginnings of the parts, 80 : 10 : 10.

    Raises:
      DataError: if something is missing, empty, too short or not text; or, unless
        `unknown` is "replace", if a character of the other parts never occurs in the
        training part: a model of characters has no token for it.
    """
    paths, divided = text_files.found(name)
    root = paths[0].parent if name in text_files.SHIPPED else text_files.Path(name)
    files = [text_files.read(path, root, field) for path in paths]
    parts = _divided(files) if divided else _undivided(name, files)
    origin = files[0].name if divided else "the first 80 %, the training part"
    num_files, sha256 = len(files), _digest(files)
    letters, strange = _letters(parts)
    if strange and unknown == "error":
        raise DataError(_refusal(files, parts, strange, origin, field))
    del files
    lengths, distinct = [*map(len, parts)], len(letters) + len(strange)
    replaced = strange if unknown == "replace" else ""
    parts, share = _replaced(parts, replaced)
    if unknown == "replace" and vocabulary.UNKNOWN not in letters:
        letters = "".join(sorted(letters + vocabulary.UNKNOWN))
    if 0 < characters < sum(lengths):
        held = round(HELD_OUT_SHARE * characters)
        sizes = (characters - 2 * held, held, held)
        parts = [part[:size] for part, size in zip(parts, sizes, strict=True)]
    summary = _summary(name, num_files, lengths, distinct)
    is_whole = sum(map(len, parts)) == sum(lengths)
    if not is_whole:
        summary += f"; used {spaced(sum(map(len, parts)))} (--characters)"
    train, validation, test = parts
    own = (letters, sha256, summary, _told(replaced, share), share)
    others = _others(text_files.left_out(name))
    return TextData(train, validation, test, *own, others, is_whole)


def _divided(files: Sequence[TextFile]) -> list[str]:
    """The texts of three files, which are the parts."""
    for file, least in zip(files, LEAST.values(), strict=True):
        _check_length(str(file.path), file.text, least)
    return [file.text for file in files]


def _undivided(name: str, files: list[TextFile]) -> list[str]:
    """The three parts of one or more files, joined."""
    files[:-1] = map(_ended, files[:-1])
    whole = files[0].text
    if len(files) > 1:
        whole = "".join(file.text for file in files)
    _check_length(name, whole, LEAST["train.txt"])
    return [*_split(whole)]


def _ended(file: TextFile) -> TextFile:
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


def _letters(parts: Sequence[str]) -> tuple[str, str]:
    """Distinct characters of the first part, and those that only the others have."""
    known = vocabulary.counts(parts[0]) > 0
    others = sum(vocabulary.counts(part) for part in parts[1:])
    both = (known, ~known & (others > 0))
    known_letters, strange = ("".join(map(chr, np.flatnonzero(x))) for x in both)
    return known_letters, strange


def _replaced(parts: Sequence[str], strange: str) -> tuple[list[str], float]:
    """The parts without strange characters, and what share of the last two they are."""
    if not strange:
        return list(parts), 0.0
    table = dict.fromkeys(map(ord, strange), vocabulary.UNKNOWN)
    codes = vocabulary.code_points(strange)
    count = sum(int(vocabulary.counts(part)[codes].sum()) for part in parts[1:])
    replaced = [parts[0], *(part.translate(table) for part in parts[1:])]
    return replaced, count / sum(map(len, parts[1:]))


def _refusal(
    files: Sequence[TextFile],
    parts: Sequence[str],
    strange: str,
    origin: str,
    field: str,
) -> str:
    """A line on the first held-out character that the training part lacks."""
    others = "".join(parts[1:])
    position = min(others.index(character) for character in strange)
    character = others[position]
    position += len(parts[0])
    for file in files:  # their texts, joined, are the parts, joined
        if position < len(file.text):
            break
        position -= len(file.text)
    rest = strange.replace(character, "")
    listed = " ".join(map(repr, rest[:_LISTED]))
    listed += f" and {len(rest) - _LISTED} more" if len(rest) > _LISTED else ""
    more = f", nor do {listed}" if rest else ""
    return (
        f"{file.path}: {text_files.place(file, position, field)}: {character!r} "
        f"(U+{ord(character):04X}) never occurs in {origin}{more}; replace it, or "
        "have it there, too, or give --unknown replace"
    )


def _digest(files: Sequence[TextFile]) -> str:
    if len(files) == 1:
        return files[0].sha256
    lines = "".join(f"{file.sha256}  {file.name}\n" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def _summary(name: str, num_files: int, lengths: Sequence[int], distinct: int) -> str:
    """What was read: `plays: 3 files, 1 204 511 characters, 91 distinct; ...`."""
    files = f"{num_files} file{'s' * (num_files != 1)}"
    total, train, validation, test = map(spaced, (sum(lengths), *lengths))
    return (
        f"{name}: {files}, {total} characters, {distinct} distinct; held out "
        f"{validation} for validation and {test} for testing, {train} to train on"
    )


def _told(strange: str, share: float) -> str:
    """What was replaced, in words; empty if nothing was."""
    if not strange:
        return ""
    return (
        f"{100 * share:.2g} % of the held-out characters ({len(strange)} distinct) "
        f"are unknown and read as {vocabulary.UNKNOWN}"
    )


def _others(names: Sequence[str]) -> str:
    """Which files were left out, in words; empty if none were."""
    if not names:
        return ""
    count = f"{len(names)} other text file{'s' * (len(names) > 1)}"
    more = ", ..." * (len(names) > _FEW)
    return f"left out {count}: {', '.join(names[:_FEW])}{more}"


def spaced(number: int) -> str:
    """A whole number with spaces between thousands: `1 204 511`."""
    return f"{number:,}".replace(",", " ")
