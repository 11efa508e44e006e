"""Workflows: what each generation is trained on, told from provenance alone."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import TypeCheckError

from collapse.core import loop, workflows
from collapse.core.types import Model, Problem

N, G = 6, 5
WEIGH = jax.jit(workflows.fixed_budget(G).weigh)
MAKERS = {
    "replace": workflows.replace,
    "accumulate": lambda: workflows.accumulate(G),
    "fixed_budget": lambda: workflows.fixed_budget(G),
    "window": lambda: workflows.window(3),
    "replace_multiple": lambda: workflows.replace_multiple(G),
    "replace_growing": lambda: workflows.replace_growing(G, 0.5),
    "mix fresh": lambda: workflows.mix(0.5),
    "mix fixed": lambda: workflows.mix(0.5, "fixed"),
}


def _log(workflow, root, num_generations=G):
    """Origins and weights of the rows that each generation is trained on.

    A model whose parameters are the generation it was fitted in: its rows carry it.
    """

    def fit(key, params, batch, weights):
        kept = jnp.zeros(N * (G + 1)).at[: len(weights)].set(weights)
        rows = jnp.full(N * (G + 1), -2.0).at[: len(batch)].set(batch)
        return params + 1, {"weights": kept, "rows": rows}

    model = Model(
        init=lambda key, batch, weights: jnp.zeros(()),
        fit=fit,
        sample=lambda key, params, num: jnp.full(num, params),
    )
    problem = Problem(lambda key, num: jnp.full(num, -1.0), model, {})
    _, trace = jax.jit(
        lambda key: loop.run(key, problem, workflow, N, num_generations)
    )(root)
    return np.asarray(trace.info["rows"]), np.asarray(trace.info["weights"])


def _used(workflow, root):
    """For each generation, origin of rows (-1 real, t its model) -> total weight."""
    rows, weights = _log(workflow, root)
    return [
        {int(a): float(w[r == a].sum()) for a in np.unique(r[w > 0])}
        for r, w in zip(rows, weights, strict=True)
    ]


@pytest.mark.parametrize("name", MAKERS)
def test_generation_zero_is_trained_on_n_real_rows(name, root):
    assert _used(MAKERS[name](), root)[0] == {-1: N}


def test_replace_sees_the_newest_rows_alone(root):
    assert _used(workflows.replace(), root)[1:] == [{t: N} for t in range(1, G + 1)]


def test_accumulate_sees_all_rows_with_weight_one(root):
    for t, used in enumerate(_used(workflows.accumulate(G), root)):
        assert used == {a: N for a in [-1, *range(1, t + 1)]}


def test_window_forgets_what_is_older_than_its_size(root):
    used = _used(workflows.window(3), root)
    assert used[2] == {-1: N, 1: N, 2: N}
    assert used[5] == {3: N, 4: N, 5: N}


def test_window_of_one_is_replace(root):
    assert _used(workflows.window(1), root) == _used(workflows.replace(), root)


def test_replace_multiple_sees_t_plus_one_times_n_rows_of_the_newest_model(root):
    used = _used(workflows.replace_multiple(G), root)
    assert used[1:] == [{t: (t + 1) * N} for t in range(1, G + 1)]


def test_replace_growing_sees_a_power_of_the_fits_times_n_rows(root):
    """Rounded to whole batches: 1, 1.41, 1.73, 2, 2.24, 2.45, ..."""
    used = _used(workflows.replace_growing(G, 0.5), root)
    batches = [math.floor(math.sqrt(t + 1) + 0.5) for t in range(G + 1)]
    assert batches[:5] == [1, 1, 2, 2, 2]
    assert used[1:] == [{t: batches[t] * N} for t in range(1, G + 1)]
    for power, other in (
        (0, workflows.replace()),
        (1, workflows.replace_multiple(G)),
    ):
        assert _used(workflows.replace_growing(G, power), root) == _used(other, root)
    with pytest.raises(ValueError, match="power must not be negative"):
        workflows.replace_growing(G, -0.1)


@pytest.mark.parametrize("anchor", ["fresh", "fixed"])
@given(share=st.sampled_from([0.0, 0.2, 1 / 3, 0.5, 0.75, 1.0]))
def test_mix_keeps_the_number_of_rows_and_the_share_of_real_ones(root, anchor, share):
    real = workflows.real_rows(share, N)
    for t, used in enumerate(_used(workflows.mix(share, anchor), root)):
        if t:
            assert used.get(-1, 0) == real
            assert used.get(t, 0) == N - real
            assert sum(used.values()) == N


def test_a_traced_real_fraction_is_a_static_one(root):
    def used(share):
        return _log(workflows.mix(share, "fixed"), root)[1].tolist()

    assert used(jnp.asarray(0.5)) == used(0.5)


@given(key=st.integers(0, 2**32 - 1))
def test_fixed_budget_picks_n_different_rows_of_all_so_far(key):
    slots = jnp.arange(G + 1, dtype=jnp.int32)[:, None] * jnp.ones((1, N), jnp.int32)
    for t in range(G + 1):
        origin = jnp.where(slots <= t, slots, -1)
        picked = WEIGH(jax.random.key(key), origin, jnp.int32(t))
        assert float(picked.weights.sum()) == N
        rows = np.asarray(picked.rows)
        assert len(set(rows.tolist())) == N
        assert rows.min() >= 0 and rows.max() < (t + 1) * N


@pytest.mark.parametrize("name", MAKERS)
def test_weights_are_never_negative_and_empty_positions_weigh_nothing(name, root):
    rows, weights = _log(MAKERS[name](), root)
    assert (weights >= 0).all()
    assert (weights[rows == -2.0] == 0).all()
    assert (weights[rows == 0.0] == 0).all()  # zeros are empty positions of the store


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_real_fraction_that_is_no_share_is_refused(share):
    with pytest.raises(ValueError, match="real_fraction"):
        workflows.mix(share)


def test_other_bad_arguments_are_refused_by_name():
    with pytest.raises((ValueError, TypeCheckError), match="anchor"):
        workflows.mix(0.5, "loose")
    with pytest.raises(ValueError, match="window"):
        workflows.window(0)


# Anchored


@pytest.mark.parametrize("anchor", ["fresh", "fixed"])
@pytest.mark.parametrize(("real", "synthetic"), [(2, 3), (1, 5), (6, 0), (3, 1)])
def test_anchored_trains_on_so_many_of_each(root, anchor, real, synthetic):
    workflow = workflows.anchored(N, real, synthetic, (0.5, 2.0), anchor)
    first, *later = _used(workflow, root)
    assert first == {-1: real}  # alone, each real row counts once
    for t, used in enumerate(later, 1):
        new = {t: 2.0 * synthetic} if synthetic else {}
        assert used == {-1: 0.5 * real} | new


@pytest.mark.parametrize("anchor", ["fresh", "fixed"])
def test_a_map_of_mixtures_is_one_program(root, anchor):
    def weights(real, synthetic, weight):
        pair = (weight, 1 - weight)
        return _log(workflows.anchored(N, real, synthetic, pair, anchor), root)[1]

    plain = weights(2, 3, 0.25)

    @jax.jit
    def traced(real, synthetic, weight):
        pair = (weight, 1 - weight)
        workflow = workflows.anchored(N, real, synthetic, pair, anchor)
        origin = jnp.zeros((workflow.num_slots, N), jnp.int32)
        return workflow.weigh(root, origin, jnp.int32(1)).weights

    found = np.asarray(traced(2, 3, 0.25))
    np.testing.assert_array_equal(found, plain[1][: len(found)])
    assert traced(4, 1, 0.5).sum() == 2.5
    assert traced._cache_size() == 1


def test_fresh_real_rows_are_as_many_whatever_the_rounding(root):
    """The share goes through a float and comes back as the same number of rows."""
    for num in (7, 49, 4096):
        for real in {0, 1, num // 3, num - 1, num}:
            share = workflows.anchored(num, real, 0).real_fraction
            assert int(workflows.real_rows(share, num)) == real


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((6, -1, 2), "real"),
        ((6, 1, -2), "synthetic"),
        ((6, 4, 3), "real [+] synthetic"),
        ((6, 4, 2, (1.0, 1.0), "loose"), "anchor"),
    ],
)
def test_mixtures_that_cannot_be(arguments, name):
    with pytest.raises((ValueError, TypeCheckError), match=name):
        workflows.anchored(*arguments)
