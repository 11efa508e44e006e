"""Generation: `generate` of transformers, told everything, against a plain loop."""

import dataclasses
import shutil

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from transformers import GenerationConfig

from collapse.sims.hf import Hf, generation, network
from collapse.sims.hf.generation import Decoding

PROMPTS = [
    np.random.default_rng(size).integers(1, 300, size).astype(np.int32)
    for size in (5, 2, 9, 5)
]
GREEDY = Decoding(most=8, length=64, temperature=0.0, batch=3)


@pytest.fixture(scope="module")
def net(model):
    return network.of(Hf(model=str(model), learn="responses"))


def step_by_step(net, prompt, num, penalty=1.0):
    """The most likely continuation, the whole text read anew for each token."""
    tokens = torch.as_tensor(prompt)[None].long()
    for _ in range(num):
        with torch.no_grad():
            logits = net.model.eval()(input_ids=tokens).logits[0, -1]
        seen = torch.unique(tokens)
        lower = torch.where(logits < 0, logits * penalty, logits / penalty)
        logits[seen] = lower[seen]
        tokens = torch.cat([tokens, logits.argmax()[None, None]], 1)
    return tokens[0, len(prompt) :].numpy()


@pytest.mark.parametrize("penalty", [1.0, 1.5])
def test_greedy_text_is_that_of_a_plain_loop(net, penalty):
    """Also of prompts of several lengths at once, and with a repetition penalty."""
    decoding = GREEDY._replace(repetition_penalty=penalty)
    found = generation.generate(net, net.base, PROMPTS, decoding, 0)
    for prompt, text in zip(PROMPTS, found, strict=True):
        np.testing.assert_array_equal(text, step_by_step(net, prompt, 8, penalty))


def test_padding_is_no_token_that_a_penalty_lowers(net):
    """It is an end token, which the shortest prompt of a batch is to be followed by.

    Transformers before 5.24 may take padding for tokens that were there.
    """
    (end,) = step_by_step(net, PROMPTS[1], 1, 5.0)
    assert end not in PROMPTS[1]
    ending = dataclasses.replace(net, ends=(int(end),))
    decoding = GREEDY._replace(repetition_penalty=5.0)
    found = generation.generate(ending, net.base, PROMPTS, decoding, 0)[1]
    np.testing.assert_array_equal(found, [end])


def test_a_text_ends_with_the_end_token_or_where_there_is_no_room(net):
    plain = generation.generate(net, net.base, PROMPTS, GREEDY, 0)[0]
    later = next(k for k in range(1, 8) if plain[k] not in plain[:k])
    ending = dataclasses.replace(net, ends=(0, int(plain[later])))
    cut = generation.generate(ending, net.base, PROMPTS[:1], GREEDY, 0)[0]
    np.testing.assert_array_equal(cut, [*plain[:later], 0])  # the one that is learned
    whole = GREEDY._replace(whole=True)
    long = generation.generate(ending, net.base, PROMPTS[:1], whole, 0)[0]
    assert len(long) == 8 and plain[later] not in long
    narrow = generation.generate(net, net.base, PROMPTS, GREEDY._replace(length=10), 0)
    assert [len(text) for text in narrow] == [5, 8, 1, 5]


def test_sampled_text_is_that_of_the_seed(net):
    sampled = GREEDY._replace(temperature=1.0)

    def text(seed, **fields):
        own = sampled._replace(**fields)
        return np.concatenate(generation.generate(net, net.base, PROMPTS, own, seed))

    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one = text(1)
    assert torch.rand(1) == expected
    np.testing.assert_array_equal(one, text(1))
    assert (one != text(2)).any()
    np.testing.assert_array_equal(text(1, top_k=1), text(2, temperature=1e-6))
    np.testing.assert_array_equal(text(1, top_p=1e-6), text(1, top_k=1))


def test_settings_of_a_model_s_folder_have_no_say(model, net, tmp_path):
    """Some ask for sampling from 50 tokens, say, whatever the experiment wants."""
    shutil.copytree(model, tmp_path / "other")
    likely = generation.generate(net, net.base, PROMPTS, GREEDY, 1)[0].tolist()
    said = GenerationConfig(do_sample=True, top_k=1, suppress_tokens=likely)
    said.save_pretrained(tmp_path / "other")
    other = network.of(Hf(model=str(tmp_path / "other"), learn="responses"))
    decoding = GREEDY._replace(temperature=1.0)
    for own in (GREEDY, decoding):
        here, there = (
            generation.generate(one, net.base, PROMPTS, own, 1) for one in (net, other)
        )
        for a, b in zip(here, there, strict=True):
            np.testing.assert_array_equal(a, b)
