"""Convolutions of kernel 4 and stride 2 as products of matrices.

A product is fast on every device. XLA's own convolution is slow on a CPU when a loop of
training steps is compiled around it: `benchmarks/vae.py` took 9.8 s a step with jax
0.10.1, and 0.23 s with these. Weights have the names, shapes and meaning of flax's
`Conv` and `ConvTranspose`, so that either can take the other's.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

_KERNEL = 4


class _Layer(nn.Module):
    """What both layers have: a kernel of 4 x 4 pixels, and biases.

    Attributes:
      channels: of the result.
      kernel_init: initialiser of the kernel [4, 4, c, channels].
    """

    channels: int
    kernel_init: Any

    def weights(self, x: Array) -> Any:
        """The images, the kernel [4, 4, c, channels] and the biases, of one dtype."""
        shape = (_KERNEL, _KERNEL, x.shape[-1], self.channels)
        kernel = self.param("kernel", self.kernel_init, shape, jnp.float32)
        bias = self.param("bias", nn.initializers.zeros, shape[-1:], jnp.float32)
        return nn.dtypes.promote_dtype(x, kernel, bias)


class Halving(_Layer):
    """A convolution that halves even sides: kernel 4, stride 2, padding 1."""

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h/2 w/2 o"]:
        """Images of half the size, [b, h/2, w/2, channels]."""
        x, kernel, bias = self.weights(x)
        found = patches(x) @ _by_patch(kernel).reshape(-1, self.channels)
        return found + bias[None, None, None]


class Doubling(_Layer):
    """A transposed convolution that doubles the sides: kernel 4, stride 2."""

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b 2*h 2*w o"]:
        """Images of twice the size, [b, 2 h, 2 w, channels]."""
        x, kernel, bias = self.weights(x)
        turned = _by_patch(kernel[::-1, ::-1])  # entry t adds at 2 i + 2 - t
        matrix = jnp.moveaxis(turned, -2, 0).reshape(x.shape[-1], -1)
        return added(x @ matrix) + bias[None, None, None]


def _by_patch(kernel: Float[Array, "4 4 c o"]) -> Float[Array, "2 2 2 2 c o"]:
    """A kernel with its pixels in the order of `patches`, [2, 2, 2, 2, c, o]."""
    c, o = kernel.shape[2:]
    return kernel.reshape(2, 2, 2, 2, c, o).swapaxes(1, 2)


@jax.custom_vjp
def patches(x: Float[Array, "b h w c"]) -> Float[Array, "b h/2 w/2 16*c"]:
    """The 4 x 4 pixels about each square of 2 x 2, with zeros beyond the edges.

    In the order of squares of 2 x 2 pixels, and of pixels in them. A linear map, whose
    transpose is `added`.
    """
    b, h, w, c = x.shape
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    squares = padded.reshape(b, h // 2 + 1, 2, w // 2 + 1, 2, c)
    squares = squares.swapaxes(2, 3).reshape(b, h // 2 + 1, w // 2 + 1, 4 * c)
    corners = [
        squares[:, i : i + h // 2, j : j + w // 2] for i in (0, 1) for j in (0, 1)
    ]
    return jnp.concatenate(corners, -1)


@jax.custom_vjp
def added(parts: Float[Array, "b h w p"]) -> Float[Array, "b 2*h 2*w p/16"]:
    """Images to which overlapping patches add up: the transpose of `patches`.

    Args:
      parts: [b, h, w, 16 c], a patch of 4 x 4 pixels for each square.
    """
    b, h, w, size = parts.shape
    of_corners = parts.reshape(b, h, w, 4, size // 4)
    one, two, three, four = (
        jnp.pad(
            of_corners[:, :, :, 2 * i + j], ((0, 0), (i, 1 - i), (j, 1 - j), (0, 0))
        )
        for i in (0, 1)
        for j in (0, 1)
    )
    squares = one + two + three + four
    pixels = squares.reshape(b, h + 1, w + 1, 2, 2, size // 16).swapaxes(2, 3)
    padded = pixels.reshape(b, 2 * h + 2, 2 * w + 2, size // 16)
    return padded[:, 1:-1, 1:-1]


# jax's own transposes of these slices and pads take three times as long
patches.defvjp(lambda x: (patches(x), None), lambda _, slope: (added(slope),))
added.defvjp(lambda parts: (added(parts), None), lambda _, slope: (patches(slope),))
