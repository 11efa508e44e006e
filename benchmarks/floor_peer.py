"""NumPy's rates of what a generation needs: numbers made in one call's loop."""

import time

import numpy as np

NUM = 2**15  # values at a time, which stay in cache
SIZE = 1024  # of a square matrix


def rate(seed, kind, precision, seconds):
    """How many were made, and in how many seconds: [number, seconds]."""
    rng, dtype = np.random.default_rng(seed), np.dtype(precision)
    values = np.linspace(-5, 0, NUM, dtype=dtype)
    square = np.ones((SIZE, SIZE), dtype) if kind == "flops" else values
    once = {
        "normals": lambda: rng.standard_normal(out=values, dtype=dtype),
        "uniforms": lambda: rng.random(out=values, dtype=dtype),
        "exponentials": lambda: np.exp(values),
        "flops": lambda: square @ square,
    }[kind]
    each = 2 * SIZE**3 if kind == "flops" else NUM
    once()
    begin, count = time.perf_counter(), 0
    while (spent := time.perf_counter() - begin) < seconds:
        once()
        count += each
    return [count, spent]
