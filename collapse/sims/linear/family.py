"""Linear regressors under any workflow: `python -m collapse.sims.linear`.

Linear versus bounded (Gerstgrasser et al. 2024, arXiv:2404.01413): the test error grows
with every generation if data are replaced, and stays below pi^2/6 times the first if
they accumulate. Nature is y = x'w* + noise with w* ~ N(0, I), or the user's table.
"""

from typing import Any

from collapse.data.regression_tables import residual_variance, table
from collapse.experiment.spec import spelled
from collapse.lab import run as runner
from collapse.sims.linear.experiment import LinearExperiment
from collapse.sims.linear.task import setup
from collapse.sims.linear.theory import curves


def caption(experiment: LinearExperiment) -> str:
    """What a reader of the default figure must know."""
    e = experiment
    if e.data:
        own = residual_variance(table(e.data, e.target, e.seed))
        source = (
            "estimated from the training rows" if own in e.noise_variance else "set"
        )
        nature = (
            f"{e.data}: {e.target} predicted from {e.dimension[0]} inputs; squared "
            f"error on held-out rows. Noise variance {spelled(e.noise_variance)}, "
            f"{source}. "
        )
    else:
        kind = e.covariance
        inputs = kind if kind == "isotropic" else f"{kind} ({e.covariance_parameter:g})"
        nature = (
            f"y = x'w* + noise of variance {spelled(e.noise_variance)}; {inputs} "
            f"inputs, d = {spelled(e.dimension)}. "
        )
    said = [
        f"Design {spelled(e.design)}",
        f"n = {spelled(e.samples_per_generation)}",
        f"ridge {spelled(e.ridge)}",
        e.repetitions(),
    ]
    if e.synthetic_noise_variance:
        said.insert(0, f"Models' labels: noise {spelled(e.synthetic_noise_variance)}")
    if e.synthetic_bias:
        said.insert(
            0, f"Models write with an error of squared length {e.synthetic_bias:g}"
        )
    if e.minimum_norm:
        said.insert(2, "minimum norm")
    if any(e.learner_samples):
        noise = f"noise {e.learner_noise_variance:g}"
        said.insert(2, f"learners on T = {spelled(e.learner_samples)} rows, {noise}")
    averaged = " Theory with ridge, where drawn, is averaged over drawn designs."
    return nature + ", ".join(said) + "." + averaged * (max(e.ridge) > 0)


def derive(experiment: LinearExperiment, dataset: Any) -> Any:
    """Adds each seed's first generation above `multiple` times its first error."""
    from collapse.measures.regression import first_above

    if "test_error" not in dataset:
        return dataset
    error = dataset["test_error"]
    name = f"generations until {experiment.multiple:g} times the first test error"
    until = error.reduce(
        lambda values, axis: first_above(values, experiment.multiple), "generation"
    )
    until.attrs = {"long_name": name, "units": "generations; G + 1 if later"}
    until.attrs["more_than"] = experiment.num_generations
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
