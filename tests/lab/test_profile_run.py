"""The profile of a real run: in its folder, in Python, as a figure, and shown."""

import contextlib

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import collapse
from collapse.data.errors import InputError
from collapse.lab import commands, folder, session

RUN = """
num_seeds = 400
num_generations = 20
samples_per_generation = 20
rows = "law"
workflows = ["replace", "mix 0.5 fresh", "mix 1 fresh"]

[figure]
kind = "profile"
cites = "Schaeffer et al. 2025"
"""


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "configured", lambda *_: contextlib.nullcontext())


def test_a_run_leaves_its_profile_and_is_shown_with_it(capsys):
    folder.Path("a.toml").write_text(RUN)
    assert commands.main(["gaussian", "a.toml", "--out", "a", "--quiet"]) == 0
    table = pd.read_csv("a/profile.csv").set_index(["workflow", "definition"])
    verdict = table.verdict.unstack()
    said = verdict.loc["replace", ["error", "variance", "tails", "drift", "real_only"]]
    assert (said == "collapse").all()
    assert "collapse" not in set(verdict.loc["mix 1 fresh"])
    assert set(verdict.scaling) == set(verdict.support) == {"not defined"}
    factor = table.worse["mix 0.5 fresh"]
    assert 1 < factor["real_only"] < table.worse["replace", "real_only"]
    data = xr.load_dataset("a/results.nc", engine="h5netcdf")
    assert data.attrs["cites"] == "Schaeffer et al. 2025"
    assert folder.Path("a/figure.png").stat().st_size > 10_000
    assert commands.main(["show", "a"]) == 0
    shown = capsys.readouterr().out
    assert "cites: Schaeffer et al. 2025" in shown
    first = shown[shown.index("growth of test error") :].split()
    assert first[4:7] == [
        "test_error",
        "replace",
        f"{table.worse['replace', 'error']:.3g}",
    ]


def test_a_run_in_memory_has_the_same_profile():
    run = collapse.run(
        "gaussian",
        num_seeds=20,
        num_generations=4,
        samples_per_generation=[10, 40],
        workflows=["replace", "mix 1 fresh"],
        metrics=["test_error", "variance_ratio"],
    )
    table = run.profile()
    assert len(table) == 2 * 2 * 8
    assert table[table.definition == "scaling"].verdict.ne("not defined").all()
    ends = table.dropna(subset="worse")[["worse_low", "worse", "worse_high"]].to_numpy()
    assert (np.diff(ends) >= 0).all()
    fig = run.draw(kind="profile")
    assert len(fig.axes) == 2  # a panel for each sample size
    for fields in ({"metrics": "test_error"}, {"x": "samples_per_generation"}):
        with pytest.raises(InputError, match="profile"):
            run.draw(kind="profile", **fields)
