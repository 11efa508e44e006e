"""Classifiers of quality: the right minimum, the right odds, and nothing from noise."""

import functools
import math

import numpy as np
import pytest
from calibrated import Z, count
from hypothesis import given
from sklearn.linear_model import LogisticRegression, Ridge
from strategies import texts

from collapse.data.errors import DataError
from collapse.data.quality import classifier
from collapse.data.quality.grams import hashed
from collapse.data.worlds import arithmetic
from collapse.numerics import ranking

SIZE = 256


@functools.cache
def corpus(num=1500):
    """Right answers, and answers with a wrong number of digits or form."""
    world, generator = arithmetic(), np.random.default_rng(3)
    good = world.make(generator, num)
    kinds = generator.choice(["form", "length"], num)
    bad = [
        world.spoil(generator, d, str(kind))
        for d, kind in zip(world.make(generator, num), kinds, strict=True)
    ]
    return [[d.prompt + d.response for d in part] for part in (good, bad)]


def null_error(m, r):
    """Standard error of the AUC of scores that know nothing (Mann & Whitney 1947)."""
    return math.sqrt((m + r + 1) / (12 * m * r))


def test_the_gradient_is_that_of_finite_differences():
    features = hashed(["some text", "another", "", "a"], 30, normalised=True)
    signs, generator = np.array([1.0, -1, -1, 1]), np.random.default_rng(0)
    point = generator.normal(size=31)

    def loss(x):
        return classifier.loss_and_gradient(x, features, signs, 0.3)[0]

    gradient = classifier.loss_and_gradient(point, features, signs, 0.3)[1]
    step = 1e-5
    for k in range(31):
        move = step * (np.arange(31) == k)
        slope = (loss(point + move) - loss(point - move)) / (2 * step)
        assert gradient[k] == pytest.approx(slope, rel=1e-6, abs=1e-9)


def test_log_odds_are_those_of_another_library():
    good, bad = (part[:300] for part in corpus())
    own = classifier.fitted(good, bad, SIZE, penalty=1e-3)
    features = hashed([*good, *bad], SIZE, normalised=True)
    peer = LogisticRegression(C=1 / (600 * 1e-3), tol=1e-8, max_iter=5000)
    peer.fit(features, [1] * 300 + [0] * 300)
    scores = own.score([*good, *bad])
    assert scores.std() > 0.5
    np.testing.assert_allclose(scores, peer.decision_function(features), atol=2e-3)


def test_texts_that_do_not_differ_have_the_odds_of_their_numbers():
    found = classifier.fitted(["abc"] * 3, ["abc"], SIZE, penalty=0.01)
    # the fit stops at a gradient of 1e-6, so at weights of 1e-6 / 0.01
    assert found.score(["abc", ""]) == pytest.approx([math.log(3)] * 2, abs=5e-4)


@pytest.mark.parametrize("kind", ["fitted", "graded"])
def test_it_tells_good_texts_and_learns_nothing_from_shuffled_labels(kind):
    good, bad = corpus()
    half = len(good) // 2
    train = [*good[:half], *bad[:half]]
    grades = np.repeat([5.0, 0.0], half)
    shuffled = np.random.default_rng(5).permutation(grades)

    def area(labels):
        if kind == "graded":
            found = classifier.graded(train, labels, SIZE)
        else:
            parts = [[], []]
            for text, label in zip(train, labels, strict=True):
                parts[int(label == 0)].append(text)
            found = classifier.fitted(*parts, SIZE)
        return ranking.auc(found.score(bad[half:]), found.score(good[half:]))

    error = null_error(len(bad) - half, len(good) - half)
    assert abs(area(shuffled) - 0.5) < Z * error
    assert area(grades) - 0.5 > Z * error  # the control: labels that are right
    count()


def test_grades_are_those_of_another_library():
    written = [*corpus()[0][:200], *corpus()[1][:200]]
    grades = np.random.default_rng(1).uniform(0, 5, 400)
    own = classifier.graded(written, grades, SIZE, penalty=1e-3).score(written)
    features = hashed(written, SIZE, normalised=True).toarray()
    peer = Ridge(alpha=400 * 1e-3, solver="svd").fit(features, grades)
    assert own.std() > 0.3
    np.testing.assert_allclose(own, peer.predict(features), rtol=1e-6)


def test_equal_grades_are_learned_as_they_are():
    found = classifier.graded(["abc", "de", ""], [2, 2, 2], SIZE)
    np.testing.assert_allclose(found.score(["abc", "xyz", ""]), 2, rtol=1e-12)


@given(texts(), texts())
def test_any_text_has_a_score_and_the_same_one_again(positive, negative):
    positive, negative = [*positive, "a"], [*negative, ""]
    found, again = (classifier.fitted(positive, negative, SIZE) for _ in range(2))
    scores = found.score([*positive, *negative, "new \udfff"])
    assert scores.shape == (len(positive) + len(negative) + 1,)
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(found.weights, again.weights)
    assert found.score([]).shape == (0,)
    grades = np.arange(len(positive)) % 6
    assert np.isfinite(classifier.graded(positive, grades, SIZE).score(negative)).all()


def test_what_cannot_be_learned_from_is_refused():
    for wrong, field in (
        (lambda: classifier.fitted([], ["a"]), "positive: there is no text"),
        (lambda: classifier.fitted(["a"], []), "negative: there is no text"),
        (lambda: classifier.fitted("a", ["b"]), "positive: a single text"),
        (lambda: classifier.fitted(["a"], ["b"], penalty=0), "penalty: 0"),
        (lambda: classifier.graded(["a"], [1], penalty=math.nan), "penalty: nan"),
        (lambda: classifier.graded(["a"], [1, 2]), "grades: shape"),
        (lambda: classifier.graded([], []), "grades: shape"),
        (lambda: classifier.graded(["a"], [5.5]), "grades: some are not"),
        (lambda: classifier.graded(["a"], [math.nan]), "grades: some are not"),
    ):
        with pytest.raises(DataError, match=field):
            wrong()
