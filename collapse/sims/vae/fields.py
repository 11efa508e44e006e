"""The fields of an experiment with variational autoencoders."""

import dataclasses
from typing import Annotated, ClassVar, Literal

from collapse.experiment.family import Family
from collapse.experiment.fields import (
    Bounds,
    Count,
    NonNegative,
    Only,
    OnlyIfSet,
    Shown,
)
from collapse.measures import catalogue

# metrics that need labels, of `catalogue.IMAGES`
OF_CLASSES = ("tail_mass_10pct", "class_survival", "class_distance")
_NETWORKS = Only("network", ("mlp", "conv"))
_IMAGES = Only("truth", ("images",))
_FACTORS = Only("truth", ("factors",))


@dataclasses.dataclass(frozen=True)
class VaeFields(Family):
    """The fields of every family and those of variational autoencoders."""

    bias_of: ClassVar[str] = "variance of latents"
    default_rows: ClassVar[int] = 1000
    reads_tables: ClassVar[bool] = False
    catalogue = catalogue.IMAGES

    num_generations: Annotated[int, Bounds(1, 10**7 - 1)] = 10
    """Generations after the first fit, which is generation 0."""
    samples_per_generation: Annotated[
        tuple[Count, ...], Shown("all training images; 1000 of factors")
    ] = ()
    """Images n that a generation generates."""
    num_seeds: Annotated[int, Bounds(1, 10**8 - 1)] = 4
    """Independent repetitions."""
    precision: Literal["float32", "float64"] = "float32"
    """Floating-point type; networks run in float32 only."""
    truth: Literal["images", "factors"] = "images"
    """Data distribution: real images, or a factor model of smooth patterns and noise,
    whose likelihood is known."""
    data: Annotated[str, _IMAGES] = "digits"
    """Images: 'digits' (8 x 8, shipped), 'fashion-mnist' where the system has it, an
    IDX file (as of MNIST), .npy or .npz, or a folder of IDX files."""
    classes: Annotated[str, Shown("those that come with the data"), OnlyIfSet()] = ""
    """File of the images' classes 0, 1, ..., .npy or IDX."""
    imbalance: Annotated[float, Bounds(1, 10**4), _IMAGES] = 1.0
    """How many times as frequent the first class is as the last: a long-tailed law;
    images beyond it are left out. 1 for the data as they are."""
    side: Annotated[int, Bounds(2, 64), _FACTORS] = 8
    """With --truth factors: pixels of a side."""
    factors: Annotated[int, Bounds(1, 1000), _FACTORS] = 4
    """With --truth factors: patterns of the truth; the i-th has variance 0.5 / i."""
    pixel_noise: Annotated[float, Bounds(0, 100, above=True), _FACTORS] = 0.05
    """With --truth factors: variance of a pixel about them."""
    network: Literal["mlp", "conv", "linear"] = "mlp"
    """mlp: one hidden layer on each side; conv: the two convolutions of Shumailov et
    al.; linear: probabilistic PCA, fitted in closed form."""
    latents: Annotated[int, Bounds(1, 1000)] = 8
    """Latents k of an image."""
    width: Annotated[int, Bounds(1, 10**4), _NETWORKS] = 128
    """Units of a hidden layer, or channels of the first convolution."""
    likelihood: Annotated[Literal["auto", "bernoulli", "gaussian"], _NETWORKS] = "auto"
    """Distribution of pixels: Bernoulli, for grey levels from 0 to 1 (cross-entropy),
    or Gaussian with a variance that is learned. auto: Gaussian, but Bernoulli for conv
    on images, as Shumailov et al. have it."""
    generate: tuple[Literal["sample", "mean"], ...] = ("sample",)
    """Images that a model generates: drawn from its distribution of pixels, or the
    decoder's mean, which is what Shumailov et al. train on."""
    beta: Annotated[tuple[NonNegative, ...], _NETWORKS] = (1.0,)
    """Factor of the divergence between posterior and prior in the training loss."""
    steps: Annotated[int, Bounds(0, 10**7), _NETWORKS] = 1000
    """Optimiser steps of a fit, whatever the amount of data; 0 for epochs."""
    epochs: Annotated[
        float, Bounds(0, 10**5, above=True), _NETWORKS, Only("steps", (0,))
    ] = 30.0
    """Passes over the training images, so that more data get more steps; with --steps 0
    only."""
    batch_size: Annotated[int, Bounds(1, 10**5), _NETWORKS] = 64
    """Images of a step."""
    learning_rate: Annotated[float, Bounds(0, 10, above=True), _NETWORKS] = 3e-3
    """Learning rate of Adam."""
    weight_decay: Annotated[float, Bounds(0, 10), _NETWORKS] = 1e-5
    """Times a weight, added to its gradient."""
    start: Annotated[Literal["scratch", "previous"], _NETWORKS] = "scratch"
    """Weights that training starts from: new ones, or the previous generation's."""
    measured_rows: Annotated[int, Bounds(20, 10**6)] = 500
    """Held-out images tested on, at most; as many are generated to be measured."""
    iw_samples: Annotated[int, Bounds(1, 10**5), _NETWORKS] = 20
    """Draws of the latents for the importance-weighted bound."""
