"""The peers of `charlm.py`: a transformer of PyTorch, and one of Hugging Face.

Reads requests as lines of JSON, does each, answers with a line.
"""

import functools
import json
import sys

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
import transformers
from torch import nn

VOCABULARY, BLOCK, ROWS = 65, 128, 32
SIZES = {"nano": (2, 64, 2), "micro": (4, 128, 4), "mini": (4, 256, 8)}


class Block(nn.Module):
    def __init__(self, width, heads, activation):
        super().__init__()
        self.heads, self.activation = heads, activation
        self.norm_1, self.norm_2 = nn.RMSNorm(width), nn.RMSNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)

    def forward(self, x):
        b, t, width = x.shape
        parts = self.qkv(self.norm_1(x)).split(width, 2)
        q, k, v = (p.view(b, t, self.heads, -1).transpose(1, 2) for p in parts)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(b, t, width))
        y = self.up(self.norm_2(x))
        if self.activation == "gelu":
            y = F.gelu(y, approximate="tanh")  # as flax has it
        else:
            y = F.relu(y).square()
        return x + self.down(y)


class Transformer(nn.Module):
    """With learned positions, which cost less than the lab's rotary ones."""

    def __init__(self, size, activation):
        super().__init__()
        layers, width, heads = SIZES[size]
        self.embed = nn.Embedding(VOCABULARY + 1, width)
        self.positions = nn.Embedding(BLOCK, width)
        self.blocks = nn.ModuleList(
            Block(width, heads, activation) for _ in range(layers)
        )
        self.norm = nn.RMSNorm(width)

    def forward(self, tokens):
        positions = torch.arange(tokens.shape[1])
        x = self.embed(tokens) + self.positions(positions)
        for block in self.blocks:
            x = block(x)
        return self.norm(x) @ self.embed.weight[:VOCABULARY].T


@functools.cache
def model_of(size, activation="squared_relu"):
    model = Transformer(size, activation)
    own = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.1, fused=True)
    return model, own


def train(size, activation, steps):
    model, optimiser = model_of(size, activation)
    for _ in range(steps):
        rows = torch.randint(0, VOCABULARY, (ROWS, BLOCK + 1))
        logits = model(rows[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    return float(loss.detach())


NAMES = {  # of the lab -> of this file
    "attention/qkv/kernel": "qkv.weight",
    "attention/out/kernel": "out.weight",
    "up/kernel": "up.weight",
    "down/kernel": "down.weight",
    "norm_1/scale": "norm_1.weight",
    "norm_2/scale": "norm_2.weight",
}


@torch.no_grad()
def loss(size, activation, weights, rows):
    """Of the lab's weights on rows of text, each after a BOS token."""
    model = Transformer(size, activation)
    for norm in (m for m in model.modules() if isinstance(m, nn.RMSNorm)):
        norm.eps = 1e-6  # as flax has it
    named = {
        "embed/embedding": "embed.weight",
        "positions/embedding": "positions.weight",
    }
    named["norm/scale"] = "norm.weight"
    for i in range(SIZES[size][0]):
        for theirs, own in NAMES.items():
            named[f"block_{i}/{theirs}"] = f"blocks.{i}.{own}"
    assert set(named) == set(weights), set(named) ^ set(weights)
    state = {own: torch.tensor(weights[name]) for name, own in named.items()}
    for name, tensor in state.items():
        if tensor.ndim == 2 and "embed" not in name and "positions" not in name:
            state[name] = tensor.T  # flax has inputs first
    model.load_state_dict(state)
    text = torch.tensor(rows)
    begin = torch.full((len(text), 1), VOCABULARY)
    logits = model(torch.cat([begin, text[:, :-1]], 1))
    return float(F.cross_entropy(logits.flatten(0, 1), text.flatten()))


@torch.no_grad()
def recompute(size, texts):
    """The whole text is read again for each character, as nanoGPT does."""
    model = model_of(size)[0]
    text = torch.full((texts, 1), VOCABULARY)
    for _ in range(BLOCK):
        probs = F.softmax(model(text[:, -BLOCK:])[:, -1], -1)
        text = torch.cat([text, torch.multinomial(probs, 1)], 1)
    return list(text.shape)


@functools.cache
def hugging_face(size):
    layers, width, heads = SIZES[size]
    config = transformers.GPT2Config(
        vocab_size=VOCABULARY + 2,
        n_positions=BLOCK + 1,
        n_embd=width,
        n_layer=layers,
        n_head=heads,
        bos_token_id=VOCABULARY,
        eos_token_id=None,
        pad_token_id=VOCABULARY + 1,
    )
    return transformers.GPT2LMHeadModel(config).eval()


@torch.no_grad()
def generate(size, texts):
    """With its key-value cache."""
    begin = torch.full((texts, 1), VOCABULARY)
    found = hugging_face(size).generate(
        begin,
        attention_mask=torch.ones_like(begin),
        do_sample=True,
        top_k=0,
        min_new_tokens=BLOCK,
        max_new_tokens=BLOCK,
    )
    return list(found.shape)


def versions():
    return (
        f"torch {torch.__version__} on {torch.get_num_threads()} threads, "
        f"transformers {transformers.__version__}"
    )


TASKS = {f.__name__: f for f in (train, loss, recompute, generate, versions)}

if __name__ == "__main__":
    for line in sys.stdin:
        request = json.loads(line)
        answer = TASKS[request.pop("name")](**request)
        print(json.dumps(answer), flush=True)
