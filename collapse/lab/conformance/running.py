"""Rules on what a run does with a model: it fits its own samples, for many seeds."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from collapse.core.types import Key, Params
from collapse.data.errors import ModelError
from collapse.lab.conformance.trial import Trial
from collapse.lab.conformance.words import tried


def finite(trial: Trial) -> None:
    """Real rows, params and samples are finite, and a sample can be fitted again."""
    _check("draw", "real rows", trial.real)
    _check("init", "where a fit starts", trial.start(trial.real, trial.ones))
    _check("fit", "params", trial.params)
    new = trial.sample(7)
    _check("sample", "rows", new)
    _check("fit", "params of generated rows", trial.fit(new, trial.ones, trial.params))


def _check(what: str, of: str, tree: Any) -> None:
    """Raise ModelError for numbers that are not finite."""
    for leaf in jax.tree.leaves(tree):
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            continue
        bad = ~np.isfinite(np.asarray(leaf))
        if bad.any():
            value = np.asarray(leaf)[bad].flat[0]
            raise ModelError(
                f"{what}: {int(bad.sum())} of {bad.size} numbers of {of} are {value}; "
                "look for a division by 0, or the root or logarithm of what may be 0"
            )


def side_by_side(trial: Trial) -> None:
    """Many seeds in one program, by jax.vmap, give what each gives alone."""

    def one(key: Key) -> Params:
        rows = trial.drawn(key, trial.num)
        start = trial.begun(key, rows, trial.ones)
        return trial.fitted(key, start, rows, trial.ones)

    def sampled(key: Key, params: Params) -> Any:
        return trial.sampled(key, params, trial.num)

    keys = jax.random.split(Trial.key(11), 2)
    mapped = tried("fit", lambda: jax.jit(jax.vmap(one))(keys))
    tried("sample", lambda: jax.jit(jax.vmap(sampled))(keys, mapped))
    for i, key in enumerate(keys):
        own = jax.tree.map(lambda leaf, i=i: leaf[i], mapped)
        found = trial.gap(trial.alone(key), own, least=1e-9)
        if found is not None:
            raise ModelError(
                f"fit: {found} beside another seed under jax.vmap; let no seed look at "
                "the others', and keep no state in a global"
            )
