"""The explorer of policies: the command's numbers, compiled once, and an app."""

import contextlib
import logging
import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from apps import page_of, seconds_to_redraw

import collapse
from collapse.data.errors import InputError
from collapse.lab import session
from collapse.sims.control import explorer, tell

APP = Path(__file__).parents[2] / "notebooks" / "control_explorer.py"
pytestmark = [pytest.mark.x64, pytest.mark.xdist_group("control_explorer")]


@pytest.fixture(autouse=True)
def _as_it_is(monkeypatch):
    monkeypatch.setattr(session, "configured", lambda *_: contextlib.nullcontext())


@pytest.fixture(scope="module")
def run():
    """A run of few rows, with a monitor that is smaller than the largest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "configured", lambda *_: contextlib.nullcontext())
        return explorer.explore(
            *("event 0.1", 5.0, "measured"),
            monitor_rows=300,
            rows=100,
            num_generations=100,
        )


def test_the_numbers_are_the_command_s(run):
    """To rounding: it may move an event of a run by a generation, in few of them."""
    other = collapse.run(
        "control",
        policy=["constant", "golden", "event 0.1"],
        trust=["equal", "measured"],
        budget=5,
        samples_per_generation=100,
        monitor_rows=300,
        monitor_samples=explorer.MONITOR_SAMPLES,
        num_generations=100,
        num_seeds=100,
        every=explorer.EVERY,
    )
    assert dict(run.dataset.sizes) == dict(other.dataset.sizes)
    for name, variable in other.dataset.items():
        ours = run.dataset[name]
        if variable.dtype.kind == "f" and "seed" in variable.dims:
            near = np.isclose(ours, variable, rtol=1e-7, equal_nan=True)
            assert near.mean() > 0.98, name
        elif variable.dtype.kind == "f":
            np.testing.assert_allclose(ours, variable, rtol=0.02, err_msg=name)
        else:
            np.testing.assert_array_equal(ours, variable, err_msg=name)


def test_nothing_is_compiled_twice(run, caplog):
    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        explorer.explore("proportional", 7, "predicted", 1000, rows=3000)
    assert "Compiling" not in caplog.text


def test_more_rows_of_the_monitor_see_better(run):
    """Its error of generation 0 is near 1/n + 1/r + 1/m, for r real rows."""
    few, many = (
        explorer.explore("event", monitor_rows=r, num_generations=100).dataset
        for r in (30, 10_000)
    )
    for data, rows in ((few, 30), (many, 10_000)):
        seen = data["monitor"].isel(generation=0, workflow=0).sel(policy="event")
        expected = 1 / 1000 + 1 / rows + 1 / explorer.MONITOR_SAMPLES
        # a chi square with one degree of freedom, over 100 seeds: 5 standard errors;
        # over the variance of 30 rows, which adds 30 / 27 - 1 = 11 % on average
        assert abs(seen.mean().item() / expected - 1.0) < 0.11 + 5 * np.sqrt(2 / 100)
    assert few["monitor"].mean() > 3 * many["monitor"].mean()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"policy": "evnt"}, "policy: unknown 'evnt'"),
        ({"budget": 2000}, "budget: 2000 real rows of 1000"),
        ({"monitor_rows": 20_000}, "monitor_rows: 20000; give at most 10000"),
        ({"num_generations": 2000}, "num_generations: 2000; give at most 1000"),
        ({"num_generations": 105}, "every: 10 does not divide 105"),
    ],
)
def test_what_cannot_be_run_is_refused(fields, said):
    with pytest.raises(InputError, match=said):
        explorer.explore(**({"policy": "event"} | fields))


def test_the_words_say_what_the_table_of_the_command_says(run):
    said = explorer.words(run)
    (line,) = (
        line
        for line in tell.table(run.dataset)
        if (line["policy"], line["trust"]) == ("event 0.1", "measured")
    )
    for number in (line["mean_drift"], *line["gain"], *line["gain_best"]):
        assert f"{number:.3g}" in said or f"{number:.4g}" in said
    assert said.startswith("event 0.1, trust measured: mean drift")


def test_the_chart_holds_every_panel_and_setting(run):
    pytest.importorskip("altair")
    (rows,) = explorer.chart(run).to_dict()["datasets"].values()
    assert {row["panel"] for row in rows} == set(explorer.PANELS)
    names = {"constant", "golden", "event 0.1, trust measured"}
    assert {row["setting"] for row in rows} == names
    table = explorer.curves(run).set_index(["panel", "setting"])
    one = table.loc[(explorer.PANELS[0], "constant")]
    data = run.dataset.sel(policy="constant", trust="equal").isel(workflow=0)
    np.testing.assert_allclose(one["value"], data["drift"].mean("seed"))
    np.testing.assert_allclose(one["theory"], data["drift_theory"])
    bought = table.loc[(explorer.PANELS[3], "event 0.1, trust measured"), "value"]
    own = run.dataset["spent"].sel(policy="event 0.1", trust="measured")
    total = own.isel(seed=0, workflow=0, generation=-1)
    np.testing.assert_allclose(bought.sum() * explorer.EVERY, total)


def test_the_app_runs_as_a_script():
    pytest.importorskip("marimo")
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, APP], env=environment, check=True, timeout=200)


def test_a_slider_redraws_the_figure_in_a_browser():
    with page_of(APP) as page:
        page.locator("[role=slider]").first.focus()
        waits = [seconds_to_redraw(page) for _ in range(3)]
        # on an idle machine less than half as long; tests run two at a time
        assert min(waits) < 2, waits
        page.get_by_text("real rows a generation; of the constant share").wait_for()
        # a budget of 200 of 100 rows: said in one line, where the figure was
        page.locator("[role=slider]").first.press("End")
        page.locator("[role=slider]").nth(2).press("Home")
        page.get_by_text("budget: 200 real rows of 100").wait_for()
