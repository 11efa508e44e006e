"""The best answer to each prompt by a constitution, against exact laws of it."""

import itertools

import numpy as np
import pytest
from calibrated import assert_tells_apart

from collapse.data.worlds import arithmetic
from collapse.data.worlds.rows import tokens_of, world_rows
from collapse.experiment.text.documents import read as read_row
from collapse.sims.worlds import Worlds
from collapse.sims.worlds.judges import corpus_judgement, judge_of, told
from collapse.sims.worlds.operators import read
from collapse.theory import best_of

WORLD = arithmetic()
LONGER = arithmetic(largest=3)
PROMPTS = [f"{a}+{b}=" for a in range(40, 100) for b in range(10, 50)]
RIGHT, WRONG, BAD = 0.3, 0.5, 0.2  # shares of answers: the last has not their form
SEED = 4


def rows_of(world, texts):
    data = world_rows(world, world.longest, 100, 20)
    return data._replace(train=tokens_of(texts, world.longest, data.vocabulary))


def answers(candidates, seed, prompts=PROMPTS):
    """Right, wrong and malformed answers of one length to each prompt, drawn."""
    kinds = np.random.default_rng(seed).choice(
        3, (len(prompts), candidates), p=(RIGHT, WRONG, BAD)
    )
    said = []
    for prompt, own in zip(prompts, kinds, strict=True):
        a, b = map(int, prompt[:-1].split("+"))
        right = f"{a + b}"
        wrong = f"{a + b + (1 if a + b != 99 else -1)}"
        said += [prompt + (right, wrong, "+" * len(right))[kind] for kind in own]
    return kinds, rows_of(WORLD, said)


def judged(data, operator="constitution", **fields):
    e = Worlds(operator=(operator,), seed=SEED, **fields)
    found = corpus_judgement(judge_of(read(operator), data, e), data, SEED)
    return found, told(found, [read_row(data, row) for row in data.train])


@pytest.mark.parametrize(("accuracy", "candidates"), [(0.8, 4), (0.7, 3)])
def test_what_is_kept_has_the_exact_law_of_the_best_of_n(accuracy, candidates):
    """Every verdict of a judge is a part of the state whose law is known."""
    kinds, data = answers(candidates, SEED)
    own = {"candidates": candidates, "principles": ("form", "right")}
    found, numbers = judged(data, judge_accuracy=accuracy, **own)
    truth = np.array([(1, 1), (1, 0), (0, 0)])  # of each kind: form, right
    states = list(itertools.product(range(3), (0, 1), (0, 1)))
    shares = [
        (RIGHT, WRONG, BAD)[kind]
        * np.prod(np.where(truth[kind] == seen, accuracy, 1 - accuracy))
        for kind, *seen in states
    ]
    law = best_of.law(shares, [sum(seen) for _, *seen in states], candidates)
    share = {"judge": [np.mean(seen) for _, *seen in states]}
    share["truth"] = [truth[kind].mean() for kind, *_ in states]
    kept = found.kept.reshape(kinds.shape)
    assert (kept.sum(1) == 1).all()
    rewards = found.opinion.rewards
    for name, values in (("judge", rewards.judge), ("truth", rewards.truth)):
        drawn = values.reshape(kinds.shape)[kept]
        before = np.dot(shares, share[name])
        assert_tells_apart(drawn, law @ np.array(share[name]), before)
    assert numbers["judge_reward"] == pytest.approx(rewards.judge[found.kept].mean())
    assert numbers["true_reward"] == pytest.approx(rewards.truth[found.kept].mean())
    # the judge thinks better of what it chose than it is: over-optimisation
    assert numbers["judge_reward"] > numbers["true_reward"] + 0.02
    unerring = judged(data, **own)[1]
    assert unerring["judge_reward"] == unerring["true_reward"] > numbers["true_reward"]


def test_one_principle_is_a_judge_of_right_answers():
    kinds, data = answers(3, SEED + 1)
    own = {"candidates": 3, "principles": ("right",), "judge_accuracy": 0.75}
    kept = judged(data, **own)[0].kept.reshape(kinds.shape)
    right = (kinds[kept] == 0).astype(float)
    assert_tells_apart(right, best_of.chosen_right(RIGHT, 0.75, 3), RIGHT)


# the right answer to each prompt, which has the median length, a short and a long one
OF_THREE_LENGTHS = [
    f"{k}+1={said}" for k in range(101, 999) for said in (k + 1, 1, k * 100)
]


@pytest.mark.parametrize(
    ("principles", "share"),
    [
        (("right",), 1),
        (("right", "short"), 1 / 2),  # a wrong answer is as good
        (("right", "short", "long"), 1 / 3),  # two principles in conflict: all are
        (("short", "long", "form"), 0),
    ],
)
def test_principles_in_conflict_are_noise(principles, share):
    """The right one of three answers is of the median length."""
    data = rows_of(LONGER, OF_THREE_LENGTHS)
    kept = judged(data, candidates=3, principles=principles)[0].kept.reshape(-1, 3)
    assert (kept.sum(1) == 1).all()
    right = kept[:, 0].astype(float)
    if share in (0, 1):
        assert (right == share).all()
    else:
        assert_tells_apart(right, share, 1.5 * share if share < 0.5 else 1 / 3)


def test_a_judge_who_likes_long_answers_is_optimised_away_from_the_truth():
    data = rows_of(LONGER, OF_THREE_LENGTHS)
    own = {"candidates": 3, "principles": ("form", "right")}
    found = [judged(data, judge_bias=b, **own)[1] for b in (0.0, 0.5, 1.0)]
    told = [(x["judge_reward"], x["true_reward"]) for x in found]
    assert told[0] == (1, 1) and told[2] == (1, 0.5)  # the longest has the form alone
    assert told[0][1] > told[1][1] > told[2][1]
    assert told[1][0] > told[1][1]


def test_controls_keep_as_many_and_other_operators_have_no_rewards():
    kinds, data = answers(4, SEED + 2, PROMPTS[:300])
    own, control, oracle = (
        judged(data, f"constitution{used}", candidates=4)
        for used in ("", " random", " oracle")
    )
    assert own[0].kept.sum() == control[0].kept.sum() == oracle[0].kept.sum()
    assert control[1]["true_reward"] < own[1]["true_reward"]
    best = (kinds == 0).any(1)
    kept = oracle[0].kept.reshape(kinds.shape)
    assert ((kinds[kept] == 0) == best).all()
    assert own[1]["judge_calls"] == 3 * 4 and own[1]["documents_per_kept"] == 4
    assert control[1]["judge_calls"] == 0 and oracle[1]["judge_calls"] == 4
    other = judged(data, "best_of", candidates=4)[1]
    assert np.isnan([other["judge_reward"], other["true_reward"]]).all()
    assert other["judge_calls"] == 4


def test_metrics_of_a_constitution_are_those_of_runs_that_have_one():
    plain = Worlds(operator=("none", "rules")).possible()
    assert "judge_calls" in plain and "judge_reward" not in plain
    fields = {"operator": ("none", "constitution random"), "candidates": 4}
    assert {"judge_reward", "true_reward"} < {*Worlds(**fields).possible()}
    assert "judge_calls" not in Worlds().possible()
