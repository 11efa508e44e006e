"""The world of sentences: agreement, anaphora and licensing, and minimal pairs."""

from collapse.data.worlds.grammar.grammar import grammar
from collapse.data.worlds.grammar.pairs import pairs

__all__ = ["grammar", "pairs"]
