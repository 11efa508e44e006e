"""A session that makes more statistical checks than share the budget fails.

`conftest.py` takes in the hooks. Workers of xdist count their own checks and tell the
controller at their end, which adds them up.
"""

import calibrated
import pytest

_NAME = "statistical checks"
_told: list[int] = []


@pytest.hookimpl(optionalhook=True)  # of xdist
def pytest_testnodedown(node) -> None:
    """Take in what a worker has counted."""
    _told.append(getattr(node, "workeroutput", {}).get(_NAME, 0))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the controller, or fail if there were too many."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_NAME] = calibrated.counted()
    elif _total() > calibrated.NUM_CHECKS:
        session.exitstatus = max(session.exitstatus, pytest.ExitCode.TESTS_FAILED)


def pytest_terminal_summary(terminalreporter) -> None:
    """Say how many there were."""
    most, over = calibrated.NUM_CHECKS, _total() > calibrated.NUM_CHECKS
    said = f"{_total()} statistical checks of at most {most}"
    if over:
        said += ": raise NUM_CHECKS in tests/calibrated.py"
    terminalreporter.write_line(said, red=over)


def _total() -> int:
    return calibrated.counted() + sum(_told)
