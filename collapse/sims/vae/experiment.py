"""Experiments with variational autoencoders: data, caption, checks."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from collapse.data.errors import InputError
from collapse.data.images import ImageData, load
from collapse.experiment.base import spelled
from collapse.measures.catalogue import Quantity, of_data
from collapse.sims.vae.fields import OF_CLASSES, VaeFields

_QUICK_CHANNELS = 16
_QUICK_STEPS = 200


@dataclasses.dataclass(frozen=True)
class Vae(VaeFields):
    """A variational autoencoder, trained on images that earlier ones generated."""

    name: ClassVar[str] = "vae"
    description: ClassVar[str] = (
        "A variational autoencoder trained on images that earlier ones generated."
    )
    panels: ClassVar[tuple[str, ...]] = (
        "test_error",
        "negative_elbo",
        "variance_ratio",
        "class_distance",
    )
    table: ClassVar[tuple[str, ...]] = panels

    @classmethod
    def axes(cls) -> tuple[str, ...]:
        """Fields that may hold several values; all but sizes share seeds."""
        return ("generate", "beta", "samples_per_generation")

    @property
    def is_known(self) -> bool:
        """Whether the data distribution is known."""
        return self.truth == "factors"

    @property
    def is_linear(self) -> bool:
        """Whether models are probabilistic PCAs."""
        return self.network == "linear"

    @property
    def pixel_law(self) -> str:
        """The likelihood of pixels: bernoulli or gaussian."""
        if self.likelihood != "auto" and not self.is_linear:
            return self.likelihood
        return (
            "bernoulli" if self.network == "conv" and not self.is_known else "gaussian"
        )

    def load(self) -> ImageData | None:
        """The images that `data` names; None for factors.

        Raises:
          InputError: if they cannot be used.
        """
        if self.is_known:
            return None
        if not self.data:
            raise InputError("data: empty; give digits, fashion-mnist or a file")
        return load(self.data, self.seed, self.classes, self.imbalance)

    # What it measures

    def known_metrics(self) -> tuple[str, ...]:
        """Names of the metrics: of classes for images, of the truth for factors."""
        left = OF_CLASSES if self.is_known else ("test_error",)
        return tuple(name for name in self.catalogue if name not in left)

    def measured(self) -> tuple[str, ...]:
        """Names of the metrics that are measured; of images without labels, fewer."""
        if self.metrics or self.is_known:
            return super().measured()
        data = self.load()
        left = OF_CLASSES if data is None or data.labels is None else ()
        return tuple(name for name in super().measured() if name not in left)

    def quantity(self, metric: str) -> Quantity | None:
        """Long name and unit of a metric; of images relative to the training images."""
        found = self.catalogue.get(metric)
        return of_data(metric, found) if found and not self.is_known else found

    def diagnostics(self) -> tuple[str, ...]:
        """Names of the diagnostics of training."""
        return () if self.is_linear else ("fit_loss", "fit_steps")

    # What is shown of it

    def figures(self) -> tuple[Mapping[str, Any], ...]:
        """Curves; and a grid of images by generation, if snapshots are kept."""
        grid = {"name": "images", "kind": "images"}
        return ({}, grid) if self.snapshots else ({},)

    def truth_words(self) -> str:
        """The data distribution, for captions."""
        if not self.is_known:
            return f"{self.data}" + (
                f", the first class {self.imbalance:g} times as frequent as the last"
                if self.imbalance != 1
                else ""
            )
        return (
            f"{self.factors} smooth patterns on {self.side} x {self.side} pixels with "
            f"noise of variance {self.pixel_noise:g}"
        )

    def caption_words(self) -> list[str]:
        """Phrases on the network, its training and what it generates, for captions."""
        if self.is_linear:
            return [f"probabilistic PCA with {self.latents} latents"]
        length = f"{self.steps} steps" if self.steps else f"{self.epochs:g} epochs"
        origin = "new" if self.start == "scratch" else "the previous"
        return [
            f"{self.network} of width {self.width} with {self.latents} latents and "
            f"{self.pixel_law.capitalize()} pixels",
            f"{length} from {origin} weights",
            *([] if self.beta == (1.0,) else [f"beta {spelled(self.beta)}"]),
        ]

    def caption(self) -> str:
        """The data, the sizes, and what decoder means do to the curves."""
        rows = f"n = {spelled(self.samples_per_generation)}"
        phrases = [rows, *self.caption_words(), self.repetitions()]
        return (
            f"Real images: {self.truth_words()}. {', '.join(phrases)}. "
            f"{self._of_means()}"
        )

    def _of_means(self) -> str:
        """What training on decoder means does to the curves, in words."""
        if "mean" not in self.generate:
            return (
                "Images are drawn from the decoder's distribution. Models that learn "
                "its means (generate mean) lose noise, and their loss on held-out real "
                "images rises under accumulate as well."
            )
        said = (
            "Decoder means lack what latents do not explain: that is gone after one "
            "step, whatever the number of images."
        )
        if self.pixel_law == "bernoulli":
            return said
        return (
            f"{said} So models of them have less and less noise: the loss on held-out "
            "real images, which have it, rises under every workflow, also under "
            "accumulate, where only the real share has noise."
        )

    # Whether it can be run

    def resolved(self, rows: int, dimension: int) -> Self:
        """The experiment with its number of images, and those that are measured."""
        del dimension
        sizes = self.samples_per_generation or (rows or self.default_rows,)
        return dataclasses.replace(self, samples_per_generation=sizes)

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        super().check()
        if self.precision != "float32" and not self.is_linear:
            raise InputError("precision: networks run in float32; drop --precision")
        if self.is_known and self.pixel_law == "bernoulli":
            raise InputError(
                "likelihood: factors have pixels of any value; give gaussian"
            )
        if self.is_known and self.factors >= self.side**2:
            raise InputError(
                f"factors: {self.factors} of {self.side**2} pixels; give fewer"
            )
        if self.is_known:
            self._check_shape((self.side, self.side))

    def _check_shape(self, shape: tuple[int, int]) -> None:
        """Raise InputError for a network that cannot see images of this shape."""
        pixels = shape[0] * shape[1]
        if self.network == "conv" and any(side % 4 for side in shape):
            raise InputError(
                "network: conv needs sides that 4 divides, and images are "
                f"{shape[0]} x {shape[1]}; give mlp"
            )
        if self.is_linear and self.latents >= pixels:
            raise InputError(
                f"latents: {self.latents} of {pixels} pixels; give fewer with linear"
            )

    def check_data(self, data: Any) -> None:
        """Raise InputError if more is asked for than the images have."""
        self._check_shape(data.shape)
        of_classes = [name for name in self.metrics if name in OF_CLASSES]
        if data.labels is None and of_classes:
            raise InputError(
                f"metrics: {of_classes[0]} needs classes, and {self.data} has no "
                "labels; give --classes, or other metrics"
            )
        rows, most = len(data.train), max(self.samples_per_generation)
        if most > rows:
            raise InputError(
                f"samples_per_generation: {most} images are needed but {self.data} has "
                f"{rows} to train on; give at most {rows}"
            )

    def quick(self) -> Self:
        """A small version with few images and steps."""
        steps = min(self.steps or _QUICK_STEPS, _QUICK_STEPS)
        narrow = min(self.width, _QUICK_CHANNELS)
        return dataclasses.replace(
            super().quick(),
            num_seeds=min(self.num_seeds, 2),
            width=narrow if self.network == "conv" else self.width,
            steps=self.steps if self.is_linear else steps,
            measured_rows=min(self.measured_rows, 200),
        )
