"""Documents: what is learned of them, and how prompts are answered."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrated import assert_tells_apart

from collapse.models.language import documents
from collapse.models.language.architecture import NetworkConfig, Size
from collapse.models.language.decoding import DecodingConfig
from collapse.models.language.documents import Format, document_model
from collapse.models.language.losses import cross_entropy
from collapse.models.language.model import Blocks, LanguageParams
from collapse.models.language.network import network
from collapse.models.language.training import TrainConfig
from collapse.numerics import threefry

END, SEPARATOR, BLOCK = 0, 1, 8
WHOLE = Format(SEPARATOR, END)
ANSWERS = WHOLE._replace(learned="responses")
CONFIG = NetworkConfig(6, BLOCK, Size(1, 16, 1))
TRAINING = TrainConfig(steps=4, batch_size=4, learning_rate=1e-2)
#        prompt  | response, end, filling
ROWS = jnp.array(
    [
        [2, 3, 1, 4, 5, 0, 0, 0],
        [2, 1, 4, 4, 4, 1, 5, 0],
        [3, 3, 3, 3, 3, 3, 3, 3],
        [4, 1, 0, 0, 0, 0, 0, 0],
    ],
    jnp.int32,
)


@pytest.fixture(autouse=True)
def _single_precision():
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        yield


@pytest.fixture
def key():
    return threefry.fold_in(jax.random.key(5), 0)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (WHOLE, ["11111100", "11111111", "11111111", "11100000"]),
        (ANSWERS, ["00011100", "00111111", "00000000", "00100000"]),
    ],
)
def test_what_is_learned_ends_with_the_first_end(form, expected):
    found = np.asarray(documents.learned(ROWS, form)).astype(int)
    assert ["".join(map(str, row)) for row in found] == expected


def test_a_prompt_ends_with_its_first_separator():
    found = np.asarray(documents.in_prompt(ROWS, WHOLE)).sum(1)
    np.testing.assert_array_equal(found, [3, 2, 8, 2])


def test_each_document_counts_alike_and_none_of_nothing():
    losses = jnp.arange(32, dtype=jnp.float32).reshape(4, 8)
    found = documents.of_documents(losses, ROWS, ANSWERS)
    np.testing.assert_allclose(found, [4, np.mean(range(10, 16)), 0, 26])


def trained(form, rows, key, weights=None, config=TRAINING):
    model = document_model(CONFIG, form, config)
    weights = jnp.ones(len(rows)) if weights is None else weights
    batch = Blocks(rows)
    return model.fit(key, model.init(key, batch, weights), batch, weights)


@pytest.mark.parametrize("form", [WHOLE, ANSWERS])
def test_what_stands_behind_the_end_has_no_influence(form, key):
    # the first row is the only one that is filled with ends
    other = ROWS.at[0, 6:].set(5)
    same, changed = (trained(form, rows, key)[0] for rows in (ROWS, other))
    for a, b in zip(*map(jax.tree.leaves, (same, changed)), strict=True):
        np.testing.assert_array_equal(a, b)
    before = trained(form, ROWS.at[0, 3].set(5), key)[0]  # within its response
    pairs = zip(*map(jax.tree.leaves, (same, before)), strict=True)
    assert any((np.asarray(a) != np.asarray(b)).any() for a, b in pairs)


def test_responses_alone_are_learned(key):
    """The loss is that of the response and its end, or of the whole document."""
    net = network(CONFIG)
    weights = net.init(key)

    def loss(rows, form):
        losses = cross_entropy(net, weights, rows)
        return documents.of_documents(losses, rows, form)[0]

    swapped = ROWS[:1].at[0, 0].set(3)
    both = [
        [loss(rows, form) for rows in (ROWS[:1], swapped)] for form in (ANSWERS, WHOLE)
    ]
    expected = cross_entropy(net, weights, ROWS[:1])[0, 3:6].mean()
    np.testing.assert_allclose(both[0][0], expected, rtol=1e-6)
    assert both[1][0] != pytest.approx(float(both[0][0]))


@pytest.mark.parametrize("size", [1, 2])
def test_microbatches_are_the_minibatch(size, key):
    whole = trained(ANSWERS, ROWS, key)[0]
    parts = trained(ANSWERS, ROWS, key, config=TRAINING._replace(microbatch_size=size))[
        0
    ]
    for a, b in zip(*map(jax.tree.leaves, (whole, parts)), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_prompts_are_answered_and_documents_end(temperature, key):
    net = network(CONFIG)
    params = LanguageParams(net.init(key))
    model = document_model(
        CONFIG, ANSWERS, TRAINING, DecodingConfig(temperature), prompts=ROWS
    )
    found = np.asarray(model.sample(key, params, 40).tokens)
    assert found.shape == (40, BLOCK)
    # every prompt as often as the others, in random order
    prompts = [tuple(row[row != -1]) for row in asked_of(found)]
    given = [tuple(row[row != -1]) for row in asked_of(np.asarray(ROWS))]
    assert all(prompts.count(one) == 10 for one in given)
    assert prompts[:4] != given
    ended = np.cumsum(found == END, 1) - (found == END) > 0
    assert ended.any() == bool(temperature) and (found[ended] == END).all()
    first = np.array([one == given[0] for one in prompts])
    answers = {tuple(row) for row in found[first][:, 3:]}
    assert (len(answers) > 1) == bool(temperature)


def asked_of(rows):
    """Rows with -1 behind their prompts."""
    return np.where(documents.in_prompt(jnp.asarray(rows), ANSWERS), rows, -1)


def test_without_prompts_whole_documents_are_generated(key):
    params = LanguageParams(network(CONFIG).init(key))
    model = document_model(CONFIG, WHOLE, TRAINING)
    found = np.asarray(model.sample(key, params, 30).tokens)
    assert len({int(row[0]) for row in found}) > 1


def test_given_tokens_are_read_as_if_they_had_been_generated(key):
    """Answers go on from the prompt: their law is that of the whole sequence."""
    net = network(CONFIG)
    weights = jax.tree.map(lambda leaf: 3 * leaf, net.init(key))  # far from uniform
    prompts = jnp.tile(ROWS[:1], (4000, 1))
    own = (weights, prompts, len(prompts), CONFIG, ANSWERS, DecodingConfig())
    found = np.asarray(documents.answered(key, net, *own))
    bos = jnp.full((1, 1), CONFIG.vocabulary)
    read = jnp.concatenate([bos, ROWS[:1, :3]], 1).astype(jnp.int32)
    expected = np.asarray(jax.nn.softmax(net.apply(weights, read)[0, -1]))
    drawn = np.eye(6)[found[:, 3]]
    assert_tells_apart(drawn, expected, np.full(6, 1 / 6))


def test_it_learns_to_answer(key):
    """The answer repeats the last token of the prompt."""
    first = jnp.repeat(jnp.arange(2, 6), 25)
    fill = jnp.zeros((100, 5), jnp.int32)
    column = jnp.full(100, SEPARATOR)
    rows = jnp.concatenate([jnp.stack([first, column, first], 1), fill], 1)
    rows = rows.astype(jnp.int32)
    config = TrainConfig(steps=150, batch_size=20, learning_rate=1e-2)
    params = trained(ANSWERS, rows, key, config=config)[0]
    model = document_model(
        CONFIG, ANSWERS, config, DecodingConfig(0.0), prompts=rows[::25]
    )
    found = np.asarray(model.sample(key, params, 4).tokens)
    assert sorted(map(tuple, found)) == sorted(map(tuple, np.asarray(rows[::25])))
