"""Linear regressors against theory: every workflow that has a closed form, run by the
lab's own loop as the command runs it, with fixed and with fresh inputs told apart.
"""

import functools

import numpy as np
import pytest
from calibrated import assert_tells_apart
from conftest import SEED

from collapse.core import loop, streams
from collapse.data.designs import covariance as covariance_of
from collapse.sims.linear import Linear
from collapse.sims.linear.task import task
from collapse.sims.linear.theory import curves
from collapse.theory import linear as theory
from collapse.theory import ridge

LAST = 4
AT = [0, LAST]  # few, because every entry is a check of the budget
NOISE = theory.Noise(0.5, 2.0)  # real labels, synthetic ones
# (d, n) -> seeds: as many as tell fixed from fresh inputs
SIZES = {(5, 20): 8_000, (10, 100): 16_000, (32, 100): 4_000}
DESIGNS = ("fixed", "fresh")


@functools.cache
def run(label, d, n, num_seeds, **fields):
    """[seeds, generations] test errors, and their theory."""
    experiment = Linear(
        workflows=(label,),
        num_generations=LAST,
        samples_per_generation=(n,),
        dimension=(d,),
        noise_variance=(NOISE.real,),
        synthetic_noise_variance=(NOISE.synthetic,),
        **{"metrics": ("test_error",)} | fields,
    ).resolved(0, 0)
    experiment.check()
    (condition,) = experiment.conditions()
    own = task(condition, None)
    trace = loop.run_seeds(
        streams.seeds(SEED, num_seeds),
        lambda root: own.make_problem(root, *own.values),
        condition.workflow.make(LAST, own.additive),
        n // own.batch_size,
        LAST,
    )[1]
    assert trace.finite.all()
    found = {name: np.asarray(values) for name, values in trace.metrics.items()}
    return found, curves(condition)


def curve(form, d, n, design):
    return form(n, d, LAST, NOISE, design).total


def assert_meets(label, d, n, num_seeds, control, **fields):
    found, known = run(label, d, n, num_seeds, **fields)
    draws = found["test_error"][:, AT]
    assert_tells_apart(draws, known["test_error"][AT], control[AT])


PARTS = ("test_error", "bias", "variance")
LARGER = [pytest.param(*size, marks=pytest.mark.slow) for size in list(SIZES)[1:]]
EVERY = pytest.mark.parametrize(("d", "n"), [next(iter(SIZES)), *LARGER])
EITHER = pytest.mark.parametrize("design", DESIGNS)


@EVERY
@EITHER
def test_replace_grows_by_one_unit_a_generation(d, n, design):
    """For either design, and not from twice the unit, as in the published plots."""
    unit = theory.first_error(n, d)
    late = unit * (NOISE.real + NOISE.synthetic * np.arange(1, LAST + 2))
    assert_meets("replace", d, n, SIZES[d, n], late, design=(design,))
    right = unit * (NOISE.real + NOISE.synthetic * np.arange(LAST + 1))
    known = run("replace", d, n, SIZES[d, n], design=(design,))[1]
    np.testing.assert_allclose(known["test_error"], right, rtol=1e-12)


@EVERY
@EITHER
@pytest.mark.parametrize("name", ["accumulate", "replace_multiple"])
def test_fixed_and_fresh_inputs_are_told_apart(name, d, n, design):
    (other,) = set(DESIGNS) - {design}
    form = getattr(theory, name)
    wrong = curve(form, d, n, other)
    assert_meets(name, d, n, SIZES[d, n], wrong, design=(design,))
    known = run(name, d, n, SIZES[d, n], design=(design,))[1]["test_error"]
    np.testing.assert_allclose(known, curve(form, d, n, design), rtol=1e-12)


@EVERY
def test_window_with_fixed_inputs(d, n):
    wrong = theory.window(n, d, 3, LAST, NOISE).total
    assert_meets("window 2", d, n, SIZES[d, n], wrong)


@EVERY
def test_mix_of_fresh_real_rows(d, n):
    """The share of the Gram matrix is random: its square is not (s / n)^2."""
    real = n // 4
    added = (NOISE.real * real + NOISE.synthetic * (n - real)) / n
    wrong = [NOISE.real * theory.first_error(n, d)]
    for _ in range(LAST):
        wrong.append(0.75**2 * wrong[-1] + added * theory.first_error(n, d))
    seeds = SIZES[d, n]
    label = "mix 0.25 fresh"
    assert_meets(label, d, n, seeds, np.array(wrong), design=("fresh",))


def test_biased_writers():
    """Strong collapse: the bias of the mix, exactly."""
    found, known = run(
        "mix 0.5 fresh",
        5,
        20,
        8_000,
        design=("fresh",),
        synthetic_bias=3.0,
        metrics=PARTS,
    )
    plateau = np.where(np.arange(LAST + 1) > 0, theory.strong_collapse(0.5, 3.0), 0)
    assert_tells_apart(
        found["bias"][:, [1, LAST]], known["bias"][[1, LAST]], plateau[[1, LAST]]
    )
    assert_tells_apart(
        found["test_error"][:, AT], known["test_error"][AT], known["bias"][AT]
    )


@EITHER
def test_minimum_norm_beyond_interpolation(design):
    """n < d: what the inputs do not see is lost, once or in every generation."""
    (other,) = set(DESIGNS) - {design}
    d, n = 20, 8
    wrong = theory.replace(n, d, LAST, NOISE, other, signal=d).total
    fields = {"design": (design,), "minimum_norm": True, "metrics": PARTS}
    assert_meets("replace", d, n, 8_000, wrong, **fields)
    found, known = run("replace", d, n, 8_000, **fields)
    for name in ("bias", "variance"):
        assert_tells_apart(found[name][:, AT], known[name][AT], 2 * known[name][AT])


@pytest.mark.parametrize("name", ["replace", "accumulate", "replace_multiple"])
@pytest.mark.parametrize(
    "covariance", [pytest.param("isotropic", marks=pytest.mark.slow), "ar1"]
)
def test_ridge_with_fixed_inputs(name, covariance):
    """Theory takes the mean over 400 drawn designs, so its own error counts too."""
    d, n, penalty = 5, 20, 6.0
    fields = {"ridge": (penalty,), "covariance": covariance, "metrics": PARTS}
    found, known = run(name, d, n, 4_000, **fields)
    sigma = covariance_of(covariance, d, 0.5)
    spectra = ridge.draw_spectra(n, sigma, 40_000, seed=1)
    right = ridge.fixed(name, spectra, penalty, LAST, NOISE, 1.0)
    other = ridge.fixed(name, spectra, 2 * penalty, LAST, NOISE, 1.0)
    for part in ("bias", "variance"):
        ours, wrong = getattr(right, part)[AT], getattr(other, part)[AT]
        assert_tells_apart(found[part][:, AT], ours, wrong)
        np.testing.assert_allclose(known[part][AT], ours, rtol=0.05)


def test_ridge_with_fresh_inputs():
    d, n, penalty = 5, 20, 6.0
    fields = {"ridge": (penalty,), "design": ("fresh",), "metrics": PARTS}
    found, _ = run("replace", d, n, 4_000, **fields)
    spectra = ridge.draw_spectra(n, np.eye(d), 40_000, seed=1)
    right = ridge.fresh_replace(spectra, penalty, LAST, NOISE, 1.0)
    other = ridge.fresh_replace(spectra, 2 * penalty, LAST, NOISE, 1.0)
    for part in ("bias", "variance"):
        ours, wrong = getattr(right, part)[AT], getattr(other, part)[AT]
        assert_tells_apart(found[part][:, AT], ours, wrong)
