"""PyTorch's side of `diffusion.py`; a process that is told what to do, line by line."""

import functools
import json
import math
import sys

import torch
from torch import nn

BATCH, ROWS, LAYERS, DELTA = 128, 500, 3, 0.01
FREQUENCIES = torch.tensor([2.0**k for k in range(-1, 5)])
OFFSET, LAST_TIME = 0.008, 5.025


class Denoiser(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(3 + 2 * len(FREQUENCIES), width)])
        self.layers.extend(nn.Linear(width, width) for _ in range(LAYERS - 1))
        self.layers.append(nn.Linear(width, 2))

    def forward(self, points, sigma):
        angles = sigma.log()[:, None] * FREQUENCIES
        inputs = [points, sigma[:, None], angles.sin(), angles.cos()]
        first, *rest, last = self.layers
        hidden = nn.functional.silu(first(torch.cat(inputs, 1)))
        for layer in rest:
            hidden = hidden + nn.functional.silu(layer(hidden))
        return last(hidden)


@functools.cache
def model_of(width):
    model = Denoiser(width)
    own = torch.optim.Adam(model.parameters(), 3e-3, betas=(0.9, 0.99), fused=True)
    return model, own


def cosine(s):
    return math.cos((s + OFFSET) / (1 + OFFSET) * math.pi / 2)


def position(tau):
    level = math.exp(-tau) * cosine(0.0)
    return math.acos(level) * 2 / math.pi * (1 + OFFSET) - OFFSET


def train(width, steps, threads=1):
    torch.set_num_threads(threads)
    model, optimiser = model_of(width)
    data, first, last = torch.randn(ROWS, 2), position(DELTA), position(LAST_TIME)
    for i in range(steps):
        batch = data[torch.randint(0, ROWS, (BATCH,))]
        share = (torch.arange(BATCH) + torch.rand(BATCH)) / BATCH
        s = first + (last - first) * share
        alpha = torch.cos((s + OFFSET) / (1 + OFFSET) * math.pi / 2) / cosine(0.0)
        sigma, z = (1 - alpha**2).sqrt(), torch.randn(BATCH, 2)
        points = alpha[:, None] * batch + sigma[:, None] * z
        loss = ((model(points, sigma) - z) ** 2).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        rise = min((i + 1) / steps / 0.05, 1)
        fall = (1 + math.cos(math.pi * (i + 1) / steps)) / 2
        optimiser.param_groups[0]["lr"] = 3e-3 * rise * fall
        optimiser.step()
    return float(loss.detach())


@torch.no_grad()
def loss(width, weights, rows, sigma, noise):
    """Of the lab's weights on noised rows."""
    model = Denoiser(width)
    for i, layer in enumerate(model.layers):
        layer.weight.copy_(torch.tensor(weights[f"Dense_{i}/kernel"]).T)
        layer.bias.copy_(torch.tensor(weights[f"Dense_{i}/bias"]))
    found = model(torch.tensor(rows), torch.tensor(sigma))
    return float(((found - torch.tensor(noise)) ** 2).mean())


def versions():
    return f"torch {torch.__version__}"


def main():
    known = {f.__name__: f for f in (train, loss, versions)}
    for line in sys.stdin:
        told = json.loads(line)
        print(json.dumps(known[told.pop("name")](**told)), flush=True)


if __name__ == "__main__":
    main()
