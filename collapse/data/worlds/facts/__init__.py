"""The world of facts: invented people, their attributes, groups and secrets."""

from collapse.data.worlds.facts.canaries import (
    Canary,
    canaries_of,
    candidates,
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
    "facts",
    "group_shares",
    "planted",
]
