"""Linear regressors under any workflow: `python -m collapse.sims.linear`.

Linear versus bounded (Gerstgrasser et al. 2024, arXiv:2404.01413): the test error grows
with every generation if data are replaced, and stays below pi^2/6 times the first if
they accumulate. Nature is y = x'w* + noise with w* ~ N(0, I), or the user's table.
"""

import sys
from typing import Any

from collapse.sims import runner
from collapse.sims.linear_data import table
from collapse.sims.linear_experiment import LinearExperiment
from collapse.sims.linear_setup import setup
from collapse.sims.linear_theory import curves


def caption(experiment: LinearExperiment) -> str:
    """What a reader of the default figure must know."""
    n, noise = _spell(experiment.samples_per_generation), experiment.noise_variance
    if experiment.data:
        return (
            f"{experiment.data}: {experiment.target} predicted from "
            f"{experiment.dimension[0]} inputs; squared error on held-out rows. Models "
            f"write labels with the noise variance estimated from the training rows, "
            f"{_spell(noise)}. Design {_spell(experiment.design)}, n = {n}, "
            f"{experiment.num_seeds} seeds."
        )
    return (
        f"y = x'w* + noise of variance {_spell(noise)}; {experiment.covariance} "
        f"inputs, design {_spell(experiment.design)}. "
        f"d = {_spell(experiment.dimension)}, n = {n}, "
        f"ridge {_spell(experiment.ridge)}, {experiment.num_seeds} seeds."
    )


def _spell(values: tuple[Any, ...]) -> str:
    return ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in values)


def derive(experiment: LinearExperiment, dataset: Any) -> Any:
    """Adds each seed's first generation above `multiple` times its first error."""
    from collapse.regression import first_above

    if "test_error" not in dataset:
        return dataset
    error = dataset["test_error"]
    name = f"generations until {experiment.multiple:g} times the first test error"
    until = error.reduce(
        lambda values, axis: first_above(values, experiment.multiple), "generation"
    )
    until.attrs = {"long_name": name, "units": "generations; G + 1 if later"}
    return dataset.assign(generations_until=until)


FAMILY = runner.Family(
    module="linear",
    default=LinearExperiment(),
    description="A linear regressor trained on labels that earlier ones wrote.",
    panels=("error_ratio", "test_error", "bias", "learner_error"),
    table=(
        "test_error",
        "error_ratio",
        "bias",
        "learner_error",
        "generations_until",
    ),
    setup=setup,
    theory=curves,
    caption=caption,
    derive=derive,
    load=lambda e: table(e.data, e.target, e.seed),
)

if __name__ == "__main__":
    sys.exit(runner.main(FAMILY))
