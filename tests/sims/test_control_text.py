"""Models of text under a policy: their error, their monitors, and short runs."""

import functools
import random

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import SEED

from collapse.core import streams
from collapse.data.errors import InputError
from collapse.data.ngrams import load_ngrams
from collapse.data.text.apart import repeated
from collapse.data.text.blocks import text_rows
from collapse.experiment import results
from collapse.experiment.monitors import Sizes, monitor_of
from collapse.experiment.toml import from_table
from collapse.lab import parts, programs
from collapse.lab import run as runner
from collapse.models.language import decoding
from collapse.models.language.architecture import SIZES, Size
from collapse.models.language.losses import cross_entropy
from collapse.models.language.model import LanguageParams
from collapse.models.language.network import network
from collapse.sims.charlm import Charlm
from collapse.sims.control import Control
from collapse.sims.control.held import derive
from collapse.sims.control.task import learned

KEY = jax.random.key(SEED)
ROOT = streams.seeds(SEED, 1)[0]
NGRAM = {"model": "ngram", "order": 2, "samples_per_generation": [60]}
CHARLM = {
    **{"model": "charlm", "block": 16, "measured_rows": 8, "steps": [3]},
    **{"samples_per_generation": [16], "learning_rate": 0.1, "precision": "float32"},
}


@pytest.fixture(autouse=True)
def _small(tmp_path, monkeypatch):
    """Run in a folder that holds a text, with a network that compiles quickly."""
    monkeypatch.chdir(tmp_path)
    pick = random.Random(0)
    words = "a we see the sun and moon go by far away".split()
    text = " ".join(pick.choice(words) for _ in range(2000))
    (tmp_path / "text.txt").write_text(text)
    monkeypatch.setitem(SIZES, "nano", Size(1, 8, 1))
    monkeypatch.setattr(decoding, "_STAGES", 1)


@pytest.fixture
def as_networks_run():
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        yield


def asked(**fields):
    small = {"num_generations": 4, "num_seeds": 3, "every": 1, "budget": [6]}
    table = {"seed": SEED, "data": "text.txt", **small, **fields}
    return runner.prepare(from_table(table, Control, "test"))


def ran(folder, **fields):
    experiment, data = asked(policy=["constant", "event 0.5"], **fields)
    traces = parts.simulate(experiment, data, folder)
    found = results.assemble(experiment, traces)
    return derive(experiment, found).squeeze(drop=True)


def learner(**fields):
    """The task of the model alone, and the data it is run on under a policy."""
    experiment, data = asked(**fields)
    condition = next(experiment.conditions())
    return learned(condition, data), data


def seen(task, name, sizes, params):
    """What a monitor shows of parameters."""
    monitor = monitor_of(task, name, ROOT, sizes, task.values)
    return float(jax.jit(monitor.metric)(KEY, params)), monitor


# N-grams


def floored(params, size):
    return 0.99 * np.asarray(params.shares) + 0.01 / size


@pytest.fixture
def ngrams():
    """The task, its data, and a first fit that has lost some n-grams."""
    task, data = learner(**NGRAM, contexts=["free"])
    problem = task.biased(ROOT, jnp.ones(()), None, *task.values)
    rows = problem.draw(KEY, 60)
    params = problem.model.init(KEY, rows, jnp.ones(60))
    return task, data, problem, params


@pytest.mark.x64
def test_the_loss_of_ngrams_is_that_of_the_validation_part(ngrams):
    task, data, _, params = ngrams
    shares, size = floored(params, data.truth.shape[1]), data.truth.shape[1]
    least = np.vstack([shares, np.full(size, 0.01 / size)])  # unknown contexts
    contexts, tokens = data.watched.T
    found, monitor = seen(task, "loss", Sizes(10**6, 2), params)
    assert found == pytest.approx(-np.log(least[contexts, tokens]).mean())
    assert np.isnan(monitor.floor) and not monitor.signed
    few, _ = seen(task, "loss", Sizes(7, 2), params)
    at = np.floor(np.arange(7) * len(contexts) / 7).astype(int)
    assert few == pytest.approx(-np.log(least[contexts[at], tokens[at]]).mean())


@pytest.mark.x64
def test_the_gap_of_ngrams_is_their_loss_beyond_that_of_their_own(ngrams):
    task, data, problem, params = ngrams
    held, _ = seen(task, "loss", Sizes(10**6, 2), params)
    found, monitor = seen(task, "self", Sizes(10**6, 500), params)
    key = streams.key(KEY, 0, streams.Purpose.MONITOR)
    own = problem.model.sample(key, params, 500)
    shares = floored(params, data.truth.shape[1]).ravel()[np.asarray(own)]
    assert found == pytest.approx(held + np.log(shares).mean()) and found > 0.1
    assert monitor.signed


@pytest.mark.x64
def test_ngrams_of_the_monitor_are_those_of_the_part_that_nothing_else_reads():
    text, data = text_rows("text.txt", 8).text, load_ngrams("text.txt", 2, "words", 9)
    number = {word: k for k, word in enumerate(data.words)}
    words = [number.get(word, len(number) - 1) for word in text.validation.split()]
    pairs = np.array(list(zip(words, words[1:], strict=False)))
    order = np.unique([number.get(w, len(number) - 1) for w in text.train.split()])
    np.testing.assert_array_equal(order[data.watched[:, 0]], pairs[:, 0])
    np.testing.assert_array_equal(data.watched[:, 1], pairs[:, 1])


@pytest.mark.x64
def test_ngrams_that_no_vocabulary_has_are_left_out(tmp_path):
    folder = tmp_path / "parts"
    folder.mkdir()
    for part, text in (("train", "ab" * 600), ("test", "ba" * 60)):
        (folder / f"{part}.txt").write_text(text)
    (folder / "validation.txt").write_text("ab" * 60 + "abcab")
    watched = load_ngrams(str(folder), 3, "characters", 0).watched
    assert len(watched) == 125 - 2 - 3  # three of them have the c
    assert watched.max() <= 1


@pytest.mark.x64
def test_ngrams_are_held_by_a_policy(tmp_path):
    """Real rows alone keep what is lost with a tenth of them."""
    found = ran(tmp_path, **NGRAM | {"budget": [6, 60]})
    assert found["drift"].attrs["units"] == "nats a token"
    assert (found["drift"] > 0).all()
    constant = found.sel(policy="constant")
    assert (constant["real_rows"] == found["budget"]).all()
    last = constant["drift"].sel(generation=4)
    assert (last.sel(budget=60) < last.sel(budget=6)).all()


# Language models


@pytest.fixture
def network_of(as_networks_run):
    """The task, its data, a problem, weights of a new network, and their losses."""
    task, data = learner(**CHARLM)
    problem = task.biased(ROOT, jnp.float32(1), None, *task.values)
    design = task.program[-1]
    net = network(design.network)
    params, first = (LanguageParams(net.init(key)) for key in jax.random.split(KEY))

    def loss(params, rows):
        losses = jax.jit(functools.partial(cross_entropy, net))(params.weights, rows)
        return float(np.asarray(losses).mean())

    return task, data, problem, (params, first), loss


def test_the_loss_of_a_network_is_that_of_rows_that_nothing_else_reads(network_of):
    task, data, _, (params, _), loss = network_of
    found, monitor = seen(task, "loss", Sizes(5, 2), params)
    at = np.floor(np.arange(5) * len(data.watched) / 5).astype(int)
    assert found == pytest.approx(loss(params, data.watched[at]), rel=1e-5)
    assert np.isnan(monitor.floor) and not monitor.signed


def test_the_gap_of_a_network_is_its_loss_beyond_that_of_its_own_rows(network_of):
    task, data, problem, (params, _), loss = network_of
    held, _ = seen(task, "loss", Sizes(10**6, 2), params)
    found, monitor = seen(task, "self", Sizes(10**6, 12), params)
    key = streams.key(KEY, 0, streams.Purpose.MONITOR)
    own = jax.jit(problem.model.sample, static_argnums=2)(key, params, 12).tokens
    assert found == pytest.approx(held - loss(params, own), rel=1e-4, abs=1e-5)
    assert monitor.signed and abs(found) > 1e-3


def test_the_error_of_a_network_is_its_loss_beyond_that_of_generation_0(network_of):
    task, data, problem, (params, first), loss = network_of
    metric = jax.jit(problem.memory_metrics["excess_loss"])
    test = np.floor(np.arange(8) * len(data.test) / 8).astype(int)
    expected = loss(params, data.test[test]) - loss(first, data.test[test])
    found = float(metric(KEY, params, first.weights))
    assert found == pytest.approx(expected, rel=1e-4) and abs(found) > 1e-3
    assert float(metric(KEY, first, first.weights)) == 0


def test_no_row_of_a_text_is_used_twice(as_networks_run):
    whole = text_rows("text.txt", 16)
    _, data = learner(**CHARLM)
    assert 2 <= len(data.watched) <= len(whole.test) // 2
    assert len(data.test) == len(whole.test) - len(whole.test) // 2
    np.testing.assert_array_equal(data.train, whole.train)
    for part in (data.train, data.validation, data.test):
        assert not repeated(data.watched, part.ravel()).any()


def test_a_plain_run_measures_nothing_of_this(as_networks_run):
    experiment, data = runner.prepare(
        Charlm(data="text.txt", block=16, samples_per_generation=(16,))
    )
    condition = next(experiment.conditions())
    task, names = experiment.task(condition, data), experiment.measured()
    assert "excess_loss" not in names and not task.monitors
    problem = task.make_problem(ROOT, *task.values)
    left = programs._measuring(problem, names)
    assert not left.metrics and not left.memory_metrics


def test_language_models_are_held_by_a_policy(tmp_path, as_networks_run):
    """Real rows alone keep the loss that a tenth of them does not."""
    fields = {"steps": [40], "samples_per_generation": [64], "budget": [6, 64]}
    found = ran(tmp_path, **CHARLM | fields, metrics=["perplexity"], overdraft=0.5)
    assert (found["drift"].sel(generation=0) == 0).all()
    constant = found.sel(policy="constant")
    assert (constant["real_rows"] == found["budget"]).all()
    assert (found["spent"].sel(policy="event 0.5") > 0).any()
    # what is measured on the host is the loss of the same test rows
    loss = np.log(found["perplexity"])
    excess = loss - loss.sel(generation=0)
    excess = excess.transpose(*found["drift"].dims)
    np.testing.assert_allclose(found["drift"], excess, atol=1e-4)
    last = constant["drift"].sel(generation=4)
    assert (last.sel(budget=64) < last.sel(budget=6)).all()


# What is refused


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"trust": ["measured"]}, "trust: .*the monitor loss is not; drop it"),
        ({"error": "perplexity"}, "error: perplexity is not least.*excess_loss"),
        ({"monitor_data": "text.txt"}, "monitor_data: only beside a table"),
    ],
)
def test_what_text_cannot_do_is_refused(fields, said, as_networks_run):
    with pytest.raises(InputError, match=said):
        asked(**CHARLM, **fields)


def test_a_monitor_of_points_is_none_of_text(as_networks_run):
    task, _ = learner(**CHARLM)
    with pytest.raises(InputError, match="no 'mean'; known are loss, self"):
        monitor_of(task, "mean", ROOT, Sizes(4, 4), task.values)
