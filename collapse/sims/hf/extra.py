"""What the command needs beside the lab: packages, and a folder with a model."""

import hashlib
import os
import sys
from pathlib import Path

from collapse.data.errors import InputError
from collapse.experiment.lazy import exists

_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
_INSTALL = "pip install 'model-collapse-lab[hf]'"
_PIECE = 2**20  # bytes of a large file that are read at each of several places
_PLACES = 64


def check_packages(lora: bool, split: bool) -> None:
    """Raise InputError if a package is missing that a run needs.

    Args:
      lora: whether adapters are trained, which needs peft.
      split: whether the model is spread over several GPUs, which needs accelerate.
    """
    needed = ["torch", "transformers", *["peft"] * lora, *["accelerate"] * split]
    missing = [name for name in needed if not exists(name)]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise InputError(
            f"hf: {' and '.join(missing)} {verb} not installed; run {_INSTALL}"
        )


def leave_gpu_to_torch() -> None:
    """Let jax compute on the CPU, unless it is loaded or told otherwise.

    It would take three quarters of a GPU's memory when it starts, and here it only
    weighs rows and counts.
    """
    if "jax" not in sys.modules:
        os.environ.setdefault("JAX_PLATFORMS", "cpu")


def check_folder(model: str) -> None:
    """Raise InputError if a local folder holds no model; the hub is not looked at."""
    if not model:
        raise InputError(
            "model: none given; name a folder of a causal language model, or one of "
            "the hub, by --model"
        )
    folder = Path(model)
    if folder.is_file():
        raise InputError(f"model: {model} is a file; give the folder it lies in")
    if not folder.is_dir():
        looks_local = model.startswith((".", "/", "~")) or model.count("/") > 1
        if looks_local:
            raise InputError(f"model: {model}: no such folder; give that of a model")
        return
    if not (folder / "config.json").is_file():
        raise InputError(
            f"model: {model} has no config.json; give a folder that save_pretrained "
            "has written"
        )
    if not any(path for kind in _WEIGHTS for path in folder.glob(kind)):
        raise InputError(
            f"model: {model} has no weights (*.safetensors or pytorch_model*.bin); "
            "give a folder that has, or download them"
        )


def stamp(model: str) -> tuple[tuple[str, int, int], ...]:
    """Name, time of the last change and size of each file of a model's folder."""
    seen = [(path.name, path.stat()) for path in _files(model)]
    return tuple((name, now.st_mtime_ns, now.st_size) for name, now in seen)


def fingerprint(model: str) -> str:
    """Digest of the files of a model's folder; of a hub's name, the name.

    Of a file above 64 MB its size and 64 pieces are read, evenly spaced.
    """
    files, found = _files(model), hashlib.sha256()
    if not files:
        return hashlib.sha256(model.encode()).hexdigest()
    for path in files:
        size = path.stat().st_size
        found.update(f"{path.name} {size}\n".encode())
        step = max(_PIECE, size // _PLACES)
        with path.open("rb") as file:
            for start in range(0, size, step):
                file.seek(start)
                found.update(file.read(_PIECE))
    return found.hexdigest()


def _files(model: str) -> list[Path]:
    """The files of a model's folder, weights, settings, tokenizer; none of the hub."""
    kinds = (*_WEIGHTS, "*.json", "*.model", "*.txt", "*.jinja")
    return sorted({path for kind in kinds for path in Path(model).glob(kind)})
