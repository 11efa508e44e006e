"""Files of a finished run that were removed or damaged, written anew."""

import os
from collections.abc import Sequence

import xarray as xr

from collapse.figures.spec import Figure
from collapse.lab import checksums, contents, folder, outputs


def restored(
    claim: folder.Claim, dataset: xr.Dataset, figures: Sequence[Figure]
) -> str:
    """What is said of files that were removed or damaged, after writing them anew.

    A run that has no checksums was ended while it wrote: all files that follow from its
    results are written then.

    Args:
      claim: to the folder of the run.
      dataset: its results.
      figures: with every field filled in.
    """
    place = claim.folder
    known, changed = checksums.read(place), checksums.changed(place)
    absent, names = outputs.absent(figures, place), outputs.names(figures)
    damaged = [name for name in changed if name in names]
    others = [name for name in changed if name not in names]
    said = f"; {', '.join(others)} damaged: --force writes them anew" if others else ""
    writable = os.access(place, os.W_OK)
    lost = names if not known and writable else [*absent, *damaged]
    if not lost:
        return said
    told = _told(absent, "missing") + _told(damaged, "damaged") or ["no checksums"]
    if not writable:
        return f", but {', '.join(told)}: the folder cannot be written to{said}"
    with folder.held(claim):
        outputs.write(dataset, figures, place, only=lost)
        if others:  # they stay as they were written down
            return f"; {', '.join(told)}, written anew from {folder.RESULTS}{said}"
        checksums.write(place, [*(known or contents.files(place)), *names])
    return f"; {', '.join(told)}, written anew from {folder.RESULTS}"


def _told(names: Sequence[str], what: str) -> list[str]:
    return [f"{', '.join(names)} {what}"] if names else []
