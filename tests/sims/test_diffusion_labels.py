"""Classes of a user's rows: words or numbers, what is refused, spreads of angles."""

import numpy as np
import pytest
from conftest import SEED

from collapse.data.errors import DataError, InputError
from collapse.data.torsions.files import wrapped
from collapse.sims.diffusion import sources
from collapse.sims.diffusion.experiment import Diffusion

RNG = np.random.default_rng(SEED)
A, B = RNG.normal(size=(2, 60))
WORDS = ["cat", "dog"] * 30


def table(tmp_path, kinds, **others):
    """A file with columns kind, a, b and others."""
    columns = {"kind": kinds, "a": A, "b": B, **others}
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(map(str, row)) for row in rows]
    path = tmp_path / "own.csv"
    path.write_text("\n".join([",".join(columns), *lines]) + "\n")
    return str(path)


def loaded(path, **fields):
    experiment = Diffusion(
        data=path, **{"label": "kind", "precision": "float64"} | fields
    ).resolved(45, 3)
    data = experiment.load()
    experiment.check_data(data)
    return data


def test_words_are_classes_by_name_or_number(tmp_path):
    path = table(tmp_path, WORDS)
    data = loaded(path)
    assert data.columns == ("a", "b", "kind") and data.classes == ("cat", "dog")
    is_dog = np.isin(data.train[:, 0], A[1::2])
    assert (data.train[:, 2] == is_dog).all()
    assert (loaded(path, label="1").train == data.train).all()
    assert loaded(table(tmp_path, [3, 7] * 30)).classes == ()
    assert loaded(table(tmp_path, ["none", "-"] * 30)).classes == ("-", "none")


def test_classes_are_not_checked_as_what_is_learned(tmp_path):
    """A rare class may be missing among held-out rows, or equal a column."""
    order = np.random.default_rng(0).permutation(60)  # as seed 0 splits the rows
    rare = np.where(np.isin(np.arange(60), order[-3:]), "dog", "cat")
    single = loaded(table(tmp_path, rare), precision="float32")
    assert set(single.train[:, -1]) == {0, 1} and set(single.held_out[:, -1]) == {0}
    assert abs(single.train[:, :2].mean(0)).max() < 1e-9  # all but classes is centred
    assert single.centre.shape == (2,)
    loaded(table(tmp_path, WORDS, is_dog=[0, 1] * 30))


@pytest.mark.parametrize(
    ("kinds", "others", "fields", "said"),
    [
        (WORDS, {"city": ["Rome", "Bonn"] * 30}, {}, "column 'city': 'Rome' is not a"),
        (WORDS, {"c": ["x", *A[1:]]}, {}, "line 2, column 'c': 'x' is not a number"),
        (["cat"] * 60, {}, {}, "label: kind has one class in the training rows"),
        (["cat"] * 59 + ["?"], {}, {}, "column 'kind' is missing"),
        ([f"w{i}" for i in range(60)], {}, {}, "label: class w"),
        ([*[1, 2] * 29, "none", "#N/A"], {}, {}, "column 'kind' is missing"),
        ([*WORDS[:59], "#N/A"], {}, {}, "column 'kind' is missing"),
        (["-", *WORDS[1:]], {"c": ["cm", *A[1:]]}, {}, "line 2, column 'c': 'cm'"),
        (WORDS, {}, {"drop": ("kind",)}, "label: 'kind' is dropped; keep it"),
        (WORDS, {}, {"drop": ("1",), "label": "1"}, "label: '1' is dropped; keep it"),
        (WORDS, {}, {"drop": ("a", "b")}, "no column is left to learn beside the clas"),
        (WORDS, {}, {"label": "sort"}, "label: unknown 'sort'"),
    ],
)
def test_refused(tmp_path, kinds, others, fields, said):
    with pytest.raises((DataError, InputError)) as refused:
        loaded(table(tmp_path, kinds, **others), **fields)
    assert said in str(refused.value)


def test_the_spread_of_angles_does_not_depend_on_where_a_turn_begins():
    label = np.arange(400) % 2
    angles = wrapped(0.3 * RNG.normal(size=(400, 2)) + 2 * label[:, None])
    centres, variances = sources._spread(angles, label, "torus")
    turned = wrapped(angles + np.pi - 0.1)  # the first class crosses the end
    moved, same = sources._spread(turned, label, "torus")
    np.testing.assert_allclose(same, variances)
    np.testing.assert_allclose(wrapped(moved - centres - np.pi + 0.1), 0, atol=1e-9)
    assert sources._spread(turned, label, "euclidean")[1][0] > 5 * variances[0]
