"""When a run hands control back to the host: for progress, checkpoints and ctrl-C."""

import itertools
import math
from collections.abc import Sequence

_LONGEST_CHUNK = 50  # generations between two looks at ctrl-C


def boundaries(num_generations: int, snapshots: Sequence[int]) -> list[int]:
    """Generations at which control returns to the host, the last one included.

    Chunks of two lengths at the most, each of which is compiled, however snapshots lie.
    """
    steps = num_generations + 1
    most = min(_LONGEST_CHUNK, max(1, steps // 8))
    length = max(k for k in range(1, most + 1) if steps % k == 0)
    if length < most / 2:  # a prime, say: rather an odd chunk at the end
        length = most
    stops = sorted({-1, *snapshots, num_generations})
    rest = math.gcd(*((b - a) % length for a, b in itertools.pairwise(stops)))
    found = set(stops[1:])
    for start, stop in itertools.pairwise(stops):
        odd = stop - (stop - start) % length
        found |= {*range(start + length, odd + 1, length)}
        found |= {*range(odd + rest, stop, rest)} if rest else set()
    return sorted(found)


def stops(
    num_generations: int, snapshots: Sequence[int], often: bool, every: int = 1
) -> Sequence[int]:
    """As `boundaries`, or every generation where each is looked at (`often`).

    With `every` results hold generation 0 and then one of so many: chunks after
    generation 0 are whole multiples of it.
    """
    if often:
        return range(num_generations + 1)
    if every > 1:
        coarse = boundaries(num_generations // every - 1, ())
        return [0, *((1 + end) * every for end in coarse)]
    return boundaries(num_generations, snapshots)


def lengths(ends: Sequence[int]) -> list[int]:
    """Lengths of the chunks that end there, each once, in the order of their use."""
    return list(dict.fromkeys(b - a for a, b in itertools.pairwise([-1, *ends])))
