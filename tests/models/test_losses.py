"""Losses: of the next token, or in training of the one behind it, and nowhere else."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from language_cases import BLOCK, KEY, TINY, V, net_of, rows_of, with_bos

from collapse.models.language import decoding, documents, losses
from collapse.models.language.architecture import Size
from collapse.models.language.decoding import DecodingConfig
from collapse.models.language.documents import Format, document_model
from collapse.models.language.losses import cross_entropy
from collapse.models.language.model import Blocks, language_model
from collapse.models.language.network import network
from collapse.models.language.training import TrainConfig

FLAT = TINY._replace(size=Size(1, 16, 1))
# row i counts in fives from i on: what is behind a token follows from it alone
CYCLES = (jnp.arange(BLOCK)[None] + jnp.arange(V)[:, None]).astype(jnp.int32) % V
LEARNS = TrainConfig(steps=150, batch_size=5, learning_rate=1e-2, weight_decay=0.0)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """In single precision; caches of one size compile quickly."""
    monkeypatch.setattr(decoding, "_STAGES", 1)
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        yield


@pytest.mark.parametrize("shift", [1, 2])
@pytest.mark.parametrize("open_", [False, True])
def test_a_position_predicts_the_token_that_the_shift_names(shift, open_):
    net, weights = net_of()
    rows = rows_of(3)
    without = jnp.full(3, open_) if open_ else None
    found = cross_entropy(net, weights, rows, without, shift=shift)
    read = rows if open_ else with_bos(rows)
    log = np.asarray(jax.nn.log_softmax(net.apply(weights, read)))
    ahead = shift if open_ else shift - 1  # of the row, where it is predicted
    for i, row in enumerate(np.asarray(rows)):
        right = [-log[i, t, row[t + ahead]] for t in range(BLOCK - ahead)]
        expected = [*right, *[0] * ahead]
        np.testing.assert_allclose(found[i], expected, rtol=1e-4, atol=1e-5)
    if not open_:
        assert losses.predicting(found, shift).shape == (3, BLOCK - ahead)


def test_of_a_document_the_same_tokens_are_learned_but_for_the_first():
    end, separator = 0, 1
    tokens = jnp.array([[2, 3, 1, 4, 5, 0, 0, 0], [4, 1, 0, 0, 0, 0, 0, 0]], jnp.int32)
    each = jnp.arange(16, dtype=jnp.float32).reshape(2, 8)
    whole, answers = (
        Format(separator, end, learned) for learned in ("documents", "responses")
    )
    # entry t is the loss of token t + 1
    found = documents.of_documents(each, tokens, answers, 2)
    np.testing.assert_allclose(found, [np.mean([2, 3, 4]), 9])
    found = documents.of_documents(each, tokens, whole, 2)
    np.testing.assert_allclose(found, [np.mean(range(5)), np.mean([8, 9])])


def fitted(make, shift):
    model = make(LEARNS._replace(target_shift=shift))
    batch, ones = Blocks(CYCLES), jnp.ones(V)
    start = model.init(KEY, batch, ones)
    params, info = jax.jit(model.fit)(KEY, start, batch, ones)
    return model, params, float(info["loss"])


def text(training):
    return language_model(FLAT, training, DecodingConfig(0.0), prompts=CYCLES)


def whole(training):
    own = (Format(V, V, "documents"), training, DecodingConfig(0.0))
    return document_model(FLAT, *own)


@pytest.mark.parametrize("make", [text, whole])
def test_what_learned_the_token_after_the_next_is_measured_as_if_it_were_next(make):
    """Its own loss is small, that of the next token large; it counts in twos."""
    measure = jax.jit(lambda own: cross_entropy(network(FLAT), own, CYCLES))
    told = {}
    for shift in (1, 2):
        model, params, own = fitted(make, shift)
        at = slice(2, None)  # the first tokens cannot be known
        measured = measure(params.weights)[:, at].mean()
        made = np.asarray(jax.jit(model.sample, static_argnums=2)(KEY, params, V)[0])
        steps = np.diff(made, axis=1)[:, 2:] % V
        told[shift] = (own, float(measured), set(steps.ravel().tolist()))
    assert told[1][0] < 0.6 and told[1][1] < 0.2 and told[1][2] == {1}
    assert told[2][0] < 0.6 and told[2][1] > 3 and told[2][2] == {2}
