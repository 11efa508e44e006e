"""The training that a family's fields ask for, and its devices. Imports jax."""

from typing import Literal

from collapse.core.devices import seed_devices
from collapse.data.errors import InputError
from collapse.experiment.text.network import NetworkFamily
from collapse.models.language.architecture import NetworkConfig
from collapse.models.language.training import TrainConfig

_MICROBATCH_NUMBERS = 2**17  # positions x width of a microbatch


def train_config(
    e: NetworkFamily,
    network: NetworkConfig,
    steps: int,
    epochs: float = 0.0,
    most_rows: int = 0,
    keep: Literal["last", "best"] = "last",
) -> TrainConfig:
    """The training settings of a generation.

    Args:
      e: the experiment that asks for it.
      network: that is trained.
      steps: of the optimiser; 0 for as many as the epochs take.
      epochs: passes over the data, without steps.
      most_rows: largest total weight of the sequences that a fit sees.
      keep: the weights of the last step, or of the lowest validation loss.
    """
    return TrainConfig(
        steps=steps,
        epochs=0.0 if steps else epochs,
        most_rows=most_rows,
        batch_size=e.batch_size,
        devices=e.model_devices,
        microbatch_size=max(
            1, _MICROBATCH_NUMBERS // (network.block * network.size.width)
        ),
        learning_rate=e.learning_rate,
        warm_up=e.warm_up,
        weight_decay=e.weight_decay,
        keep=keep,
        target_shift=e.target_shift,
    )


def check_devices(e: NetworkFamily) -> None:
    """Raise InputError if the devices here cannot be divided among models."""
    here, wanted = len(seed_devices()), e.model_devices
    if here % wanted:
        raise InputError(
            f"model_devices: {wanted} for each model, of {here} that there are for "
            "seeds; give a number that divides it, or other --devices"
        )
