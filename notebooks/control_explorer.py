"""Holding a model by measured drift: sliders over policies, budgets and monitors.

`marimo run notebooks/control_explorer.py`, with `pip install -e ".[app]"`.
"""

import marimo

app = marimo.App(width="medium", app_title="Holding a model by measured drift")


@app.cell
def _():
    import marimo as mo

    from collapse import InputError
    from collapse.sims.control import explorer

    return InputError, explorer, mo


@app.cell
def _(explorer, mo):
    with mo.status.spinner("compiling, some seconds, once"):
        explorer.explore("event")
    mo.md(
        """
        # Holding a model by measured drift

        A Gaussian is fitted to rows that the newest model wrote and to a few real ones,
        again and again. After every generation a monitor measures the drift on real
        rows of its own, and the policy chooses how many real rows come next, within the
        budget. Beside it: a constant share, and the same share with the golden weight.
        Drift is the squared error of the mean. Lines are means over 100 seeds, bands
        reach from 5 % to 95 % of them, and may be cut off above; the dashed line is
        theory of the constant share.
        """
    )
    return


@app.cell
def _(explorer, mo):
    controls = mo.ui.dictionary(
        {
            "budget": mo.ui.slider(
                steps=[1, 2, 5, 10, 20, 50, 100, 200],
                value=20,
                label="budget (real rows a generation)",
                show_value=True,
            ),
            "policy": mo.ui.dropdown(list(explorer.POLICIES), "event", label="policy"),
            "trust": mo.ui.dropdown(
                ["equal", "predicted", "measured"], "equal", label="trust"
            ),
            "monitor_rows": mo.ui.slider(
                steps=[30, 100, 300, 1000, 3000, 10_000],
                value=10_000,
                label="real rows of the monitor",
                show_value=True,
            ),
            "rows": mo.ui.slider(
                steps=[100, 300, 1000, 3000, 10_000],
                value=1000,
                label="rows a generation",
                show_value=True,
            ),
            "num_generations": mo.ui.slider(
                100, 1000, 100, value=1000, label="generations", show_value=True
            ),
        }
    )
    mo.hstack(
        [mo.vstack(list(controls.values())[:3]), mo.vstack(list(controls.values())[3:])]
    )
    return (controls,)


@app.cell
def _(InputError, controls, explorer, mo):
    try:
        run = explorer.explore(**controls.value)
    except InputError as error:
        mo.stop(True, mo.callout(str(error), kind="warn"))
    mo.md(explorer.words(run))
    return (run,)


@app.cell
def _(explorer, run):
    explorer.chart(run)
    return


if __name__ == "__main__":
    app.run()
