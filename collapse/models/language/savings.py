"""Parts of a network that have fewer weights than the usual ones.

Reference:
  SLlama (EMNLP 2025, main.1198) and its released code: repeated embeddings (called
  RRHP), permuted attention (PWA), an MLP with one matrix for both ways (SPMLP).
"""

import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, Int

from collapse.models.language.architecture import PICKED, REPEATS, SHARED_ROWS
from collapse.models.language.layers import linear, normal, scaled

_HIDDEN = 3  # hidden units of a shared MLP, in widths: 192 of 64 in the released code


class RepeatedEmbedding(nn.Module):
    """Tokens [b, t] -> [b, t, width]: a quarter of the width, repeated four times.

    Attributes:
      num: of tokens, with the BOS token.
      width: of the network.
    """

    num: int
    width: int

    @nn.compact
    def __call__(self, tokens: Int[Array, "b t"]) -> Float[Array, "b t width"]:
        """The embedding of each token, [e, e, e, e]."""
        own = (self.num, self.width // REPEATS)
        table = self.param("embedding", normal(0.02), own, jnp.float32)
        return jnp.tile(table[tokens], REPEATS)


class PermutedProjections(nn.Module):
    """Vectors [b, t, width] -> queries, keys and values [b, t, 3 width].

    One matrix S [6, width] serves all three. Output j is the product of the vector with
    row p_j of S, where p are all orders of four of the six rows, one after the other:
    the first `width` numbers of p pick the queries, the next ones keys and values.
    The released code has no output projection, and neither has the network here: the
    heads' means of the values are added to the residual stream as they are.
    """

    @nn.compact
    def __call__(self, x: Float[Array, "b t width"]) -> Float[Array, "b t qkv"]:
        """Queries, keys and values side by side."""
        width = x.shape[-1]
        own = ((SHARED_ROWS, width), jnp.float32)
        shared = self.param("shared", normal(width**-0.5), *own)
        return x @ shared[np.array(PICKED[: 3 * width], np.int32)].T


class SharedMlp(nn.Module):
    """Vectors [b, t, width] -> the same shape: W (silu(W_g x) * (W^T x)).

    A gated MLP of three matrices, of which the one that leads out of the hidden units
    leads into them, too, transposed.

    Attributes:
      variance: of the first output matrix's entries, times the number of hidden units.
    """

    variance: float

    @nn.compact
    def __call__(self, x: Float[Array, "b t width"]) -> Float[Array, "b t width"]:
        """The MLP's output."""
        hidden, width = _HIDDEN * x.shape[-1], x.shape[-1]
        own = ((hidden, width), jnp.float32)
        down = self.param("down", scaled(self.variance), *own)
        gate = linear(hidden, 1.0, "gate")(x)
        return (nn.silu(gate) * (x @ down.T)) @ down
