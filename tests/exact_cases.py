"""A problem of whole numbers, and a run of it by a plain loop: bits to compare with."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from collapse.core import streams, workflows
from collapse.core.streams import Purpose
from collapse.core.types import Model, Problem

N, G = 6, 3
WORKFLOWS = {
    "replace": workflows.replace(),
    "accumulate": workflows.accumulate(G),
    "fixed_budget": workflows.fixed_budget(G),
    "window": workflows.window(2),
    "replace_multiple": workflows.replace_multiple(G),
    "mix fresh": workflows.mix(0.5),
    "mix fixed": workflows.mix(0.5, "fixed"),
    "anchored fresh": workflows.anchored(N, 2, 3, (0.5, 2.0)),
    "anchored fixed": workflows.anchored(N, 2, 3, (0.5, 2.0), "fixed"),
}
ROWS = N * (G + 1)


class Numbers(NamedTuple):
    """Rows that are whole numbers, and may be added up."""

    value: jax.Array

    @property
    def additive(self):
        return True


def whole_numbers():
    """A problem whose arithmetic is exact, so that no compilation changes a bit of it.

    Every function depends on its key, and a fit on where it starts and on the weighted
    sum of its rows.
    """

    def noise(key, shape=()):
        return jax.random.randint(key, shape, 0, 100).astype(float)

    def fit(key, params, batch, weights):
        rows, total = batch.value, params + noise(key)
        told = {
            "rows": jnp.zeros(ROWS).at[: len(rows)].set(rows),
            "weights": jnp.zeros(ROWS).at[: len(rows)].set(weights),
            "start": params,
        }
        return jnp.mod(total + jnp.sum(weights * rows), 997), told

    model = Model(
        init=lambda key, batch, weights: noise(key) + jnp.sum(weights * batch.value),
        fit=fit,
        sample=lambda key, params, num: Numbers(params + noise(key, (num,))),
    )
    metrics = {"measured": lambda key, params: params + noise(key)}
    return Problem(lambda key, num: Numbers(5 + noise(key, (num,))), model, metrics)


def written_out(root, name, key=streams.key):
    """Rows, origins, last parameters and trace of a run by a plain loop.

    It knows no curator and no controller, nothing of `collapse.core.loop`, and the
    general way in which a workflow weighs.

    Args:
      root: key of the seed.
      name: of the workflow.
      key: (root, generation, purpose) -> key.
    """
    workflow, own, trace = WORKFLOWS[name], whole_numbers(), []
    slots, blocks = workflow.num_slots, workflow.slots_per_write
    data, origin = np.zeros((slots, N)), np.full((slots, N), -1, np.int32)
    share, params = workflow.real_fraction, None
    for t in range(G + 1):
        keys = {purpose: key(root, t, purpose) for purpose in Purpose}
        real = np.asarray(own.draw(keys[Purpose.DATA], N).value)
        rows, author = np.zeros((blocks, N)), np.full((blocks, N), t)
        if t == 0:
            rows[0], author[1:] = real, -1
        else:
            sample = keys[Purpose.SAMPLE]
            for i in range(blocks):
                each = jax.random.fold_in(sample, i) if blocks > 1 else sample
                rows[i] = own.model.sample(each, params, N).value
            fresh = 0 if share is None else round(float(share) * N)
            rows[0, :fresh], author[0, :fresh] = real[:fresh], 0
        first = int(workflow.slot(jnp.int32(t)))
        data[first : first + blocks], origin[first : first + blocks] = rows, author
        picked = workflow.weigh(keys[Purpose.WEIGH], jnp.asarray(origin), jnp.int32(t))
        at = slice(None) if picked.rows is None else np.asarray(picked.rows)
        batch, weights = Numbers(jnp.asarray(data.reshape(-1)[at])), picked.weights
        if t == 0:
            params = own.model.init(keys[Purpose.INIT], batch, weights)
        params, info = own.model.fit(keys[Purpose.FIT], params, batch, weights)
        metric = own.metrics["measured"](keys[Purpose.MEASURE], params)
        trace.append({**info, "measured": metric})
    told = {name: np.stack([np.asarray(e[name]) for e in trace]) for name in trace[0]}
    return data, origin, params, told
