"""Control: actions follow from measurements, and the next generation obeys them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from collapse.core import control, loop, memory, streams, workflows
from collapse.core.types import Actions, Controller, Curator, Model, Problem
from collapse.lab import checkpoint

N, G = 8, 4


def problem(**own):
    """A normal with mean 0 by its scale; a fit counts real rows, which are near 100."""

    def fit(key, params, batch, weights):
        real = jnp.sum(jnp.where(batch > 50, weights, 0))
        return params / 2, {"real": real, "all": jnp.sum(weights)}

    model = Model(
        init=lambda key, batch, weights: jnp.ones(()),
        fit=fit,
        sample=lambda key, params, num: params * jax.random.normal(key, (num,)),
    )

    def draw(key, num):
        return 100 + jax.random.normal(key, (num,))

    return Problem(draw, model, {"scale": lambda key, params: params}, **own)


def thermostat(action="real_share"):
    """Sets an action to a half when the scale has fallen, and else to a quarter."""

    def act(last, metrics):
        level = jnp.where(metrics["scale"] < last, 0.5, 0.25)
        return metrics["scale"], Actions(**{action: level})

    return Controller(lambda: jnp.array(0.3), act)


def everything(key, batch, reference):
    return jnp.ones(len(batch))


def ran(name, **seats):
    made = {"replace": workflows.replace(), "accumulate": workflows.accumulate(G)}
    run = jax.jit(lambda key: loop.run(key, problem(), made[name], N, G, **seats))
    return run(jax.random.key(0))


def assert_same_bits(first, second):
    assert jax.tree.structure(first) == jax.tree.structure(second)
    for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def test_a_controller_that_only_watches_changes_no_bit():
    """By the general path; what the constant one does `test_curation` compares."""
    watching = Controller(
        lambda: jnp.zeros(()), lambda seen, metrics: (metrics["scale"], Actions())
    )
    (state, trace), plain = ran("accumulate", controller=watching), ran("accumulate")
    assert float(state.control.state) == float(trace.metrics["scale"][-1]) > 0
    assert state.control.actions == Actions() and state.memory is None
    assert_same_bits((state._replace(control=plain[0].control), trace), plain)


def test_a_share_follows_the_metrics_of_the_generation_before():
    """The scale is a half, a quarter, ...: below 0.3, where it began, from t = 1 on."""
    state, trace = ran("replace", controller=thermostat())
    np.testing.assert_allclose(trace.info["real_share"], [1, 0.25, 0.5, 0.5, 0.5])
    np.testing.assert_array_equal(trace.info["real"], [N, 2, 4, 4, 4])
    np.testing.assert_array_equal(trace.info["all"], [N] * (G + 1))
    assert float(state.control.actions.real_share) == 0.5


def test_weights_of_real_rows_follow():
    trace = ran("accumulate", controller=thermostat("weight"))[1]
    np.testing.assert_allclose(trace.info["real"], [N, 2, 4, 4, 4])
    others = np.asarray(trace.info["all"] - trace.info["real"])
    np.testing.assert_allclose(others, N * np.arange(G + 1))


def test_a_keep_rate_follows():
    seats = {"curator": Curator(1, everything), "controller": thermostat("keep_rate")}
    trace = ran("replace", **seats)[1]
    np.testing.assert_allclose(trace.info["all"], [N, 2, 4, 4, 4])


@pytest.mark.parametrize(
    ("workflow", "action", "message"),
    [
        (workflows.mix(0.5, "fixed"), "real_share", "real_share only"),
        (workflows.replace_multiple(G), "real_share", "real_share only"),
        (workflows.replace(), "keep_rate", "keep_rate only"),
    ],
)
def test_actions_without_effect_are_refused(root, workflow, action, message):
    controller = thermostat(action)
    with pytest.raises(ValueError, match=message):
        loop.run(root, problem(), workflow, N, G, controller=controller)


def test_a_diagnostic_may_not_have_the_name_of_an_action(root):
    def fit(key, params, batch, weights):
        return params / 2, {"real_share": jnp.ones(())}

    named = problem()._replace(model=problem().model._replace(fit=fit))
    own = loop.run(root, named, workflows.replace(), N, G)[1]  # no action: no clash
    np.testing.assert_array_equal(own.info["real_share"], [1] * (G + 1))
    with pytest.raises(
        ValueError, match=r"named like an action or an account: \['real_share'\]"
    ):
        loop.run(root, named, workflows.replace(), N, G, controller=thermostat())


# Memory


def remembering(how):
    return problem(
        remember=how(lambda params: {"scale": params}),
        memory_metrics={"kept": lambda key, params, memory: memory["scale"]},
    )


def seats():
    return {"curator": Curator(2, everything), "controller": thermostat()}


def test_memory_is_of_the_first_model_or_of_the_one_before(root):
    for how, right in (
        (memory.first, [0.5] * (G + 1)),
        (memory.previous, [1, 0.5, 0.25, 0.125, 0.0625]),
    ):
        own = remembering(how)
        state, trace = jax.jit(
            lambda key, own=own: loop.run(key, own, workflows.replace(), N, G)
        )(root)
        np.testing.assert_allclose(trace.metrics["kept"], right)
        assert float(state.memory["scale"]) == right[-1]


def test_a_metric_has_one_definition(root):
    own = remembering(memory.first)._replace(
        memory_metrics={"scale": lambda key, params, memory: params}
    )
    with pytest.raises(ValueError, match="with and without memory"):
        loop.run(root, own, workflows.replace(), N, G)


def test_chunks_and_files_carry_control_and_memory(tmp_path, root):
    """Bit for bit, also for seeds side by side."""
    args = (remembering(memory.first), workflows.accumulate(G), N)
    roots = streams.seeds(0, 3)
    axes = loop.STATE_AXES
    whole = loop.run_seeds(roots, lambda key: args[0], *args[1:], G, **seats())
    start = loop.over_seeds(lambda key: loop.init(key, *args, **seats()), 0, axes)
    state, traces = start(roots), []
    for length in (2, 3):
        walk = loop.over_seeds(
            lambda key, state, length=length: loop.advance(
                key, *args, state, length, **seats()
            ),
            (0, axes),
            (axes, 0),
        )
        state, trace = walk(roots, state)
        traces.append(trace)
        progress = checkpoint.Progress(0, {}, [], state)
        checkpoint.save(tmp_path / "part.npz", progress)
        state = checkpoint.load(
            tmp_path / "part.npz", jax.eval_shape(lambda x: x, state)
        ).state
    joined = jax.tree.map(lambda *xs: jnp.concatenate(xs, 1), *traces)
    assert_same_bits((state, joined), whole)


# On the host


def test_the_host_may_decide_after_its_own_measurements(root):
    args, controller = (root, problem(), workflows.replace(), N), thermostat()
    inside = outside = loop.init(*args, controller=controller)
    for _ in range(3):
        inside, _ = loop.step(*args, inside, controller=controller)
        rows = loop.generate(*args, outside)
        outside, trace = loop.learn(*args[:3], outside, rows, controller=None)
        outside = control.decide(controller, outside, trace.metrics)
        assert_same_bits(inside, outside)
