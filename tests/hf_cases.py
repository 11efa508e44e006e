"""A tiny language model with a tokenizer of its own, made on the spot; no downloads."""

import json
import random
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast, logging

TEXT = Path(__file__).parents[1] / "collapse/data/shakespeare/validation.txt"
END = "<|end|>"


def make_model(folder, positions=64):
    """Write a random GPT-2 of 2 layers and width 32, and a tokenizer of real text."""
    logging.disable_progress_bar()
    bytes_of = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = bytes_of, decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([TEXT.read_text()[:50_000]], trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END)
    config = GPT2Config(
        vocab_size=len(fast),
        n_positions=positions,
        n_embd=32,
        n_layer=2,
        n_head=2,
        bos_token_id=0,
        eos_token_id=0,
        initializer_range=0.2,  # so that its text depends on what stands before
    )
    torch.manual_seed(0)
    GPT2LMHeadModel(config).save_pretrained(folder)
    fast.save_pretrained(folder)


def make_pairs(path, num=60, seed=0, **more):
    """Write instructions and responses, with other fields beside them."""
    words = "a we see the sun and moon go by far away but no kite ends up here".split()
    pick = random.Random(seed)

    def some(most):
        return " ".join(pick.choice(words) for _ in range(pick.randint(2, most)))

    lines = [
        {"prompt": f"say {some(4)}", "response": some(7), "score": 3, **more}
        for _ in range(num)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
