"""Does verification hold a model? `python -m collapse.sims.verification --model kde`.

In every generation a curator keeps some of the rows that the model has generated, and
the next model is trained on these. Each operator stands beside its random control,
which keeps as many rows without looking at them. Selectivity, bias and noise of the
verifier and the share of fresh real rows enter as arrays: a map of them is one program
for each operator.
"""

from collapse.sims.verification.experiment import Verification

FAMILY = Verification

__all__ = ["FAMILY", "Verification"]
