"""How time grows with generations, rows, seeds and dimension: exponents.

    python benchmarks/growth.py [--quick] [--one-core]

Each size runs over a decade in four steps, everything else fixed; the exponent is the
slope of the logarithm of the seconds of a call over that of the size, by least squares
on the fastest of some turns. Its error is that of the slope. Lab and NumPy's loop over
seeds have one core.
"""

import timing  # isort: skip - sets the number of threads

import functools

import alone
import gaussian
import linear
import numpy as np
from entries import entry
from scipy import stats

from collapse.core import workflows

STEPS = (1.0, 10 ** (1 / 3), 10 ** (2 / 3), 10.0)
# where each size begins; the others stay at the second number
SIZES = {
    "generations": (50, 50),
    "rows": (100, 100),
    "seeds": (20, 20),
    "dimension": (5, 10),
}
PEER_SEEDS = 1
COLUMNS = ["time grows as the power", "of", "from, to", "lab", "NumPy, loop"]
FAMILIES = {
    "Gaussian, replace, samples": ("replace", "samples"),
    "Gaussian, accumulate, statistics": ("accumulate", "statistics"),
    "linear regressor, accumulate, statistics": ("accumulate", "linear"),
}


def lab(kind, sizes):
    """The lab's call with these sizes."""
    way, rows = kind
    last, n, seeds, d = sizes.values()
    if rows == "linear":
        case = linear.Case(way, "statistics", "float64", n, d, seeds, last, {})
        return linear.lab(case)[0]
    workflow = workflows.replace() if way == "replace" else workflows.accumulate(last)
    case = gaussian.Case(way, rows, "float64", d, n, workflow, seeds, last, {})
    return gaussian.lab(case)[0]


def peer(setting, kind, sizes):
    """NumPy's call with these sizes; as many seeds as the size says, if it varies."""
    way, rows = kind
    told = {"workflow": way, "n": sizes["rows"], "d": sizes["dimension"]}
    told |= {"generations": sizes["generations"], "seeds": sizes["seeds"]}
    if rows == "linear":
        told["noise"] = linear.NOISE
    module = "linear_peer" if rows == "linear" else "gaussian_peer"
    return timing.peer(setting, module, "one_at_a_time", **told)


def slope(sizes, seconds):
    """Exponent and its standard error, in words; of two points there is no error."""
    x, y = np.log(sizes), np.log(seconds)
    found = stats.linregress(x, y)
    return f"{found.slope:.2f}" + (f" ± {found.stderr:.2f}" if len(x) > 2 else "")


def measured(setting, family, size):
    """One row of the table."""
    kind = FAMILIES[family]
    first = SIZES[size][0]
    steps = STEPS[::3] if setting.quick else STEPS
    usual = {name: value for name, (_, value) in SIZES.items()}
    values = [round(first * step) for step in steps]
    found = {"lab": [], "peer": []}
    for value in values:
        sizes = usual | {size: value}
        few = sizes if size == "seeds" else sizes | {"seeds": PEER_SEEDS}
        if size == "seeds":
            few = few | {"seeds": max(1, value // 10), "generations": 10}
        calls = {"lab": lab(kind, sizes), "peer": peer(setting, kind, few)}
        timed = timing.interleave(calls, setting._replace(seconds=0.4, turns=(2, 5)))
        for name, seconds in timed.seconds.items():
            found[name].append(min(seconds))
    cells = [family, size, f"{values[0]} to {values[-1]}"]
    cells += [slope(values, found[name]) for name in ("lab", "peer")]
    return entry(COLUMNS, f"{family}, {size}", cells)


def jobs(setting):
    """Rows of the table, on one core."""
    if setting.cores > 1:
        return
    for family in list(FAMILIES)[:1] if setting.quick else FAMILIES:
        for size in list(SIZES)[:1] if setting.quick else SIZES:
            make = functools.partial(measured, setting, family, size)
            yield "growth", f"{family}, {size}", make


if __name__ == "__main__":
    alone.main(__doc__, jobs)
