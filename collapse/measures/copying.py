"""Passages of generated text that are copied from real text, found by hashing."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_BASE = 0x9E3779B97F4A7C15  # of the hashes; odd, so it has an inverse modulo 2^64
_TABLE_BITS = 22  # 4 million entries; a generation fills a few per cent
_PIECE = 2**22  # windows of a large text that are hashed together


class Windows(NamedTuple):
    """Sums that give the hash of any window of some blocks (a rolling hash).

    Attributes:
      sums: [characters + 1], cumulative sums of code point j times base^j, from 0.
      room: [characters], number of characters from here to the end of the block.
    """

    sums: np.ndarray
    room: np.ndarray


def windows_of(blocks: Sequence[str]) -> Windows:
    """Windows of all blocks, one after the other; arithmetic is modulo 2^64."""
    codes = np.frombuffer("".join(blocks).encode("utf-32-le"), "<u4")
    lengths = np.array([len(block) for block in blocks], dtype=np.int64)
    whole = np.min_scalar_type(-max(len(codes), 1))  # four bytes do, not eight
    room = np.repeat(np.cumsum(lengths).astype(whole), lengths)
    room -= np.arange(len(codes), dtype=whole)
    terms = _powers(_BASE, len(codes))
    terms *= codes
    sums = np.zeros(len(codes) + 1, np.uint64)
    np.cumsum(terms, out=sums[1:])
    return Windows(sums, room)


def _powers(base: int, num: int, above: int = 0) -> np.ndarray:
    """base^(above + 1) to base^(above + num) modulo 2^64."""
    found = np.full(num, base, np.uint64)
    found[:1] = pow(base, above + 1, 2**64)
    return np.cumprod(found, out=found)


def hashes(
    windows: Windows, length: int, first: int = 0, most: int | None = None
) -> np.ndarray:
    """Hash of the window of `length` at each position, also across blocks.

    Args:
      windows: of some blocks.
      length: characters of a window.
      first: position of the first window.
      most: number of positions; None for all that are left.
    """
    left = max(len(windows.sums) - length - first, 0)
    num = left if most is None else min(most, left)
    sums = windows.sums[first:]
    # makes equal windows have equal hashes, wherever they are
    shift = _powers(pow(_BASE, -1, 2**64), num, first)
    return (sums[length : length + num] - sums[:num]) * shift


def copies(ours: Windows, theirs: Windows, length: int) -> np.ndarray:
    """Starts of the windows of `length` in `ours`, within a block, that `theirs` has.

    `theirs` is of one block. Windows are compared by hash: two different ones are taken
    for equal with a probability of about 2^-64.
    """
    starts = np.flatnonzero(ours.room >= length)
    generated = hashes(ours, length)[starts]
    # a table of the highest bits excludes most of a million windows before the sort
    table = np.zeros(2**_TABLE_BITS, bool)
    drop = np.uint64(64 - _TABLE_BITS)
    table[generated >> drop] = True
    copied = np.zeros(len(starts), bool)
    for first in range(0, len(theirs.sums), _PIECE):
        real = hashes(theirs, length, first, _PIECE)
        copied |= np.isin(generated, real[table[real >> drop]])
    return starts[copied]


def longest_copy(text: str, windows: Windows, real_text: str, real: Windows) -> int:
    """Length of the longest passage, within a block, that is in the real text.

    Args:
      text: all blocks, one after the other.
      windows: of these blocks.
      real_text: one block.
      real: its windows.

    All parts of a copied passage are copied, so a binary search over the length finds
    it. Hashes give candidates only, which are then checked in the text itself.
    """
    longest = int(windows.room.max(initial=0))
    known, unknown = 0, min(longest, len(real_text)) + 1
    while unknown - known > 1:
        length = (known + unknown) // 2
        if len(copies(windows, real, length)):
            known = length
        else:
            unknown = length
    while known:
        starts = copies(windows, real, known)
        if any(text[start : start + known] in real_text for start in starts):
            break
        known -= 1
    return known
