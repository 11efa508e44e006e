"""The catalogue of metrics: what each is called, its unit, where it should be.

Written once for tables, figures, files and studies; nothing here imports jax, since the
command line checks names before it is loaded. The definitions, with their estimators
and standard errors, are the docstrings in the modules beside this one.
"""

import math
from collections.abc import Mapping

# all that stands elsewhere is also read from here
from collapse.measures.catalogue.irregular import FAILED_EDGE as FAILED_EDGE
from collapse.measures.catalogue.irregular import FAILED_MEAN as FAILED_MEAN
from collapse.measures.catalogue.irregular import FAILED_SPREAD as FAILED_SPREAD
from collapse.measures.catalogue.irregular import IRREGULAR
from collapse.measures.catalogue.samples import IMAGES, SAMPLES, TORSIONS
from collapse.measures.catalogue.samples import OFF_MANIFOLD as OFF_MANIFOLD
from collapse.measures.catalogue.samples import WITHIN_CLASS as WITHIN_CLASS
from collapse.measures.catalogue.symbols import EXCESS_LOSS as EXCESS_LOSS
from collapse.measures.catalogue.symbols import GRAMMAR, NGRAMS, SYMBOLS
from collapse.measures.catalogue.symbols import SHARE_ERROR as SHARE_ERROR
from collapse.measures.catalogue.symbols import UNIFORM_SHARE as UNIFORM_SHARE
from collapse.measures.catalogue.text import A_CHARACTER as A_CHARACTER
from collapse.measures.catalogue.text import BEYOND_FIRST as BEYOND_FIRST
from collapse.measures.catalogue.text import LANGUAGE, TEXT, TOKENS
from collapse.measures.catalogue.text import OF_WORDS as OF_WORDS
from collapse.measures.catalogue.text import (
    PERPLEXITY_QUANTILES as PERPLEXITY_QUANTILES,
)
from collapse.measures.catalogue.worlds import STUDENTS as STUDENTS
from collapse.measures.catalogue.worlds import WORLDS as WORLDS
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


def mode_named(name: str) -> Quantity | None:
    """The quantity of a metric `mode_<order>`; None for any other name."""
    prefix, _, order = name.rpartition("_")
    if prefix != "mode" or not order.isdecimal():
        return None
    return ratio(f"mode {order} of the law", "variance")


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
    "share_error": SHARE_ERROR,
    **SAMPLES,
    **TORSIONS,
    **GRAMMAR,
    **IMAGES,
    **NGRAMS,
    **SYMBOLS,
    **TOKENS,
    **LANGUAGE,
    **TEXT,
    **WORLDS,
    **IRREGULAR,
    **REGRESSION,
    **DENSITY,
}


def find(name: str) -> Quantity:
    """The quantity that usually has this name, for data without attributes."""
    if is_pooled(name):
        return pooled({(own := name.removeprefix(POOLED)): find(own)})[name]
    usual = EVERY.get(name) or survival_named(name) or mode_named(name)
    return usual or Quantity(name.replace("_", " "), "")


def of_data(name: str, quantity: Quantity) -> Quantity:
    """The quantity relative to a density fitted to held-out rows, without a truth.

    The test error is then the whole log-loss, whose best value is not known.
    """
    if name == "test_error" and quantity == DENSITY["test_error"]:
        return loss("log-loss on held-out rows", "nats")
    long_name, unit = (x.replace("truth", "reference") for x in quantity[:2])
    return quantity._replace(long_name=long_name, unit=unit)


POOLED = "pooled_"  # in front of the name of a metric


def pooled(quantities: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """The quantities of all models together where several learn, by their names.

    They speak for no aspect of collapse: those of the models themselves do.
    """
    return {
        f"{POOLED}{name}": q._replace(long_name=f"pooled {q.long_name}", aspect="")
        for name, q in quantities.items()
    }


def is_pooled(name: str) -> bool:
    """Whether a metric is that of all models together."""
    return name.startswith(POOLED)


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


def least(unit: str, lowest: float) -> float:
    """The value that a metric cannot be below: 0 if none of its values is, else -inf.

    Logarithms have none, such as losses in nats: they may be below 0 in another run.

    Args:
      unit: of the metric.
      lowest: of all its values, over settings, seeds and generations; NaN for none.
    """
    logarithmic = unit.startswith(("nats", "bits", "difference to"))
    return 0.0 if lowest >= 0 and not logarithmic else -math.inf


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
