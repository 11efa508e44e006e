"""The explorer: the command's numbers, compiled once, and a slider in a browser."""

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
from collapse.sims.mixing import explorer
from collapse.theory import mixing as theory

APP = Path(__file__).parents[2] / "notebooks" / "mixing_explorer.py"


@pytest.fixture(autouse=True)
def _as_it_is(monkeypatch):
    monkeypatch.setattr(session, "configured", lambda *_: contextlib.nullcontext())


@pytest.mark.parametrize(
    "anchor", [pytest.param("fresh", marks=pytest.mark.slow), "fixed"]
)
def test_the_numbers_are_the_command_s(anchor):
    ours = explorer.explore(0.3, 50, anchor, weight=0.5, bias=0.9, num_generations=12)
    other = collapse.run(
        "mixing",
        real_fraction=0.3,
        samples_per_generation=50,
        anchor=anchor,
        weight=0.5,
        bias=0.9,
        num_generations=12,
        metrics=list(explorer.PANELS),
    )
    assert dict(ours.dataset.sizes) == dict(other.dataset.sizes)
    for name, variable in other.dataset.items():
        np.testing.assert_allclose(
            ours.dataset[name], variable, rtol=1e-9, err_msg=name
        )


def test_nothing_is_compiled_twice(caplog):
    explorer.explore(0.3, 50)
    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        explorer.explore(0.9, 50, weight=0.2, bias=0.5, num_generations=200)
    assert "Compiling" not in caplog.text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"real_fraction": 0.0}, "real_fraction: 0 leaves nothing"),
        ({"rows": 20, "real_fraction": 0.05}, "real_fraction: 0.05 of 20 rows"),
        ({"real_fraction": 1.0, "weight": 0.5}, "weight: 0.5 of 100 real and no"),
        ({"num_generations": 201}, "num_generations: 201; give at most 200"),
    ],
)
def test_what_cannot_be_run_is_refused(fields, said):
    with pytest.raises(InputError, match=said):
        explorer.explore(**({"real_fraction": 0.5, "rows": 100} | fields))


def test_the_words_say_what_is_left():
    said = explorer.words(explorer.explore(0.2, 100))
    exact = theory.moments(20, 80, 0.2, 100, 0, "fresh").mean_error[71:].mean()
    assert f"(theory {exact:.4f})" in said and "all rows were real: 0.0100" in said


def test_the_chart_holds_every_panel():
    pytest.importorskip("altair")
    run = explorer.explore(0.2, 100, num_generations=30)
    drawn = explorer.chart(run).to_dict()
    (rows,) = drawn["datasets"].values()
    assert {row["metric"] for row in rows} == set(explorer.PANELS.values())
    one = [row for row in rows if row["metric"] == explorer.PANELS["variance_ratio"]]
    mean = run.dataset.variance_ratio.mean("seed").values.ravel()
    np.testing.assert_allclose([row["mean"] for row in one], mean)
    assert [row["generation"] for row in one] == list(range(31))


def test_the_app_runs_as_a_script():
    pytest.importorskip("marimo")
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, APP], env=environment, check=True, timeout=200)


def test_a_slider_redraws_the_figure_in_a_browser():
    with page_of(APP) as page:
        expect = pytest.importorskip("playwright.sync_api").expect
        said = page.get_by_text("if all rows were real")
        page.locator("[role=slider]").first.focus()
        waits = []
        for share in (0.25, 0.3, 0.35, 0.4):
            waits.append(seconds_to_redraw(page))
            exact = theory.moments(
                round(100 * share), round(100 - 100 * share), share, 100, 0, "fresh"
            )
            words = f"(theory {exact.mean_error[71:].mean():.4f})"
            expect(said).to_contain_text(words)
        # on an idle machine half as long; tests run two at a time
        assert min(waits) < 1, waits
        # all rows real, weighed by one half: said in one line, where the figure was
        page.locator("[role=slider]").first.press("End")
        page.locator("[role=slider]").nth(1).press("ArrowRight")
        page.get_by_text("weight: 0.05 of 100 real and no synthetic rows").wait_for()
