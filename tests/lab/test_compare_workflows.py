"""`collapse.compare`: workflows as texts and as objects, and what is none."""

import jax.numpy as jnp
import numpy as np
import pytest
from compare_cases import compared
from lab_cases import as_a_user_runs_it  # noqa: F401

import collapse
from collapse import Selection, Workflow, workflows
from collapse.data.errors import InputError

pytestmark = [
    pytest.mark.x64,
    pytest.mark.xdist_group("compare"),
    pytest.mark.usefixtures("as_a_user_runs_it"),
]


def test_workflow_objects_are_those_of_their_names():
    made = {
        "mine": workflows.window(2),
        "all": workflows.accumulate,
        "text": "mix 0.5 fresh",
    }
    own = compared(workflows=made)
    named = compared(workflows=["window 2", "accumulate", "mix 0.5 fresh"])
    assert list(own.workflow.values) == ["mine", "all", "text"]
    np.testing.assert_array_equal(own.mean_error, named.mean_error)
    assert collapse.draw(own, metrics="mean_error").axes


def weighing(weights):
    def weigh(key, origin, generation):
        return Selection(weights(origin))

    return Workflow(2, lambda generation: jnp.minimum(generation, 1), weigh)


def replace_in(slot, weights=lambda origin: jnp.ones(origin.size)):
    return Workflow(1, slot, lambda key, origin, t: Selection(weights(origin)))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (workflows.replace(), 'a Workflow has no name; name it: {"forget": ...}'),
        ([workflows.replace()], "a Workflow has no name"),
        (workflows.replace, "a function has no name"),
        ({}, "empty or repeated"),
        ({"a": 3}, "a: an int; give a text such as 'window 5'"),
        ({"a": lambda num: 3}, "a: an int; give a text"),
        (
            {"a": lambda num: workflows.window(0)},
            "a: ValueError: window must be at lea",
        ),
        ({"a": "windo 5"}, "unknown 'windo 5'; known are"),
        ([3], "3; give a text such as 'window 5'"),
        ({"a": workflows.accumulate(2)}, "a: made for 2 generations, but num_generati"),
        ({"a": workflows.accumulate_sums()}, "a: adds rows up, which only those of th"),
        (
            {"a": weighing(lambda origin: jnp.ones(origin.size))},
            "a: weigh gives an empty position (origin -1) the weight 1 in generation",
        ),
        (
            {"a": weighing(lambda origin: jnp.where(origin < 0, 0, 1))},
            "a: weigh gives weights [2, 20] for [40] positions",
        ),
        (
            {"a": weighing(lambda origin: -1.0 * (origin >= 0).reshape(-1))},
            "a: weigh gives the weight -1 in generation 0; give finite weights, 0 or m",
        ),
        (
            {"a": weighing(lambda origin: jnp.zeros(origin.size))},
            "a: weigh gives all rows weight 0 in generation 0; give some of them more",
        ),
        (
            {"a": replace_in(lambda t: 0, lambda origin: (origin == 0).reshape(-1))},
            "a: weigh gives all rows weight 0 in generation 1; give some of them more",
        ),
        (
            {"a": replace_in(lambda generation: generation)},
            "a: slot gives 1 in generation 1, of 1 slots counted from 0; make more",
        ),
        (
            {"a": weighing(lambda origin: 1 / 0)},
            "a: weigh: ZeroDivisionError: division",
        ),
        (
            {"a": Workflow(1, lambda t: t, lambda *_: jnp.ones(20))},
            "a: weigh gives an array; return a collapse.Selection",
        ),
    ],
)
def test_what_is_no_workflow_is_refused(asked, said):
    with pytest.raises(InputError) as caught:
        compared(workflows=asked)
    assert str(caught.value).startswith(f"workflows: {said}")
