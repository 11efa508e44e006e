"""Whether a model keeps the rules that the loop over generations relies on.

`check_model` tries them all, in the spirit of scikit-learn's `check_estimator`; the
cheap ones are tried by `collapse.compare` and before a run of a user's own family.
"""

from collapse.lab.conformance.check import check_model
from collapse.lab.conformance.quick import quick
from collapse.lab.conformance.report import Checked, Report

__all__ = ["Checked", "Report", "check_model", "quick"]
