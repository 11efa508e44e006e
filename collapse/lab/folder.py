"""The folder of a run: which experiment it belongs to, when it may be written to."""

import contextlib
import shutil
from importlib import metadata
from pathlib import Path

from collapse.data.errors import InputError

CHECKPOINTS = "checkpoints"
_LABEL = "experiment.toml"


def claim(out: str, name: str, digest: str, resume: bool) -> Path:
    """The folder for an experiment, if nothing there would be lost.

    Args:
      out: as given; empty for results/<name>-<digest>.
      name: of the module or of the TOML file.
      digest: of the experiment.
      resume: whether an unfinished run is to be continued.

    Raises:
      InputError: if the folder holds another experiment, an unfinished run that was
        not asked for, or files that are not results.
    """
    folder = Path(out) if out else Path("results") / f"{name}-{digest}"
    if folder.exists() and not folder.is_dir():
        raise InputError(f"out: {folder} is a file; give a folder")
    held = _digest_in(folder)
    if held == digest:
        unfinished = (folder / CHECKPOINTS).is_dir()
        if unfinished and not resume:
            raise InputError(
                f"out: {folder} holds an unfinished run; add --resume to continue it, "
                "or give another --out"
            )
        if resume and not unfinished:
            raise InputError(
                f"resume: {folder} is complete; drop --resume to repeat it"
            )
        if resume and _line(folder, 1) != f"# {versions()}":
            begun = _line(folder, 1).removeprefix("# ")
            raise InputError(
                f"resume: {folder} was begun with {begun}, this is {versions()}; "
                "use those versions, or give another --out"
            )
        return folder
    if held is not None:
        raise InputError(
            f"out: {folder} holds the results of another experiment; give another --out"
        )
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"out: {folder} is not empty; give a new folder")
    if resume:
        raise InputError(f"resume: {folder} holds nothing to continue; drop --resume")
    return folder


def label(folder: Path, declaration: str, digest: str) -> None:
    """Make the folder and write what it is for, and by which versions.

    Args:
      folder: the folder.
      declaration: of the experiment and its figures, as TOML.
      digest: of the experiment.

    Raises:
      InputError: if it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CHECKPOINTS).mkdir(exist_ok=True)
        text = f"# digest {digest}\n# {versions()}\n{declaration}"
        (folder / _LABEL).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"out: {folder} cannot be written ({error.strerror}); give another folder"
        ) from None


def versions() -> str:
    """Versions on which the bits of a run depend: this package and the compiler."""
    found = []
    for name in ("model-collapse-lab", "jax", "jaxlib"):
        with contextlib.suppress(metadata.PackageNotFoundError):  # run from its source
            found.append(f"{name} {metadata.version(name)}")
    return ", ".join(found)


def abandon(folder: Path) -> None:
    """Remove the folder of a run that failed before anything was done."""
    checkpoints = folder / CHECKPOINTS
    if checkpoints.is_dir() and not any(checkpoints.iterdir()):
        checkpoints.rmdir()
        if [path.name for path in folder.iterdir()] == [_LABEL]:
            shutil.rmtree(folder)
            with contextlib.suppress(OSError):  # results/, if nothing else is in it
                folder.parent.rmdir()


def check_publish(folder: str) -> None:
    """Raise InputError if figures cannot be written to a folder; leaves no file there.

    Args:
      folder: as given; it need not be there yet.
    """
    data = Path(folder) / "data"
    missing: list[Path] = []
    try:
        missing += [path for path in (data, *data.parents) if not path.exists()]
        data.mkdir(parents=True, exist_ok=True)
        (data / ".writable").touch()
        (data / ".writable").unlink()
    except OSError as error:
        raise InputError(
            f"publish: {folder} cannot be written ({error.strerror}); give a folder"
        ) from None
    finally:
        for path in missing:  # they are made again once there is a figure
            with contextlib.suppress(OSError):
                path.rmdir()


def finish(folder: Path) -> None:
    """Remove the checkpoints: the results are complete."""
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)


def _digest_in(folder: Path) -> str | None:
    """The digest of the experiment that a folder belongs to, or None."""
    return _line(folder, 0).removeprefix("# digest ").strip() or None


def _line(folder: Path, number: int) -> str:
    """A line of the label, or nothing."""
    try:
        return (folder / _LABEL).read_text(encoding="utf-8").splitlines()[number]
    except (OSError, IndexError, UnicodeDecodeError):
        return ""
