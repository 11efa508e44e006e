"""A model on trial: real rows, a first fit and samples, each computed once."""

import dataclasses
from collections.abc import Callable
from functools import cached_property
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from collapse.core.store import weights_dtype
from collapse.core.types import Batch, Key, Model, Params
from collapse.lab.conformance.sizes import sizes
from collapse.lab.conformance.words import Gap, Skipped, gap

Meaning = Literal["both", "shares", "counts"]


@dataclasses.dataclass(frozen=True, eq=False)
class Trial:
    """A model with the numbers that several rules look at.

    Attributes:
      make: root key of a seed -> (model, draw), traced as in a run.
      num: rows of a batch.
      tolerance: of each parameter, relative, whose sums are taken in another order; if
        None what the type of the real rows allows.
      weights: what a weight means, see `check_model`.
    """

    make: Callable[[Key], tuple[Model, Callable[[Key, int], Batch]]]
    num: int
    tolerance: float | None = None
    weights: Meaning = "both"

    @staticmethod
    def key(number: int) -> Key:
        """One of many keys; a new array at each call."""
        return jax.random.fold_in(jax.random.key(20), number)

    def drawn(self, key: Key, num: int) -> Batch:
        """Real rows; to be traced."""
        return self.make(self.key(0))[1](key, num)

    def begun(self, key: Key, rows: Batch, weights: Any) -> Params:
        """Where a first fit may start; to be traced."""
        return self.make(self.key(0))[0].init(key, rows, weights)

    def fitted(self, key: Key, start: Params, rows: Batch, weights: Any) -> Params:
        """Parameters of a fit; to be traced."""
        return self.make(self.key(0))[0].fit(key, start, rows, weights)[0]

    def sampled(self, key: Key, params: Params, num: int) -> Batch:
        """Rows of a model; to be traced."""
        return self.make(self.key(0))[0].sample(key, params, num)

    @cached_property
    def _programs(self) -> dict[str, Any]:
        return {
            "draw": jax.jit(self.drawn, static_argnums=1),
            "init": jax.jit(self.begun),
            "fit": jax.jit(self.fitted),
            "sample": jax.jit(self.sampled, static_argnums=2),
        }

    def draw(self, number: int) -> Batch:
        """Real rows, other ones for another number."""
        return self._programs["draw"](self.key(number), self.num)

    def start(self, rows: Batch, weights: Any, number: int = 3) -> Params:
        """Where the first fit to these rows starts."""
        return self._programs["init"](self.key(number), rows, weights)

    def fit(
        self, rows: Batch, weights: Any, start: Params = None, number: int = 4
    ) -> Params:
        """Parameters fitted to rows, from the usual start if none is given."""
        start = self.start(rows, weights) if start is None else start
        return self._programs["fit"](self.key(number), start, rows, weights)

    def sample(self, number: int, params: Params = None) -> Batch:
        """Rows of the model that is fitted to the real ones, if no other is given."""
        params = self.params if params is None else params
        return self._programs["sample"](self.key(number), params, self.num)

    @cached_property
    def real(self) -> Batch:
        """Real rows."""
        return self.draw(1)

    @cached_property
    def ones(self) -> Any:
        """Weights 1 of so many rows, in the precision that the loop gives them."""
        return jnp.ones(self.num, weights_dtype(self.real))

    @cached_property
    def params(self) -> Params:
        """Parameters fitted to the real rows."""
        return self.fit(self.real, self.ones)

    def alone(self, key: Key) -> Params:
        """Parameters of a first fit to rows of its own; all from one key."""
        rows = self._programs["draw"](key, self.num)
        start = self._programs["init"](key, rows, self.ones)
        return self._programs["fit"](key, start, rows, self.ones)

    def gap(self, one: Params, other: Params, least: float = 0.0) -> Gap | None:
        """Where two sets of parameters differ, beyond rounding; None if nowhere.

        Args:
          one: parameters.
          other: likewise.
          least: the tolerance, where that of the trial is smaller.

        Raises:
          Skipped: for parameters of different shapes, of more rows for example.
        """
        shapes = [[np.shape(x) for x in jax.tree.leaves(tree)] for tree in (one, other)]
        if shapes[0] != shapes[1]:
            raise Skipped("params have an entry for each row")
        tolerance = max(self.rounding, least)
        if gap(one, other, tolerance) is None:
            return None
        return gap(one, other, tolerance, self.sizes)

    @cached_property
    def sizes(self) -> list[Any]:
        """How large a change of each parameter is, where the parameter itself is ~0."""
        others = [self.fit(self.draw(number), self.ones) for number in (12, 13)]
        generator, reordered = np.random.default_rng(0), []
        for _ in range(4):
            order = generator.permutation(self.num)
            rows = jax.tree.map(lambda x, order=order: x[order], self.real)
            reordered.append(self.fit(rows, self.ones))
        return sizes(self.params, others, reordered, self.real)

    @cached_property
    def rounding(self) -> float:
        """The tolerance: 1e-9 of rows in float64 and 1e-4 of those in float32."""
        if self.tolerance is not None:
            return self.tolerance
        return 1e-9 if self.ones.dtype == jnp.float64 else 1e-4

    @cached_property
    def is_random(self) -> bool:
        """Whether a fit depends on its key, so that some rules cannot be told."""
        start = self.start(self.real, self.ones)
        usual = self.fit(self.real, self.ones, start)
        others = (self.fit(self.real, self.ones, start, k) for k in range(30, 38))
        return any(self.gap(usual, other) is not None for other in others)
