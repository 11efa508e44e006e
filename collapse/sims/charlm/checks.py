"""Checks of fields that depend on each other, for language models."""

from collapse.data.errors import InputError
from collapse.sims.charlm.fields import LEAST_TEMPERATURE, CharlmFields


def check(e: CharlmFields) -> None:
    """Raise InputError for combinations of fields that cannot be run."""
    e.check_network()
    if e.prompts and e.positions == "learned":
        raise InputError(
            "prompts: learned positions end with a block; use positions = rotary"
        )
    _check_decoding(e)


def _check_decoding(e: CharlmFields) -> None:
    """Raise InputError for settings of decoding that are repeated or contradict."""
    if e.beams > 1 and not e.prompts:
        raise InputError(
            "beams: without prompts all rows would be alike; add --prompts"
        )
    least = min(e.temperature)
    greedy = least < LEAST_TEMPERATURE
    e.check_decoding(certain=e.beams > 1 or greedy)
    if greedy and not e.prompts:
        raise InputError(
            f"temperature: at {least:g} all rows would be alike without prompts; add "
            f"--prompts or give at least {LEAST_TEMPERATURE:g}"
        )
