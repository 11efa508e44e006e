"""The world of facts: invented people, their attributes, groups and secrets."""

from collapse.data.worlds.facts.canaries import (
    Canary,
    canaries_of,
    candidates,
    exposure,
    planted,
)
from collapse.data.worlds.facts.facts import facts
from collapse.data.worlds.facts.people import BALANCE, REGIONS, group_shares

__all__ = [
    "BALANCE",
    "REGIONS",
    "Canary",
    "canaries_of",
    "candidates",
    "exposure",
    "facts",
    "group_shares",
    "planted",
]
