"""A causal language model whose trained weights are set from outside."""

import contextlib
import dataclasses
import functools
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from collapse.data.errors import InputError, first_line
from collapse.experiment.lazy import load
from collapse.sims.hf import extra
from collapse.sims.hf.checks import check_positions
from collapse.sims.hf.data import tokenizer_of
from collapse.sims.hf.fields import HfFields

Weights = Mapping[str, np.ndarray]  # name -> float32 array of the host


@dataclasses.dataclass(frozen=True)
class Network:
    """A model on its device.

    Attributes:
      model: of transformers, perhaps with adapters of peft.
      base: its trained weights as loaded; all others never change.
      ends: tokens at which a text ends; the first is the one that is learned.
      mixed: whether products are taken in bfloat16.
    """

    model: Any
    base: dict[str, np.ndarray]
    ends: tuple[int, ...]
    mixed: bool

    @property
    def device(self) -> torch.device:
        """Where its input has to be."""
        return next(self.model.parameters()).device

    def trained(self) -> dict[str, torch.nn.Parameter]:
        """Name -> parameter, of those that are trained; tied ones once."""
        every = self.model.named_parameters()
        return {name: leaf for name, leaf in every if leaf.requires_grad}

    def weights(self) -> dict[str, np.ndarray]:
        """A copy of the trained weights on the host."""
        return {name: _array(leaf) for name, leaf in self.trained().items()}

    def put(self, weights: Weights) -> None:
        """Set the trained weights."""
        with torch.no_grad():
            for name, leaf in self.trained().items():
                leaf.copy_(torch.from_numpy(np.array(weights[name], np.float32)))

    @contextlib.contextmanager
    def products(self) -> Iterator[None]:
        """A block in which products are taken in the type that is asked for."""
        kind, low = self.device.type, torch.bfloat16
        with torch.autocast(kind, dtype=low, enabled=self.mixed):
            yield


def check(experiment: HfFields) -> None:
    """Raise InputError for a device that is not there, or rows that are too long."""
    if experiment.device != "split":
        _device(experiment.device)
    config = _config(experiment.model, extra.stamp(experiment.model))
    check_positions(experiment, getattr(config, "max_position_embeddings", None))


def of(experiment: HfFields) -> Network:
    """The network that an experiment asks for, loaded once.

    Raises:
      InputError: if it cannot be loaded, or there is no room for it.
    """
    e = experiment
    adapters = (e.lora_rank, e.lora_alpha, e.seed) if e.lora_rank else None
    with no_memory("model", "it does not fit; give a smaller one, or --device split"):
        own = (e.device, adapters, e.dtype == "bfloat16", extra.stamp(e.model))
        return _loaded(e.model, *own)


@functools.lru_cache(maxsize=1)
def _loaded(
    model: str,
    device: str,
    adapters: tuple[int, float, int] | None,
    mixed: bool,
    stamp: tuple[Any, ...],
) -> Network:
    """The network, loaded once for files of one stamp."""
    del stamp
    transformers.logging.disable_progress_bar()
    where = {"device_map": "auto"} if device == "split" else {}
    try:
        found = transformers.AutoModelForCausalLM.from_pretrained(
            model, dtype=torch.float32, **where
        )
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise InputError(
            f"model: {model} cannot be loaded as a causal language model "
            f"({first_line(error)})"
        ) from None
    own = found.generation_config.eos_token_id
    others = own if isinstance(own, list) else [own]
    end = tokenizer_of(model).eos_token_id
    ends = tuple(dict.fromkeys([end, *(o for o in others if o is not None)]))
    # what a model's folder says of decoding would be mixed into the experiment's
    found.generation_config = transformers.GenerationConfig()
    if adapters:
        found = _adapted(found, *adapters)
    if device != "split":
        found = found.to(_device(device))
    network = Network(found, {}, ends, mixed)
    return dataclasses.replace(network, base=network.weights())


def _adapted(model: Any, rank: int, alpha: float, seed: int) -> Any:
    """The model with low-rank adapters, which alone are trained.

    All seeds and generations begin with the same adapters, drawn from the experiment's
    seed: they change nothing before training, as one of their two factors is 0.
    """
    peft = load("peft")  # only where adapters are asked for
    config = peft.LoraConfig(
        r=rank, lora_alpha=alpha, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of layers stored the other way round
        torch.manual_seed(seed % 2**63)
        return peft.get_peft_model(model, config)


@functools.lru_cache(maxsize=2)
def _config(model: str, stamp: tuple[Any, ...]) -> Any:
    """What a model's folder says of its architecture, read once for a stamp."""
    del stamp
    try:
        return transformers.AutoConfig.from_pretrained(model)
    except (OSError, ValueError, KeyError) as error:
        where = "" if Path(model).is_dir() else " is no folder here, and from the hub"
        raise InputError(
            f"model: {model}{where} cannot be read ({first_line(error)}); give a "
            "folder that save_pretrained has written"
        ) from None


def _device(name: str) -> torch.device:
    """The device of a name.

    Raises:
      InputError: if it is not there.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"device: {name} is not here ({first_line(error)}); give cpu or auto"
        ) from None
    return device


def device_words(name: str) -> str:
    """What torch runs on, in words: `cpu`, or the names of GPUs."""
    if name == "split" or _device(name).type == "cuda":
        count = torch.cuda.device_count() if name == "split" else 1
        devices = range(count) if name == "split" else [_device(name)]
        return ", ".join(torch.cuda.get_device_name(device) for device in devices)
    return str(_device(name))


@contextlib.contextmanager
def no_memory(field: str, advice: str) -> Iterator[None]:
    """A block in which a GPU without memory left is bad input.

    Args:
      field: that is to be lowered.
      advice: what to give instead.
    """
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        torch.cuda.empty_cache()
        said = first_line(error).partition(".")[0]
        raise InputError(f"{field}: {said}: {advice}") from None


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """A block with random numbers of its own, those of a seed, on all devices."""
    cuda = range(torch.cuda.device_count() if torch.cuda.is_available() else 0)
    with torch.random.fork_rng(devices=list(cuda)):
        torch.manual_seed(seed)
        yield


def _array(leaf: torch.Tensor) -> np.ndarray:
    return leaf.detach().to("cpu", torch.float32, copy=True).numpy()
