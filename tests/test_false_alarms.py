"""Statistical checks are counted, and more than the budget is for fail a session."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# 4 + 3 + 2 checks, beside controls that are expected to fail
TESTS = """
import numpy as np
import pytest
import scipy.stats
from calibrated import assert_cdf, assert_mean, assert_same_law, assert_tells_apart

draws = np.random.default_rng(0).standard_normal((5000, 3))
normal = scipy.stats.norm

def test_four():
    assert_mean(draws, 0)
    assert_mean(draws[:, 0], 0)
    with pytest.raises(AssertionError):
        assert_mean(draws, 1)

def test_three():
    assert_tells_apart(draws, np.zeros(3), np.ones(3))

def test_two():
    assert_cdf(draws[:, 0], normal.cdf)
    assert_same_law(draws[:, 0], draws[:, 1])
    with pytest.raises(AssertionError):
        assert_cdf(draws[:, 0], normal(1).cdf)
"""
HOOKS = """
import calibrated
from false_alarms import *
calibrated.NUM_CHECKS = {}
"""


@pytest.mark.parametrize(("most", "workers"), [(8, 0), (8, 2), (9, 2)])
def test_more_checks_than_the_budget_is_for_fail_a_session(most, workers, tmp_path):
    (tmp_path / "conftest.py").write_text(HOOKS.format(most))
    (tmp_path / "test_nine.py").write_text(TESTS)
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    env["PYTHONPATH"] = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", str(workers), "-q"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
    )
    assert f"9 statistical checks of at most {most}" in done.stdout, done.stdout
    assert "3 passed" in done.stdout
    assert done.returncode == (9 > most)
