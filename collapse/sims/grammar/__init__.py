"""Grammars under any workflow: `python -m collapse.sims.grammar`.

Non-terminals are used as often as in the truth, so that each is a chain by itself and
theory is exact, or sentences are generated from the start and non-terminals die, too.
"""

from collapse.sims.grammar.experiment import Grammar

FAMILY = Grammar

__all__ = ["FAMILY", "Grammar"]
