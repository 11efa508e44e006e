"""The table of the conformance test: every family, with fields that make it small.

A new family adds its line here, and nothing else.
"""

from typing import Any, NamedTuple


class Case(NamedTuple):
    """A family in one small condition.

    Attributes:
      fields: of the family, beside those that all cases share.
      rows: samples a generation generates.
      tolerance: of parameters, where the same sums are taken in another order.
      rounding: of parameters, beside those of seeds that run side by side.
      network: trained in float32 by optax, which multiplies floats by counts.
      not_told: rules of `check_model` that cannot be told: of a fit that draws numbers,
        or whose parameters are its rows.
      broken: rules that it has a reason to break.
    """

    fields: dict[str, Any]
    rows: int = 12
    tolerance: float = 1e-9
    rounding: float = 1e-12
    network: bool = False
    not_told: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


CASES = {
    "gaussian": Case({"dimension": (2,)}),
    "gmm": Case(
        {"num_components": 2, "max_iter": 5},
        rows=24,
        tolerance=1e-6,
        rounding=1e-9,
        not_told=("repeated",),
    ),
    "linear": Case({"dimension": (2,), "design": ("fresh",), "rows": "samples"}),
    "kde": Case({"dimension": 2}, not_told=("empty", "repeated")),
    "discrete": Case({"num_symbols": 5}),
    "irregular": Case({"case": ("spiky",), "dimension": 2}),
    "ngram": Case({"order": 2, "length": 4}),
    "grammar": Case({"length": 16, "num_pairs": 2}),
    "diffusion": Case(
        {"steps": 3, "width": 8, "sample_steps": 3, "measured_rows": 8},
        rows=8,
        tolerance=1e-4,
        rounding=1e-3,  # Adam divides by small gradients
        network=True,
        not_told=("empty", "repeated"),
    ),
    "vae": Case(
        {"width": 4, "latents": 2, "steps": 5, "batch_size": 4, "measured_rows": 20},
        rows=24,
        tolerance=1e-4,
        rounding=1e-3,
        network=True,
        not_told=("repeated",),
    ),
    "charlm": Case(
        {"block": 16, "steps": (3,), "measured_rows": 8, "batch_size": 4},
        rows=8,
        tolerance=1e-4,
        rounding=1e-3,  # AdamW divides by small gradients
        network=True,
        not_told=("repeated",),
    ),
    "worlds": Case(
        {"documents": 100, "steps": (3,), "measured_rows": 8, "batch_size": 4},
        rows=8,
        tolerance=1e-4,
        rounding=1e-3,
        network=True,
        not_told=("repeated",),
    ),
    "students": Case(
        {"documents": 100, "steps": (3,), "measured_rows": 8, "batch_size": 4},
        rows=8,
        tolerance=1e-4,
        rounding=1e-3,
        network=True,
        not_told=("params", "all params"),
        broken=("rows",),  # the first fit is that of the generator, on the whole corpus
    ),
}
