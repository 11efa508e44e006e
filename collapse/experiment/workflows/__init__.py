"""Workflows by name: their text, parameters, colours and closed forms."""

from collapse.experiment.workflows.spec import Parameter, WorkflowKind, WorkflowSpec
from collapse.experiment.workflows.standard import (
    ANCHORED,
    CYCLE,
    colour_of,
    kinds,
    read,
    register,
    round_share,
    specs,
    takers,
)

__all__ = [
    "ANCHORED",
    "CYCLE",
    "Parameter",
    "WorkflowKind",
    "WorkflowSpec",
    "colour_of",
    "kinds",
    "read",
    "register",
    "round_share",
    "specs",
    "takers",
]
