"""Mutation run: does a test fail for each of the faults in the table?

    python tests/mutants.py                    all mutants; exit status 1 if one lives
    python tests/mutants.py --jobs 2           two at a time
    python tests/mutants.py --only window      those whose room or name has this word
    python tests/mutants.py --missing --write  those without a line in mutation/SCORE.md

The checkout is never edited, but for the score if one asks: package and tests are
copied to a temporary folder, one copy a job, and one mutant at a time is put into a
copy. At first the tests run without a fault, since one that fails anyway would catch
everything.
"""

import argparse
import queue
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mutation.copies import Outcome, make, run_tests, try_mutant
from mutation.score import digest, known, page
from mutation.table import SCORE, Mutant, read


def main(arguments: list[str] | None = None) -> int:
    """Exit status of the command: 0 if every mutant asked for is caught."""
    asked = parsed(arguments)
    before = known(SCORE)
    mutants = [
        mutant
        for mutant in read(asked.table)
        if chosen(mutant, asked.only)
        and not (asked.missing and digest(mutant) in before)
    ]
    if not mutants:
        print("there is no such mutant", file=sys.stderr)
        return 0 if asked.missing else 2
    outcomes: dict[str, Outcome] = {}
    for mutant, found in run(mutants, asked.jobs):
        outcomes[digest(mutant)] = found
        if asked.write:  # at once, so that what was interrupted is not lost
            SCORE.write_text(page(read(asked.table), before | outcomes), "utf-8")
    caught = sum(found.verdict == "caught" for found in outcomes.values())
    print(f"{caught} of {len(mutants)} mutants are caught")
    return int(caught < len(mutants))


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """The arguments of the command."""
    parser = argparse.ArgumentParser("python tests/mutants.py", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--jobs", type=int, default=1, help="mutants at a time")
    parser.add_argument("--only", nargs="+", default=[], help="words of their names")
    parser.add_argument("--missing", action="store_true", help="those without a score")
    parser.add_argument("--write", action="store_true", help="write the score")
    parser.add_argument("--table", type=Path, default=SCORE.parent, help="its folder")
    found = parser.parse_args(arguments)
    if found.jobs < 1:
        parser.error("--jobs must be at least 1")
    if found.write and found.table != SCORE.parent:
        parser.error("--write is of the table in tests/mutation: drop --table")
    return found


def run(mutants: list[Mutant], jobs: int) -> Iterator[tuple[Mutant, Outcome]]:
    """Each mutant with its outcome; nothing if the tests fail without a fault."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies = [
            make(Path(folder, f"copy-{i}"), Path(folder, "compiled"))
            for i in range(min(jobs, len(mutants)))
        ]
        started = time.monotonic()
        if not healthy(copies[0], mutants):
            return
        print(f"tests pass without a fault  [{time.monotonic() - started:.0f} s]")
        for mutant, found, seconds in tried(copies, mutants):
            said = f"{found.verdict:8}  {mutant.room}: {mutant.name}  [{seconds:.0f} s]"
            print(said, found.by, sep="\n          ", flush=True)
            yield mutant, found


def chosen(mutant: Mutant, words: list[str]) -> bool:
    """Whether a mutant is asked for: by its room, or a part of its name."""
    return not words or any(w == mutant.room or w in mutant.name for w in words)


def healthy(copy: Path, mutants: list[Mutant]) -> bool:
    """Whether all tests that are named pass without a fault; prints what does not."""
    every = tuple(dict.fromkeys(test for mutant in mutants for test in mutant.tests))
    status, output = run_tests(copy, every, stop=False)
    if status != 0:
        print("the tests fail without a fault:", output, sep="\n", file=sys.stderr)
    return status == 0


def tried(
    copies: list[Path], mutants: list[Mutant]
) -> Iterator[tuple[Mutant, Outcome, float]]:
    """Each mutant with its outcome and seconds, as many at a time as copies."""
    free: queue.Queue[Path] = queue.Queue()
    for copy in copies:
        free.put(copy)

    def one(mutant: Mutant) -> tuple[Mutant, Outcome, float]:
        copy, started = free.get(), time.monotonic()
        try:
            return mutant, try_mutant(copy, mutant), time.monotonic() - started
        finally:
            free.put(copy)

    with ThreadPoolExecutor(len(copies)) as pool:
        yield from pool.map(one, mutants)


if __name__ == "__main__":
    sys.exit(main())
