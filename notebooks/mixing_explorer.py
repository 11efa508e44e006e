"""How much real data is enough: sliders over exact theory and a simulation.

`marimo run notebooks/mixing_explorer.py`, with `pip install -e ".[app]"`.
"""

import marimo

app = marimo.App(width="medium", app_title="How much real data is enough")


@app.cell
def _():
    import marimo as mo

    from collapse import InputError
    from collapse.sims.mixing import explorer

    return InputError, explorer, mo


@app.cell
def _(explorer, mo):
    with mo.status.spinner("compiling, some seconds, once"):
        for anchor in ("fresh", "fixed"):
            explorer.explore(0.5, 100, anchor)
    mo.md(
        """
        # How much real data is enough

        A Gaussian is fitted to real rows and to rows that the newest model wrote,
        again and again. Lines are means over 200 seeds, bands reach from 5 % to 95 % of
        them, and may be cut off above; dashed lines are theory.
        """
    )
    return


@app.cell
def _(mo):
    controls = mo.ui.dictionary(
        {
            "real_fraction": mo.ui.slider(
                0.05, 1, 0.05, value=0.2, label="real fraction", show_value=True
            ),
            "anchor": mo.ui.dropdown(["fresh", "fixed"], "fresh", label="real rows"),
            "weight": mo.ui.slider(
                0,
                1,
                0.05,
                label="weight of real rows (0: their share)",
                show_value=True,
            ),
            "bias": mo.ui.slider(
                0.5, 1, 0.05, value=1, label="bias of the sampler", show_value=True
            ),
            "rows": mo.ui.slider(
                steps=[20, 50, 100, 200, 500, 1000, 2000],
                value=100,
                label="rows a generation",
                show_value=True,
            ),
            "num_generations": mo.ui.slider(
                10, 200, 10, value=100, label="generations", show_value=True
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
