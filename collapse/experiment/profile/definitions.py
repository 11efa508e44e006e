"""The definitions of collapse in the literature: what each looks at, and which side.

Names after Schaeffer et al. (arXiv:2503.03150), who count eight; the numbers that are
measured for them are ours. Their first and third, a catastrophic and a diverging risk,
are the first here with a larger margin and in the crossings of a run; drift and
real-only training are from Alemohammad et al. (arXiv:2307.01850, sections 2 and 3).
"""

from typing import Literal, NamedTuple

from collapse.measures.catalogue import Aspect


class Definition(NamedTuple):
    """One definition of collapse.

    Attributes:
      name: in tables.
      long_name: in words.
      aspect: of the metrics that it looks at.
      worse: side on which collapse lies.
      statistic: over seeds. Risk is an expectation, so that of errors it is the mean;
        of what single runs lose, make up or drift it is the median, since few runs
        carry its mean.
      needs: what a run lacks if it is not defined there.
    """

    name: str
    long_name: str
    aspect: Aspect
    worse: Literal["higher", "lower"]
    statistic: Literal["mean", "median"]
    needs: str


REAL_ONLY, SCALING = "real_only", "scaling"  # those that compare conditions

DEFINITIONS = (
    Definition(
        *("error", "growth of test error", "error", "higher", "mean"),
        "a test error among the metrics",
    ),
    Definition(
        *("tails", "loss of tails", "tails", "lower", "median"),
        "the mass of a tail among the metrics",
    ),
    Definition(
        *("variance", "loss of variance", "variance", "lower", "median"),
        "a variance or a diversity among the metrics",
    ),
    Definition(
        *("support", "loss of support", "support", "lower", "median"),
        "rare components, symbols or words whose survival is measured",
    ),
    Definition(
        *("hallucination", "hallucinated mass", "hallucination", "higher", "median"),
        "the mass where the truth has none among the metrics",
    ),
    Definition(
        *("drift", "drift from the truth", "drift", "higher", "median"),
        "a distance to the truth among the metrics",
    ),
    Definition(
        *(REAL_ONLY, "worse than real-only training", "error", "higher", "mean"),
        'real-only training in the same run, as by the workflow "mix 1 fresh" or '
        '"mix 1 fixed"',
    ),
    Definition(
        *(SCALING, "change of the scaling law", "error", "higher", "mean"),
        "a sweep of samples_per_generation, and an error that is 0 at best",
    ),
)
