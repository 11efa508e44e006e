"""The command `collapse plan`: how much real data holds a drift, from measurements.

Give the squared drift that a generation adds and the squared drift that may stay. All
drifts are squared distances of the model from what it should be, in one unit.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from collapse.data.errors import InputError
from collapse.experiment.arguments import Parser
from collapse.lab import terminal
from collapse.lab.look.writing import check_target, write
from collapse.lab.plan import measured
from collapse.lab.plan.measured import MeasuredNoise
from collapse.lab.plan.numbers import Situation, floor, plan
from collapse.lab.plan.text import MARK, text, to_json

_MOST = 10**15
_MOST_DIRECTIONS = 1e6
_LEAST_DRIFT, _MOST_DRIFT = 1e-30, 1e30


def main(arguments: Sequence[str], program: str) -> int:
    """The exit code of the command, after printing the plan.

    Raises:
      InputError: for numbers that are missing or cannot be, or a file that cannot be
        written.
    """
    options = _parser(program).parse_args(arguments)
    given = situation(options)
    if options.json is not None:
        check_target(options.json, MARK, "json")
    numbers = plan(given)
    terminal.say(text(given, numbers))
    if options.json is not None:
        write(options.json, to_json(given, numbers), "json")
    return 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = Parser(prog=program, description=__doc__)

    def add(name: str, kind: type, metavar: str, about: str, several: str = "") -> None:
        nargs = several or None
        parser.add_argument(name, type=kind, metavar=metavar, help=about, nargs=nargs)

    add(
        "--drift",
        float,
        "S",
        "squared drift that one generation adds without real "
        "rows; several measurements give intervals",
        "+",
    )
    add(
        "--measured",
        float,
        "Q",
        "instead of --drift: squared drifts of generations "
        "1, 2, 3, ... of one run of the present mix",
        "+",
    )
    add("--tolerance", float, "D", "mean squared drift that may stay")
    add(
        "--dimension",
        float,
        "d",
        "number of directions of the drift, as good as equal (1)",
    )
    add("--share", float, "a", "real share of the present mix, from 0 to 1 (0)")
    add("--rows", int, "n", "rows of a generation, real and synthetic")
    add(
        "--price",
        float,
        "k",
        "price of a real row: what it must lower the squared drift by; needs --rows",
    )
    add(
        "--generations", int, "G", "number of generations to plan for, besides for ever"
    )
    add(
        "--monitor-rows",
        int,
        "m",
        "held-out rows of the monitor that there is; needs --rows",
    )
    add("--json", Path, "FILE", "file for all numbers")
    return parser


def situation(options: argparse.Namespace) -> Situation:
    """What the options say, checked.

    Raises:
      InputError: for a number that is missing or cannot be, with its option.
    """
    if options.tolerance is None:
        raise InputError(
            "tolerance: missing; give --tolerance, the drift that may stay"
        )
    tolerance = _positive("tolerance", options.tolerance)
    d = 1.0 if options.dimension is None else options.dimension
    if not 1 <= d <= _MOST_DIRECTIONS:
        raise InputError(
            f"dimension: {d:g}; give a number from 1 to {_MOST_DIRECTIONS:g}"
        )
    share = 0.0 if options.share is None else options.share
    if not 0 <= share <= 1:
        raise InputError(f"share: {share:g} is no share; give a number from 0 to 1")
    for name in ("rows", "generations", "monitor_rows"):
        value = getattr(options, name)
        if value is not None and not 1 <= value <= _MOST:
            field = name.replace("_", "-")
            raise InputError(f"{field}: {value}; give a whole number from 1 to {_MOST}")
    if options.price is not None:
        _positive("price", options.price)
    for name in ("price", "monitor_rows"):
        if getattr(options, name) is not None and options.rows is None:
            field = name.replace("_", "-")
            raise InputError(f"{field}: needs the rows of a generation; add --rows")
    found = Situation(
        *(_noise(options, d, share), tolerance, d, share, options.rows),
        *(options.price, options.generations, options.monitor_rows),
    )
    if options.monitor_rows is not None and floor(found) > tolerance:
        least = found.noise.value * options.rows / tolerance
        raise InputError(
            f"tolerance: {tolerance:g} is below the monitor's floor {floor(found):.3g} "
            f"(what {options.monitor_rows} held-out rows see without drift); give more "
            f"than {least:.0f} --monitor-rows, or a larger tolerance"
        )
    return found


def _noise(
    options: argparse.Namespace, dimension: float, share: float
) -> MeasuredNoise:
    """The noise of a generation, from the option that gives it."""
    drift, run = options.drift, options.measured
    if drift is None and run is None:
        raise InputError(
            "drift: missing; give --drift, what a generation adds, or --measured, the "
            "drifts of a run"
        )
    if drift is not None and run is not None:
        raise InputError("measured: is instead of --drift; drop one of them")
    if drift is not None:
        values = [_positive("drift", value) for value in drift]
        if len(values) == 1:
            return measured.known(values[0])
        return measured.of_generations(values, dimension)
    if share == 1:
        raise InputError(
            "measured: a run of real rows alone has no drift; lower --share"
        )
    values = [_positive("measured", value) for value in run]
    return measured.of_run(values, dimension, share)


def _positive(field: str, value: float) -> float:
    """The value, if it is a squared drift or a price: above 0 and no absurd number."""
    if not value > 0:
        raise InputError(f"{field}: {value:g}; give a number above 0")
    if not _LEAST_DRIFT <= value <= _MOST_DRIFT:
        raise InputError(
            f"{field}: {value:g}; give a number from {_LEAST_DRIFT:g} to "
            f"{_MOST_DRIFT:g}, in another unit"
        )
    return value
