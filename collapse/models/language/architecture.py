"""What a network is: its size, and the parts that it is made of. Imports no jax.

The parts that save weights are those of SLlama (EMNLP 2025, main.1198); what they
compute is in `savings`.
"""

import itertools
import re
from typing import Literal, NamedTuple

from collapse.data.errors import InputError, unknown_value

Positions = Literal["rotary", "learned"]
Activation = Literal["squared_relu", "gelu"]
Embedding = Literal["full", "repeated"]
Attention = Literal["own", "permuted"]
Mlp = Literal["own", "shared"]

REPEATS = 4  # times that the entries of a repeated embedding stand in it
# The rows of the shared matrix that permuted attention picks, one after the other, and
# the number of that matrix's rows.
PICKED = tuple(itertools.chain(*itertools.permutations(range(6), 4)))
SHARED_ROWS = 6
_PARTS = 4  # of the picked rows: queries, keys, values, and one that is not used
_SPEC = re.compile(r"([1-9]\d{0,3})x([1-9]\d{0,3})x([1-9]\d{0,3})")


class Size(NamedTuple):
    """Layers, width and heads of a network."""

    num_layers: int
    width: int
    num_heads: int


# about 0.1, 0.8 and 3.2 million parameters with some eighty characters
SIZES = {"nano": Size(2, 64, 2), "micro": Size(4, 128, 4), "mini": Size(4, 256, 8)}


class NetworkConfig(NamedTuple):
    """Architecture of a network.

    Attributes:
      vocabulary: V, the number of characters; token V is the BOS token.
      block: characters of a training sequence, and the length of the attention window:
        a position attends to itself and the `block - 1` positions before it.
      size: layers, width, heads.
      positions: positional encoding: rotary (relative, so that a text may be longer
        than a block) or learned (absolute, at most a block).
      tied: use the embedding matrix as the output matrix, too.
      dropout: rate after attention and after the MLP, in training only.
      activation: of an MLP of its own; a shared one has SiLU.
      embedding: full, or of a quarter of the width, repeated four times, which needs
        an output matrix of its own.
      attention: projections of its own, or rows picked from one small matrix for
        queries, keys and values, and no output projection.
      mlp: two matrices of its own, or a gated MLP that uses the matrix that leads out
        to lead in, too.
      layer_groups: groups of neighbouring layers that share one attention and one MLP;
        0 for each layer its own.
    """

    vocabulary: int
    block: int
    size: Size = SIZES["nano"]
    positions: Positions = "rotary"
    tied: bool = True
    dropout: float = 0.0
    activation: Activation = "squared_relu"
    embedding: Embedding = "full"
    attention: Attention = "own"
    mlp: Mlp = "own"
    layer_groups: int = 0

    def first_of_group(self, layer: int) -> int:
        """The first layer of the group that a layer is in, floor(layer / L * G)."""
        layers, groups = self.size.num_layers, self.layer_groups
        if not groups:
            return layer
        group = layer * groups // layers
        return -(-group * layers // groups)  # rounded up


def size_of(text: str) -> Size:
    """The size that a name, or layers x width x heads as in `2x64x2`, asks for.

    Raises:
      InputError: if it is neither.
    """
    if text in SIZES:
        return SIZES[text]
    found = _SPEC.fullmatch(text)
    if found is None:
        known = unknown_value(text, SIZES)
        raise InputError(
            f"size: {known}; or give layers x width x heads, as in 2x64x2, each from 1 "
            "to 9999"
        )
    size = Size(*map(int, found.groups()))
    _check_heads(size)
    return size


def check(config: NetworkConfig) -> None:
    """Raise InputError for the first part of a network that does not fit the others."""
    layers, width, _ = config.size
    _check_heads(config.size)
    if config.embedding == "repeated":
        if config.tied:
            raise InputError(
                "embedding: a repeated one has no matrix that could be the output "
                "matrix; give --untied, too"
            )
        if width % REPEATS:
            raise InputError(
                f"embedding: the width {width} is no multiple of {REPEATS}, as a "
                "repeated one needs; give another --size, or full"
            )
    most = len(PICKED) // _PARTS
    if config.attention == "permuted" and width > most:
        raise InputError(
            f"attention: the permutations suffice for a width of at most {most}, not "
            f"{width}; give a smaller --size, or own"
        )
    if not 0 <= config.layer_groups <= layers:
        raise InputError(
            f"layer_groups: {config.layer_groups} groups of {layers} layers; give at "
            f"most {layers}, or 0"
        )


def _check_heads(size: Size) -> None:
    if size.width % (2 * size.num_heads):
        raise InputError(
            f"size: width {size.width} is no even multiple of {size.num_heads} heads; "
            f"give a multiple of {2 * size.num_heads} as the width"
        )
