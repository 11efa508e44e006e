"""One network on two devices: the gradient, the text and the losses of one device."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from language_cases import BLOCK, KEY, TINY, V, net_of, rows_of

from collapse.core.seeds import over_seeds
from collapse.data.errors import InputError
from collapse.experiment.text.networks import check_devices
from collapse.models.language import decoding, parallel, training
from collapse.models.language import losses as losses_of
from collapse.models.language import model as language
from collapse.models.language.architecture import Size
from collapse.models.language.model import Blocks, LanguageParams, language_model
from collapse.models.language.network import network
from collapse.models.language.training import TrainConfig
from collapse.sims.charlm import Charlm, checks

pytestmark = pytest.mark.xdist_group("language")

FLAT = TINY._replace(size=Size(1, 8, 1))  # quick to compile
EPS = float(np.finfo(np.float32).eps)
ROUNDING = 64 * EPS  # of sums of a few hundred terms of order 1, in another order


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Optax multiplies floats by counts; caches of one size compile quickly."""
    monkeypatch.setattr(decoding, "_STAGES", 1)
    with jax.numpy_dtype_promotion("standard"):
        yield


def on(devices, function, *arguments):
    """The result of one seed on so many devices; each gets the other arguments."""
    axes = (0, *[None] * len(arguments))
    mapped = over_seeds(function, axes, one_by_one=True, model_devices=devices)
    return jax.tree.map(lambda leaf: leaf[0], mapped(KEY[None], *arguments))


def gradient_of(devices, config=FLAT, continues=False, most=8, num=8):
    """Loss and gradient of `num` sequences on so many devices, in float64."""
    own = (network(config), bool(config.dropout), continues)

    def loss(*arguments):
        return language._training_loss(*own, *arguments).astype(jnp.float32)

    settings = TrainConfig(batch_size=num, microbatch_size=most, devices=devices)
    of_minibatch = training._gradient(loss, settings)
    weights = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), net_of(FLAT)[1])
    found = on(
        devices, lambda key, *own: of_minibatch(*own, key), weights, rows_of(num)
    )
    return jax.tree.map(np.asarray, found)


def difference(one, other):
    """The largest difference of two gradients, by the largest entry of the first."""
    largest = max(float(abs(leaf).max()) for leaf in jax.tree.leaves(one))
    apart = jax.tree.map(lambda a, b: float(abs(a - b).max()), one, other)
    return max(jax.tree.leaves(apart)) / largest


@pytest.mark.parametrize("count", [2, 3])
def test_sequences_are_dealt_with_their_random_numbers(count, monkeypatch):
    """A sum that takes a number of each sequence: microbatches whole, and cut."""
    rows, weight = jnp.arange(12.0).reshape(6, 2), {"scale": jnp.array(0.7)}

    def loss(weight, rows, key, piece=None):
        total = len(rows) if piece is None else piece.microbatch
        noise = jax.random.normal(key, (total, 2))
        own = noise if piece is None else piece.of(noise, len(rows))
        return jnp.mean((weight["scale"] * rows + own) ** 2, dtype=jnp.float32)

    def found(devices):
        config = TrainConfig(batch_size=6, microbatch_size=6 // count, devices=devices)
        of_minibatch = training._gradient(loss, config)
        own = (weight, rows)
        return on(devices, lambda key, *own: of_minibatch(*own, key), *own)

    one, two = found(1), found(2)
    assert two[0] == pytest.approx(float(one[0]), rel=ROUNDING)
    assert two[1]["scale"] == pytest.approx(float(one[1]["scale"]), rel=ROUNDING)
    monkeypatch.setattr(parallel, "averaged", lambda tree: tree)
    assert abs(found(2)[0] - one[0]) > 0.1 * one[0]


CASES = {
    "plain": {},
    "microbatches dealt": {"most": 2},
    "continuations": {"continues": True},
    "dropout": {"config": FLAT._replace(dropout=0.5)},
    "all": {
        "config": FLAT._replace(dropout=0.5),
        "continues": True,
        "num": 6,
        "most": 2,  # three microbatches, each cut in two
    },
}


@pytest.mark.x64
@pytest.mark.parametrize("case", CASES)
def test_a_gradient_on_two_devices_is_that_of_one(case, monkeypatch):
    """With the same random numbers; without the mean over devices it is another."""
    (loss, right), (value, found) = (gradient_of(d, **CASES[case]) for d in (1, 2))
    assert abs(value - loss) < ROUNDING * loss
    assert difference(right, found) < 1e-12
    monkeypatch.setattr(parallel, "averaged", lambda tree: tree)
    value, found = gradient_of(2, **CASES[case])
    assert abs(value - loss) > 100 * ROUNDING * loss
    assert difference(right, found) > 1e-3


def fitted(devices):
    """Loss and weights after a few steps; of each device its own copy of them."""
    config = TrainConfig(steps=6, batch_size=4, devices=devices)
    model = language_model(FLAT, config)
    rows, params = Blocks(rows_of(8)), LanguageParams(net_of(FLAT)[1])

    def fit(key, params, rows):
        return model.fit(key, params, rows, jnp.ones(8))

    axes = (0, None, None)
    each = over_seeds(fit, axes, one_by_one=True, model_devices=devices)
    params, info = each(KEY[None], params, rows)
    copies = [
        [np.asarray(shard.data) for shard in leaf.addressable_shards]
        for leaf in jax.tree.leaves(params)
    ]
    return float(info["loss"][0]), copies


def test_a_training_on_two_devices_has_the_losses_of_one(monkeypatch):
    """To rounding after six steps; both devices have the same weights to the bit."""
    (loss, _), (found, copies) = fitted(1), fitted(2)
    assert abs(found - loss) < ROUNDING * loss
    assert all(len(copy) == 2 for copy in copies)
    for one, other in copies:
        np.testing.assert_array_equal(one, other)
    monkeypatch.setattr(parallel, "averaged", lambda tree: tree)
    found, copies = fitted(2)
    assert abs(found - loss) > 100 * ROUNDING * loss
    assert any((one != other).any() for one, other in copies)


def test_losses_of_held_out_rows_are_those_of_one_device(monkeypatch):
    """To the bit: devices take whole groups; so `keep = best` keeps the same step."""
    monkeypatch.setattr(losses_of, "_EVALUATION_BATCH", 2)
    net, weights = network(FLAT), net_of(FLAT)[1]

    def losses(devices):
        def found(key, weights, rows):
            return losses_of.cross_entropy_in_groups(net, weights, rows, devices)

        return np.asarray(on(devices, found, weights, rows_of(5)))

    one, two = map(losses, (1, 2))
    assert one.shape == (5, BLOCK)
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(("num", "piece"), [(4, 4), (10, 4), (13, 4), (13, 2)])
def test_text_of_two_devices_is_that_of_one(num, piece, monkeypatch):
    """To the bit: devices take groups, each with its own key, or their pieces."""
    monkeypatch.setattr(language, "GENERATION_BATCH", 4)
    monkeypatch.setattr(language, "_FEWEST_AT_A_TIME", piece)
    monkeypatch.setattr(language, "_MOST_AT_A_TIME", piece)

    def written(devices):
        model = language_model(FLAT, TrainConfig(devices=devices))
        params = LanguageParams(net_of(FLAT)[1])
        return on(devices, lambda key, p: model.sample(key, p, num).tokens, params)

    one, two = map(np.asarray, map(written, (1, 2)))
    assert one.shape == (num, BLOCK) and len(np.unique(one[:4], axis=0)) > 1
    np.testing.assert_array_equal(one, two)
    assert one.max() < V


def test_devices_are_divided_into_groups_or_it_is_said():
    with pytest.raises(ValueError, match="2 devices cannot be divided into groups of"):
        over_seeds(lambda key: key, model_devices=3)
    check_devices(Charlm(model_devices=2))
    with pytest.raises(InputError, match="model_devices: 3 for each model, of 2 that"):
        check_devices(Charlm(model_devices=3))


def test_sequences_of_a_step_are_shared_evenly_or_it_is_said():
    with pytest.raises(InputError, match="model_devices: 3 cannot share the 8 sequ"):
        checks.check(Charlm(model_devices=3, batch_size=8))
    for devices, size in ((3, 6), (16, 16), (2, 8)):  # a quick run keeps it so
        quick = Charlm(model_devices=devices, batch_size=48).quick()
        assert quick.batch_size == size
        checks.check(quick)
    assert "model_devices" not in Charlm().to_table()  # what was run before is the same


GRID = """
import sys; sys.path[:0] = ["tests"]
import jax
jax.config.update("jax_num_cpu_devices", 4)
from collapse.core.devices import MODEL_AXIS, use_all_cores
import os; os.environ["NPROC"] = "16"
import jax.numpy as jnp, numpy as np
from language_cases import rows_of, net_of
from collapse.core import streams
from collapse.core.seeds import over_seeds
from collapse.models.language.model import Blocks, LanguageParams, language_model
from collapse.models.language.architecture import NetworkConfig, Size
from collapse.models.language.training import TrainConfig
from models.test_parallel import FLAT

def losses(devices):
    config = TrainConfig(steps=6, batch_size=4, devices=devices)
    model, params = language_model(FLAT, config), LanguageParams(net_of(FLAT)[1])
    rows = Blocks(rows_of(8))
    def fit(key):
        return model.fit(key, params, rows, jnp.ones(8))[1]["loss"]
    each = over_seeds(fit, one_by_one=True, model_devices=devices)
    return each(streams.seeds(0, 3))

one, *several = (losses(devices) for devices in (1, 2, 4))
assert len(set(np.asarray(one).tolist())) == 3
for found in several:
    np.testing.assert_allclose(found, one, rtol=64 * 1.2e-7)
print(len(jax.devices()), "devices agree")
"""


def test_seeds_and_models_share_four_devices():
    """Three seeds on groups of one, two and four devices: the same losses."""
    told = subprocess.run(
        [sys.executable, "-c", GRID], capture_output=True, text=True, timeout=300
    )
    assert told.returncode == 0, told.stderr[-2000:]
    assert told.stdout == "4 devices agree\n"
