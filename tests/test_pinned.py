"""Numbers that the names of measures and the words of captions promise, written out.

Other tests follow these constants wherever they go; here they stay where they are.
"""

import inspect

from collapse.measures import comparison, metrics, symbols, text
from collapse.sims.gmm import experiment as mixtures
from collapse.sims.mixing import best


def test_tails_are_as_wide_as_their_names_say():
    assert metrics.TAILS == {"tail_mass_5pct": 0.05, "tail_mass_1pct": 0.01}
    assert metrics.FLOOR == 0.001
    assert text.RARE == {"tail_mass_10pct": 0.1, "tail_mass_1pct": 0.01}
    assert symbols.TAIL == 0.1
    assert mixtures.RARE == 0.05


def test_a_copied_passage_has_fifty_characters_and_a_rare_word_four_letters():
    assert text.WINDOW == 50
    assert text._LEAST_LETTERS == 4


def test_confidence_is_that_of_95_per_cent():
    assert best.CONFIDENCE == 0.95
    asked = inspect.signature(comparison.best_setting).parameters["confidence"]
    assert asked.default == 0.95
