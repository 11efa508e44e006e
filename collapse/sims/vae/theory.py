"""Closed forms beside the curves of probabilistic PCA, where they are exact."""

import numpy as np

from collapse.experiment.condition import Condition
from collapse.sims.vae.experiment import Vae
from collapse.theory import ppca
from collapse.theory.checks import Curve


def curves(condition: Condition[Vae]) -> dict[str, Curve]:
    """Metric -> [G + 1] of the total variance and the mean; none of a network.

    Of images that generate decoder means, under replace alone, and where the first fit
    is certain: it is to all training images.
    """
    e, spec, n = condition.experiment, condition.workflow, condition.n
    data, last = e.load(), condition.num_generations
    moments = spec.moments(n, last)
    if not e.is_linear or moments is None:
        return {}
    # rows of a finite population that are mixed, or drawn once more, are not covered
    mixed = spec.kind.picks_single_rows or spec.real_rows(n) is not None
    if data is not None and (mixed or n < 2):
        return {}
    if condition["generate"] == "sample":
        found = ppca.total(moments, n, 0 if data is None else len(data.train))
    elif data is not None and n == len(data.train) and spec.name == "replace":
        values = np.linalg.eigvalsh(np.cov(data.train.T, bias=True))
        kept, noise = ppca.leading(values, e.latents)
        signal = (kept - noise).sum() / values.sum()
        found = ppca.means(n, last, float(signal))
    else:
        return {}
    return {"variance_ratio": found.variance, "mean_error": found.mean_error}
