"""How many random numbers and operations this machine makes in a second.

    python benchmarks/rates.py [--quick] [--one-core]

Of these the floors of all other tables are made: see `floor`.
"""

import timing  # isort: skip - sets the number of threads

import functools

import alone
from entries import entry
from floor import KINDS, rates

COLUMNS = ["millions a second", "precision", "cores", "NumPy", "XLA"]


def jobs(setting: timing.Setting):
    """Rows of the table."""
    for kind in KINDS:
        for precision in ("float64",) if setting.quick else ("float64", "float32"):
            case = f"{kind}, {precision}"
            yield "rates", case, functools.partial(row, setting, kind, precision)


def row(setting, kind, precision):
    """Both rates of one kind."""
    both = [f"{rate / 1e6:,.0f}" for rate in rates(setting, kind, precision)]
    cells = [kind, precision, setting.where, *both]
    return entry(COLUMNS, f"{kind}, {precision}", cells)


if __name__ == "__main__":
    alone.main(__doc__, jobs)
