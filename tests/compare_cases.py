"""What the tests of `collapse.compare` share: a problem and a small run of it."""

import jax.numpy as jnp

import collapse
from collapse import Model, Problem, draws

SMALL = {"num_rows": 20, "num_seeds": 4, "num_generations": 3}


def init(key, rows, weights):
    return jnp.ones((), rows.dtype)


def fit(key, params, rows, weights):
    return jnp.sqrt(weights @ rows**2 / jnp.sum(weights)), {}


def sample(key, scale, num):
    return scale * draws.normal(key, (num,), scale.dtype)


MODEL = Model(init, fit, sample)
PROBLEM = Problem(
    lambda key, num: sample(key, jnp.ones(()), num),
    MODEL,
    {"mean_error": lambda key, scale: (scale - 1) ** 2},
)


def compared(problem=PROBLEM, **fields):
    return collapse.compare(problem, **SMALL | fields)
