"""Checks of fields that depend on each other, for mixtures of rows."""

from collections.abc import Mapping
from typing import Any

from collapse.data.errors import InputError
from collapse.sims.mixing.fields import MixingFields


def check(e: MixingFields) -> None:
    """Raise InputError for combinations of fields that cannot be run."""
    if e.constraint != "real_count" and min(e.samples_per_generation) < 1:
        raise InputError("samples_per_generation: 0; give at least 1")
    if not e.errors():
        raise InputError(f"model: {e.model} measures no error; name another")
    if e.error not in e.errors():
        raise InputError(
            f"error: {e.error} is not least where a model is best; known are "
            f"{', '.join(e.errors())}"
        )
    if e.error not in e.measured():
        raise InputError(
            f"error: {e.error} is sought but not measured; add it to --metrics, or "
            "name another --error"
        )
    if len(e.weight) > 1 and 0 in e.weight:
        raise InputError(
            "weight: 0 (the share) among others; give the share as a number, since the "
            "best weight is looked for"
        )
    if e.constraint != "real_count" and min(e.real_fraction) == 0:
        raise InputError(
            "real_fraction: 0 leaves nothing to begin with; give more, or see the "
            "workflow replace of collapse.sims.gaussian"
        )
    for cell in e.cells():
        _check_cell(e, cell)
    if e.constraint == "price" and 1.0 not in e.real_fraction:
        raise InputError(
            "real_fraction: prices are in units of the error of real rows alone; add 1"
        )


def _check_cell(e: MixingFields, cell: Mapping[str, Any]) -> None:
    """Raise InputError if generation 0, or a weight, would have no rows."""
    (r, s), least = e.counts(cell), e.learner.least_rows()
    if r < least:
        field, of = "real_rows", ""
        if e.constraint != "real_count":
            n, share = cell["samples_per_generation"], cell["real_fraction"]
            field, of = "real_fraction", f"{share:g} of {n} rows: "
        raise InputError(
            f"{field}: {of}{r} real rows, but generation 0 needs {least}; give more"
        )
    if 0 < cell["weight"] < 1 and s == 0:
        raise InputError(
            f"weight: {cell['weight']:g} of {r} real and no synthetic rows; leave that "
            "out (--real-fraction below 1, --synthetic-rows above 0), or weigh it by 1"
        )
