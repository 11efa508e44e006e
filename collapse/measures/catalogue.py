"""The catalogue of metrics: what each is called, its unit, where it should be.

Written once for tables, figures, files and studies; nothing here imports jax, since the
command line checks names before it is loaded. The definitions, with their estimators
and standard errors, are the docstrings in the modules beside this one.
"""

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple

Aspect = Literal["", "error", "tails", "variance", "support", "hallucination", "drift"]


class Quantity(NamedTuple):
    """What a reader of a figure or a file needs to know about a metric.

    Attributes:
      long_name: in words.
      unit: in words; empty for a plain number.
      reference: value of a perfect model; None where it is not known.
      better: "lower" for errors, "higher", or "reference" where both sides are wrong.
      is_tail: whether it is the mass of rare things over its true value: what single
        runs lose, keep or overshoot.
      aspect: of collapse that it measures, for the collapse profile
        (`experiment.profile`); empty for none.
    """

    long_name: str
    unit: str
    reference: float | None = None
    better: Literal["lower", "higher", "reference"] = "reference"
    is_tail: bool = False
    aspect: Aspect = ""


# A tail is lost below a tenth of its true mass, and overshot above twice of it. First
# fits of a Gaussian are between the two in nearly every run.
LOST, OVERSHOT = 0.1, 2.0

RATIO_TO_TRUTH = "ratio to truth"
RATIO_TO_REAL = "ratio to real rows alone"


def ratio(long_name: str, aspect: Aspect = "") -> Quantity:
    """The quantity of a ratio to the truth, 1 for a perfect model."""
    return Quantity(long_name, RATIO_TO_TRUTH, 1.0, aspect=aspect)


def tail(
    long_name: str, unit: str = RATIO_TO_TRUTH, aspect: Aspect = "tails"
) -> Quantity:
    """The quantity of a tail's mass over its true one, 1 for a perfect model."""
    return Quantity(long_name, unit, 1.0, is_tail=True, aspect=aspect)


def error(long_name: str, unit: str, aspect: Aspect = "") -> Quantity:
    """The quantity of an error: 0 for a perfect model, lower is better."""
    return Quantity(long_name, unit, 0.0, "lower", aspect=aspect)


def loss(long_name: str, unit: str) -> Quantity:
    """The quantity of a test error whose best value is not known."""
    return Quantity(long_name, unit, None, "lower", aspect="error")


def diversity(long_name: str, unit: str, reference: float | None = None) -> Quantity:
    """The quantity of a spread that collapse narrows."""
    return Quantity(long_name, unit, reference, aspect="variance")


# of models with a density; defined in `measures.metrics`
DENSITY = {
    "tail_mass_5pct": tail("tail mass, rarest 5 %"),
    "tail_mass_1pct": tail("tail mass, rarest 1 %"),
    "hallucinated_mass": ratio("mass where truth has almost none", "hallucination"),
    "test_error": error("test error (excess log-loss)", "nats", "error"),
    "variance_ratio": ratio("variance", "variance"),
    "log_det_ratio": diversity(
        "log determinant of covariance", "difference to truth", 0.0
    ),
    "mean_error": error("squared error of the mean", "ratio to truth's trace", "drift"),
    "entropy": diversity("differential entropy", "nats"),
}
# of linear regressors; defined in `measures.regression`
_SQUARED = "label units squared"
REGRESSION = {
    "test_error": error("test error (beyond the noise of labels)", _SQUARED, "error"),
    "error_ratio": loss("test error", "ratio to B = σ²d/(n-d-1)"),
    "bias": error("bias: test error of a fit to labels without noise", _SQUARED),
    "variance": error("squared distance due to label noise", _SQUARED),
    "test_set_error": error("test error on 1000 drawn rows", _SQUARED, "error"),
    "test_set_standard_error": Quantity("standard error over test rows", _SQUARED),
    "learner_error": error("test error of a learner", _SQUARED),
}
REGRESSION_OF_DATA = {
    "test_error": loss("squared error on held-out rows", _SQUARED),
    "test_set_standard_error": REGRESSION["test_set_standard_error"],
}

# of the text that language models generate; defined in `measures.text`
_OF_REAL = "ratio to real"
TEXT = {
    "tail_mass_10pct": tail("use of rare words (10 % of real text)", _OF_REAL),
    "tail_mass_1pct": tail("use of the rarest words (1 % of real text)", _OF_REAL),
    "word_survival": Quantity(
        "rare words that are still generated", _OF_REAL, 1.0, aspect="support"
    ),
    "fivegram_survival": Quantity(
        "character 5-grams that are still generated", _OF_REAL, 1.0, aspect="support"
    ),
    "hallucinated_share": Quantity(
        "words unknown to training and validation text",
        "share of words",
        None,
        "lower",
        aspect="hallucination",
    ),
    "distinct_1": diversity("distinct words", "share of words"),
    "distinct_2": diversity("distinct word pairs", "share of word pairs"),
    "distinct_3": diversity("distinct word triples", "share of word triples"),
    "entropy_1gram": diversity("entropy of characters", "bits"),
    "entropy_2gram": diversity("entropy of character pairs", "bits"),
    "entropy_3gram": diversity("entropy of character triples", "bits"),
    "longest_copy": Quantity(
        "longest passage copied from real text", "characters", None, "lower"
    ),
    "copied_share": Quantity(
        "50-character passages copied from real text", "share", None, "lower"
    ),
}

# of `TEXT`, those that need to know where a word ends
OF_WORDS = (
    "tail_mass_10pct",
    "tail_mass_1pct",
    "word_survival",
    "hallucinated_share",
    "distinct_1",
    "distinct_2",
    "distinct_3",
)

# losses of language models; defined in `sims.charlm.measures`
_A_CHARACTER = "a character"
PERPLEXITY_QUANTILES = (5, 50, 95, 99)  # of generation 0's perplexity, in per cent
LANGUAGE = {
    "bits_per_character": loss("loss on held-out text", f"bits {_A_CHARACTER}"),
    "perplexity": loss("perplexity on held-out text", _A_CHARACTER),
    "rare_bits_per_character": Quantity(
        "loss after rare contexts", f"bits {_A_CHARACTER}", None, "lower"
    ),
    "rare_perplexity": Quantity(
        "perplexity after rare contexts", _A_CHARACTER, None, "lower"
    ),
    "self_perplexity": Quantity("perplexity on the model's own text", _A_CHARACTER),
    "first_perplexity": Quantity("generation 0's perplexity on the text", _A_CHARACTER),
} | {
    f"first_perplexity_q{q:02d}": Quantity(
        f"generation 0's perplexity, {q} % of rows below", _A_CHARACTER
    )
    for q in PERPLEXITY_QUANTILES
}

# of distributions over symbols; defined in `measures.symbols`
SYMBOLS = {
    "heterozygosity": ratio("heterozygosity, 1 - sum of squared shares", "variance"),
    "support": Quantity("symbols with a share", "symbols", aspect="support"),
    "entropy": diversity("entropy", "nats"),
    "tail_mass_10pct": tail("mass of the rarest symbols that carry 10 %"),
    "total_variation": error("total variation distance", "probability", "drift"),
}

# of n-gram models; defined in `measures.ngrams`
UNIFORM_SHARE = 0.01  # of equal shares, mixed in so that every token has a loss
NGRAMS = {
    "bits_per_token_floored": loss(
        f"loss on held-out text, {100 * UNIFORM_SHARE:g} % equal shares mixed in",
        "bits a token",
    ),
    "heterozygosity": ratio("heterozygosity after a context, mean", "variance"),
    "support": Quantity("distinct n-grams that are left", "n-grams", aspect="support"),
    "contexts_left": Quantity("contexts that are left", "share of the real ones", 1.0),
    "entropy_rate": diversity("entropy rate", "bits a token"),
    "tail_mass_10pct": tail("mass of the rarest n-grams that carry 10 %"),
}

IMAGES = {  # of models with latents; defined in `measures.images`
    "negative_elbo": loss("negative ELBO on held-out images", "nats an image"),
    "negative_iw_bound": loss("negative importance-weighted bound", "nats an image"),
    "test_error": error("true log-density minus the bound", "nats an image", "error"),
    "reconstruction_error": Quantity("reconstruction error", "a pixel", None, "lower"),
    "variance_ratio": ratio("variance of generated images", "variance"),
    "mean_error": DENSITY["mean_error"],
    "precision": Quantity("generated images among real ones", "share", None, "higher"),
    "recall": Quantity("real images among generated ones", "share", None, "higher"),
    "frechet_distance": error("Fréchet distance", "features squared", "drift"),
    "latent_spread": diversity("latents by generation 0's encoder", "deviation"),
    "active_latents": Quantity("active latents", "latents"),
    "tail_mass_10pct": tail("mass of the rarest classes that carry 10 %"),
    "class_survival": Quantity("classes left", "share of all", 1.0, aspect="support"),
    "class_distance": error("distance of class shares", "total variation", "drift"),
}

DET_RATIO = ratio("determinant of covariance")  # see `sims.gaussian.measures`
W2_SQUARED = error("squared Wasserstein-2 distance", "data units squared", "drift")
ABSOLUTE = {  # not squared, as some papers draw them
    "absolute_mean_error": error(
        "absolute error of the mean", "true standard deviations"
    ),
    "absolute_deviation_error": error(
        "absolute error of the standard deviation", "true standard deviations"
    ),
}
L2_SQUARED = error("integrated squared difference", "per data volume", "drift")


def survival(component: int) -> Quantity:
    """The quantity of the mass left on a rare component, counted from 1."""
    return tail(f"survival of rare component {component}", aspect="support")


def survival_named(name: str) -> Quantity | None:
    """The quantity of a metric `survival_<component>`; None for any other name."""
    prefix, _, component = name.rpartition("_")
    counted = prefix == "survival" and component.isdecimal()
    return survival(int(component)) if counted else None


# Of every family; a name that several have stands for the last one's quantity. Of the
# metrics of one aspect the first that was measured speaks for it (`leading`).
EVERY = {
    "w2_squared": W2_SQUARED,
    "det_ratio": DET_RATIO,
    **ABSOLUTE,
    "l2_squared": L2_SQUARED,
    **IMAGES,
    **NGRAMS,
    **SYMBOLS,
    **LANGUAGE,
    **TEXT,
    **REGRESSION,
    **DENSITY,
}


def find(name: str) -> Quantity:
    """The quantity that usually has this name, for data without attributes."""
    usual = EVERY.get(name) or survival_named(name)
    return usual or Quantity(name.replace("_", " "), "")


def of_data(name: str, quantity: Quantity) -> Quantity:
    """The quantity relative to a density fitted to held-out rows, without a truth.

    The test error is then the whole log-loss, whose best value is not known.
    """
    if name == "test_error" and quantity == DENSITY["test_error"]:
        return loss("log-loss on held-out rows", "nats")
    long_name, unit = (x.replace("truth", "reference") for x in quantity[:2])
    return quantity._replace(long_name=long_name, unit=unit)


def is_about_one(unit: str) -> bool:
    """Whether 1 is the point of reference of a metric with this unit."""
    ratios = (RATIO_TO_TRUTH, RATIO_TO_TRUTH.replace("truth", "reference"))
    return unit in (*ratios, RATIO_TO_REAL)


def logarithm_base(unit: str, reference: float | None) -> float | None:
    """What differences of a metric are powers of to become ratios; None for no log.

    Entropies and whole log-losses are logarithms, and so are differences to the truth:
    1 bit more is a factor of 2. An excess log-loss, whose best value is 0, is an error.
    """
    if unit.startswith("difference to"):
        return math.e
    if reference is not None:
        return None
    return {"nats": math.e, "bits": 2.0}.get(unit.split(" ")[0])


def leading(aspect: str, found: Mapping[str, Quantity]) -> str | None:
    """The metric that speaks for an aspect of collapse; None if none was measured.

    Chosen before anything is looked at: one whose best value is known, the first in the
    order of `EVERY`, then a family's own in their order.

    Args:
      aspect: as of `Quantity`.
      found: name -> quantity, of all that was measured.
    """
    order = {name: place for place, name in enumerate(EVERY)}
    mine = [name for name, quantity in found.items() if quantity.aspect == aspect]

    def rank(name: str) -> tuple[bool, int]:
        return found[name].reference is None, order.get(name, len(order))

    return min(mine, key=rank, default=None)
