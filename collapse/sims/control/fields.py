"""The fields of experiments on policies that hold a model by real rows."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from collapse.experiment.fields import Bounds, Only, OnlyIfSet, Shown
from collapse.experiment.study import Study
from collapse.experiment.verifiers import operators
from collapse.experiment.verifiers.operators import NONE
from collapse.experiment.workflows import WorkflowSpec, specs
from collapse.sims.control.policies import TWELVE, PolicySpec, read

DRIFT, MONITOR, NOISE = "drift", "monitor", "monitor_noise"
SEEN = (DRIFT, MONITOR, NOISE)
EQUAL = 0.01  # relative difference of real rows up to which spending is equal
_FIXED = ("constant", "golden", "greedy", "periodic")  # policies set beforehand
_Count = Annotated[int, Bounds(1, 10**9)]


@dataclasses.dataclass(frozen=True)
class ControlFields(Study):
    """The fields of every study and those of a policy, its budget and its monitor."""

    num_generations: Annotated[int, Bounds(1, 10**7 - 1)] = 2000
    """Generations after the first fit, generation 0, which sees n real rows."""
    num_seeds: Annotated[int, Bounds(1, 10**8 - 1)] = 200
    """Independent repetitions."""
    workflows: tuple[str, ...] = ("replace",)
    """What each generation is trained on beside the real rows that a policy buys; see
    the same field of collapse.sims.gaussian."""
    samples_per_generation: Annotated[
        tuple[_Count, ...], Shown("1000 where that costs no more, else the model's")
    ] = ()
    """All rows n of a generation, real and generated."""
    metrics: Annotated[tuple[str, ...], Shown("none", may_be_empty=True)] = ()
    """Measurements to take beside drift and monitor, which are always taken."""
    policy: tuple[str, ...] = TWELVE
    """How the share of real rows is chosen: a name, then its number, then oracle or
    noise if it is fed with these in place of the monitor."""
    budget: Annotated[
        tuple[Annotated[float, Bounds(0, 1e9, above=True)], ...],
        Shown("2 % of the least n"),
    ] = ()
    """Real rows that a generation may have, on average over the generations so far.
    Generation 0 and the rows of the monitor are not counted."""
    overdraft: Annotated[float, Bounds(0, 1e6), Shown("2, or less in short runs")] = 0.0
    """Real rows that a run may be ahead of its budget, in generations of n rows; 0 for
    2, or a quarter of the least budget of the whole run if that is less."""
    trust: tuple[Literal["equal", "predicted", "measured"], ...] = ("equal",)
    """What a real row counts beside a generated one: the same, or by the weight that is
    best for the next fit, from the error that is predicted or measured. Policies golden
    and greedy have weights of their own."""
    trust_by: Annotated[Literal["weight", "rows"], OnlyIfSet()] = "weight"
    """How a real row counts more: by its weight, or by training on fewer of the
    generated rows."""
    operator: Annotated[tuple[str, ...], OnlyIfSet()] = (NONE,)
    """What keeps the best of several candidates for each generated row: none,
    top_share, realistic or confident, then random for its control, or oracle; see
    collapse.sims.verification."""
    verify: Annotated[Literal["always", "alarm"], OnlyIfSet(), Only("operator")] = (
        "always"
    )
    """When the operator acts: in every generation, or in those that follow an alarm of
    the policy, among the generated rows that are left."""
    selectivity: Annotated[float, Bounds(0.001, 1), OnlyIfSet(), Only("operator")] = 0.5
    """Share of the candidates that the operator keeps."""
    verifier_bias: Annotated[float, Bounds(0, 1e6), OnlyIfSet(), Only("operator")] = 0.0
    """How far what the operator holds to be true is from the truth, in standard
    deviations, along the first axis (of regressors: in the first coefficient)."""
    noise: Annotated[float, Bounds(0, 0.5), OnlyIfSet(), Only("operator")] = 0.0
    """The operator takes twice this share of rows for others."""
    hold: Literal["budget", "drift"] = "budget"
    """What policies with a level (event, proportional, feed_forward, evidence) hold:
    they spend the budget, or keep the drift at the tolerance and spend what this takes,
    up to the budget."""
    tolerance: Annotated[float, Bounds(0)] = 0.0
    """Drift that is tolerated: the share of runs that ever pass it is told, and --hold
    drift keeps it. 0 for twice the mean drift of the constant share."""
    price: Annotated[float, Bounds(0)] = 0.0
    """Of one real row, in units of the drift: what the policy priced weighs; only with
    that policy."""
    monitor: Annotated[str, Shown("mean; of text, loss")] = ""
    """What is watched on rows that no generation is trained on."""
    monitor_rows: Annotated[int, Bounds(2, 10**9, or_zero=True)] = 0
    """Real rows of the monitor, 0 for ten times n (n for models of text in rows); with
    data, at most those that are set apart for it, half of the held-out rows."""
    monitor_data: Annotated[str, Shown("half of the held-out rows"), Only("data")] = ""
    """With data: a table of the monitor's rows, read in the same way. A row that is
    also trained on, or in the final evaluation, is refused."""
    monitor_samples: Annotated[int, Bounds(2, 10**9, or_zero=True)] = 0
    """Rows that the model generates for the monitor, anew in every generation; 0 for as
    many as its real rows are by default."""
    error: Annotated[str, Shown("of the mean, or the first error of the model")] = ""
    """Metric that is the true drift."""
    settle: Annotated[float, Bounds(0, 0.95)] = 0.1
    """Share of the generations, the first ones, that mean drifts leave out."""
    every: Annotated[int, Bounds(1, 10**6, or_zero=True)] = 0
    """Generations between two that results hold; sums and extremes miss none. 0 for a
    divisor of all that leaves 100 or more."""

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """Fields of its own that may hold several values."""
        return ("samples_per_generation", "operator", "budget", "trust", "policy")

    def every_axis(self) -> tuple[str, ...]:  # type: ignore[override]
        """Its own axes, and the fields of the model that have several values."""
        return (*self.swept(), *self.axes())

    def independent_axes(self) -> tuple[str, ...]:  # type: ignore[override]
        """Axes whose values share no random numbers; policies use the same seeds."""
        own = self.learner.independent_axes()
        swept = tuple(axis for axis in self.swept() if axis in own)
        return (*swept, "samples_per_generation")

    def swept(self) -> tuple[str, ...]:
        """The model's own fields that have several values, such as its dimension."""
        own = self.learner.own_fields()
        return tuple(a for a in self.learner.several() if a in own)

    def __getattr__(self, name: str) -> Any:
        """The model's field of this name, where it is an axis of the study."""
        family = self.__dict__.get("family")
        if family is None or name not in family.axes():
            raise AttributeError(name)
        return getattr(family, name)

    def workflow_specs(self) -> tuple[WorkflowSpec, ...]:
        """The workflows with their parameters."""
        return specs(self.workflows, vars(self.learner))

    def blind(self) -> list[tuple[str, str, str]]:
        """Operator, trust and policy of the settings that look at nothing."""
        if NONE not in self.operator and len(self.operator) > 1:
            return []  # nothing that policies of several operators have in common
        first = NONE if NONE in self.operator else self.operator[0]
        return [
            (first, weighed, text)
            for weighed in self.trust
            for text in self.policy
            if weighed != "measured" and read(text).name in _FIXED
        ]

    def compared(self) -> bool:
        """Whether settings can be compared with a fixed one, over several seeds."""
        several = len(self.operator) * len(self.trust) * len(self.policy) > 1
        return several and self.num_seeds > 1 and bool(self.blind())

    def curated(self) -> bool:
        """Whether policies do more to generated rows than to choose their number."""
        return self.trust_by == "rows" or self.operator != (NONE,)

    def candidates(self, text: str) -> int:
        """Rows generated for each that an operator can keep."""
        alone = operators.read(text).name == NONE
        return 1 if alone else math.ceil(1 / self.selectivity - 1e-9)

    def idle(self) -> Mapping[str, str]:
        """Qualities of a verifier that none of the operators has, if some are named."""
        if self.operator == (NONE,):
            return {}  # each of their declarations says so
        return operators.idle(
            map(operators.read_ranked, self.operator), operators.RANKED
        )

    def policies(self) -> tuple[PolicySpec, ...]:
        """The policies as they were read."""
        return tuple(read(text) for text in self.policy)

    def policy_names(self) -> tuple[str, ...]:
        """Names of the policies, each once, without numbers and what they are fed."""
        return tuple(dict.fromkeys(spec.name for spec in self.policies()))

    def recorded(self) -> range:
        """The generations that results hold."""
        return range(0, self.num_generations + 1, self.every or 1)

    def rate(self, cell: Mapping[str, Any]) -> float:
        """Share of real rows that the budget of a cell allows."""
        return float(cell["budget"]) / int(cell["samples_per_generation"])

    def errors(self) -> tuple[str, ...]:
        """Names of the metrics that are 0 for a perfect model, and lower is better."""
        known = [(name, self.learner.quantity(name)) for name in self.of_model()]
        good = [n for n, q in known if q and q.better == "lower" and q.reference == 0]
        return tuple(good)

    def of_model(self) -> tuple[str, ...]:
        """Names of the metrics of the model's family."""
        return self.learner.study_metrics()

    def known_metrics(self) -> tuple[str, ...]:
        """Names of the metrics: what policies look at, and those of the model."""
        return (*SEEN, *self.of_model())

    def measured(self) -> tuple[str, ...]:
        """Names of the metrics: what policies look at, always, and what is asked."""
        return tuple(dict.fromkeys((*SEEN, *self.metrics)))

    def monitor_sizes(self, data: Any) -> tuple[int, int]:
        """Rows of the monitor: real ones, at most those there are, and generated."""
        watched = getattr(data, "watched", None)
        most = self.monitor_rows if watched is None else len(watched)
        return min(self.monitor_rows, most), self.monitor_samples
