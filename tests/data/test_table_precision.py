"""Rows in float32: centred before they are cast, refused where that is too little."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import collapse
from collapse.data import regression_tables, tables
from collapse.data.errors import DataError
from collapse.data.tables import real_data
from collapse.data.tables.options import Options
from collapse.experiment.toml import from_table
from collapse.lab.run import prepare
from collapse.sims.mixing import FAMILY as MIXING

RNG = np.random.default_rng(7)
TIME = np.column_stack([1.7e9 + RNG.normal(0, 20, 60), RNG.normal(20, 4, 60)])
YEAR = RNG.integers(1990, 2021, 80).astype(float)
PRICE = (YEAR - 2005) / 5 + RNG.normal(size=80)
A, B, C, NOISE = RNG.normal(size=(4, 240))


@pytest.fixture
def saved(tmp_path):
    """Writes rows as a table with names and returns its path."""

    def save(rows, names="a,b,c,d,e"):
        header = ",".join(names.split(",")[: np.shape(rows)[1]])
        path = tmp_path / "t.csv"
        np.savetxt(path, rows, "%.17g", ",", header=header, comments="")
        return str(path)

    return save


def test_rows_are_centred_before_they_are_cast(saved):
    path = saved(TIME)
    exact = tables.load(path)
    data = tables.load(path, precision="float32", shifts=True)
    assert_array_equal(data.centre, exact.train.mean(0))
    for own, whole in ((data.train, exact.train), (data.held_out, exact.held_out)):
        assert own.dtype == np.float64  # nothing is cast yet
        assert_array_equal(own, whole - data.centre)
    lost = abs(data.train - data.train.astype("float32")).max(0) / exact.train.std(0)
    assert lost.max() < 1e-6
    lost = abs(exact.train - exact.train.astype("float32")).max(0)
    assert lost[0] > 10  # seconds, without centring


def test_float64_is_left_alone(saved):
    data = tables.load(saved(TIME), shifts=True)
    order = np.random.default_rng(0).permutation(60)
    assert_array_equal(data.train, TIME[order][15:])
    assert_array_equal(data.centre, 0)


@pytest.mark.parametrize("size", [1e7, 1.7e9])
def test_rows_of_models_that_do_not_shift_are_not_centred(saved, size):
    """An exponential law has its origin at 0: what float32 cannot hold is refused."""
    near, far = (TIME - [1.7e9 - at, 0] for at in (1e3, size))
    data = tables.load(saved(near), precision="float32")
    assert_array_equal(data.train, tables.load(saved(near)).train)
    assert_array_equal(data.centre, 0)
    with pytest.raises(DataError, match="column 'a' needs float64, in float32"):
        tables.load(saved(far), precision="float32")


def test_a_regression_is_in_units_of_its_training_rows(saved):
    """Held-out rows too, else their error would be of another scale."""
    path = saved(np.column_stack([TIME, PRICE[:60]]))
    own = tables.load_regression(path, "c")
    data = regression_tables.table(path, "c", 0)
    assert_allclose(data.train.mean(0), 0, atol=1e-6)
    assert_allclose(data.train[:, :2].std(0), 1)
    centre, scale = own.train.mean(0), own.train.std(0)
    scale[2] = 1  # the target keeps its unit
    assert_allclose(data.held_out, (own.held_out - centre) / scale)


CLUSTERS = np.where(RNG.uniform(size=60) < 0.5, 0, 1e9) + RNG.normal(size=60)
NEEDS = {  # rows, target, what is said
    "large": (
        np.column_stack([A, 1e17 * B]),
        None,
        "column 'b' needs float64, in .* ch",
    ),
    "small": (
        np.column_stack([1e-20 * A, B]),
        None,
        "column 'a' needs float64, in .* ch",
    ),
    "clusters": (
        np.column_stack([CLUSTERS, A[:60]]),
        None,
        "column 'a' needs float64, in float32 its values become equal; drop --prec",
    ),
    "twins": (
        np.column_stack([A, B, A + 1e-3 * C]),
        None,
        "columns 'a' and 'c' need float64: in the training rows they are too close to "
        "collinear for float32; drop --precision float32, or leave out: --drop c$",
    ),
    "powers": (
        np.column_stack([YEAR, YEAR**2, YEAR**3, PRICE]),
        "d",
        "columns 'a', 'b' and 'c' need float64: .*leave out: --drop b c$",
    ),
    "noise": (
        np.column_stack([A, B, A + 2 * B + 1e-5 * NOISE]),
        "c",
        "the target needs float64: in the training rows the other columns predict it",
    ),
    "target": (np.column_stack([A, B * 1e17]), "b", "the target needs float64, in"),
}


@pytest.mark.parametrize("name", NEEDS)
def test_what_float32_cannot_hold_is_refused_by_name(saved, name):
    rows, target, message = NEEDS[name]
    path = saved(rows)

    def load(precision):
        if target is None:
            return tables.load(path, precision=precision, shifts=True)
        return tables.load_regression(path, target, precision=precision)

    load("float64")
    with pytest.raises(DataError, match=message) as caught:
        load("float32")
    assert "\n" not in str(caught.value)


FIRST = {"num_seeds": 1, "num_generations": 1, "workflows": "replace"}
METRICS = ["variance_ratio", "test_error"]


def first_fit(family, path, precision):
    """Metrics of generation 0, which sees all rows, so that no draw matters."""
    own = {"num_components": 1} if family == "gmm" else {}
    own |= {"bandwidth_rule": "std"} if family == "kde" else {}
    own |= FIRST | {"data": path, "metrics": METRICS, "precision": precision}
    run = collapse.run(family, **own)
    return [float(run.dataset[metric][0, 0, 0]) for metric in METRICS]


@pytest.mark.parametrize("family", ["gaussian", "gmm", "kde"])
def test_a_first_fit_to_times_is_the_same_in_both_precisions(saved, family):
    path = saved(TIME)
    exact = first_fit(family, path, "float64")
    assert_allclose(first_fit(family, path, "float32"), exact, rtol=2e-4, atol=2e-4)


def test_a_first_fit_to_times_that_are_cast_as_they_are_is_wrong(saved, monkeypatch):
    path = saved(TIME)
    exact, load = first_fit("gaussian", path, "float64"), real_data._loaded
    monkeypatch.setattr(tables, "load", lambda *given: load(*given[:4], None, True))
    assert not np.allclose(first_fit("gaussian", path, "float32"), exact, rtol=0.1)


@pytest.mark.parametrize("design", ["fixed", "fresh"])
def test_regressors_are_right_as_close_to_collinear_as_they_may_be(saved, design):
    """Of twins at 6e-3, which float32 still takes; at 4e-3 they are refused."""
    y = A + 2 * B - C + NOISE

    def first(precision, apart):
        path = saved(np.column_stack([A, B, A + apart * C, y]))
        own = {"data": path, "target": "d", "design": design, "precision": precision}
        run = collapse.run("linear", **FIRST, **own)
        return float(run.dataset.test_error[0, 0, 0])

    assert_allclose(first("float32", 6e-3), first("float64", 6e-3), rtol=1e-3)
    with pytest.raises(DataError, match="need float64"):
        first("float32", 4e-3)


def test_samples_stand_where_the_rows_do(saved):
    run = collapse.run(
        "gaussian", data=saved(TIME), precision="float32", **FIRST, snapshots=[1]
    )
    samples = run.dataset.samples
    assert samples.dtype == np.float64
    assert abs(samples.mean("row").values.ravel() - TIME.mean(0)).max() < 30
    assert 5 < float(samples.std("row").values.ravel()[0]) < 60


def test_a_study_reads_its_data_as_its_family_does(saved):
    """With its own seed and precision, and the options of the model."""
    path = saved(TIME)
    study = from_table(
        {
            "data": path,
            "columns": ["b"],
            "seed": 3,
            "precision": "float32",
            "samples_per_generation": 20,
        },
        MIXING,
        "test",
    )
    data = prepare(study)[1]
    expected = tables.load(path, 3, Options(columns=("b",)), "float32", True)
    assert_array_equal(data.train, expected.train)
    assert_array_equal(data.centre, expected.centre)
    assert data.columns == ("b",) and data.said == expected.said
