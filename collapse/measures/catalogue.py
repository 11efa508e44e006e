"""The catalogue of metrics: what each is called, its unit, where it should be.

Written once for tables, figures, files and studies; nothing here imports jax, since the
command line checks names before it is loaded. The definitions, with their estimators
and standard errors, are the docstrings in the modules beside this one.
"""

import math
from collections.abc import Mapping

# all of them are also read from here
from collapse.measures.quantity import LOST as LOST
from collapse.measures.quantity import OVERSHOT as OVERSHOT
from collapse.measures.quantity import (
    RATIO_TO_REAL,
    RATIO_TO_TRUTH,
    diversity,
    error,
    loss,
    ratio,
    tail,
)
from collapse.measures.quantity import Aspect as Aspect
from collapse.measures.quantity import Quantity as Quantity

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

# of samples, by distances between rows; defined in `measures.neighbours`
SAMPLES = {
    "precision": Quantity(
        "precision (5 neighbours)",
        "share of generated rows",
        None,
        "higher",
        aspect="hallucination",
    ),
    "recall": Quantity(
        "recall (5 neighbours)", "share of real rows", None, "higher", aspect="support"
    ),
    "generalisation_score": Quantity(
        "mean distance to the nearest training row", "data units"
    ),
    "energy_distance": error("energy distance", "data units", "drift"),
}

# of torsion angles; defined in `measures.torus`
TORSIONS = {
    # what a perfect model reaches is above 0, and depends on the number of rows
    "torsion_divergence": Quantity(
        "Jensen-Shannon divergence of torsions", "nats", None, "lower", aspect="drift"
    ),
    "rare_conformer_survival": tail("share of the rare conformer", aspect="support"),
    "gauche_pair_survival": tail("share of gauche-gauche pairs", aspect="support"),
}

# of diffusion models, besides `SAMPLES`; modes are defined in `measures.modes`
OFF_MANIFOLD = ratio("squared distance from the ring")
WITHIN_CLASS = ratio("variance within a class", "variance")


def mode_named(name: str) -> Quantity | None:
    """The quantity of a metric `mode_<order>`; None for any other name."""
    prefix, _, order = name.rpartition("_")
    if prefix != "mode" or not order.isdecimal():
        return None
    return ratio(f"mode {order} of the law", "variance")


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

# defined in `sims.gaussian.measures`
DET_RATIO = ratio("determinant of covariance")
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
    **SAMPLES,
    **TORSIONS,
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
