"""Colours of hues: workflows have their own, others go from dark to light."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib import colormaps, colors

from collapse.experiment.workflows import CYCLE, colour_of


def colours(name: str, values: Iterable[Any]) -> dict[Any, str]:
    """Value -> colour: workflows have their own, others go from dark to light.

    Names of which some begin with the same word, such as `event` and `event noise`,
    have a colour for each first word, paler for those that come later. Of more than two
    shades nobody could tell which is which: then each name has its own colour, as long
    as there are enough.
    """
    values, found = list(values), {}
    words = [(str(value).split() or [""])[0] for value in values]
    alike = max(Counter(words).values(), default=0)
    kin = all(isinstance(v, str) for v in values) and alike > 1
    if name != "workflow" and not kin:
        scale = colormaps["viridis"](np.linspace(0.02, 0.86, len(values)))
        return {v: colors.to_hex(c) for v, c in zip(values, scale, strict=True)}
    if name != "workflow" and 2 < alike and len(values) <= len(CYCLE):
        words = list(map(str, values))
    family = dict(zip(values, words, strict=True))
    base = _of_families(dict.fromkeys(family.values()))
    for value in values:
        kindred = [v for v in values if family[v] == family[value]]
        ends = (-0.35, 0.5) if name == "workflow" else (0.0, -0.6)
        shades = np.linspace(*ends, len(kindred)) if len(kindred) > 1 else [0.0]
        found[value] = shade(base[family[value]], shades[kindred.index(value)])
    return found


def _of_families(names: Iterable[str]) -> dict[str, str]:
    """First word of labels -> its own colour, or one that no other of them has."""
    found = {name: colour_of(name) for name in names}
    taken = {colors.to_hex(colour) for colour in found.values() if colour}
    free = [c for c in CYCLE if colors.to_hex(c) not in taken] or CYCLE
    own = [name for name, colour in found.items() if not colour]
    for k, name in enumerate(own):
        again = k // len(free)  # after those that are free, paler ones of them
        found[name] = shade(free[k % len(free)], -again / (again + 1))
    return found


def shade(colour: str, amount: float) -> str:
    """The colour mixed with black (amount > 0) or white (amount < 0)."""
    white = abs(amount) if amount < 0 else 0.0
    r, g, b = ((1 - abs(amount)) * part + white for part in colors.to_rgb(colour))
    return colors.to_hex((r, g, b))
