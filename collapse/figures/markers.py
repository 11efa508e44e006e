"""Markers of curves: dots of measured points, and shapes that tell many hues apart."""

from collections.abc import Iterable
from typing import Any, NamedTuple

_MOST_COLOURS = 7  # that are told apart without another sign
_SHAPES = ("o", "s", "^", "D", "v", "x", "<", "P", ">", "d", "*", "h")
_SIZES = (7.5, 6.0, 5.0, 4.0)  # in turn, so that shapes at one point are seen in others
_MOST_DOTS = 20  # on a curve
_FEW = 6  # shapes on a curve of more points
_APART = 0.618  # of the way to the next shape, from one curve to the next


class Shape(NamedTuple):
    """The marker of a hue.

    Attributes:
      kind: as matplotlib names it.
      size: in points.
      place: of the hue among the others.
    """

    kind: str
    size: float
    place: int

    def ways(self) -> dict[str, Any]:
        """Line settings of it: hollow but for the smallest, so that others show."""
        hollow = {} if self.size == _SIZES[-1] else {"mfc": "none"}
        return {"marker": self.kind, "ms": self.size, "mew": 1.0, **hollow}


def shapes(values: Iterable[Any]) -> dict[Any, Shape]:
    """Hue -> its marker; none for so few hues that colours are enough."""
    values = list(values)
    if len(values) <= _MOST_COLOURS:
        return {}
    return {
        value: Shape(_SHAPES[k % len(_SHAPES)], _SIZES[k % len(_SIZES)], k)
        for k, value in enumerate(values)
    }


def along(shape: Shape | None, points: int, by_generation: bool) -> dict[str, Any]:
    """Line settings of a measured curve: its markers, and at which points they are.

    A dot at each point, if these are few and no generations. A shape, which a legend
    explains, is on every curve: at each point, or at some where there are many, at
    others on the next curve, so that shapes of curves that coincide are all seen.

    Args:
      shape: of the curve's hue, or None.
      points: of the curve.
      by_generation: whether x is the generation.
    """
    many = by_generation or points > _MOST_DOTS
    if shape is None:
        return {} if many else {"marker": "o", "markersize": 3}
    step = max(points // _FEW, 1) if many else 1
    begin = int(shape.place * _APART * step) % step
    return {**shape.ways(), "markevery": (begin, step)}
