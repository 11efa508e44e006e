"""The command `collapse reproduce`."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from collapse.data.errors import InputError
from collapse.experiment.arguments import Parser
from collapse.experiment.claims.claim import Claim, fingerprint
from collapse.experiment.lazy import load
from collapse.lab import folder, lock, publishing, terminal
from collapse.lab.interrupt import Interrupted
from collapse.lab.look.labels import state
from collapse.lab.reproduce import records, written
from collapse.lab.reproduce.entries import Entry, chosen, entries
from collapse.lab.run import guarded


def main(arguments: Sequence[str] | None = None, program: str = "") -> int:
    """The exit code of `collapse reproduce`, after running it.

    0; 1 if a control agrees, so that its rule proves nothing; 2 for bad input; 130 if
    interrupted.

    Args:
      arguments: after the command; those of the process if None.
      program: the command, for help.
    """
    return guarded(lambda _: _main(arguments, program or "collapse reproduce"))


def _main(arguments: Sequence[str] | None, program: str) -> int:
    """The exit code of the command, where nothing has gone wrong.

    Raises:
      InputError: for bad input.
      Interrupted: after ctrl-C; says how to go on.
    """
    given = _parser(program).parse_args(arguments)
    every = entries()
    if given.all and given.names:
        raise InputError("all: is every figure; drop it, or the names")
    _check_out(given.out)
    if not (given.all or given.names):
        _check_bare(given)
        terminal.say(listed(every, Path(given.out)))
        return 0
    wanted = list(every) if given.all else chosen(given.names, every)
    try:
        return _reproduce(wanted, every, given)
    except (Interrupted, KeyboardInterrupt):
        how = "the same command goes on from here, without --resume"
        if given.force:  # which would begin anew with the first
            how += " and --force; complete runs that were not repeated yet stay"
        raise Interrupted(how) from None


def _check_out(out: str) -> None:
    """Raise InputError for a folder that cannot be one."""
    if not out:
        raise InputError("out: empty; give a folder or drop --out")
    if Path(out).exists() and not Path(out).is_dir():
        raise InputError(f"out: {out} is a file; give a folder")


def _check_bare(given: argparse.Namespace) -> None:
    """Raise InputError if options are given that need something to make."""
    used = [name for name in ("quick", "check", "force", "quiet") if vars(given)[name]]
    used += ["publish"] * (given.publish is not None)
    if used:
        raise InputError(
            f"{used[0]}: of what? add names or --all; see the list: collapse reproduce"
        )


def _parser(program: str) -> argparse.ArgumentParser:
    parser = Parser(
        prog=program,
        description="List the published figures and claims, or make some again, with "
        "a verdict on each claim.",
    )
    add = parser.add_argument
    add("names", nargs="*", help="figures, claims, papers or commands; none: list them")
    add("--all", action="store_true", help="every figure and every claim")
    add(
        "--check",
        action="store_true",
        help="with other seeds than the figures', at a size that decides the claims",
    )
    add("--quick", action="store_true", help="cut every run down to seconds")
    add("--force", action="store_true", help="repeat runs that are complete")
    add("--out", default="reproduction", help="folder of runs and report (%(default)s)")
    add(
        "--publish",
        metavar="FOLDER",
        help="folder for figures, their data and verdicts, with --check for verdicts "
        "alone; REPRODUCTION.md is written beside it",
    )
    add("--quiet", action="store_true", help="print nothing of the single runs")
    return parser


def listed(every: Sequence[Entry], out: Path) -> str:
    """The list of all figures and claims, with paper, cost, state and verdict."""
    known, own = records.published(), records.read(out / records.NAME)
    names = [entry.name for entry in every]
    names += [f"  {claim.name}" for entry in every for _, claim in entry.claims]
    width = max(map(len, names), default=0)
    lines = [f"{'figure':{width}}  published in    your run"]
    lines += [f"{'  claim':{width}}  verdict         paper  [others]"]
    for entry in every:
        record = known.get(entry.name, {})
        cost = _duration(record.get("seconds"))
        lines.append(f"{entry.name:{width}}  {cost:14}  {_states(out, entry)}".rstrip())
        others = {
            "checked": record.get(records.CHECKED, {}).get("claims", {}),
            "your run": own.get(entry.name, {}).get("claims", {}),
        }
        for paper, claim in entry.claims:
            word = _word(claim, record.get("claims", {}))
            told = [
                f"{name}: {_word(claim, found)}"
                for name, found in others.items()
                if claim.name in found
            ]
            said = f"  [{'; '.join(told)}]" if told else ""
            name = f"  {claim.name}"
            lines.append(f"{name:{width}}  {word:14}  {paper.cite}{said}")
    return "\n".join([*lines, "", _foot(every)])


def _word(claim: Claim, found: dict[str, dict[str, str]]) -> str:
    """The verdict on a claim that is recorded, if its record is there."""
    told = found.get(claim.name)
    if told is not None and told.get("rules") == fingerprint(claim):
        return told["verdict"]
    return "not run" if claim.rules else "not comparable"


def _foot(every: Sequence[Entry]) -> str:
    claims = sum(len(entry.claims) for entry in every)
    return (
        f"{len(every)} figures, {claims} claims. `reproduce NAME` makes one, --all "
        "makes all; --quick shows in minutes that all run."
    )


def _states(out: Path, entry: Entry) -> str:
    """The states of the runs of an entry in a folder, in words; "" if there is none."""
    told = []
    for suffix in ("", "-quick", "-check", "-quick-check"):
        place = out / f"{entry.stem}{suffix}"
        if folder.digest_in(place) is not None:
            kind = suffix.replace("-", " --").strip()
            told.append(f"{kind} {state(place)}".strip())
    return ", ".join(told)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "unknown"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _check(wanted: Sequence[Entry], given: argparse.Namespace) -> None:
    """Raise InputError for folders that cannot be written to, or not in this manner."""
    if given.publish == "":
        raise InputError("publish: is empty; give a folder")
    if given.publish and given.quick:
        raise InputError("publish: does not go with --quick; drop one of them")
    if given.publish:
        publishing.check_publish(given.publish)
    if given.publish and given.check:
        known = records.read(Path(given.publish) / records.NAME)
        for entry in wanted:
            if entry.name not in known:
                raise InputError(
                    f"publish: {given.publish}/{records.NAME} has no record of "
                    f"{entry.name}; publish its figure first, without --check"
                )


def _reproduce(
    wanted: Sequence[Entry], every: Sequence[Entry], given: argparse.Namespace
) -> int:
    """The exit code after making some entries, one after another."""
    _check(wanted, given)
    out = Path(given.out)
    verdict, making = (
        load(name)
        for name in (
            "collapse.experiment.claims.verdict",
            "collapse.lab.reproduce.making",
        )
    )
    claims = [claim for entry in every for _, claim in entry.claims]
    manner = making.Manner(
        out=out,
        level=verdict.confidence(claims),
        quick=given.quick,
        check=given.check,
        quiet=given.quiet,
        publish=given.publish or "",
        force=given.force,
    )
    written.check_targets(out, manner.publish, manner.suffix)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"out: {out} cannot be written ({error.strerror}); give another folder"
        ) from None
    failed, broken = [], []
    file = out / written.suffixed(records.NAME, manner.suffix)
    for number, entry in enumerate(wanted, 1):
        terminal.say(f"\n[{number} of {len(wanted)}] {entry.name}")
        try:
            record, wrong = making.make(entry, manner)
        except InputError as error:
            terminal.tell(f"error: {error}")
            failed.append(entry.name)
            continue
        for line in wrong:
            terminal.tell(f"error: {line}")
        failed += [entry.name] * bool(wrong)
        if len(wanted) > 1:
            making.forget_programs()
        broken += _tell(entry, record["claims"], verdict.AGREES)
        with lock.turn(out, written.LOCK):
            found = records.merge(file, {entry.name: record})
            written.write(wanted, every, manner, found)
    if failed:
        terminal.tell(f"error: not made in full: {', '.join(failed)}")
        return 2
    terminal.say(f"\nwritten: {', '.join(map(str, written.written(manner)))}")
    return 1 if broken else 0


def _tell(entry: Entry, found: Mapping[str, Any], agrees: str) -> list[str]:
    """The claims of an entry whose controls agree, after telling all verdicts."""
    broken = []
    for paper, claim in entry.claims:
        if claim.name not in found:  # it could not be judged
            continue
        told = found[claim.name]
        terminal.say(f"  {told['verdict']:>14}  {claim.name} ({paper.cite})")
        if told["control"] == agrees:
            broken.append(claim.name)
            terminal.tell(f"error: {claim.name}: its control agrees, too")
    return broken
