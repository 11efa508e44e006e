"""Metrics: 1 or 0 at the truth, the right number elsewhere, in range, and described."""

import functools

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from calibrated import assert_mean, assert_tells_apart, detectable
from conftest import SEED, X64
from hypothesis import given
from hypothesis.extra import numpy as st_numpy

from collapse.experiment import registry
from collapse.measures import catalogue, metrics
from collapse.measures.density import gaussian_regions
from collapse.models import gaussian
from collapse.models.gaussian import GaussianParams, log_density, sample_points
from collapse.sims.gaussian import Gaussian
from collapse.sims.gaussian.measures import metrics as family_metrics

RTOL = 1e-9 if X64 else 1e-5
NUM_SEEDS = 2000
KEY = jax.random.key(SEED)
DIMENSIONS = pytest.mark.parametrize("d", [1, 2, 3])
SHARES = {  # written out: what the names promise, not what the code takes
    "tail_mass_5pct": (0.001, 0.05),
    "tail_mass_1pct": (0.001, 0.01),
    "hallucinated_mass": (0.0, 0.001),
}
# a standard normal is beyond these in absolute value with that probability
REACH = {0.0: np.inf, 0.001: 3.2905267315, 0.01: 2.5758293035, 0.05: 1.9599639845}
NAMES = pytest.mark.parametrize("name", SHARES)
close = np.testing.assert_allclose


def params_of(mean, factor):
    return GaussianParams(jnp.asarray(mean, float), jnp.asarray(factor, float))


def truth_in(d):
    """A Gaussian that is not standard: shifted, stretched and correlated."""
    factor = np.diag([2.0, 0.5, 1.5][:d]) + np.tril(np.full((d, d), 0.7), -1)
    return params_of([3.0, -1.0, 0.4][:d], factor)


def model_in(d):
    """A fit gone wrong: moved, and stretched in other directions."""
    factor = np.diag([1.7, 0.9, 0.9][:d]) + np.tril(np.full((d, d), -0.3), -1)
    return params_of([6.5, -1.2, 0.9][:d], factor)


def moments(params):
    return params.mean, params.scale


def stack(*params):
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *params)


def over_seeds(measure):
    """Values of `key -> scalars` for many keys, leaves [seeds]."""
    keys = jax.random.split(KEY, NUM_SEEDS)
    return jax.tree.map(np.asarray, jax.jit(jax.vmap(measure))(keys))


def region_of(truth, shares):
    """The exact region between two ellipsoids, as a range of log-densities."""
    d = len(truth.mean)
    peak = float(log_density(truth, truth.mean[None])[0])
    low, high = (peak - scipy.stats.chi2.isf(share, d) / 2 for share in shares)
    return metrics.TailRegion(low, high, shares[1] - shares[0])


# Tail masses


def test_tail_regions_of_a_known_gaussian():
    """Points at even quantiles of the radius, then with weights that undo a tilt."""
    num, d = 200_000, 2
    quantile = (np.arange(num) + 0.5) / num
    rng = np.random.default_rng(0)
    for tilt in (1, 2):  # points denser at the centre weigh less
        share = quantile**tilt
        log_p = -scipy.stats.chi2.isf(share, d) / 2 - np.log(2 * np.pi)
        weights = tilt * quantile ** (tilt - 1) / num
        order = rng.permutation(num)
        regions = metrics.tail_regions(log_p[order], weights[order])
        assert regions.keys() == SHARES.keys()
        for name, (outer, inner) in SHARES.items():
            edges = [scipy.stats.chi2.isf(s, d) for s in (outer, inner)]
            low, high = -np.array(edges) / 2 - np.log(2 * np.pi)
            # an edge is one of the points, a few 1e-5 away in share
            close([regions[name].low, regions[name].high], [low, high], rtol=2e-3)
            close(regions[name].mass, inner - outer, rtol=2e-2)
            assert not np.isclose(regions[name].high, high - 0.05)


def test_tails_begin_where_their_names_say():
    """Of a family: the masses of a model twice as wide as the truth, in one dimension.

    And of a density in two, where a share s of the truth lies below its peak's log
    density plus log s.
    """
    truth, wide = params_of([1.0], [[3.0]]), params_of([1.0], [[6.0]])
    bound = family_metrics(truth, jnp.zeros((1, 1)))
    for name, (outer, inner) in SHARES.items():
        far, near = 2 * scipy.stats.norm.sf([REACH[outer] / 2, REACH[inner] / 2])
        found = float(bound[name](KEY, wide))
        assert found == pytest.approx((near - far) / (inner - outer), rel=10 * RTOL)
    peak = -np.log(2 * np.pi) - np.log(2.0 * 0.5)
    regions = gaussian_regions(truth_in(2).scale)
    assert regions.keys() == SHARES.keys()
    for name, (outer, inner) in SHARES.items():
        low, high, mass = regions[name]
        assert high == pytest.approx(peak + np.log(inner), rel=1e-5)
        assert mass == pytest.approx(inner - outer, rel=1e-12)
        with np.errstate(divide="ignore"):
            assert low == pytest.approx(peak + np.log(outer), rel=1e-5)


def exact(key, params, truth):
    """All tail masses of a Gaussian, by directions."""
    return {
        name: metrics.gaussian_tail_mass(moments, moments(truth), shares, 16)(
            key, params
        )
        for name, shares in SHARES.items()
    }


@functools.cache
def tail_masses(d):
    """For each kind of estimate and each name [seeds]."""
    truth, model = truth_in(d), model_in(d)
    pairs = stack(model, model), stack(truth, gaussian.standard(d))
    regions = {name: region_of(truth, shares) for name, shares in SHARES.items()}

    def log_p(points):
        return log_density(truth, points)

    def measure(key):
        found = {}
        for name, region in regions.items():
            counted = metrics.tail_mass(sample_points, log_p, region, 400)
            found["truth", name] = counted(key, truth)
            found["model", name] = counted(key, model)
        both = jax.vmap(exact, (None, 0, 0))(jax.random.fold_in(key, 1), *pairs)
        for name, values in both.items():
            found["exact", name], found["unwhitened", name] = values
        return found

    return over_seeds(measure)


@functools.cache
def narrowed(d):
    """For each name [5], exact tail masses of the truth and of narrower versions."""
    truth = truth_in(d)
    models = [
        GaussianParams(truth.mean, f * truth.scale) for f in (1, 0.9, 0.8, 0.7, 0)
    ]
    measure = jax.jit(jax.vmap(exact, (None, 0, None)))
    return jax.tree.map(np.asarray, measure(KEY, stack(*models), truth))


@DIMENSIONS
@NAMES
def test_exact_tail_mass_is_what_counting_finds(d, name):
    """For a truth that is not standard; taking it for standard is seen."""
    found = tail_masses(d)
    assert_mean(found["exact", name] - found["model", name], 0)
    difference = found["unwhitened", name] - found["model", name]
    assert detectable(difference) < abs(difference.mean())
    with pytest.raises(AssertionError):
        assert_mean(difference, 0)


@DIMENSIONS
@NAMES
def test_counted_tail_mass_of_the_truth_is_one(d, name):
    assert_tells_apart(tail_masses(d)["truth", name], 1, narrowed(d)[name][1])


@NAMES
def test_exact_tail_mass_has_no_error_in_one_dimension(name):
    law = scipy.stats.norm(6.5, 1.7)  # the model, about a truth of mean 3 and scale 2
    reach = 2 * np.sqrt(scipy.stats.chi2.isf(SHARES[name], 1))
    far, near = law.cdf(3 + reach) - law.cdf(3 - reach)
    expected = (far - near) / (SHARES[name][1] - SHARES[name][0])
    close(tail_masses(1)["exact", name], expected, rtol=RTOL)
    assert tail_masses(2)["exact", name].std() > 0  # there the key matters


@DIMENSIONS
@NAMES
def test_exact_tail_mass_falls_from_one_as_the_model_narrows(d, name):
    """Without sampling error, as all directions are alike."""
    masses = narrowed(d)[name]
    close(masses[0], 1, rtol=1e4 * RTOL)
    assert (np.diff(masses) < 0).all() and masses[-1] == 0


@st.composite
def gaussian_models(draw, d):
    """Any Gaussian, the singular ones included."""
    values = draw(
        st_numpy.arrays(float, (d, d + 1), elements=st.floats(-3, 3, width=16))
    )
    return params_of(values[:, 0], np.tril(values[:, 1:]))


@given(gaussian_models(2))
def test_tail_mass_is_a_share_over_a_share(model):
    """In [0, 1 / share], whatever the model."""
    for name, mass in jax.jit(exact)(KEY, model, gaussian.standard(2)).items():
        assert 0 <= mass <= (1 + RTOL) / (SHARES[name][1] - SHARES[name][0])


# Survival

RARE, CENTRE, SPREAD = 0.02, 8.0, 0.5  # a component beside a standard normal


def rare_mixture(weight):
    """Samples of a mixture, and the posterior of its rare component."""

    def sample(key, params, num):
        which, where = jax.random.split(key)
        rare = jax.random.bernoulli(which, params, (num,))
        z = jax.random.normal(where, (num,))
        return jnp.where(rare, CENTRE + SPREAD * z, z)[:, None]

    def membership(points):
        x = points[:, 0]
        rare = weight * jax.scipy.stats.norm.pdf(x, CENTRE, SPREAD)
        return rare / (rare + (1 - weight) * jax.scipy.stats.norm.pdf(x))

    return sample, membership


def test_survival_of_a_rare_component():
    measure = metrics.survival(*rare_mixture(RARE), RARE, 500)

    def survivals(key):
        return {"kept": measure(key, RARE), "gone": measure(key, 0.0)}

    found = over_seeds(survivals)
    assert_tells_apart(found["kept"], 1, 0.9)
    assert (found["gone"] >= 0).all() and (found["gone"] < 1e-3).all()


# Errors and moments


def kl_divergence(p, q):
    """Of Gaussians, from p to q, in nats."""
    (m, a), (n, b) = (map(np.asarray, x) for x in (p, q))
    solved, shift = np.linalg.solve(b, a), np.linalg.solve(b, m - n)
    log_det = 2 * np.log(abs(np.diag(b) / np.diag(a))).sum()
    return ((solved**2).sum() + shift @ shift - len(m) + log_det) / 2


@DIMENSIONS
def test_test_error_estimates_the_divergence_from_the_truth(d):
    truth, model = truth_in(d), model_in(d)

    def measure(key):
        rows = sample_points(key, truth, 200)
        error = metrics.test_error(log_density, rows, log_density(truth, rows))
        return {"truth": error(key, truth), "model": error(key, model)}

    found = over_seeds(measure)
    close(found["truth"], 0, atol=RTOL)
    reverse = kl_divergence(model, truth)
    assert_tells_apart(found["model"], kl_divergence(truth, model), reverse)


@DIMENSIONS
def test_moment_metrics(d):
    truth, model = truth_in(d), model_in(d)
    bound = metrics.moment_metrics(moments, moments(truth))
    bound["w2_squared"] = metrics.w2_squared(moments, moments(truth))
    bound |= metrics.absolute_errors(moments, moments(truth))
    at_truth = {name: float(metric(KEY, truth)) for name, metric in bound.items()}
    assert at_truth.pop("variance_ratio") == pytest.approx(1, rel=RTOL)
    assert list(at_truth.values()) == pytest.approx([0] * 5, abs=10 * RTOL)
    a, b = (np.asarray(x.scale @ x.scale.T) for x in (truth, model))
    shift = np.asarray(model.mean - truth.mean)
    expected = {
        "variance_ratio": (np.diag(b) / np.diag(a)).mean(),
        "log_det_ratio": np.linalg.slogdet(b)[1] - np.linalg.slogdet(a)[1],
        "mean_error": shift @ shift / np.trace(a),
    }
    expected["absolute_mean_error"] = np.sqrt(expected["mean_error"])
    root = np.sqrt(expected["variance_ratio"])
    expected["absolute_deviation_error"] = abs(root - 1)
    for name, value in expected.items():
        close(bound[name](KEY, model), value, rtol=RTOL)


@DIMENSIONS
def test_entropies(d):
    model = model_in(d)
    exact = metrics.gaussian_entropy(moments)(KEY, model)
    law = scipy.stats.multivariate_normal(model.mean, model.scale @ model.scale.T)
    close(exact, law.entropy(), rtol=RTOL)
    sampled = metrics.sampled_entropy(sample_points, log_density, 200)
    found = over_seeds(lambda key: sampled(key, model))
    assert_tells_apart(found, law.entropy(), law.entropy() + 0.02)


@pytest.mark.parametrize("name", registry.experiments())
def test_every_metric_is_described(name):
    """By a long name and a unit, so that figures and files can name them."""
    experiment = registry.experiment(name)()
    assert experiment.known_metrics()
    for metric in experiment.known_metrics():
        quantity = experiment.quantity(metric)
        assert quantity.long_name and quantity.unit
        assert quantity.better == "reference" or quantity.reference in (0, None)
    assert experiment.quantity("varience") is None


@pytest.mark.parametrize("name", registry.families())
def test_every_metric_is_named_where_data_have_no_attributes(name):
    """Those of the family, and those that a study of it measures."""
    study = registry.experiment("mixing")(model=name)
    for metric in (*study.learner.known_metrics(), *study.known_metrics()):
        found = catalogue.survival_named(metric) or catalogue.mode_named(metric)
        assert found or metric in catalogue.EVERY
        assert catalogue.find(metric).unit
    assert catalogue.find("no_metric") == catalogue.Quantity("no metric", "")
    assert catalogue.find("survival_of_all").unit == ""


def test_a_reference_takes_the_place_of_an_unknown_truth():
    known, fitted = Gaussian(), Gaussian(data="faithful")
    for metric in known.known_metrics():
        assert "truth" not in " ".join(map(str, fitted.quantity(metric)))
    assert known.quantity("test_error").reference == 0
    assert fitted.quantity("test_error").reference is None  # of a whole log-loss
