"""Instructions and responses from files of JSON lines, in three parts."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from collapse.data.errors import DataError
from collapse.data.text import files as text_files

PARTS = ("train", "validation", "test")

Pair = tuple[str, ...]  # prompt and response


def parts_of(name: str) -> list[list[Path]]:
    """The files of each part; of a single part, what is to be split.

    A folder may do without a test part: models are then tested on validation rows.

    Raises:
      DataError: if there are no files, or they are no JSON lines.
    """
    folder = Path(name)
    for end in (".jsonl", ".jsonl.gz"):
        files = [folder / f"{part}{end}" for part in PARTS]
        if files[0].is_file() and files[1].is_file():
            return [[file] for file in files if file.is_file()]
    paths, divided = text_files.found(name)
    strange = [p for p in paths if ".jsonl" not in p.name and ".ndjson" not in p.name]
    if strange:
        raise DataError(
            f"{strange[0]}: responses are read from .jsonl files; give one, or --learn "
            "text"
        )
    return [[path] for path in paths] if divided else [paths]


def pairs_of(
    parts: Sequence[Sequence[Path]], fields: dict[str, str]
) -> tuple[list[list[Pair]], str]:
    """Prompts and responses of three parts, and the digest of their files."""
    found = [
        [pair for path in paths for pair in text_files.records(path, fields)]
        for paths in parts
    ]
    digest = hashlib.sha256()
    for path in (path for paths in parts for path in paths):
        digest.update(path.read_bytes())
    if len(found) == 1:
        found = _split(found[0], str(parts[0][0]))
    if len(found) == 2:
        found = [*found, found[1]]
    return found, digest.hexdigest()


def _split(pairs: list[Pair], name: str) -> list[list[Pair]]:
    """Three contiguous parts, 80 : 10 : 10; one prompt is in one of them alone.

    Raises:
      DataError: if there are too few rows.
    """
    cuts = [round(0.8 * len(pairs)), round(0.9 * len(pairs))]
    for k, cut in enumerate(cuts):
        while 0 < cut < len(pairs) and pairs[cut][0] == pairs[cut - 1][0]:
            cut += 1
        cuts[k] = cut
    found = [pairs[: cuts[0]], pairs[cuts[0] : cuts[1]], pairs[cuts[1] :]]
    if not all(found):
        raise DataError(
            f"{name}: {len(pairs)} records are too few for three parts; give at least "
            "10, of several prompts"
        )
    return found
