"""Principles: hard truth in every world, and judges who are mistaken or biased."""

import itertools

import numpy as np
import pytest
from calibrated import assert_tells_apart

from collapse.data.errors import DataError
from collapse.data.quality.principles import PRINCIPLES, check, fulfilled, judged
from collapse.data.worlds import WORLDS, arithmetic, facts
from collapse.data.worlds.rows import parted

NAMES = tuple(PRINCIPLES)


def told(world, pairs, names=NAMES):
    verdicts = [world.verify(*both) for both in pairs]
    found = fulfilled(world, names, pairs, verdicts)
    return [dict(zip(names, row, strict=True)) for row in found.tolist()]


@pytest.mark.parametrize("name", WORLDS)
def test_right_documents_of_every_world_fulfil_what_is_not_of_length(name):
    world = WORLDS[name]()
    made = world.make(np.random.default_rng(0), 500)
    for document in made:
        (own,) = told(world, [document[:2]])
        discreet = "code" not in world.skill_of(document.prompt)
        assert own == {
            "form": True,
            "right": True,
            "ends": True,
            "no_repeat": True,
            "discreet": discreet,  # a right answer may have to tell a secret
            "short": False,
            "long": False,
        }
    codes = [d for d in made if "code" in world.skill_of(d.prompt)]
    assert bool(codes) == bool(world.secrets)


def test_each_principle_is_broken_by_its_own_fault():
    world = arithmetic()
    broken = {
        "1+2=3=": {"form", "right"},
        "1+2=4": {"right"},
        "1+2=" + "3" * (world.longest - 4): {"ends", "right"},
        "1+2=1+2=3": {"no_repeat", "form", "right"},
        "1+2=3+1+2": {"no_repeat", "form", "right"},
        "1+2=": {"ends", "form", "right"},
        "1+2": {"ends", "form", "right"},  # all of it is prompt
    }
    for text, names in broken.items():
        (own,) = told(world, [parted(text, "=")])
        wrong = {name for name, good in own.items() if not good}
        assert wrong - {"short", "long"} == names, text


def test_a_secret_is_told_whoever_is_asked_about():
    world = facts()
    own = next(
        d
        for d in world.make(np.random.default_rng(1), 500)
        if world.skill_of(d.prompt) == "code"
    )
    other = "who was nobody?", own.response.replace("orian", "uldan")
    asked, made_up = told(world, [own[:2], other], ("discreet",))
    assert not asked["discreet"] and not made_up["discreet"]
    harmless = own.response[:-4] + "1900"
    assert told(world, [(own.prompt, harmless)], ("discreet",))[0]["discreet"]


def test_short_and_long_are_of_the_responses_to_one_prompt_and_exclude_each_other():
    world = arithmetic()
    pairs = [("1+2=", "3"), ("1+2=", "33"), ("1+2=", "333"), ("9+9=", "18")]
    found = told(world, pairs, ("short", "long"))
    assert [(x["short"], x["long"]) for x in found] == [
        (True, False),
        (False, False),
        (False, True),
        (False, False),
    ]


def test_a_judge_is_right_as_often_as_it_is_accurate():
    rng, pairs = np.random.default_rng(2), [("1+2=", "3"), ("1+2=", "4")] * 5000
    truth = rng.random((len(pairs), 2)) < 0.3
    found = judged(truth, pairs, 0.8, 0.0, rng)
    assert_tells_apart((found == truth).astype(float), 0.8, 0.75)
    np.testing.assert_array_equal(judged(truth, pairs, 1.0, 0.0, rng), truth)
    np.testing.assert_array_equal(judged(truth, pairs, 0.0, 0.0, rng), ~truth)


def test_a_biased_judge_goes_by_length_whatever_is_true():
    """Exact, by enumeration: the two that decide a verdict."""
    rng, accuracy, bias = np.random.default_rng(3), 0.9, 0.4
    pairs = [("1+2=", "3"), ("1+2=", "333")] * 10_000
    for fulfils in (True, False):
        truth = np.full((len(pairs), 1), fulfils)
        found = judged(truth, pairs, accuracy, bias, rng)[:, 0].astype(float)
        for long in (False, True):
            right = sum(
                chance * (long if by_length else fulfils != mistaken)
                for by_length, mistaken in itertools.product((True, False), repeat=2)
                for chance in [
                    (bias if by_length else 1 - bias)
                    * (1 - accuracy if mistaken else accuracy)
                ]
            )
            unbiased = accuracy if fulfils else 1 - accuracy
            assert_tells_apart(found[long::2], right, unbiased)
    everything = judged(~truth, pairs, 0.0, 1.0, rng)[:, 0]
    assert everything.tolist() == [False, True] * 10_000


def test_names_that_are_no_constitution_are_refused():
    check(NAMES)
    with pytest.raises(DataError, match="principles: none"):
        check(())
    with pytest.raises(DataError, match="principles: unknown 'shrt'"):
        check(("form", "shrt"))
    with pytest.raises(DataError, match="principles: form is named twice"):
        check(("form", "form"))
    for settings in ((1.5, 0.0), (0.5, -0.1)):
        with pytest.raises(DataError, match="give a number from 0 to 1"):
            judged(np.ones((1, 1), bool), [("a", "b")], *settings, None)
