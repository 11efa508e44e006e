"""Names of what a summary derives from a metric; read before anything is computed."""

OUTCOMES = ("lost", "kept", "overshot")  # shares of runs, of a tail
OUTCOME = "outcome"  # the three together, as a panel of a figure
DIFFERENCE = "difference"  # to the first workflow, seed by seed


def source(name: str) -> tuple[str, str]:
    """The metric that a variable of a summary is about, and what of it, or ""."""
    metric, _, ending = name.rpartition("_")
    known = ending in (*OUTCOMES, DIFFERENCE, OUTCOME)
    return (metric, ending) if known else (name, "")
