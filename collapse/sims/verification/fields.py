"""The fields of experiments on verification."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from collapse.experiment.fields import Bounds, Share, Shown
from collapse.experiment.study import Study
from collapse.experiment.verifiers import operators
from collapse.experiment.verifiers.operators import OperatorSpec, read
from collapse.experiment.workflows import WorkflowSpec, specs

RIGHT, KEPT_RIGHT, KEPT_WRONG = "right_share", "kept_right", "kept_wrong"
JUDGED = (RIGHT, KEPT_RIGHT, KEPT_WRONG)
TAIL = "tail_mass_1pct"
USUAL = (
    *("none", "ball", "ball random", "labels", "labels random"),
    *("top_share", "top_share random", "realistic", "realistic random", "correct"),
)
LEARNERS = "Operators realistic, importance, covariance and correct"
_SPARE = 2  # candidates of a verifier that keeps no fixed share, over those it needs


@dataclasses.dataclass(frozen=True)
class VerificationFields(Study):
    """The fields of every study and those of a verifier."""

    num_generations: Annotated[int, Bounds(1, 10**7 - 1)] = 30
    """Generations after the first fit, generation 0, which sees n real rows."""
    num_seeds: Annotated[int, Bounds(1, 10**8 - 1)] = 100
    """Independent repetitions."""
    workflows: tuple[str, ...] = ("replace",)
    """What each generation is trained on; see the same field of collapse.sims.gaussian.
    Generated rows are verified before they enter."""
    samples_per_generation: Annotated[
        tuple[Annotated[int, Bounds(1, 10**9)], ...], Shown("that of the model")
    ] = ()
    """Rows n of a generation, real ones among them."""
    operator: Annotated[
        tuple[str, ...], Shown("those that the model can have, with their controls")
    ] = ()
    """What is kept of the generated rows: a name, then its number, then random (as many
    rows whatever they are) or oracle (who knows the truth)."""
    selectivity: tuple[Annotated[float, Bounds(0, 1, above=True)], ...] = (0.5,)
    """Share of the candidates that is kept. A ball has the radius that holds this share
    of real rows, unless it has a radius of its own."""
    verifier_bias: tuple[Annotated[float, Bounds(0, 1e6)], ...] = (0.2,)
    """How far what the verifier holds to be true is from the truth, in standard
    deviations, along the first axis (of regressors: in the first coefficient)."""
    noise: tuple[Annotated[float, Bounds(0, 0.5)], ...] = (0.0,)
    """Share of a ball's decisions, and of those on labels, that are turned into their
    opposite. Others judge twice this share of rows at random."""
    real_fraction: tuple[Share, ...] = (0.0,)
    """Share of the n rows of a generation that is real and fresh, and not judged."""
    candidates: Annotated[int, Bounds(0, 10**4), Shown("as many as are needed")] = 0
    """Rows generated for each row that can be kept; 0 for 1 / selectivity, and twice
    that for operators that keep no fixed share. Where fewer are kept, positions stay
    empty."""
    scale: Literal["learned", "known"] = "learned"
    """Of gaussian: the covariance is fitted in every generation, or known to be that of
    the truth, as in the theory of verifiers."""
    late: Annotated[int, Bounds(1, 10**4)] = 10
    """Generations, the last ones, over which long-run values are averaged; by default
    all after the first fit, if fewer are run."""
    error: Annotated[str, Shown("of the mean, or the first error of the model")] = ""
    """Measure by which operators are compared."""

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """Fields that may hold several values."""
        return (
            "samples_per_generation",
            "real_fraction",
            "verifier_bias",
            "selectivity",
            "noise",
            "operator",
        )

    @classmethod
    def independent_axes(cls) -> tuple[str, ...]:
        """Axes whose values share no random numbers; operators use the same seeds."""
        return ("samples_per_generation",)

    def workflow_specs(self) -> tuple[WorkflowSpec, ...]:
        """The workflows with their parameters."""
        return specs(self.workflows, vars(self.learner))

    def operators(self) -> tuple[OperatorSpec, ...]:
        """The operators as they were read."""
        return tuple(read(text) for text in self.operator)

    def idle(self) -> Mapping[str, str]:
        """Qualities of a verifier that none of the operators has, if some are named."""
        return operators.idle(self.operators()) if self.operator else {}

    def group_size(self, spec: OperatorSpec, cell: Mapping[str, Any]) -> int:
        """Of so many candidates in a row best_of keeps one."""
        asked = spec.number if spec.number > 1 else 1 / cell["selectivity"]
        return max(1, round(asked))

    def candidates_of(self, spec: OperatorSpec, cell: Mapping[str, Any]) -> int:
        """Rows generated for each row that can be kept.

        As many for all selectivities, so that they share a program; those of best_of
        are groups of a size, each size a program of its own.
        """
        if spec.name == "best_of":
            return self.group_size(spec, cell)
        if self.candidates or spec.name in ("none", "correct", "importance"):
            return self.candidates or 1
        if spec.name in ("labels", "deduplicate"):
            return _SPARE
        spare = 1 if spec.rule.keeps else _SPARE
        return spare * math.ceil(1 / min(self.selectivity) - 1e-9)

    def errors(self) -> tuple[str, ...]:
        """Names of the model's metrics of which lower is better."""
        known = [(name, self.learner.quantity(name)) for name in self.of_model()]
        return tuple(name for name, q in known if q and q.better == "lower")

    def of_model(self) -> tuple[str, ...]:
        """Names of the metrics of the model's family."""
        return self.learner.study_metrics()

    def known_metrics(self) -> tuple[str, ...]:
        """Names of the metrics: what the verifier does, and those of the model."""
        return (*self.of_model(), *JUDGED)

    def measured(self) -> tuple[str, ...]:
        """Names of the metrics: error, tail, what the verifier does, what is asked."""
        tail = (TAIL,) if TAIL in self.of_model() else ()
        return tuple(dict.fromkeys((self.error, *tail, *self.metrics, *JUDGED)))
