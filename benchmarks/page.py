"""The page of all benchmarks: its prose, the tables, which goals were met.

Nothing here is a result: all numbers come from the rows.
"""

from typing import Any

from tables import Entry, row, table

INTRODUCTION = """# Speed

Written by `python benchmarks/all.py`, which measured all that stands here in one go;
nothing is edited by hand. `--quick` shows rough numbers in a minute and a half and
writes nothing. Each benchmark also runs alone, by the command above its tables, which
has `--quick` and `--one-core`, too.

* **Equal cores.** The lab and its peers have the same cores: one, then all of the
  machine. On all cores the lab has one device for each, and a peer runs in as many
  processes, each kept on its core, with one thread and seeds of its own. While one
  works the others wait.
* **Turns.** All candidates of a row are timed turn by turn, after one call that is not
  counted. A number is the median of the turns, with the smallest and the largest in
  brackets. A ratio is taken within each turn: seconds of the peer over seconds of the
  lab, for as much work. Compiling is not in it: the last column has its seconds.
* **Agreement.** Beside each speed stands what lab and peers reach in it, each the mean
  of independent seeds, after ± the standard error of the difference. Where Welch's test
  tells them apart at a level of 1e-4, the row says so.
* **Floor.** "x floor" is the time of the lab over the least that it could take: the
  random numbers, exponentials and floating-point operations that a generation needs, at
  the rates that this machine reaches with each (first table). No memory is moved in it
  and nothing is decided.
* **Seed-generation.** One generation of one seed: one model generates n rows and one
  model is fitted.
* **Goals** are what we wanted to reach, most of them set while the lab had two cores
  and its peers one. They are all listed at the end, met or not.

Speeds differ between machines; only ratios can be compared, and on a busy machine not
even these.
"""

# table -> title of its section ("" for the one before), command, prose
SECTIONS: dict[str, tuple[str, str, str]] = {
    "rates": (
        "Rates of this machine",
        "rates",
        "What is made in a second by a loop of NumPy, and by a program of XLA, that do "
        "nothing else. The faster of both is what floors are made of.",
    ),
    "gmm": (
        "Gaussian mixture",
        "gmm",
        "K = 5, n = 1000, d = 2, replace, tol 1e-3. Peers: scikit-learn with its "
        "default k-means start, and with the previous parameters as the start (warm). "
        "Compared: log-likelihood of a row in the last fit. The peers use float64 in "
        "every row.",
    ),
    "gmm_same": ("", "", "From the same start on the same rows:"),
    "gaussian": (
        "Gaussian",
        "gaussian",
        "Peers: NumPy, which draws samples, for one seed at a time in float64 as the "
        "papers' scripts do (loop), or for all seeds at once in the precision of the "
        "row (batched). `samples` draws rows as NumPy does; `statistics` keeps only "
        "mean and scatter of each batch, and `law` draws these two from their exact "
        "distribution: the distribution of the results is the same. Compared: the "
        "logarithm of the variance in the end. Memory of long runs: "
        "`python benchmarks/gaussian.py --long`.",
    ),
    "linear": (
        "Linear regressor",
        "linear",
        "New inputs in each generation. Peers: NumPy's `lstsq` for one seed at a time "
        "(loop), or normal equations for 32 seeds at once (batched). Compared: the "
        "squared error in the end. `draws float32`: the option `draw_dtype` of the "
        "model, whose normals have 23 random bits. `Box-Muller`: inputs from other "
        "generators of normals (see below), which the lab does not use. One launch "
        "over noise levels and dimensions: `python benchmarks/linear.py --grid`.",
    ),
    "kde": (
        "Kernel density estimate",
        "kde",
        "n = 100 rows a generation, log-density at 500 held-out points, 21 fits. "
        "Peers: SciPy's `gaussian_kde` and scikit-learn's `KernelDensity`, one seed at "
        "a time in float64. In two dimensions SciPy's kernel has the shape of the "
        'data: another law. "Running" is what the lab does under accumulate with a '
        "fixed bandwidth: the log-density on held-out rows is remembered, and only the "
        "kernels of the newest rows are added. The peers take all rows again, as a "
        "script does. Compared: that log-density in the end.",
    ),
    "kde_same": ("", "", "On the same rows, against scikit-learn:"),
    "discrete": (
        "Unigrams",
        "discrete",
        "Replace; M symbols that begin with Zipf's shares, N draws a generation. "
        "Peers: NumPy's `multinomial` in float64, for one seed at a time (loop) or for "
        "all seeds in one call (batched). Compared: heterozygosity in the end. NumPy's "
        "draws are compiled, too, and take nearly all of the loop's time. Where N > "
        "10 M the lab draws a chain of binomials, and repeats each rejection for all "
        "seeds until the last of them is accepted.",
    ),
    "ngram": (
        "Bigrams",
        "ngram",
        "Replace; V tokens, N bigrams a generation. Fixed contexts: each is drawn as "
        "often in every generation; the peer is a loop over seeds whose contexts NumPy "
        "draws in one call. Free contexts: text in sequences of 50 tokens; the peers "
        "generate it token by token, as scripts do, or all sequences of a batch side "
        "by side. Compared: mean heterozygosity in the end.",
    ),
    "training": (
        "Transformer",
        "charlm",
        "Needs torch and transformers, in this or another environment (`PEER_PYTHON` "
        "names its Python). Training is compared with PyTorch in eager mode, the same "
        "network except for learned positions. Each library uses all cores in turn; the"
        " lab's devices share one model, as with `--model-devices`. Squared "
        "ReLU is the lab's default. The peak is that of XLA's product of 2048 x 2048 "
        "matrices in float32.",
    ),
    "generation": (
        "",
        "",
        "Generation is compared with Hugging Face's `generate`, and with computing the "
        "whole text again for each character:",
    ),
    "network_same": ("", "", "The same weights and text, both with learned positions:"),
    "denoiser": (
        "Diffusion",
        "diffusion",
        "Needs torch, in this or another environment (`PEER_PYTHON` names its Python). "
        "A step of Adam on 128 noised rows of the plane, beside PyTorch in eager mode "
        "with the same network, in one thread or in all. The last rows train the "
        "networks of several seeds side by side (vmap): seconds of one after the other "
        "over theirs.",
    ),
    "denoiser_same": ("", "", "The same weights and rows:"),
    "vae_training": (
        "Variational autoencoder",
        "vae",
        "Needs torch, in this or another environment (`PEER_PYTHON` names its Python). "
        "Steps of Adam on minibatches of one network, in PyTorch's eager mode and in "
        "the lab, each on all cores in turn. A second row has as many seeds as cores: "
        "the lab trains one on each core; PyTorch takes as many steps in all, with all "
        "cores. Both networks have the same number of parameters.",
    ),
    "vae_seeds": (
        "",
        "",
        "Fits of one generation for many seeds, the same network: side by side (vmap) "
        "on each core, and one after the other, which is how the lab runs networks:",
    ),
    "inverse_error": (
        "Normal variates",
        "inverse_error",
        "The inverse error function behind all normal variates, beside XLA's "
        "`lax.erf_inv`, on one core. Errors are relative, the largest of all values.",
    ),
    "normals": (
        "",
        "",
        "Ways to draw float64 normals. Those of Box and Muller are other variates than "
        "the lab's: with them every published number would change in all digits. The "
        "table of the linear regressor shows what a whole simulation would gain. The "
        "p-value is of 2^18 draws against the normal law; the last column is the "
        "largest number that can come.",
    ),
    "growth": (
        "Growth",
        "growth",
        "On one core: how time grows over a decade of one size, the others fixed, as "
        "slopes in logarithms at four sizes, with their standard errors. Below 1 there "
        "is a fixed part that a larger size shares. NumPy's loop keeps all rows under "
        "accumulate and reads them again; the lab keeps their statistics.",
    ),
    "workers": (
        "Processes",
        "workers",
        "A grid of the Gaussian mixture as whole commands; each process has one device "
        'and one core. Programs were compiled before. "Seconds" are those that the '
        "run records: workers started, parts computed and written. The whole command "
        "has imports, table and figure, too. Dask's overhead is the number beside "
        "`--jobs 2`: how many times its seconds.",
    ),
}


def page(found: Entry) -> str:
    """The page.

    Args:
      found: rows, with the machine and the seconds that all took.
    """
    rows = found["rows"]
    parts = [INTRODUCTION, about(found)]
    known = [name for name in SECTIONS if any(r["table"] == name for r in rows)]
    for name in known:
        title, command, prose = SECTIONS[name]
        if title:
            parts.append(f"## {title}\n\n`python benchmarks/{command}.py`")
        parts.append(prose)
        parts.append(table([r for r in rows if r["table"] == name]))
    others = [r for r in rows if r["table"] not in SECTIONS]
    if others:
        parts.append("## Not measured\n\nBenchmarks that stopped, and why:")
        columns = ["benchmark", "rows", "why"]
        lines = [row([r["table"], r["case"], r["failed"]]) for r in others]
        parts.append("\n".join([row(columns), "|---|---|---|", *lines]))
    parts.append(f"## Goals\n\n{goals(rows)}")
    return "\n\n".join(part.strip() for part in parts) + "\n"


def about(found: Entry) -> str:
    """The machine, and what to think of the numbers."""
    failed = sum("failed" in entry for entry in found["rows"])
    differ = sum(
        "differs from the lab" in cell
        for entry in found["rows"]
        for cell in entry.get("cells", [])
    )
    told = f"Machine: {found['machine']}. {len(found['rows'])} rows in "
    told += (
        f"{found['seconds'] / 60:.0f} minutes; {failed} failed, and {differ} results "
    )
    told += "differ from those of a peer."
    if found["load"] > 0.7:
        told += " **The machine was busy when this began: do not cite these numbers.**"
    return told


def goals(rows: list[Entry]) -> str:
    """All goals, with what was reached."""
    lines: list[Any] = []
    for entry in rows:
        for goal in entry.get("goals", []):
            median, low, high = goal["found"]
            reached = f"{median:.3g} ({low:.3g} to {high:.3g})"
            met = "met" if median >= goal["goal"] else "**not met**"
            lines.append(
                [goal["name"], goal["cores"], f"{goal['goal']:g}", reached, met]
            )
    met = sum(line[-1] == "met" for line in lines)
    columns = row(["what", "cores", "goal", "reached", ""])
    text = "\n".join([columns, "|---|---|---|---|---|", *map(row, lines)])
    return f"{met} of {len(lines)} are met.\n\n{text}"
