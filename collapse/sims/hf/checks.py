"""Checks of fields that depend on each other, for pretrained language models."""

from collapse.data.errors import InputError
from collapse.sims.hf.fields import HfFields


def check(e: HfFields) -> None:
    """Raise InputError for combinations of fields that cannot be run."""
    if e.precision != "float32":
        raise InputError("precision: the lab's part runs in float32; drop --precision")
    if not e.steps and e.epochs <= 0:
        raise InputError("epochs: 0 trains nothing; give more, or --steps")
    e.check_decoding(certain=e.beams > 1 or min(e.temperature) == 0)


def check_positions(e: HfFields, positions: int | None) -> None:
    """Raise InputError for rows that are longer than a model's context.

    Args:
      e: the experiment.
      positions: tokens that the model takes at most; None if any number.
    """
    if positions is None:
        return
    if e.of_responses and e.length > positions:
        raise InputError(
            f"length: {e.length} tokens, but this model takes {positions}; give at "
            "most as many"
        )
    if not e.of_responses and 2 * e.block > positions:
        raise InputError(
            f"block: a block of {e.block} tokens is continued by as many, but this "
            f"model takes {positions}; give at most {positions // 2}"
        )
