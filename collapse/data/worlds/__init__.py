"""Task worlds: text whose truth is known, and who can verify any text against it."""

from collections.abc import Callable, Mapping

from collapse.data.worlds.arithmetic import arithmetic
from collapse.data.worlds.facts import facts
from collapse.data.worlds.grammar import grammar
from collapse.data.worlds.mixed import quality
from collapse.data.worlds.planted import Defects, planted
from collapse.data.worlds.programs import programs
from collapse.data.worlds.tools import tools
from collapse.data.worlds.world import Contest, Document, Verdict, World

WORLDS: Mapping[str, Callable[..., World]] = {
    "arithmetic": arithmetic,
    "tools": tools,
    "facts": facts,
    "programs": programs,
    "grammar": grammar,
    "quality": quality,
}

__all__ = [
    "WORLDS",
    "Contest",
    "Defects",
    "Document",
    "Verdict",
    "World",
    "arithmetic",
    "facts",
    "grammar",
    "planted",
    "programs",
    "quality",
    "tools",
]
