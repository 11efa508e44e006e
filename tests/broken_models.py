"""A model that keeps every rule, and those that break one each, with what is said."""

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats

from collapse import Model, draws


def init(key, rows, weights):
    return jnp.zeros((), rows.dtype)


def fit(key, params, rows, weights):
    return weights @ rows / jnp.sum(weights), {}


def sample(key, scale, num):
    return -scale * jnp.log1p(-draws.uniform(key, (num,), scale.dtype))


def draw(key, num):
    return sample(key, jnp.ones(()), num)


GOOD = Model(init, fit, sample)


def fitting(function):
    """The model with parameters `function(rows, weights)`."""
    return GOOD._replace(fit=lambda k, p, rows, w: (function(rows, w), {}))


def sampling(function):
    """The model with rows `function(key, scale, num)`."""
    return GOOD._replace(sample=function)


def leading(weights):
    """Weights 1 of as many rows as have weight, but the first ones."""
    filled = jnp.arange(len(weights)) < jnp.sum(weights > 0)
    return jnp.where(filled, 1, 0).astype(weights.dtype)


RNG = np.random.default_rng(1)
COUNTER = [0]
LEFT = {}


def counting(key, scale, num):
    COUNTER[0] += 1
    return sample(key, scale, num) + COUNTER[0]


def leave(key, params, rows, weights):
    LEFT["scale"] = weights @ rows / jnp.sum(weights)
    return LEFT["scale"], {}


def by_callback(key, scale, num):
    shape = jax.ShapeDtypeStruct((num,), scale.dtype)
    return jax.pure_callback(
        lambda s: np.asarray(s) * RNG.exponential(size=num),
        shape,
        scale,
        vmap_method="sequential",
    )


def by_scipy(rows, weights):
    shape = jax.ShapeDtypeStruct((), rows.dtype)
    return jax.pure_callback(lambda x: np.asarray(x).mean(), shape, rows)


def over_all_seeds(rows, weights):
    """A mean over the host's whole batch, in which seeds stand beside each other."""
    shape = jax.ShapeDtypeStruct((), rows.dtype)
    scale = weights @ rows / jnp.sum(weights)

    def mixed(scales):
        own = np.asarray(scales)  # np.mean of a jax array would wait for jax, for ever
        return np.full_like(own, np.mean(own))

    return jax.pure_callback(mixed, shape, scale, vmap_method="broadcast_all")


def half_way(key, params, rows, weights):
    return (params + weights @ rows / jnp.sum(weights)) / 2, {}


BROKEN = {
    "weights ignored": (
        fitting(lambda rows, w: jnp.mean(rows)),
        "weight 0",
        r"fit: rows of weight 0 have an influence: params is [\d.]+ and [\d.]+ with "
        r"other rows in their place; take sums over weights",
    ),
    "weights ignored where a fit starts": (
        Model(lambda k, rows, w: jnp.mean(rows), half_way, sample),
        "weight 0",
        "init: rows of weight 0 have an influence",
    ),
    "weights taken as a mask": (
        fitting(lambda rows, w: jnp.sum((w > 0) * rows) / jnp.sum(w > 0)),
        "repeated",
        "fit: params is .* where rows of weight 2 are given twice instead",
    ),
    "positions counted": (
        fitting(lambda rows, w: w @ rows / len(rows)),
        "empty",
        "fit: depends on the number of positions: of 24 rows params is .* empty pos",
    ),
    "weights not normalised": (
        fitting(lambda rows, w: w @ rows / (jnp.sum(w) - 1)),
        "scale",
        "fit: params is .* with all weights three times as large; .*weights='counts'",
    ),
    "a prefix taken for the rows of weight 1": (
        fitting(lambda rows, w: leading(w) @ rows / jnp.sum(leading(w))),
        "weight 0",
        "fit: rows of weight 0 have an influence: params is .* with other rows in",
    ),
    "a fit that gives back its start": (
        GOOD._replace(
            init=lambda k, rows, w: w @ rows / jnp.sum(w),
            fit=lambda k, p, rows, w: (p, {}),
        ),
        "rows",
        "fit: gives the same params for very different rows, as if it gave back its st",
    ),
    "rows of the truth": (
        sampling(lambda k, s, n: sample(k, jnp.ones((), s.dtype), n)),
        "params",
        "sample: makes the same rows of params that are fitted to very different rows",
    ),
    "NaN of empty positions": (
        fitting(lambda rows, w: jnp.exp(w @ jnp.log(rows) / jnp.sum(w))),
        "weight 0",
        "fit: .* nan with zeros, as empty positions hold.*jnp.where",
    ),
    "NaN": (
        fitting(lambda rows, w: jnp.sqrt(-(w @ rows))),
        "finite",
        "fit: 1 of 1 numbers of params are nan; look for a division by 0",
    ),
    "numpy.random": (
        sampling(lambda k, s, n: s * RNG.exponential(size=n).astype(s.dtype)),
        "pure",
        "sample: the same key gives other numbers the second time; .*numpy.random",
    ),
    "numpy.random in a callback": (
        sampling(by_callback),
        "pure",
        "sample: the same key gives other numbers the second time",
    ),
    "state in a global": (
        sampling(counting),
        "pure",
        "sample: the same key gives other numbers .* no state in a global",
    ),
    "an array left in a global": (
        Model(init, leave, lambda k, s, n: sample(k, LEFT["scale"], n)),
        "tracing",
        "sample: an array that another call left in a global",
    ),
    "key ignored": (
        sampling(lambda k, s, n: sample(jax.random.key(0), s, n)),
        "key",
        "sample: gives the same rows for every key, so that seeds coincide",
    ),
    "key reused": (
        sampling(
            lambda k, s, n: (
                s * jax.random.uniform(k, (n,), s.dtype)
                + s * jax.random.exponential(k, (n,), s.dtype)
            )
        ),
        "key once",
        "sample: uses a key twice, so that two draws are the same numbers; split it",
    ),
    "one draw for all rows": (
        sampling(lambda k, s, n: jnp.broadcast_to(sample(k, s, 1), (n,))),
        "key once",
        "sample: all rows of a sample are the same",
    ),
    "float32 in fit": (
        fitting(lambda rows, w: (w @ rows / jnp.sum(w)).astype(jnp.float32)),
        "tracing",
        r"sample: makes float32\[24\] of params float32\[\], but real rows are float64",
    ),
    "float64 in sample": (
        sampling(lambda k, s, n: sample(k, jnp.asarray(s, jnp.float64), n)),
        "types",
        r"sample: of float32\[24\] rows gives rows float64\[24\]; let types follow",
    ),
    "sorted rows": (
        sampling(lambda k, s, n: jnp.sort(sample(k, s, n))),
        "order",
        "sample: rows come in an order .*first k rows must be a sample",
    ),
    "a branch on an array": (
        fitting(lambda rows, w: w @ rows if jnp.sum(w) > 3 else rows[0]),
        "tracing",
        r"fit: a Python if, .*jnp.where or jax.lax.cond; see broken_models.py line",
    ),
    "a number of an array": (
        fitting(lambda rows, w: jnp.asarray(float(w @ rows))),
        "tracing",
        r"fit: float\(\), int\(\), .item\(\) .*keep it an array; see broken_models.py",
    ),
    "rows picked by a mask": (
        fitting(lambda rows, w: jnp.mean(rows[w > 0])),
        "tracing",
        "fit: rows picked by a mask, so that shapes would depend on values",
    ),
    "a library": (
        fitting(lambda rows, w: scipy.stats.expon.fit(rows)[1]),
        "tracing",
        'fit: NumPy or another library .*jax.pure_callback.*vmap_method="sequential"',
    ),
    "a callback for one seed": (
        fitting(by_scipy),
        "tracing",
        "fit: its pure_callback cannot run for many seeds; write jax.pure_callback",
    ),
    "seeds mixed": (
        fitting(over_all_seeds),
        "seeds",
        "fit: params is .* beside another seed under jax.vmap",
    ),
    "no diagnostics": (
        GOOD._replace(fit=lambda k, p, rows, w: w @ rows / jnp.sum(w)),
        "tracing",
        r"fit: gives an array; it must return \(params, dict\), the dict may be empty",
    ),
    "a vector among diagnostics": (
        GOOD._replace(fit=lambda k, p, rows, w: (w @ rows, {"all": rows})),
        "tracing",
        r"fit: the diagnostic all has shape \(24,\); give one number",
    ),
    "too many rows": (
        sampling(lambda k, s, n: sample(k, s, 2 * n)),
        "tracing",
        r"fit: of 24 rows gives params \[\], of which sample makes \[48\], but real",
    ),
    "always as many rows": (
        sampling(lambda k, s, n: sample(k, s, 24)),
        "tracing",
        r"sample: asked for 27 rows, makes \[24\]",
    ),
    "params of another shape": (
        GOOD._replace(fit=lambda k, p, rows, w: (jnp.append(p, w @ rows), {})),
        "tracing",
        r"fit: gives params \[2\] and, begun from these, \[3\]; give the same shapes",
    ),
    "a start of another shape": (
        GOOD._replace(init=lambda k, rows, w: jnp.zeros(3, rows.dtype)),
        "tracing",
        r"init: gives params \[3\], but fit \[\]; the first fit starts from init",
    ),
    "params of another type": (
        GOOD._replace(init=lambda k, rows, w: jnp.zeros((), jnp.int32)),
        "tracing",
        r"init: gives params int32\[\], but fit float64\[\]; the first fit starts from",
    ),
}
