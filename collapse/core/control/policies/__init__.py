"""Policies by name: each is one file, and all have the same types.

`POLICIES` lists them in the order of figures. What each does stands in its file, with
the source.
"""

from collapse.core.control.policies import (
    bandit,
    constant,
    decay,
    event,
    evidence,
    feed_forward,
    golden,
    greedy,
    periodic,
    priced,
    proportional,
)
from collapse.core.control.policy import Policy

POLICIES: dict[str, Policy] = {
    "constant": constant.POLICY,
    "golden": golden.POLICY,
    "greedy": greedy.POLICY,
    "decay": decay.POLICY,
    "periodic": periodic.POLICY,
    "event": event.POLICY,
    "proportional": proportional.POLICY,
    "feed_forward": feed_forward.POLICY,
    "priced": priced.POLICY,
    "evidence": evidence.POLICY,
    "bandit": bandit.POLICY,
}
