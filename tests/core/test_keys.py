"""Keys of a run: every purpose has one of its own in every generation.

What a function is handed is written down as the loop runs, uncompiled, and compared
with keys that `jax.random` derives from numbers written out here.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from collapse.core import loop, streams, workflows
from collapse.core.types import Curator, Model, Problem
from collapse.numerics import draws

N, G = 4, 3
NUMBERS = {  # the numbers of purposes are part of every published result
    "DATA": 0,
    "INIT": 1,
    "FIT": 2,
    "SAMPLE": 3,
    "WEIGH": 4,
    "MEASURE": 5,
    "CURATE": 9,
    "CORRECT": 10,
}


def words(key):
    return tuple(np.asarray(jax.random.key_data(key)).tolist())


def stream(root, generation, purpose):
    """The key that a purpose has in a generation."""
    return jax.random.fold_in(jax.random.fold_in(root, generation), NUMBERS[purpose])


def key_of(root, generation, purpose):
    return words(stream(root, generation, purpose))


def listening(workflow, told):
    """A problem, workflow and curator that write down (purpose, words of their key)."""

    def tell(purpose, key):
        if not isinstance(key, jax.core.Tracer):  # else asked for shapes alone
            told.append((purpose, words(key)))

    def draw(key, num):
        tell("DATA", key)
        return jnp.zeros(num)

    def init(key, batch, weights):
        tell("INIT", key)
        return jnp.zeros(())

    def fit(key, params, batch, weights):
        tell("FIT", key)
        return params, {}

    def sample(key, params, num):
        tell("SAMPLE", key)
        return jnp.zeros(num)

    def measure(key, params):
        tell("MEASURE", key)
        return params

    def curate(key, batch, reference):
        tell("CURATE", key)
        return jnp.ones(len(batch))

    def correct(key, batch, reference):
        tell("CORRECT", key)
        return batch

    def weigh(key, origin, generation):
        tell("WEIGH", key)
        return workflow.weigh(key, origin, generation)

    problem = Problem(draw, Model(init, fit, sample), {"m": measure}, one_by_one=True)
    return problem, workflow._replace(weigh=weigh), Curator(1, curate, correct)


def told_by(root, workflow):
    """For each generation the pairs that were told, each once."""
    told, found = [], []
    problem, own, curator = listening(workflow, told)
    args = (root, problem, own, N)
    state = loop.init(*args, curator=curator)
    with jax.disable_jit():
        for _ in range(G + 1):
            told.clear()
            state, _trace = loop.step(*args, state, curator=curator)
            found.append(set(told))
    return found


def test_every_purpose_has_a_key_of_its_own_in_every_generation(root):
    """Under a workflow that draws real rows and generates others each time."""
    found = told_by(root, workflows.mix(0.5))
    for t, told in enumerate(found):
        purposes = NUMBERS.keys() - ({"INIT"} if t else set())
        assert told == {(name, key_of(root, t, name)) for name in purposes}, t
    every = [key for told in found for _, key in told]
    assert len(set(every)) == len(every) == 8 + 7 * G


def test_every_slot_has_a_key_of_its_own(root):
    """Where a generation fills several; each is that of its purpose and its number."""
    found = told_by(root, workflows.replace_multiple(G))
    for t, told in enumerate(found[1:], 1):
        slots = {
            (name, words(jax.random.fold_in(stream(root, t, name), i)))
            for name in ("SAMPLE", "CURATE", "CORRECT")
            for i in range(t + 1)
        }
        rest = {(name, key_of(root, t, name)) for name in ("WEIGH", "FIT", "MEASURE")}
        assert told == slots | rest, t


@pytest.mark.parametrize("curated", [False, True])
def test_a_budget_is_drawn_from_all_rows_so_far_by_the_key_of_its_generation(
    root, curated
):
    """Rows are numbers: that of their slot times N, and of their place in it."""

    def numbered(slot):
        return slot * N + jnp.arange(N, dtype=jnp.int32)

    model = Model(
        init=lambda key, batch, weights: jnp.int32(0),
        fit=lambda key, params, batch, weights: (params + 1, {"rows": batch}),
        sample=lambda key, params, num: numbered(params),
    )
    problem = Problem(lambda key, num: numbered(0), model, {})
    seat = {"curator": Curator(1, lambda key, batch, own: jnp.ones(N))}
    run = jax.jit(
        lambda key: loop.run(
            key, problem, workflows.fixed_budget(G), N, G, **seat if curated else {}
        )[1]
    )
    for t, rows in enumerate(run(root).info["rows"]):
        right = draws.subset(stream(root, t, "WEIGH"), (t + 1) * N, N)
        assert rows.tolist() == right.tolist(), t


def test_keys_of_a_seed_that_no_generation_uses_are_its_own(root):
    """Held-out and private rows, a truth, inputs: of generation 0, other numbers."""
    numbers = NUMBERS | {"HELD_OUT": 6, "TRUTH": 7, "DESIGN": 8, "PRIVATE": 12}
    numbers |= {"MONITOR": 11, "MARK": 13}
    assert {purpose.name: int(purpose) for purpose in streams.Purpose} == numbers
    found = {words(streams.key(root, 0, purpose)) for purpose in streams.Purpose}
    assert len(found) == len(numbers) == 14
