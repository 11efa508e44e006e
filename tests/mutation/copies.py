"""Working copies of the checkout, and tests that are run in one of them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from mutation.table import Mutant, mutated

ROOT = Path(__file__).parents[2]
_PARTS = (
    "collapse",
    "tests",
    "sims",
    "pyproject.toml",
)  # what the tests named here read
_COMPILED = ".pytest_cache"  # where tests keep compiled programs
_FAILED = re.compile(r"^FAILED tests/(\S.*?)(?: - |$)", re.MULTILINE)
_MOST_SECONDS = 600  # of the tests of one mutant


class Outcome(NamedTuple):
    """What the tests said of a mutant.

    Attributes:
      verdict: "caught", "survived", or "error" where they could not be run.
      by: the test that failed first, or what went wrong.
    """

    verdict: str
    by: str


def make(folder: Path, compiled: Path) -> Path:
    """A copy of package and tests in a new folder, with its own compiled programs.

    Args:
      folder: which does not exist yet.
      compiled: folder of compiled programs, which copies may share: jax finds them by
        the text of the program.
    """
    folder.mkdir(parents=True)
    compiled.mkdir(exist_ok=True)
    skipped = shutil.ignore_patterns("__pycache__", "*.pyc")
    for part in _PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=skipped)
        else:
            shutil.copy(ROOT / part, folder / part)
    (folder / _COMPILED).symlink_to(compiled)
    return folder


def try_mutant(copy: Path, mutant: Mutant) -> Outcome:
    """The outcome of a mutant's tests in a copy, which is as before afterwards."""
    path = copy / "collapse" / mutant.file
    original = path.read_text("utf-8")
    path.write_text(mutated(mutant, original), "utf-8")
    try:
        return outcome(*run_tests(copy, mutant.tests))
    finally:
        path.write_text(original, "utf-8")


def run_tests(
    copy: Path, tests: tuple[str, ...], stop: bool = True
) -> tuple[int | None, str]:
    """Exit status (None if it took too long) and output of pytest in a copy.

    Args:
      copy: as it is now.
      tests: names below tests/.
      stop: at the first failure.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-m", "", "--tb=no"]
    command += ["-rfE", *["-x"] * stop, *(f"tests/{name}" for name in tests)]
    environment = os.environ | {
        "PYTHONPATH": str(copy),  # before an installed package
        "PYTHONDONTWRITEBYTECODE": "1",  # of one size and second, it would be stale
        "HYPOTHESIS_PROFILE": "dev",  # the same examples each time
        "COLUMNS": "400",  # whole names in the summary
    }
    for name in ("COLLAPSE_TEST_SEED", "COLLAPSE_TEST_X64", "PYTEST_ADDOPTS"):
        environment.pop(name, None)
    try:
        done = subprocess.run(
            command,
            cwd=copy,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_MOST_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return None, ""
    return done.returncode, done.stdout


def outcome(status: int | None, output: str) -> Outcome:
    """What an exit status and an output of pytest say of a mutant.

    Only a test that failed counts: a package that cannot be imported, or tests that
    are not found, show nothing.
    """
    failed = _FAILED.findall(output)
    if status == 1 and failed:
        return Outcome("caught", failed[0])
    if status == 0:
        return Outcome("survived", "")
    if status is None:
        return Outcome("error", f"no answer within {_MOST_SECONDS} s")
    last = (output.strip().splitlines() or ["nothing was said"])[-1]
    return Outcome("error", f"pytest ended with {status}: {last}")
