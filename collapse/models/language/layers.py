"""Linear layers without biases, and the laws of their first weights."""

from collections.abc import Callable

from flax import linen as nn


def linear(width: int, variance: float, name: str) -> nn.Dense:
    """A linear layer whose initial output has `variance` times its input's variance."""
    return nn.Dense(width, use_bias=False, kernel_init=scaled(variance), name=name)


def scaled(variance: float) -> Callable:
    """A law of first weights, normal with `variance` divided by the inputs' number."""
    return nn.initializers.variance_scaling(variance, "fan_in", "normal")


def normal(standard_deviation: float) -> Callable:
    """A law of first weights, normal with this standard deviation."""
    return nn.initializers.normal(standard_deviation)
