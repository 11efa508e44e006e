"""Bigrams and trigrams under any workflow: `python -m collapse.sims.ngram`.

Contexts have as many draws as in the real text, so that each is a chain by itself and
theory is exact, or text is generated token by token and contexts die, too.
"""

from collapse.sims.ngram.experiment import Ngram

FAMILY = Ngram

__all__ = ["FAMILY", "Ngram"]
