"""Text that a network generates behind prompts, by the `generate` of transformers."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
import transformers

from collapse.sims.hf.network import Network, Weights, no_memory, seeded


class Decoding(NamedTuple):
    """How text is generated.

    Attributes:
      most: tokens of a text at most.
      length: tokens of prompt and text together at most.
      whole: whether every text has `most` tokens, and none ends before.
      temperature: divides the logits; 0 takes the most likely token.
      top_k: samples from the k most likely tokens; 0 for all.
      top_p: samples from the most likely tokens that reach this probability.
      repetition_penalty: of tokens that are there already.
      beams: above 1, of a beam search.
      batch: prompts at once.
    """

    most: int
    length: int
    whole: bool = False
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    beams: int = 1
    batch: int = 32


@torch.no_grad()
def generate(
    network: Network,
    weights: Weights,
    prompts: Sequence[np.ndarray],
    decoding: Decoding,
    seed: int,
) -> list[np.ndarray]:
    """The tokens behind each prompt, the end token included where one was generated.

    Args:
      network: that generates.
      weights: of it.
      prompts: tokens, one at least of each.
      decoding: how.
      seed: of all random numbers.

    Raises:
      InputError: if the GPU has no memory left.
    """
    network.put(weights)
    network.model.eval()
    found: list[np.ndarray] = [np.zeros(0, np.int32)] * len(prompts)
    advice = f"give less than --generation-batch {decoding.batch}"
    with no_memory("generation_batch", advice), seeded(seed):
        for positions in _batches(prompts, decoding.batch):
            some = [prompts[position] for position in positions]
            texts = _continued(network, some, decoding)
            for position, prompt, text in zip(positions, some, texts, strict=True):
                room = min(decoding.most, decoding.length - len(prompt))
                found[position] = _ended(text[:room], network.ends)
    return found


def _batches(prompts: Sequence[np.ndarray], batch: int) -> Iterator[np.ndarray]:
    """Places of the prompts of each batch, in order of their length."""
    order = np.argsort([len(prompt) for prompt in prompts], kind="stable")
    for start in range(0, len(order), batch):
        yield order[start : start + batch]


def _continued(
    network: Network, prompts: Sequence[np.ndarray], decoding: Decoding
) -> np.ndarray:
    """[prompts, new tokens] what follows each prompt, with padding on its left."""
    width = max(map(len, prompts))
    pad = network.ends[0]
    tokens = np.full((len(prompts), width), pad, np.int64)
    mask = np.zeros((len(prompts), width), np.int64)
    for row, prompt in enumerate(prompts):
        tokens[row, width - len(prompt) :] = prompt
        mask[row, width - len(prompt) :] = 1
    shortest = min(map(len, prompts))
    most = max(1, min(decoding.most, decoding.length - shortest))
    with network.products():
        found = network.model.generate(
            input_ids=torch.as_tensor(tokens, device=network.device),
            attention_mask=torch.as_tensor(mask, device=network.device),
            generation_config=_config(network, decoding, most),
        )
    return found[:, width:].cpu().numpy().astype(np.int32)


def _config(
    network: Network, decoding: Decoding, most: int
) -> transformers.GenerationConfig:
    """The settings of `generate`, all of them: none is left to a model's folder."""
    sampled = decoding.beams == 1 and decoding.temperature > 0
    chosen = {
        "temperature": decoding.temperature,
        "top_k": decoding.top_k,
        "top_p": decoding.top_p,
    }
    return transformers.GenerationConfig(
        do_sample=sampled,
        num_beams=decoding.beams,
        repetition_penalty=decoding.repetition_penalty,
        max_new_tokens=most,
        min_new_tokens=most if decoding.whole else None,
        pad_token_id=network.ends[0],
        eos_token_id=list(network.ends),
        **(chosen if sampled else {}),
    )


def _ended(tokens: np.ndarray, ends: tuple[int, ...]) -> np.ndarray:
    """The tokens up to the first end token, which becomes the one that is learned."""
    (positions,) = np.nonzero(np.isin(tokens, ends))
    if not len(positions):
        return tokens
    found = tokens[: positions[0] + 1].copy()
    found[-1] = ends[0]
    return found
