"""Fine-tuning: which tokens are learned, and with which weight."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from collapse.sims.hf import Hf, network, scoring, training
from collapse.sims.hf.data import TokenRows

N, LENGTH, VOCABULARY = 6, 12, 300
SMALL = {"learn": "responses", "length": LENGTH, "learning_rate": 0.01}


@pytest.fixture(scope="module")
def net(model):
    return network.of(Hf(model=str(model), **SMALL))


def rows_of(seed=0, num=N):
    """Random rows with prompts of 2 to 4 tokens, and padding behind most."""
    draw = np.random.default_rng(seed)
    tokens = draw.integers(1, VOCABULARY, (num, LENGTH)).astype(np.int32)
    first = draw.integers(2, 5, num).astype(np.int32)
    end = draw.integers(6, LENGTH + 1, num).astype(np.int32)
    return TokenRows(tokens, first, end)


def loss_by_hand(net, rows, weights):
    """Mean loss of response tokens, each row by itself and without its padding."""
    total = count = 0.0
    for tokens, first, end, weight in zip(*rows, weights, strict=True):
        ids = torch.as_tensor(tokens[None, :end]).long()
        with torch.no_grad():
            logits = net.model.eval()(input_ids=ids).logits[0].double().numpy()
        for place in range(first, end):
            own = logits[place - 1] - logits[place - 1].max()
            total -= weight * (own[tokens[place]] - np.log(np.exp(own).sum()))
            count += weight
    return total / count


def check_loss(net, rows, weights):
    """Raise AssertionError unless a step's loss is the one by hand."""
    net.put(net.base)
    by_hand = loss_by_hand(net, rows, weights)
    e = Hf(**SMALL, batch_size=4)  # in two batches
    net.model.eval()
    frozen = torch.optim.SGD(net.trained().values(), lr=0.0)
    found = training._step(net, frozen, rows, weights, e)
    assert found == pytest.approx(by_hand, rel=1e-5)


BROKEN = {
    "prompts, too": lambda rows: np.arange(LENGTH) < np.asarray(rows.end)[:, None],
    "padding, too": lambda rows: np.arange(LENGTH) >= np.asarray(rows.first)[:, None],
    "no end token": lambda rows: (
        scoring_learned(rows) & (np.arange(LENGTH) < np.asarray(rows.end)[:, None] - 1)
    ),
}
scoring_learned = scoring.learned


def break_mask(monkeypatch, broken):
    for module in (scoring, training):
        monkeypatch.setattr(module, "learned", broken)


WEIGHTS = np.array([1.0, 0.5, 2.0, 1.0, 3.0, 1.0], np.float32)


def test_the_loss_of_a_step_is_the_one_by_hand(net):
    check_loss(net, rows_of(), WEIGHTS)


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_mask_is_seen(net, monkeypatch, broken):
    break_mask(monkeypatch, broken)
    with pytest.raises(AssertionError):
        check_loss(net, rows_of(), WEIGHTS)


def check_gradient(net):
    """Raise AssertionError unless response tokens alone pull on the logits."""
    seen, rows = [], rows_of()

    def keep(module, inputs, output):
        output.logits.retain_grad()
        seen.append(output.logits)

    hook = net.model.register_forward_hook(keep)
    scoring.token_losses(net, rows).sum().backward()
    hook.remove()
    pulled = seen[0].grad.abs().sum(-1).numpy() > 0  # at the token before
    place = np.arange(pulled.shape[1])[None] + 1
    response = (place >= rows.first[:, None]) & (place < rows.end[:, None])
    np.testing.assert_array_equal(pulled, response)


def test_prompts_and_padding_pull_on_nothing(net, monkeypatch):
    check_gradient(net)
    for broken in BROKEN.values():
        break_mask(monkeypatch, broken)
        with pytest.raises(AssertionError):
            check_gradient(net)


def trained(net, rows, weights=None, seed=3, **fields):
    weights = np.ones(len(rows.tokens), np.float32) if weights is None else weights
    e = dataclasses.replace(Hf(**SMALL, batch_size=4, epochs=2.0), **fields)
    return training.train(net, net.base, rows, weights, e, seed)


def same(one, other, tolerance=0.0):
    assert one.weights.keys() == other.weights.keys()
    for name in one.weights:
        np.testing.assert_allclose(
            one.weights[name], other.weights[name], rtol=0, atol=tolerance
        )


def test_what_follows_the_end_of_a_row_changes_no_bit(net):
    rows = rows_of()
    other = np.where(scoring_learned(rows) | (np.arange(LENGTH) < 5), rows.tokens, 7)
    assert (other != rows.tokens).any()
    same(trained(net, rows), trained(net, rows._replace(tokens=other)))


def test_rows_of_weight_zero_change_no_bit_and_weights_scale_out(net):
    rows = rows_of()
    more = TokenRows(*map(np.concatenate, zip(rows, rows_of(1), strict=True)))
    alone = trained(net, rows, WEIGHTS)
    same(alone, trained(net, more, np.concatenate([WEIGHTS, 0 * WEIGHTS])))
    same(alone, trained(net, rows, 4 * WEIGHTS))
    moved = max(np.abs(alone.weights[k] - net.base[k]).max() for k in net.base)
    assert moved > 0.01 and alone.steps == 4
    counted = 2 * int((rows.end - rows.first).sum())
    assert alone.tokens == counted


def test_batches_that_are_added_up_are_the_gradient_of_one(net):
    """Weights of rows, and unequal numbers of tokens, included."""
    net.put(net.base)
    net.model.eval()

    def gradient(batch_size):
        frozen = torch.optim.SGD(net.trained().values(), lr=0.0)
        e = Hf(**SMALL, batch_size=batch_size, accumulation=6, clip=0.0)
        loss = training._step(net, frozen, rows_of(), WEIGHTS, e)
        return loss, {k: v.grad.numpy().copy() for k, v in net.trained().items()}

    (whole, grads), (parts, others) = gradient(6), gradient(2)
    assert whole == pytest.approx(parts, rel=1e-5)
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, others[name], rtol=1e-3, atol=1e-6)
    clipped = Hf(**SMALL, batch_size=6, clip=1e-3)
    frozen = torch.optim.SGD(net.trained().values(), lr=0.0)
    training._step(net, frozen, rows_of(), WEIGHTS, clipped)
    norms = [float(leaf.grad.norm()) for leaf in net.trained().values()]
    assert np.linalg.norm(norms) == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.parametrize("lora_rank", [0, 2])
def test_activations_computed_twice_give_the_same_weights(model, lora_rank):
    own = network.of(Hf(model=str(model), lora_rank=lora_rank, **SMALL))
    plain = trained(own, rows_of())
    assert max(np.abs(plain.weights[k] - own.base[k]).max() for k in own.base) > 0.005
    twice = trained(own, rows_of(), gradient_checkpointing=True)
    assert own.model.is_gradient_checkpointing
    same(plain, twice, 1e-5)
    same(plain, trained(own, rows_of()))
    assert not own.model.is_gradient_checkpointing


def test_mixed_precision_is_near_and_keeps_weights_in_float32(model, net):
    mixed = dataclasses.replace(net, mixed=True)
    rows = rows_of()
    one, other = (scoring.losses(n, net.base, rows, 4) for n in (net, mixed))
    np.testing.assert_allclose(one, other, atol=0.1)
    assert (one[scoring_learned(rows)] != other[scoring_learned(rows)]).any()
    found = trained(mixed, rows, learning_rate=1e-6)  # lost in bfloat16
    assert {leaf.dtype for leaf in found.weights.values()} == {np.dtype("float32")}
    changed = np.mean([np.mean(found.weights[k] != net.base[k]) for k in net.base])
    assert changed > 0.5


def test_random_numbers_are_those_of_the_seed_and_no_others(net):
    rows = rows_of()
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one = trained(net, rows)
    assert torch.rand(1) == expected
    same(one, trained(net, rows))
    with pytest.raises(AssertionError):
        same(one, trained(net, rows, seed=4))


def test_the_best_weights_are_those_of_the_lowest_validation_loss(net):
    losses = iter([3.0, 1.0, 2.0])
    seen = []

    def validate(weights):
        seen.append(weights)
        return next(losses)

    e = Hf(**SMALL, batch_size=4, epochs=3.0, keep="best")
    ones = np.ones(N, np.float32)
    found = training.train(net, net.base, rows_of(), ones, e, 3, validate)
    assert (found.kept, found.steps, len(seen)) == (4, 6, 3)
    for name in seen[1]:
        np.testing.assert_array_equal(found.weights[name], seen[1][name])


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"warm_up": 0.0}, [1, 1, 1, 1]),
        ({"warm_up": 0.5}, [0.5, 1, 1, 1]),
        ({"warm_up": 0.0, "schedule": "linear"}, [1, 0.75, 0.5, 0.25]),
        (
            {"warm_up": 0.0, "schedule": "cosine", "last_rate": 0.2},
            [1, 0.2 + 0.8 * (1 + 0.5**0.5) / 2, 0.6, 0.2 + 0.8 * (1 - 0.5**0.5) / 2],
        ),
    ],
)
def test_learning_rates(fields, expected):
    e = Hf(**fields)
    assert [training.rate(e, k, 4) for k in range(4)] == pytest.approx(expected)
