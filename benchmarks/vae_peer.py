"""The peer of `vae.py`: the same autoencoders in PyTorch, eager.

Reads lines of JSON, each a task, and answers each with one.
"""

import functools
import json
import sys

import torch
from torch import nn
from torch.nn import functional as F


class Autoencoder(nn.Module):
    """One hidden layer on each side, or the convolutions of Shumailov et al."""

    def __init__(self, kind, side, latents, width):
        super().__init__()
        self.kind, pixels = kind, side**2
        if kind == "mlp":
            self.encoder = nn.ModuleList([nn.Linear(pixels, width)])
            self.decoder = nn.ModuleList(
                [nn.Linear(latents, width), nn.Linear(width, pixels)]
            )
            inner = width
        else:
            self.small, inner = (2 * width, side // 4, side // 4), pixels * width // 8
            self.encoder = nn.ModuleList(
                [
                    nn.Conv2d(1, width, 4, 2, 1),
                    nn.Conv2d(width, 2 * width, 4, 2, 1),
                ]
            )
            self.expand = nn.Linear(latents, inner)
            self.decoder = nn.ModuleList(
                [
                    nn.ConvTranspose2d(2 * width, width, 4, 2, 1),
                    nn.ConvTranspose2d(width, 1, 4, 2, 1),
                ]
            )
        self.side = side
        self.mean, self.log_variance = (nn.Linear(inner, latents) for _ in range(2))

    def forward(self, images):
        x = images
        if self.kind == "conv":
            x = x.view(-1, 1, self.side, self.side)
        for layer in self.encoder:
            x = F.relu(layer(x))
        x = x.flatten(1)
        mean, log_variance = self.mean(x), self.log_variance(x)
        x = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        if self.kind == "conv":
            x = self.expand(x).view(-1, *self.small)
        for i, layer in enumerate(self.decoder):
            x = layer(F.relu(x) if i else x)
        return x.flatten(1), mean, log_variance


@functools.cache
def model_of(kind, side, latents, width):
    torch.manual_seed(0)
    model = Autoencoder(kind, side, latents, width)
    adam = torch.optim.Adam(model.parameters(), 1e-3, weight_decay=1e-5)
    return model, adam


def train(kind, side, latents, width, batch, steps):
    """So many steps of Adam on random images; the last loss."""
    model, adam = model_of(kind, side, latents, width)
    rows = torch.rand(2048, side**2)
    for _ in range(steps):
        images = rows[torch.randint(len(rows), (batch,))]
        output, mean, log_variance = model(images)
        loss = F.binary_cross_entropy_with_logits(output, images, reduction="sum")
        each = mean**2 + torch.exp(log_variance) - log_variance - 1
        loss = loss + each.sum() / 2
        adam.zero_grad()
        loss.backward()
        adam.step()
    return loss.item() / batch


def parameters(kind, side, latents, width):
    """Number of parameters."""
    model, _ = model_of(kind, side, latents, width)
    return sum(p.numel() for p in model.parameters())


def versions():
    return f"torch {torch.__version__} on {torch.get_num_threads()} threads"


TASKS = {f.__name__: f for f in (train, parameters, versions)}

if __name__ == "__main__":
    for line in sys.stdin:
        request = json.loads(line)
        answer = TASKS[request.pop("name")](**request)
        print(json.dumps(answer), flush=True)
