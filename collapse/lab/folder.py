"""The folder of a run: which experiment it belongs to, when it may be written to."""

import contextlib
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple, TextIO

from collapse.data.errors import InputError
from collapse.experiment.files import atomic, write_once
from collapse.lab import checksums, contents, head, lock
from collapse.lab.contents import is_remnant, remove

CHECKPOINTS, STATES = contents.CHECKPOINTS, contents.STATES
RESULTS, LABEL = contents.RESULTS, contents.LABEL
MOST_STATES = 2**28  # bytes that are kept of a complete run to extend it


class Claim(NamedTuple):
    """A folder that an experiment may have.

    Attributes:
      folder: where it lies; it need not be there yet.
      complete: whether the results of this experiment are there already.
      anew: whether what an earlier run has left there is to be removed.
      base: folder of a finished shorter run that is to be extended, if any.
    """

    folder: Path
    complete: bool = False
    anew: bool = False
    base: Path | None = None


def usual(out: str, name: str, digest: str) -> Path:
    """The folder for an experiment, as given or results/<name>-<digest>.

    Raises:
      InputError: if it is a file.
    """
    folder = Path(out) if out else Path("results") / f"{name}-{digest}"
    if folder.exists() and not folder.is_dir():
        raise InputError(f"out: {folder} is a file; give a folder")
    return folder


def claim(
    folder: Path, digest: str, resume: bool = False, force: bool = False
) -> Claim:
    """The folder for an experiment, if nothing there would be lost.

    Args:
      folder: as of `usual`.
      digest: of the experiment.
      resume: whether an unfinished run is to be continued.
      force: whether a run is to be repeated, however far an earlier one came.

    Raises:
      InputError: if the folder is in use, or holds another experiment, an unfinished
        run that was not asked for, or files that are not results.
    """
    lock.check_free(folder)
    held = digest_in(folder)
    if held == digest:
        if force:
            return Claim(folder, anew=True)
        if is_complete(folder):
            return Claim(folder, complete=True)
        if not has_checkpoints(folder):  # it was ended before anything was done
            return Claim(folder)
        if not resume:
            raise InputError(
                f"out: {folder} holds an unfinished run; add --resume to continue it, "
                "--force to begin anew, or give another --out"
            )
        check_versions(folder, "resume")
        return Claim(folder)
    if held is not None:
        raise InputError(
            f"out: {folder} holds the results of another experiment; give another --out"
        )
    left = folder.is_dir() and any(folder.iterdir())
    if left and not is_remnant(folder):
        raise InputError(f"out: {folder} is not empty; give a new folder")
    if resume and not left:
        raise InputError(f"resume: {folder} holds nothing to continue; drop --resume")
    return Claim(folder, anew=left)


def check_versions(folder: Path, option: str) -> None:
    """Raise InputError for a run that other versions have begun.

    Raises:
      InputError: names both.
    """
    begun = _line(folder, 1).removeprefix("# ")
    if begun != versions():
        raise InputError(
            f"{option}: {folder} was begun with {begun}, this is {versions()}; "
            "use those versions, or give another --out"
        )


def is_complete(folder: Path) -> bool:
    """Whether a folder holds results, and no run that is still to be finished."""
    return (folder / RESULTS).is_file() and not has_checkpoints(folder)


def has_checkpoints(folder: Path) -> bool:
    """Whether a folder holds an unfinished run of which something has been saved."""
    return any((folder / CHECKPOINTS).glob("*.npz"))


@contextlib.contextmanager
def held(claim: Claim) -> Iterator[list[TextIO]]:
    """Have the folder of a run for this process alone, as long as the block runs.

    It is made if need be, and goes again if nothing is done in it. Gives the files of
    the lock: processes that inherit them keep others out, too.

    Raises:
      InputError: if it cannot be written, or another process has it.
    """
    folder = claim.folder
    _make(folder)
    with lock.held(folder) as file:
        if claim.anew:
            for name in (CHECKPOINTS, STATES):
                remove(folder / name)
            (folder / CHECKPOINTS).mkdir()
        try:
            yield [file]
        finally:
            _abandon(folder)


@contextlib.contextmanager
def shared(folder: Path, index: int, count: int) -> Iterator[list[TextIO]]:
    """Have the folder of a run for the shards of it, as long as the block runs.

    It is made if need be, and goes again with the last shard if nothing is done in it.
    Gives the files of the locks.

    Raises:
      InputError: if it cannot be written, or another process has it.
    """
    _make(folder)
    with lock.shared(folder, index, count) as files:
        (folder / CHECKPOINTS).mkdir(exist_ok=True)  # if one has just left it
        try:
            yield files
        finally:
            if lock.is_alone(files[0]):
                _abandon(folder)


def _make(folder: Path) -> None:
    """Make the folder of a run, with one for its checkpoints."""
    try:
        (folder / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"out: {folder} cannot be written ({error.strerror}); give another folder"
        ) from None


def label(
    folder: Path,
    declaration: str,
    digest: str,
    name: str,
    machine: str,
    processor: str,
    layout: str,
    once: bool = False,
) -> None:
    """Write what a folder is for, and what its numbers depend on.

    Args:
      folder: which this process has.
      declaration: of the experiment and its figures, as TOML.
      digest: of the experiment.
      name: of the experiment's command.
      machine: kind of device.
      processor: its model.
      layout: of its devices.
      once: leave one that is there.
    """
    about = [f"digest {digest}", versions(), f"on {machine}", f"collapse {name}"]
    about += [f"processor {processor}", f"layout {layout}"]
    text = head.text(about, declaration)
    if once:
        write_once(folder / LABEL, text)
        return
    checksums.remove(folder)  # of an earlier run
    with atomic(folder / LABEL) as temporary:
        temporary.write_text(text, encoding="utf-8")


def label_again(folder: Path, declaration: str) -> None:
    """Write another declaration of the same experiment, with other figures."""
    about = [line.removeprefix("# ") for line in head.lines(folder / LABEL)]
    with atomic(folder / LABEL) as temporary:
        temporary.write_text(head.text(about, declaration), encoding="utf-8")


def check_machine(folder: Path, machine: str) -> None:
    """Raise InputError for a run that was begun on another kind of device.

    Raises:
      InputError: names both.
    """
    begun = _line(folder, 2).removeprefix("# on ")
    if has_checkpoints(folder) and begun not in ("", machine):
        raise InputError(
            f"resume: {folder} was begun on {begun}, this is {machine}; use that, or "
            "give another --out"
        )


def layout_in(folder: Path) -> str:
    """The layout of devices that a run was begun on; "" if it does not say."""
    return _line(folder, 5).removeprefix("# layout ")


def command_in(folder: Path) -> str:
    """The name of the command that a run belongs to; "" if it does not say."""
    return _line(folder, 3).removeprefix("# collapse ")


def conditions_of(folder: Path) -> tuple[str, str, str]:
    """Versions, kind of device and layout of devices that a run was begun on."""
    return _line(folder, 1)[2:], _line(folder, 2)[5:], layout_in(folder)


def other_processor(folder: Path, processor: str) -> str:
    """The processor that an unfinished or finished run was begun on, if another."""
    begun = _line(folder, 4).removeprefix("# processor ")
    return "" if begun == processor else begun


def versions() -> str:
    """Versions on which the bits of a run depend: this package and the compiler."""
    found = []
    for name in ("model-collapse-lab", "jax", "jaxlib"):
        with contextlib.suppress(metadata.PackageNotFoundError):  # run from its source
            found.append(f"{name} {metadata.version(name)}")
    return ", ".join(found)


def _abandon(folder: Path) -> None:
    """Remove the folder of a run that ended before anything was done."""
    checkpoints = folder / CHECKPOINTS
    if not checkpoints.is_dir() or has_checkpoints(folder):
        return
    shutil.rmtree(checkpoints)
    if {path.name for path in folder.iterdir()} <= {LABEL, lock.NAME}:
        shutil.rmtree(folder)
        with contextlib.suppress(OSError):  # results/, if nothing else is in it
            folder.parent.rmdir()


def finish(folder: Path) -> None:
    """The results are complete: keep of the checkpoints what can be extended."""
    checkpoints, states = folder / CHECKPOINTS, folder / STATES
    remove(states)
    kept = [path for path in checkpoints.iterdir() if path.suffix == ".npz"]
    if sum(path.stat().st_size for path in kept) > MOST_STATES:
        remove(checkpoints)
        return
    checkpoints.rename(states)  # at once: from now on the run is complete
    for path in states.iterdir():
        if path.suffix != ".npz":
            path.unlink()


def digest_in(folder: Path) -> str | None:
    """The digest of the experiment that a folder belongs to, or None.

    Raises:
      InputError: if its label is damaged.
    """
    return _line(folder, 0).removeprefix("# digest ").strip() or None


def _line(folder: Path, number: int) -> str:
    """A comment at the head of the label, or nothing."""
    lines = head.lines(folder / LABEL)
    return lines[number] if number < len(lines) else ""
