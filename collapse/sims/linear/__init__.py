"""Linear regressors under any workflow: `python -m collapse.sims.linear`.

Linear versus bounded (Gerstgrasser et al. 2024, arXiv:2404.01413): the test error grows
with every generation if data are replaced, and stays below pi^2/6 times the first if
they accumulate. The data distribution is y = x'w* + noise with w* ~ N(0, I), or the
user's table.
"""

from collapse.sims.linear.experiment import Linear

FAMILY = Linear

__all__ = ["FAMILY", "Linear"]
