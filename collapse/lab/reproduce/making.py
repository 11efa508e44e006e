"""Making one entry: its run, the runs of its controls, and the record of verdicts."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import xarray as xr

from collapse.data.errors import InputError
from collapse.experiment import registry, results
from collapse.experiment.claims.claim import Claim, Where, fingerprint
from collapse.experiment.claims.statistic import Measured
from collapse.experiment.claims.verdict import Verdict, judge
from collapse.lab import folder, run
from collapse.lab.interrupt import Interrupted
from collapse.lab.reproduce.entries import Entry

CHECK_SEED = 20_000  # of runs that check claims with other seeds than the figures'


class Manner(NamedTuple):
    """How entries are made.

    Attributes:
      out: folder of the run folders.
      level: confidence of each interval.
      quick: cut every run down to seconds.
      check: with other seeds, at a size that decides.
      quiet: print nothing of the runs.
      publish: folder for figures and their data, which a check has none of; "" for
        none.
      force: repeat runs that are complete.
    """

    out: Path
    level: float
    quick: bool = False
    check: bool = False
    quiet: bool = False
    publish: str = ""
    force: bool = False

    @property
    def suffix(self) -> str:
        """What tells the folders of such runs from others."""
        return "-quick" * self.quick + "-check" * self.check


def make(entry: Entry, manner: Manner) -> tuple[dict[str, Any], list[str]]:
    """The record of an entry, after its runs, and what is wrong with its claims.

    Runs that are complete are read again; unfinished ones are continued.

    Raises:
      InputError: if a run cannot be made.
      Interrupted: after ctrl-C; what was done is kept.
    """
    place = folder_of(entry, manner)
    arguments = _arguments(_fields(entry, manner))
    if manner.publish and not manner.check:
        arguments += ["--publish", manner.publish]
    dataset = _run(entry, place, arguments, manner)
    told, wrong = {}, []
    for _, claim in entry.claims:

        def changed(change: Where, name: str = claim.name) -> xr.Dataset:
            beside = place.with_name(f"{place.name}-control-{name}")
            fields = {**_fields(entry, manner), **change}
            return _run(entry, beside, _arguments(fields), manner)

        try:
            found = judge(claim, dataset, manner.level, changed, manner.quick)
        except InputError as error:  # other claims may be judged
            wrong.append(str(error))
            continue
        told[claim.name] = _recorded(claim, found)
    about = json.loads(dataset.attrs["environment"])
    kept = ("commit", "digest", "seconds", "packages", "python", "devices", "processor")
    record = {key: about.get(key) for key in kept}
    record |= {"seeds": dataset.sizes.get("seed", 0), "confidence": manner.level}
    record |= {"quick": manner.quick, "check": manner.check, "claims": told}
    return record, wrong


def _fields(entry: Entry, manner: Manner) -> dict[str, Any]:
    """Fields of the experiment that are set otherwise than the declaration does."""
    if not manner.check:
        return {}
    sizes = {} if manner.quick else entry.check
    return {**sizes, "seed": CHECK_SEED}


def forget_programs() -> None:
    """Let go of the compiled programs of an entry: there are many entries."""
    jax.clear_caches()


def folder_of(entry: Entry, manner: Manner) -> Path:
    """The folder of an entry's run."""
    return manner.out / f"{entry.stem}{manner.suffix}"


def _run(
    entry: Entry, place: Path, arguments: Sequence[str], manner: Manner
) -> xr.Dataset:
    """The results of an entry's command with further arguments."""
    line = [str(entry.path), "--out", str(place), *arguments]
    line += ["--quick"] * manner.quick + ["--quiet"] * manner.quiet
    line += ["--force"] * manner.force
    line += ["--resume"] * (folder.has_checkpoints(place) and not manner.force)
    code = run.main(registry.experiment(entry.command), line, tell_stop=False)
    if code == 130:
        raise Interrupted("go on by the same command")
    if code not in (0, 1):  # 1: not all is finite, as was printed
        # options that the reason names may be those of the run's own command
        raise InputError(
            f"{entry.name}: could not be run, for the reason above; if {place} is of "
            "an earlier version, remove it or give another --out"
        )
    return results.read_dataset(place / folder.RESULTS)


def _arguments(fields: Where) -> list[str]:
    """Fields of an experiment as options of its command."""
    line = []
    for name, value in fields.items():
        several = value if isinstance(value, list | tuple) else [value]
        line += [f"--{name.replace('_', '-')}", *map(str, several)]
    return line


def _recorded(claim: Claim, found: Verdict) -> dict[str, Any]:
    """A verdict as JSON takes it."""
    measured = [[_plain(one) for one in several] for several in found.measured]
    return {
        "rules": fingerprint(claim),
        "verdict": found.verdict,
        "control": found.control,
        "measured": measured,
    }


def _plain(one: Measured) -> dict[str, Any]:
    numbers = {
        key: float(f"{getattr(one, key):.6g}") for key in ("value", "low", "high")
    }
    return {"at": dict(one.at), **numbers, "seeds": one.seeds}
