"""The caption of an experiment's default figure."""

from collapse.data.regression_tables import residual_variance
from collapse.experiment.base import spelled
from collapse.sims.linear.fields import LinearFields


def caption(experiment: LinearFields) -> str:
    """The caption of the default figure: data distribution, sizes, and fits."""
    e = experiment
    phrases = [
        f"Design {spelled(e.design)}",
        f"n = {spelled(e.samples_per_generation)}",
        f"ridge {spelled(e.ridge)}",
        e.repetitions(),
    ]
    if e.synthetic_noise_variance:
        phrases.insert(
            0, f"Models' labels: noise {spelled(e.synthetic_noise_variance)}"
        )
    if e.synthetic_bias:
        phrases.insert(
            0, f"Models label with an error of squared length {e.synthetic_bias:g}"
        )
    if e.minimum_norm:
        phrases.insert(2, "minimum norm")
    if any(e.learner_samples):
        noise = f"noise {e.learner_noise_variance:g}"
        phrases.insert(2, f"learners on T = {spelled(e.learner_samples)} rows, {noise}")
    averaged = " Theory with ridge, where drawn, is averaged over drawn designs."
    last = averaged if max(e.ridge) > 0 else ""
    return f"{_rows(e)} {', '.join(phrases)}.{last}"


def _rows(experiment: LinearFields) -> str:
    """Phrase on the source of the real rows."""
    e, noise = experiment, spelled(experiment.noise_variance)
    data = e.load()
    if data is not None:
        estimated = residual_variance(data) in e.noise_variance
        source = "estimated from the training rows" if estimated else "set"
        return (
            f"{e.data}: {e.target} predicted from {e.dimension[0]} inputs; squared "
            f"error on held-out rows. Noise variance {noise}, {source}."
        )
    kind = e.covariance
    inputs = kind if kind == "isotropic" else f"{kind} ({e.covariance_parameter:g})"
    return (
        f"{e.truth_words()} of variance {noise}; {inputs} inputs, "
        f"d = {spelled(e.dimension)}."
    )
