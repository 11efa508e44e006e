"""Workflows: what each generation is trained on, as weights over provenance.

A workflow never looks at data or models. Those that keep everything take the number of
generations, since the store has a fixed shape.

References:
  replace: Shumailov et al. 2024 (doi 10.1038/s41586-024-07566-y).
  accumulate, replace_multiple: Gerstgrasser et al. 2024 (arXiv:2404.01413, sec. 3 and
    app. E).
  fixed_budget: Kazdan et al. 2024 (arXiv:2410.16713), "accumulate-subsample".
"""

from collections.abc import Callable
from typing import Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from collapse.core.store import occupied
from collapse.core.types import Key, Selection, Workflow
from collapse.numerics import draws


def replace() -> Workflow:
    """Train on the newest rows alone: the recursive loop that collapses."""
    return Workflow(num_slots=1, slot=_first_slot, weigh=_everything)


def accumulate(num_generations: int) -> Workflow:
    """Train on all rows so far, real and synthetic, each with weight 1."""
    return _everlasting(num_generations, _everything)


def accumulate_sums() -> Workflow:
    """`accumulate` for rows that may be added up, such as statistics of batches.

    Rows of one number in a batch are kept as their sum over generations: one slot
    serves any number of generations, and a fit takes no longer as the data grow. Right
    where a fit depends on nothing but the weighted sum of rows; the type of a batch
    says so by an attribute `additive`, and the loop refuses others.
    """
    return Workflow(num_slots=1, slot=_first_slot, weigh=_everything, adds=True)


def fixed_budget(num_generations: int) -> Workflow:
    """Train on n rows drawn uniformly, without replacement, from all rows so far.

    The subset is drawn afresh in every generation and may leave out real rows.
    """

    def weigh(key: Key, origin: Int[Array, "slots n"], generation: Array) -> Selection:
        num_rows = origin.shape[1]
        rows = draws.subset(key, (generation + 1) * num_rows, num_rows)
        return Selection(jnp.ones(num_rows), rows)

    return _everlasting(num_generations, weigh)


def window(size: int) -> Workflow:
    """Train on the newest `size` generations of rows; `window(1)` is `replace`.

    Raises:
      ValueError: if `size` is below 1.
    """
    if size < 1:
        raise ValueError(f"window must be at least 1 generation, got {size}")
    return Workflow(size, slot=lambda generation: generation % size, weigh=_everything)


def replace_multiple(num_generations: int) -> Workflow:
    """Train on (t + 1) n rows, all written by the newest model; no real rows.

    The data grow as under `accumulate`, but none is kept: it shows that growth alone
    does not prevent collapse. The paper counts fits k = t + 1 and trains fit k on k n
    rows.
    """

    def weigh(key: Key, origin: Int[Array, "slots n"], generation: Array) -> Selection:
        del key
        slots = jnp.arange(origin.shape[0], dtype=jnp.int32)
        return _dense((slots <= generation)[:, None] & occupied(origin))

    num_slots = num_generations + 1
    return Workflow(
        num_slots,
        _first_slot,
        weigh,
        slots_per_write=num_slots,
        num_generations=num_generations,
    )


def mix(
    real_fraction: float | Float[Array, ""],
    anchor: Literal["fresh", "fixed"] = "fresh",
) -> Workflow:
    """Train on n rows of which a share `real_fraction`, rounded to rows, is real.

    From generation 1 on; generation 0 is trained on n real rows as everywhere. With 0
    this is `replace`.

    Args:
      real_fraction: in [0, 1]; may be a traced scalar, so that a grid of fractions is
        one program.
      anchor: "fresh" draws new real rows in every generation; "fixed" repeats the same
        rows of generation 0.

    Raises:
      ValueError: if a concrete `real_fraction` is outside [0, 1], or `anchor` unknown.
    """
    if isinstance(real_fraction, int | float) and not 0 <= real_fraction <= 1:
        raise ValueError(f"real_fraction must be in [0, 1], got {real_fraction}")
    if anchor == "fresh":
        return Workflow(1, _first_slot, _everything, real_fraction=real_fraction)
    if anchor != "fixed":
        raise ValueError(f"anchor must be 'fresh' or 'fixed', got {anchor!r}")

    def weigh(key: Key, origin: Int[Array, "slots n"], generation: Array) -> Selection:
        del key
        kept = real_rows(real_fraction, origin.shape[1])
        real = jnp.arange(origin.shape[1], dtype=jnp.int32) < kept
        real = real | (generation == 0)
        return _dense(jnp.stack([real, ~real]) & occupied(origin))

    return Workflow(2, slot=lambda generation: jnp.minimum(generation, 1), weigh=weigh)


def anchored(
    num_rows: int,
    real: int | Int[Array, ""],
    synthetic: int | Int[Array, ""],
    row_weights: tuple[float | Float[Array, ""], float | Float[Array, ""]] = (1.0, 1.0),
    anchor: Literal["fresh", "fixed"] = "fresh",
) -> Workflow:
    """Train on `real` real rows and `synthetic` ones of the newest model.

    Generation 0 is trained on the real rows alone. All numbers but the first may be
    traced, so that a map of mixtures is one program.

    Args:
      num_rows: places a generation has, at least real + synthetic.
      real: rows; "fresh" draws new ones in every generation, "fixed" keeps those of
        generation 0.
      synthetic: rows.
      row_weights: of a real and of a synthetic row.
      anchor: see `real`.

    Raises:
      ValueError: if concrete numbers are negative or more than the places, or `anchor`
        unknown.
    """
    if anchor not in ("fresh", "fixed"):
        raise ValueError(f"anchor must be 'fresh' or 'fixed', got {anchor!r}")
    for name, count in (("real", real), ("synthetic", synthetic)):
        if isinstance(count, int) and count < 0:
            raise ValueError(f"{name} must not be negative, got {count}")
    if isinstance(real, int) and isinstance(synthetic, int):
        if real + synthetic > num_rows:
            raise ValueError(
                f"real + synthetic must be at most {num_rows}, got {real} + {synthetic}"
            )
    place = jnp.arange(num_rows, dtype=jnp.int32)
    is_real, used = place < real, place < real + synthetic
    dtype = jnp.result_type(float)
    of_real = jnp.where(is_real, jnp.asarray(row_weights[0], dtype), 0)
    of_new = jnp.where(used & ~is_real, jnp.asarray(row_weights[1], dtype), 0)

    def weigh(key: Key, origin: Int[Array, "slots n"], generation: Array) -> Selection:
        del key, origin
        later = jnp.where(generation > 0, of_new, 0)
        if anchor == "fresh":
            return Selection(of_real + later)
        return Selection(jnp.concatenate([of_real, later]))

    if anchor == "fixed":
        return Workflow(2, lambda generation: jnp.minimum(generation, 1), weigh)
    share = jnp.asarray(real, dtype) / num_rows
    return Workflow(1, _first_slot, weigh, real_fraction=share)


def real_rows(
    real_fraction: float | Float[Array, ""], num_rows: int
) -> int | Int[Array, ""]:
    """Real rows among `num_rows`: the share rounded to the nearest whole row."""
    if isinstance(real_fraction, int | float):
        return int(np.floor(real_fraction * num_rows + 0.5))
    return jnp.floor(real_fraction * num_rows + 0.5).astype(jnp.int32)


def _everlasting(
    num_generations: int,
    weigh: Callable[[Key, Int[Array, "slots n"], Array], Selection],
) -> Workflow:
    """A workflow that keeps every row of so many generations."""
    return Workflow(
        num_generations + 1, _own_slot, weigh, num_generations=num_generations
    )


def _first_slot(generation: Array) -> Array:
    return jnp.zeros_like(generation)


def _own_slot(generation: Array) -> Array:
    return generation


def _everything(
    key: Key, origin: Int[Array, "slots n"], generation: Array
) -> Selection:
    """Weight 1 on every row that has been written."""
    del key, generation
    return _dense(occupied(origin))


def _dense(weights: Bool[Array, "slots n"]) -> Selection:
    return Selection(weights.reshape(-1).astype(jnp.result_type(float)))
