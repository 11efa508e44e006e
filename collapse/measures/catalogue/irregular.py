"""Metrics of the small models that accumulating data may or may not keep safe."""

import math

from collapse.measures.quantity import error, ratio

# A run has failed if its mean is off by more than half a standard deviation of the
# truth, or if its own standard deviation is less than half or more than twice that.
FAILED_MEAN = 0.5
FAILED_SPREAD = 2.0
# the same for a uniform law on [0, theta], whose mean comes first
FAILED_EDGE = 1 - FAILED_MEAN / math.sqrt(3)

IRREGULAR = {  # defined in `measures.failures`
    "failed": error("failed runs", "share of runs"),
    "mean_error": error("squared error of the mean", "ratio to truth's trace", "drift"),
    "variance_ratio": ratio("variance", "variance"),
    "test_error": error("test error (excess log-loss)", "nats", "error"),
}
