"""When a folder may be written to by a shard of its run; without jax."""

from pathlib import Path

from collapse.data.errors import InputError
from collapse.lab import folder, lock
from collapse.lab.folder import Claim


def claim(place: Path, digest: str) -> Claim:
    """The folder of a run, for a shard of it: whatever other shards have left there.

    Args:
      place: the folder.
      digest: of the experiment.

    Raises:
      InputError: if another process has it alone, or it holds anything else.
    """
    lock.check_free(place, alone=False)
    if folder.digest_in(place) is not None:
        check_same(place, digest)
        if folder.is_complete(place):
            return Claim(place, complete=True)
        folder.check_versions(place, "shard")
    elif place.is_dir() and any(
        path.name != folder.CHECKPOINTS and not path.name.startswith(".")
        for path in place.iterdir()
    ):
        raise InputError(f"out: {place} is not empty; give a new folder")
    return Claim(place)


def check_same(place: Path, digest: str) -> None:
    """Raise InputError for a folder of another experiment."""
    if folder.digest_in(place) != digest:
        raise InputError(
            f"shard: {place} holds another experiment; give all shards of one the same "
            "settings, and another experiment another --out"
        )
