"""Passages that written text has copied from real text, found by hashing windows."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_BASE = 0x9E3779B97F4A7C15  # of the hashes; odd, so it has an inverse modulo 2^64
_TABLE_BITS = 22  # 4 million places, of which a generation fills a few per cent


class Windows(NamedTuple):
    """Running sums from which the hash of any window of some blocks follows."""

    sums: np.ndarray  # [characters + 1], of code point j times base^j, over all before
    shift: np.ndarray  # [characters], base^-i: the same hash wherever a window begins
    room: np.ndarray  # [characters], how many are left in the block


def windows_of(blocks: Sequence[str]) -> Windows:
    """Of all blocks, one after the other; arithmetic is modulo 2^64."""
    codes = np.frombuffer("".join(blocks).encode("utf-32-le"), "<u4")
    lengths = np.array([len(block) for block in blocks], dtype=np.int64)
    ends = np.repeat(np.cumsum(lengths), lengths)
    terms = codes * _powers(_BASE, len(codes))
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms)])
    shift = _powers(pow(_BASE, -1, 2**64), len(codes))
    return Windows(sums, shift, ends - np.arange(len(codes)))


def _powers(base: int, num: int) -> np.ndarray:
    """base^1 to base^num modulo 2^64."""
    return np.cumprod(np.full(num, base, np.uint64))


def hashes(windows: Windows, length: int) -> np.ndarray:
    """Hash of the window of `length` characters at each place, block or not."""
    sums = windows.sums
    num = max(len(sums) - length, 0)
    return (sums[length:] - sums[:num]) * windows.shift[:num]


def copies(ours: Windows, theirs: Windows, length: int) -> np.ndarray:
    """Where those of our windows begin, inside a block, that are also theirs.

    Theirs are one block. By hashes: two windows in about 2^64 are mistaken for equal.
    """
    starts = np.flatnonzero(ours.room >= length)
    written, real = hashes(ours, length)[starts], hashes(theirs, length)
    # a look-up by the highest bits leaves a few of a million windows to sort
    table = np.zeros(2**_TABLE_BITS, bool)
    place = np.uint64(64 - _TABLE_BITS)
    table[written >> place] = True
    return starts[np.isin(written, real[table[real >> place]])]


def longest_copy(text: str, windows: Windows, real_text: str, real: Windows) -> int:
    """Characters of the longest window, inside a block, that the real text has.

    Args:
      text: all blocks, one after the other.
      windows: of these blocks.
      real_text: one block.
      real: its windows.

    Whatever is copied has copied parts, so a binary search over the length finds it.
    The hashes only propose: what is returned was found in the text itself.
    """
    known, unknown = 0, min(max(windows.room, default=0), len(real_text)) + 1
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
