"""Components of metrics: nothing in noise, a planted factor, and what is refused."""

import numpy as np
import pytest
from calibrated import Z, assert_cdf, assert_mean, assert_tells_apart, count
from conftest import SEED
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import LeaveOneGroupOut, LeaveOneOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from collapse.data.errors import DataError
from collapse.measures import components as measured
from collapse.theory import principal

PERMUTATIONS = 99
LOADING, SLOPE = 0.8, 0.9  # correlations with the factor: of a metric, of the outcome


def noise(key, num, rows, p):
    rng = np.random.default_rng([SEED, key])
    return rng.normal(size=(num, rows, p)), rng.normal(size=(num, rows))


def planted(key, num, rows, p, outcome=SLOPE):
    """Metrics and an outcome of one factor, each with noise of its own."""
    own, other = noise(key, num, rows, p)
    factor = np.random.default_rng([SEED, key, 1]).normal(size=(num, rows))
    x = LOADING * factor[..., None] + np.sqrt(1 - LOADING**2) * own
    return x, outcome * factor + np.sqrt(1 - outcome**2) * other


def smooth(p_values, key):
    """Uniform in [0, 1] if p-values are on their steps; they hold each step whole."""
    rng = np.random.default_rng([SEED, key, 2])
    return np.asarray(p_values) - rng.random(len(p_values)) / (PERMUTATIONS + 1)


def uniform(x):
    return np.clip(x, 0, 1)


@pytest.fixture(scope="module")
def of_noise():
    tables, outcomes = noise(91, 1000, 18, 9)
    some = {"permutations": PERMUTATIONS}
    parts = [measured.components(x, 5, **some, seed=s) for s, x in enumerate(tables)]
    fits = [
        measured.regression(x, y, 5, **some, seed=s)
        for s, (x, y) in enumerate(zip(tables, outcomes, strict=True))
    ]
    return outcomes, parts, fits


def test_p_values_of_noise_are_uniform(of_noise):
    _, parts, fits = of_noise
    columns = {
        "share": [one.p_value for one in parts],
        "r2": [one.p_value for one in fits],
        "r2_out": [one.p_value_out for one in fits],
    }
    for key, (name, found) in enumerate(columns.items()):
        assert_cdf(smooth(found, key), uniform)
        assert_mean(found, (1 + 1 / (PERMUTATIONS + 1)) / 2)
        assert min(found) >= 1 / (PERMUTATIONS + 1), name
        with pytest.raises(AssertionError):  # a p-value that is a fifth too small
            assert_cdf(0.8 * smooth(found, key), uniform)


def test_noise_is_above_the_high_quantile_of_its_null_once_in_twenty(of_noise):
    """The quantile is between the numbers 94 and 95 of 99: 6 or 5 of 100 are above."""
    _, parts, fits = of_noise
    for above in (
        [one.share > one.null_high for one in parts],
        [one.r2 > one.null_high for one in fits],
        [one.r2_out > one.null_high_out for one in fits],
    ):
        reach = Z * np.sqrt(0.06 * 0.94 / len(above))
        assert 0.05 - reach < np.mean(above) < 0.06 + reach < 0.15
        count()


def test_what_noise_holds_is_what_theory_says(of_noise):
    _, parts, _ = of_noise
    expected = principal.noise_share(5, 9, 18, draws=60_000)
    assert_tells_apart([one.share for one in parts], expected.mean, 5 / 9)
    # each table's own null has the same mean, as its columns are normal
    assert_tells_apart([one.null_mean for one in parts], expected.mean, 5 / 9)


def test_noise_seems_to_be_predicted_in_sample_alone(of_noise):
    outcomes, _, fits = of_noise
    r2, out, null, null_out = np.array(
        [(one.r2, one.r2_out, one.null_mean, one.null_mean_out) for one in fits]
    ).T
    assert_tells_apart(r2, principal.noise_r2(5, 18), 0)
    assert_mean(null, principal.noise_r2(5, 18))
    assert out.mean() < -Z * out.std() / np.sqrt(1000)
    count()
    assert null_out.mean() < -0.2
    assert_mean(out - null_out, 0)


def test_regressions_on_all_components_predict_as_those_on_the_metrics():
    """Their expected squared errors are exact."""
    rows, k = 15, 3
    tables, outcomes = noise(92, 800, rows, k)
    base = ((outcomes - outcomes.mean(1, keepdims=True)) ** 2).sum(1)  # as B y, but
    ratio = []  # for a factor
    for x, y in zip(tables, outcomes, strict=True):
        ratio.append(1 - measured.regression(x, y, k, permutations=1).r2_out)
    right = 1 - principal.out_of_sample_r2(0, k, rows - 1)
    draws = (np.array(ratio) - right) * base
    assert_tells_apart(draws, 0, (1 - right) * (rows - 1))  # as if it cost nothing


def test_a_planted_factor_is_found():
    tables, outcomes = planted(93, 200, 40, 6)
    parts = [measured.components(x, 1, PERMUTATIONS) for x in tables]
    assert all(one.p_value == 1 / (PERMUTATIONS + 1) for one in parts)
    variance = (1 + 5 * LOADING**2) / 6
    assert abs(np.mean([one.share for one in parts]) - variance) < 0.02
    assert np.mean([one.null_high for one in parts]) < 0.4 < variance
    for one in parts[:5]:
        assert (abs(one.loadings - 1 / np.sqrt(6)) < 0.15).all()
    fits = [
        measured.regression(x, y, 1, permutations=PERMUTATIONS)
        for x, y in zip(tables, outcomes, strict=True)
    ]
    assert max(one.p_value_out for one in fits) == 1 / (PERMUTATIONS + 1)


@pytest.mark.parametrize("folds", [None, 5])
def test_r2_of_a_planted_factor_is_near_its_true_value(folds):
    """That of the mean of all metrics, to which the first component tends."""
    rows, p = 100, 6
    tables, outcomes = planted(94, 100, rows, p)
    of_score = p * LOADING**2 / (1 + (p - 1) * LOADING**2)
    true = SLOPE**2 * of_score
    out, inside = np.array(
        [
            measured.regression(x, y, 1, folds, repeats=2, permutations=1)[4::-4]
            for x, y in zip(tables, outcomes, strict=True)
        ]
    ).T
    fitted = rows - 1 if folds is None else rows * 4 // 5
    right = principal.out_of_sample_r2(true, 1, fitted)
    assert_tells_apart(out, right, SLOPE**2)  # as if the factor itself were known
    assert inside.mean() > out.mean()


def test_a_true_factor_that_the_outcome_does_not_know_predicts_nothing():
    tables, outcomes = planted(95, 400, 18, 9, outcome=0.0)
    parts = [measured.components(x, 5, PERMUTATIONS) for x in tables]
    assert np.mean([one.share for one in parts]) > 0.89  # much variance
    fits = [
        measured.regression(x, y, 5, permutations=PERMUTATIONS)
        for x, y in zip(tables, outcomes, strict=True)
    ]
    assert_cdf(smooth([one.p_value_out for one in fits], 95), uniform)
    out = np.array([one.r2_out for one in fits])
    assert out.mean() < -Z * out.std() / np.sqrt(400)
    count()


def test_components_are_fitted_inside_the_folds():
    """Those of all rows give the row that is left out too large a score."""
    tables, outcomes = noise(96, 300, 12, 9)
    right, wrong = [], []
    for x, y in zip(tables, outcomes, strict=True):
        right.append(measured.regression(x, y, 4, permutations=1).r2_out)
        scores = measured.components(x, 4, 1).scores
        wrong.append(measured.regression(scores, y, 4, permutations=1).r2_out)
    gap = np.array(right) - np.array(wrong)
    assert gap.mean() > Z * gap.std() / np.sqrt(300)
    count()


def pipeline(k):
    return make_pipeline(StandardScaler(), PCA(k), LinearRegression())


def of_mean(y, splits):
    return sum(((y[out] - y[own].mean()) ** 2).sum() for own, out in splits)


@pytest.mark.parametrize("grouped", [False, True])
def test_predictions_are_those_of_a_library(grouped):
    (x,), (y,) = planted(97, 1, 18, 7)
    x, y = 3 + x * np.arange(1, 8) ** 4, 100 - 5 * y
    labels = np.arange(18) // 3 if grouped else np.arange(18)
    found = measured.regression(x, y, 3, labels if grouped else None)
    if grouped:
        splits = list(LeaveOneGroupOut().split(x, y, labels))
    else:
        splits = list(LeaveOneOut().split(x))
    predicted = cross_val_predict(pipeline(3), x, y, cv=splits)
    known = 1 - ((y - predicted) ** 2).sum() / of_mean(y, splits)
    assert found.r2_out == pytest.approx(known, rel=1e-9)
    assert found.r2 == pytest.approx(pipeline(3).fit(x, y).score(x, y), rel=1e-9)
    parts = measured.components(x, 3)
    fit = PCA().fit(StandardScaler().fit_transform(x))
    np.testing.assert_allclose(parts.variances, fit.explained_variance_ratio_)
    np.testing.assert_allclose(abs(parts.loadings.T), abs(fit.components_[:3]))
    standard = (x - x.mean(0)) / x.std(0, ddof=1)
    np.testing.assert_allclose(parts.scores, standard @ parts.loadings, atol=1e-12)
    assert (parts.loadings[abs(parts.loadings).argmax(0), range(3)] > 0).all()


def test_random_folds_are_made_anew_and_cover_every_row():
    rng = np.random.default_rng(0)
    found = np.array(list(measured._folds(4, 10, 3, rng)))
    assert found.shape == (12, 10)
    np.testing.assert_array_equal(found.reshape(3, 4, 10).sum(1), 1)
    assert sorted(found.sum(1)) == [2] * 6 + [3] * 6
    assert not (found[:4] == found[4:8]).all()
    (x,), (y,) = planted(98, 1, 20, 4)
    one = measured.regression(x, y, 2, 20, repeats=3)
    assert one.r2_out == pytest.approx(measured.regression(x, y, 2).r2_out)


def test_units_and_signs_of_metrics_are_of_no_account():
    (x,), (y,) = planted(99, 1, 14, 5)
    turned = (7 + x) * [1, -1, 1e150, 1e-150, 3]
    for of in (measured.components, lambda x, k: measured.regression(x, y, k)):
        first, second = of(x, 2), of(turned, 2)
        for name in first._fields:
            if name not in ("loadings", "scores"):
                np.testing.assert_allclose(getattr(first, name), getattr(second, name))


def test_all_components_hold_all_and_are_no_surprise():
    (x,), (y,) = noise(100, 1, 6, 9)
    found = measured.components(x, 5)
    assert found.share == pytest.approx(1) and found.p_value == 1
    assert len(found.variances) == 5 and found.variances.sum() == pytest.approx(1)
    assert measured.components(x[:, :1], 1).p_value == 1


def test_a_column_that_is_constant_in_a_fold_is_left_out_there():
    (x,), (y,) = noise(101, 1, 12, 3)
    x[:, 2] = 0
    x[4, 2] = 1.0
    found = measured.regression(x, y, 3)
    assert np.isfinite(found).all()
    error, base = 0.0, 0.0
    for row in range(12):
        own = np.arange(12) != row
        some = x[:, :2] if row == 4 else x
        fit = LinearRegression().fit(some[own], y[own])
        error += (y[row] - fit.predict(some[[row]])[0]) ** 2
        base += (y[row] - y[own].mean()) ** 2
    assert found.r2_out == pytest.approx(1 - error / base)


X = np.random.default_rng(3).normal(size=(9, 4))


def with_entry(value):
    found = X.copy()
    found[2, 1] = value
    return found


def with_column(values):
    found = X.copy()
    found[:, 3] = values
    return found


@pytest.mark.parametrize(
    ("table", "k", "line"),
    [
        (X[:2], 1, r"table: shape \(2, 4\); give 3 rows at least"),
        (X[0], 1, r"table: shape \(4,\); give 3 rows"),
        (X[:, :0], 1, r"table: shape \(9, 0\); give 3 rows"),
        (with_entry(np.nan), 1, "table: column 1 is not finite in row 2"),
        (with_entry(np.inf), 1, "table: column 1 is not finite in row 2"),
        (with_column(0.1), 1, "table: column 3 is constant; leave it out"),
        (with_column(1e9 + 1e-6 * X[:, 0]), 1, "table: column 3 is constant"),
        (X, 0, "k: 0; give 1 to 4, rows - 1 or columns at most"),
        (X, 5, "k: 5; give 1 to 4"),
        (X[:4], 4, "k: 4; give 1 to 3"),
        (with_column(X[:, 0]), 4, "k: 4; columns depend on each other, the table has "),
    ],
)
def test_tables_without_such_components_are_refused_in_one_line(table, k, line):
    y = np.arange(1.0, 1 + len(table)) ** 2
    for call in (
        lambda: measured.components(table, k),
        lambda: measured.regression(table, y, k),
    ):
        with pytest.raises(DataError, match=f"^{line}") as found:
            call()
        assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"outcome": np.ones(9)}, "outcome: give 9 finite numbers that are not all eq"),
        ({"outcome": np.arange(8.0)}, "outcome: give 9 finite numbers"),
        ({"outcome": np.full(9, np.nan)}, "outcome: give 9 finite numbers"),
        ({"folds": 1}, "folds: 1, 20 times; give 2 to 9, at least once"),
        ({"folds": 10}, "folds: 10, 20 times; give 2 to 9"),
        ({"folds": 3, "repeats": 0}, "folds: 3, 0 times; give 2 to 9, at least once"),
        ({"folds": np.zeros(9)}, "folds: give 9 labels, two different ones at least"),
        ({"folds": np.arange(8)}, "folds: give 9 labels"),
        ({"folds": 2}, "folds: one leaves 4 rows to fit 3 components; leave 5 at lea"),
        ({"permutations": 0}, "permutations: 0; give 1 at least"),
    ],
)
def test_outcomes_and_folds_that_cannot_be_fitted_are_refused(change, line):
    good = {"table": X, "outcome": np.arange(9.0), "k": 3}
    measured.regression(**good)
    with pytest.raises(DataError, match=f"^{line}") as found:
        measured.regression(**{**good, **change})
    assert "\n" not in str(found.value)
