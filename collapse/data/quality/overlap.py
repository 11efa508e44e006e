"""How much of a benchmark a corpus contains: the overlap of character n-grams.

Brown et al. 2020 (arXiv 2005.14165, appendix C) call a benchmark document contaminated
where it shares an n-gram of words with the training data. A paraphrase shares few.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from collapse.data.quality.grams import characters, grams

ORDER = 8


def overlap(
    benchmark: Sequence[str], corpus: Sequence[str], order: int = ORDER
) -> Float[np.ndarray, " documents"]:
    """Share of the n-grams of each benchmark document that the corpus has anywhere.

    1 for a document that stands in the corpus word for word. One changed character
    takes away the n-grams that hold it, at most `order` of them. A document that is
    shorter than an n-gram has none, and NaN.

    Args:
      benchmark: documents that are asked.
      corpus: documents that are learned.
      order: characters of an n-gram.

    Raises:
      DataError: for a single text in place of a list, or an order below 1.
    """
    known = np.unique(grams(characters(corpus), order).hashes)
    own = grams(characters(benchmark), order)
    found = np.isin(own.hashes, known).astype(float)
    num = len(benchmark)
    counts = np.bincount(own.rows, minlength=num)
    seen = np.bincount(own.rows, weights=found, minlength=num)
    shares = np.full(num, np.nan)
    return np.divide(seen, counts, out=shares, where=counts > 0)
