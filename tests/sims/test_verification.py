"""Verified rows: theory, random controls, what each model can have, refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_mean, assert_tells_apart
from conftest import SEED
from lab_cases import stopped_and_resumed

from collapse.core import loop
from collapse.core.curation import keeping
from collapse.core.curation.shuffled import shuffled
from collapse.core.types import Curator
from collapse.data.errors import InputError
from collapse.experiment import results
from collapse.experiment.condition import Condition
from collapse.experiment.profile import profile
from collapse.experiment.remarks import remarks
from collapse.experiment.row_truth import Knowledge
from collapse.experiment.toml import from_table
from collapse.experiment.verifiers.curators import randomised
from collapse.experiment.verifiers.operators import RULES, control_of, missing, read
from collapse.experiment.verifiers.scores import muddled
from collapse.lab import parts
from collapse.lab import run as runner
from collapse.sims.control import Control
from collapse.sims.verification import Verification, tell
from collapse.sims.verification.worth import derive

MODELS = ("gaussian", "gmm", "kde", "linear", "discrete")
pytestmark = pytest.mark.x64


def asked(**fields):
    """An experiment from fields of the study and of its model."""
    return from_table({"seed": SEED, **fields}, Verification, "test")


def ran(folder, **fields):
    """The derived results of an experiment."""
    experiment, _ = runner.prepare(asked(**fields))
    traces = parts.simulate(experiment, None, folder)
    return derive(experiment, results.assemble(experiment, traces))


# Theory


@pytest.fixture(scope="module")
def ball(tmp_path_factory):
    """A mean of known scale under a ball, its controls, and who knows the truth."""
    operators = ["none", "ball", "ball random", "ball oracle"]
    fields = {"operator": operators, "verifier_bias": [0.6], "scale": "known"}
    sizes = {"num_generations": 12, "num_seeds": 1500, "late": 3}
    folder = tmp_path_factory.mktemp("ball")
    fields |= {"workflows": ["replace", "accumulate"], "real_fraction": [0.0, 0.1]}
    return ran(folder, **fields, **sizes, noise=[0.1], metrics=["mean_error"])


@pytest.mark.parametrize("workflow", ["replace", "accumulate"])
def test_a_mean_under_a_ball_is_where_theory_says(ball, workflow):
    """The curves are right to order 1 / n, and their error is far below a seed's."""
    data = ball.sel(workflow=workflow, generation=[1, 3, 12])
    dims = ("real_fraction", "operator", "generation")
    expected = data["mean_error_theory"].transpose(*dims).values
    error = data["mean_error"].transpose("seed", *dims).values
    assert_mean(error, expected)
    none, verified, by_chance, oracle = range(4)
    last, late = error[..., -1], expected[..., -1]
    assert_tells_apart(last[:, :, verified], late[:, verified], late[:, none])
    assert_tells_apart(last[:, :, by_chance], late[:, by_chance], late[:, verified])
    assert_tells_apart(last[:, :, oracle], late[:, oracle], late[:, verified])


def test_the_share_that_a_ball_keeps_is_that_of_theory(ball):
    data = ball.sel(operator="ball", generation=[1, 4, 12])
    dims = ("real_fraction", "workflow", "generation")
    expected = data["kept_share_theory"].transpose(*dims).values
    kept = data["kept_share"].transpose("seed", *dims).values
    assert_mean(kept, expected)
    assert_tells_apart(kept[..., -1], expected[..., -1], expected[..., 0])


def test_a_random_control_keeps_as_many_rows_and_gains_nothing(ball):
    """Exactly as many of the same candidates; with real rows, which take the places of
    some candidates, as many on average."""
    first = ball["kept_share"].sel(generation=1)
    own, control = first.sel(operator="ball"), first.sel(operator="ball random")
    alone = {"real_fraction": 0.0}
    np.testing.assert_array_equal(control.sel(alone), own.sel(alone))
    mixed = (control - own).sel(real_fraction=0.1).transpose("seed", "workflow")
    assert_mean(mixed.values, np.zeros(2))
    gain = ball["gain_none"].sel(operator="ball random", workflow="replace")
    assert (gain.sel(statistic="low") < 1).all() and (
        gain.sel(statistic="high") > 1
    ).all()
    own = ball["gain"].sel(operator="ball oracle", workflow="replace")
    assert (own.sel(statistic="low") > 1).all()


# What each model can have


@pytest.mark.parametrize("model", MODELS)
def test_models_know_of_rows_what_they_say(model):
    bias = {"verifier_bias": [0.0]} if model == "discrete" else {}
    experiment, _ = runner.prepare(asked(model=model, **bias))
    family, spec = experiment.learner, next(experiment.conditions()).workflow
    if model in ("gaussian", "linear"):
        family = family.with_values({"rows": "samples"})
    cell = {axis: getattr(family, axis)[0] for axis in family.axes()}
    cell["samples_per_generation"] = experiment.samples_per_generation[0]
    task = family.task(Condition(family, spec, cell), None)
    known = task.rows.knowledge(jax.random.key(0), *task.values)
    assert isinstance(known, Knowledge)
    names = {name for name, value in known._asdict().items() if value is not None}
    names |= {"reach"} if task.rows.reach else set()
    assert names == set(family.knows_of_rows())


def in_all_hands(model):
    """Every operator that a model can have, and every oracle; the bias it can have."""
    bias = [0.0] if model == "discrete" else [0.3]
    known, _ = runner.prepare(asked(model=model, verifier_bias=bias))
    names = [
        name for name in RULES if not missing(read(name), known.learner.knows_of_rows())
    ]
    oracles = [f"{n} oracle" for n in names if RULES[n].oracle is not None]
    oracles = [
        text
        for text in oracles
        if not missing(read(text), known.learner.knows_of_rows())
    ]
    return {"model": model, "verifier_bias": bias, "operator": [*names, *oracles]}


@pytest.mark.parametrize("model", MODELS)
def test_every_operator_of_a_model_weighs_its_rows(model):
    """In all hands: one weight a row, without running it."""
    fields = in_all_hands(model) | {"samples_per_generation": [60]}
    experiment, _ = runner.prepare(asked(**fields))

    def weighed(root, task):
        problem = task.make_problem(root, *task.values)
        curator, batch = task.curator(root, *task.values), problem.draw(root, 60)
        params = problem.model.init(root, batch, jnp.ones(60))
        reference = keeping.seen(curator, params, problem.reference)
        if curator.correct is not None:
            batch = curator.correct(root, batch, reference)
        return curator.weigh(root, batch, reference)

    for condition in experiment.conditions():
        task = experiment.task(condition, None)
        if condition["operator"] == "none":
            assert task.curator is None
            continue
        found = jax.eval_shape(lambda root, t=task: weighed(root, t), jax.random.key(0))
        assert found.shape == (60,) and jnp.issubdtype(found.dtype, jnp.floating)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_can_be_verified(model, tmp_path):
    """By all operators that it has, in all hands; the profile looks at the error."""
    fields = in_all_hands(model) | {"num_generations": 2, "num_seeds": 2}
    fields |= {"selectivity": [0.5], "samples_per_generation": [60]}
    data = ran(tmp_path, **fields)
    assert np.isfinite(data["late_error"]).all() and data["finite"].all()
    kept = data["kept_share"].sel(generation=2)
    for name in fields["operator"]:
        if RULES[name.removesuffix(" oracle")].keeps:
            np.testing.assert_allclose(kept.sel(operator=name), 0.5, atol=0.01)
    error = runner.prepare(asked(**fields))[0].error
    assert error in set(profile(data)["metric"])


@pytest.mark.parametrize("workflow", ["replace", "accumulate"])
def test_who_keeps_all_runs_bit_for_bit_as_the_plain_loop(workflow):
    """The family's own problem, by the same keys and without a curator."""
    fields = {"operator": ["none", "ball"], "workflows": [workflow]}
    sizes = {"num_generations": 5, "samples_per_generation": [40]}
    experiment, _ = runner.prepare(asked(**fields, **sizes))
    root = jax.random.key(4)

    def errors(problem, **seats):
        usual = condition.workflow.make(5, False)
        state = loop.init(root, problem, usual, 40, **seats)
        state, trace = loop.advance(root, problem, usual, 40, state, 6, **seats)
        return np.asarray(trace.metrics["mean_error"])

    found = []
    for condition in experiment.conditions():
        task = experiment.task(condition, None)
        seats = {}
        if task.curator is not None:
            seats["curator"] = task.curator(root, *task.values)
        found.append(errors(task.make_problem(root, *task.values), **seats))
    family = experiment.learner
    cell = {"dimension": 1, "samples_per_generation": 40, "ddof": 0}
    own = family.task(Condition(family, condition.workflow, cell), None)
    plain = errors(own.make_problem(root))
    np.testing.assert_array_equal(found[0], plain)
    assert (found[1][1:] != plain[1:]).all()


def test_a_run_that_is_stopped_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch):
    fields = {"operator": ["ball", "ball random"], "num_seeds": 3}
    fields |= {"num_generations": 20, "noise": [0.1], "real_fraction": [0.1]}
    whole = ran(tmp_path / "whole", **fields)
    experiment, _ = runner.prepare(asked(**fields))
    traces, done = stopped_and_resumed(
        experiment, tmp_path / "part", monkeypatch, lambda progress: progress.done > 2
    )
    assert 2 < done < 20
    again = derive(experiment, results.assemble(experiment, traces))
    for name in ("w2_squared", "kept_share", "kept_right"):
        np.testing.assert_array_equal(again[name], whole[name])


def test_cells_of_an_operator_share_one_program():
    """Also its random control and its oracle."""
    operators = ["ball", "ball random", "ball oracle", "top_share", "top_share random"]
    swept = {"noise": [0.0, 0.2], "real_fraction": [0.0, 0.1]}
    swept |= {"verifier_bias": [0.0, 0.3], "selectivity": [0.25, 0.5]}
    experiment, _ = runner.prepare(asked(operator=operators, **swept))
    programs = {experiment.task(c, None).program for c in experiment.conditions()}
    assert len(list(experiment.conditions())) == 80 and len(programs) == 2


# Operators


def by_number(threshold):
    """A curator that keeps numbers below a threshold."""
    return Curator(1, lambda key, batch, reference: (batch < threshold).astype(float))


def test_the_random_control_is_shuffled_draw_by_draw():
    key, batch = jax.random.key(3), jnp.linspace(0, 1, 50)
    ours = randomised(by_number(0.3), jnp.ones(())).weigh(key, batch, None)
    own = shuffled(by_number(0.3)).weigh(key, batch, None)
    np.testing.assert_array_equal(ours, own)
    plain = randomised(by_number(0.3), jnp.zeros(())).weigh(key, batch, None)
    np.testing.assert_array_equal(plain, batch < 0.3)
    assert ours.sum() == plain.sum() and (ours != plain).any()


def test_noise_gives_twice_its_share_of_values_to_rows_at_random():
    values = jnp.arange(20_000.0)
    for noise in (0.0, 0.1, 0.5):
        found = muddled(jax.random.key(1), values, jnp.asarray(noise))
        moved = np.asarray(found != values, float)
        if noise == 0:
            assert not moved.any()
        else:
            assert_mean(moved[:, None], [2 * noise] if noise < 0.5 else [moved.mean()])
    order = np.corrcoef(np.asarray(found), np.asarray(values))[0, 1]
    assert abs(order) < 5.6 / np.sqrt(len(values))


def test_at_noise_one_half_labels_are_kept_at_random(tmp_path):
    """phi = psi in law, and the loop is the one of random selection."""
    fields = {"operator": ["none", "labels", "labels random"], "num_seeds": 400}
    fields |= {"noise": [0.1, 0.5], "num_generations": 6, "late": 1, "scale": "known"}
    fields |= {"verifier_bias": [0.0]}
    data = ran(tmp_path, **fields, metrics=["mean_error"]).isel(workflow=0)
    kept = data.sel(operator="labels", generation=6)
    blind, seeing = (kept.sel(noise=n) for n in (0.5, 0.1))
    share = blind["right_share"].values
    gaps = blind["kept_right"].values - 0.5 * share
    assert_mean(gaps, 0.0)
    assert_mean(blind["kept_wrong"].values - 0.5 * (1 - share), 0.0)
    share = seeing["right_share"].values
    assert_mean(seeing["kept_right"].values - 0.9 * share, 0.0)
    assert_mean(seeing["kept_wrong"].values - 0.1 * (1 - share), 0.0)
    error = data["mean_error"].sel(operator="labels", noise=0.5, generation=6).values
    assert_tells_apart(error, 0.07, float(seeing["mean_error"].mean()))


def test_controls_are_written_as_their_operators_are():
    assert control_of("ball 1.5") == "ball 1.5 random"
    assert control_of("ball 1.5 oracle") == "ball 1.5 random"
    assert control_of("correct 2") == "none"
    spec = read("ball 1.5 oracle")
    assert (spec.name, spec.number, spec.kind) == ("ball", 1.5, "oracle")


# What is refused

REFUSED = [
    ({"operator": ["bal"]}, "operator: unknown 'bal'.*ball"),
    ({"operator": ["ball 0"]}, "radius in standard deviations is 0; give a number"),
    ({"operator": ["ball x"]}, "radius in standard deviations is x"),
    ({"operator": ["labels 2"]}, "labels is written; it takes no number"),
    ({"operator": ["best_of 2.5"]}, "2.5 candidates; give a whole number"),
    ({"operator": ["none random"]}, "none keeps every row"),
    ({"operator": ["correct random"]}, "its control is none"),
    ({"operator": ["spread oracle"]}, "spread looks at no truth"),
    ({"operator": ["none"]}, "none alone verifies nothing"),
    ({"operator": ["ball", "ball"]}, "operator: a value is repeated"),
    ({"operator": ["ball", "ball  "]}, "'ball' and 'ball  ' are one"),
    ({"operator": ["ball 1", "ball 1.0"]}, "'ball 1' and 'ball 1.0' are one"),
    ({"selectivity": [0.0]}, "selectivity: 0"),
    ({"selectivity": [1e-4]}, "selectivity: 0.0001 asks for more than 1000"),
    ({"noise": [0.6]}, "noise: 0.6"),
    ({"verifier_bias": [-0.1]}, "verifier_bias: -0.1"),
    ({"real_fraction": [1.0]}, "real_fraction: 1 leaves no row to verify"),
    ({"samples_per_generation": [1]}, "samples_per_generation: 1, but a fit needs 2"),
    ({"workflows": ["mix 0.1 fresh"]}, "workflows: mix 0.1 fresh is none under which"),
    ({"error": "entropy"}, "error: entropy is not least.*w2_squared"),
    ({"candidates": 3, "operator": ["best_of"]}, "candidates: best_of has those"),
    ({"late": 31}, "late: 31 generations, but 30 can be averaged; give at most 30"),
    ({"data": "faithful"}, "data: a verifier's error is to a known truth"),
    ({"snapshots": [1]}, "snapshots: are not kept of verified models"),
    ({"model": "gmm", "scale": "known"}, "scale: gmm has no scale"),
    ({"model": "discrete", "operator": ["ball"]}, "ball needs distances between rows"),
    ({"model": "linear", "operator": ["spread"]}, "spread needs rows that are points"),
    ({"model": "discrete", "verifier_bias": [0.5]}, "no direction to be wrong in"),
    ({"model": "grammar"}, "model: grammar says nothing of its single rows"),
    ({"model": "kde", "shape": ["moons"]}, "model: kde says nothing"),
]


@pytest.mark.parametrize("fields, said", REFUSED)
def test_what_cannot_be_run_is_refused_in_one_line(fields, said):
    with pytest.raises(InputError, match=said) as found:
        runner.prepare(asked(**fields))
    assert "\n" not in str(found.value)


# What is said


def line(operator, error, gain, growth=(0.5, 0.4, 0.6)):
    """A line of the table."""
    own = {"late_error": error, "cost": 2.0, "late_effective": 1.0}
    return own | {"operator": operator, "gain": gain, "growth": growth}


def test_the_answer_is_about_the_best_operator_that_beats_its_control():
    nothing = (float("nan"),) * 3
    lines = [
        line("none", 0.001, nothing),
        line("ball oracle", 0.001, (9.0, 8.0, 10.0)),
        line("top_share", 0.01, (0.5, 0.4, 0.6)),
        line("ball", 0.02, (3.0, 2.0, 4.0)),
    ]
    said = tell.answer(lines)
    assert said.startswith("Verification holds this model: with ball the late error")
    assert "3 (2 to 4) times less" in said and "2 candidates for each kept row" in said
    assert said.endswith("Without a curator it is smaller, 0.001 instead of 0.02.")
    lines[0] = line("none", 0.5, nothing)
    assert "Without a curator" not in tell.answer(lines)
    lines[-1] = line("ball", 0.02, (3.0, 2.0, 4.0), (1.5, 0.9, 2.0))
    assert tell.answer(lines).startswith("Verification helps this model but does not")
    assert tell.answer(lines[:3]).startswith("Verification makes this model worse: as")
    lines[2] = line("top_share", 0.01, (0.9, 0.7, 1.2))
    assert tell.answer(lines[:3]).startswith("Verification does not clearly help")
    assert tell.answer(lines[:2]).startswith(
        "No operator that can be had in practice was"
    )
    bare = [line("importance 1", e, nothing) for e in (0.3, 0.1)]
    bare += [line("importance 1 oracle", 0.01, nothing), line("none", 0.5, nothing)]
    for own, gain in zip(bare, (2.0, 5.0, 50.0, float("nan")), strict=True):
        own["gain_none"] = (gain, gain / 2, gain * 2)
    said = tell.answer(bare)
    assert said.endswith(
        "without a curator it is 5 (2.5 to 10) times as large as with it."
    )
    empty = [line("ball", 0.02, (3.0, 2.0, 4.0)), line("none", 0.5, nothing)]
    empty[0] |= {"late_kept": 0.0, "gain_none": (9.0, 8.0, 10.0)}
    assert tell.answer(empty).endswith("ball keeps no row: the model stays as it was.")
    moved = [line("correct", 0.1, (1.5, 1.2, 1.8))]
    assert "1.5 (1.2 to 1.8) times less than without a curator" in tell.answer(moved)
    moved = [line("correct", 0.1, (0.9, 0.7, 1.2))]
    assert "no curator has 0.9 (0.7 to 1.2) times" in tell.answer(moved)
    both = [x | {"noise": n} for n in (0.0, 0.4) for x in lines[-1:]]
    both[0]["late_error"] = 1e-9  # of a verifier that nobody has
    assert "with ball, noise 0.4 the late" in tell.answer(both, ["noise"])


def test_a_control_with_fewer_rows_is_not_compared(tmp_path):
    """A ball far off keeps all of a model that went there, and few rows of another."""
    fields = {"operator": ["none", "ball", "ball random"], "scale": "known"}
    sizes = {"num_generations": 6, "num_seeds": 20, "late": 2}
    data = ran(tmp_path, **fields, **sizes, verifier_bias=[0.0, 3.0])
    rows = data["late_effective"].mean("seed").isel(workflow=0)
    gain = data["gain"].isel(workflow=0).sel(operator="ball", statistic="mean")
    for bias, there in ((0.0, True), (3.0, False)):
        own, control = (
            float(rows.sel(operator=name, verifier_bias=bias).squeeze())
            for name in ("ball", "ball random")
        )
        assert (abs(own - control) <= 0.05 * own) == there
        assert bool(np.isfinite(gain.sel(verifier_bias=bias)).all()) == there
    theory = data["w2_squared_theory"].isel(workflow=0).sel(operator="ball random")
    assert np.isfinite(theory.sel(verifier_bias=0.0)).all()
    assert np.isnan(theory.sel(verifier_bias=3.0, generation=slice(1, None))).all()


def test_coins_keep_right_and_wrong_rows_alike(tmp_path):
    """Though the keep rate changes with the model from generation to generation."""
    fields = {"operator": ["ball", "ball random"], "num_seeds": 200, "scale": "known"}
    fields |= {"num_generations": 12, "verifier_bias": [1.0], "late": 12}
    data = ran(tmp_path, **fields).isel(workflow=0)
    chance, own = (
        (data["phi"] - data["psi"]).sel(operator=name).values.reshape(200, -1)
        for name in ("ball random", "ball")
    )
    assert_mean(chance, np.zeros(chance.shape[1]))
    assert np.nanmean(own) > 0.1


@pytest.mark.parametrize(
    ("operators", "field", "used"),
    [
        (["confident"], "verifier_bias", False),
        (["confident", "ball"], "verifier_bias", True),
        (["ball oracle"], "verifier_bias", False),
        (["correct"], "noise", False),
        (["labels"], "noise", True),
        (["ball 1.5"], "selectivity", False),
        (["ball"], "selectivity", True),
        ([], "noise", True),
    ],
)
def test_a_quality_that_no_operator_has_is_remarked_on(operators, field, used):
    said = remarks(asked(operator=operators, **{field: [0.4]}))
    assert any(line.startswith(f"{field}: has no effect here") for line in said) != used
    assert not remarks(asked(operator=operators))


def test_policies_remark_on_such_a_quality_too():
    fields = {"operator": ["none", "confident"], "selectivity": 0.3}
    table = {"seed": SEED, **fields, "verifier_bias": 0.2}
    (said,) = remarks(from_table(table, Control, "test"))
    assert said.startswith("verifier_bias: has no effect here, only with top_share")
