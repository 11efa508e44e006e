"""A plan in plain words, as a table, and as JSON."""

import json
import math
import textwrap
from typing import Any

import collapse
from collapse.experiment.columns import aligned
from collapse.lab.plan.measured import LEVEL, MeasuredNoise
from collapse.lab.plan.numbers import MONITOR_FACTOR, Planned, Situation

MARK = '"collapse_plan"'  # at the head of its JSON
_FORMAT = 1
_WIDTH = 88
_PERCENT = f"{100 * LEVEL:g} %"

Numbers = dict[str, Planned]


def text(given: Situation, numbers: Numbers) -> str:
    """The whole plan: words, table and assumptions."""
    assumed = [f"* {line}" for line in assumptions(given)]
    parts = [
        "\n".join(map(_wrapped, words(given, numbers))),
        _table(numbers, given.noise.source != "known"),
        "\n".join(["assumed:", *map(_wrapped, assumed)]),
    ]
    return "\n\n".join(parts)


def _wrapped(line: str) -> str:
    """A sentence on lines that a terminal has room for."""
    indent = "  " if line.startswith("* ") else ""
    return textwrap.fill(line, _WIDTH, subsequent_indent=indent)


def words(given: Situation, numbers: Numbers) -> list[str]:
    """What to do, a sentence a line."""
    found = [
        f"To hold a mean squared drift of {given.tolerance:.4g}, where each generation "
        f"adds {_spell(numbers['noise'])} {_source(given.noise)}:"
    ]
    found.append(f"* a constant share: {_constant(numbers)}")
    if "best_share" in numbers:
        found.append(f"* at the price: {_price(numbers)}")
    found.append(
        f"* or all rows real every {_spell(numbers['period'])} generations, synthetic "
        "rows alone between"
    )
    found.append(f"* or only when it is needed: {_trigger(numbers)}")
    found.append(f"The present mix: {_present(given, numbers)}")
    if "monitor_rows" in numbers:
        rows = numbers["monitor_rows"]
        advised = rows._replace(
            **{
                name: MONITOR_FACTOR * getattr(rows, name)
                for name in ("value", "low", "high")
            }
        )
        found.append(
            f"A monitor sees nothing but noise with {_spell(rows)} held-out rows; take "
            f"{_spell(advised)}."
        )
    return found


def _constant(numbers: Numbers) -> str:
    told = f"at least {_spell(numbers['least_share'])} real rows"
    if "least_rows" in numbers:
        told += f", {_spell(numbers['least_rows'])} a generation"
    if "share_until" in numbers:
        short = numbers["share_until"]
        until = short.label.removeprefix("least real share ")
        told += f"; {until} alone {_spell(short)}"
    return told


def _price(numbers: Numbers) -> str:
    best, least = numbers["best_share"], numbers["least_share"]
    told = f"a share of {_spell(best)}, {_spell(numbers['best_rows'])} rows"
    if best.value < least.value:
        told += "; the tolerance asks for more, so take the least share"
    return told


def _trigger(numbers: Numbers) -> str:
    if "saving" not in numbers:
        return (
            "no: one generation of synthetic rows already adds more than the tolerance"
        )
    saving = numbers["saving"]
    told = (
        f"all rows real once the distance passes {_spell(numbers['threshold'])}, "
        f"every {_spell(numbers['wait'])} generations on average"
    )
    if saving.value < 1:
        return f"{told}; that takes more real rows than the constant share"
    return f"{told}: {_spell(saving)} times fewer real rows than the constant share"


def _present(given: Situation, numbers: Numbers) -> str:
    passes = numbers["passes"]
    told = f"with a real share of {given.share:g} the tolerance is "
    if math.isinf(passes.value):
        told += f"never passed; the drift ends at {_spell(numbers['present_limit'])}"
        if not math.isinf(passes.low):
            told += f", though at the largest noise in generation {passes.low:.0f}"
        return told + "."
    return told + f"passed in generation {_spell(passes)}."


def assumptions(given: Situation) -> list[str]:
    """What the numbers take for granted, and what breaks it."""
    d, noise = given.dimension, given.noise
    found = [
        "Each generation adds noise that is independent of the others and as large as "
        "before. An error that goes the same way each time (a narrow sampler, lost "
        "tails) grows like the square of the generations; then no number here holds. "
        "Look whether the drift of a run grows in proportion to its generations.",
        f"The drift has {d:g} equal direction{'s' * (d != 1)}, and normal steps. If "
        "directions differ, the saving of a trigger is less than that of the "
        "participation ratio (theory.triggers.ball_dimension has the right one).",
        "Real rows are new in every generation and know the truth. A pool of N rows "
        "that comes again holds the model at its own error, that of a fit to N rows.",
        "The tolerance is for the mean over runs; that of a single run is about "
        f"tolerance x chi-square({d:g}) / {d:g}. A period or a trigger holds the mean "
        "over generations, and goes above it before each real generation.",
        "A trigger sees the drift once a generation and without error of its own.",
    ]
    if noise.source == "known":
        found.append(
            "The drift of a generation is known: one value has no interval. For one "
            "give several to --drift, or --measured."
        )
    else:
        found.append(
            f"Intervals ({_PERCENT}) are those of the drift's measurement alone: "
            f"{_law(given)}. Not of wrong assumptions."
        )
    if given.rows is not None:
        found.append(
            "The drift added is the error of a fit to all rows of a generation, which "
            "falls like 1 / rows: so the monitor's rows."
        )
    return found


def to_json(given: Situation, numbers: Numbers) -> str:
    """All numbers with units and intervals; null for never, or for what is infinite."""
    asked: dict[str, Any] = given._asdict()
    asked["noise"] = given.noise._asdict()
    content = {
        "collapse_plan": _FORMAT,
        "version": collapse.__version__,
        "level": LEVEL,
        "given": asked,
        "numbers": {
            name: {
                "label": number.label,
                **{
                    part: value if math.isfinite(value) else None
                    for part, value in zip(
                        ("value", "low", "high"), number[1:4], strict=True
                    )
                },
                "unit": number.unit,
            }
            for name, number in numbers.items()
        },
        "null": "never, or larger than any number",
        "assumptions": assumptions(given),
    }
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def _table(numbers: Numbers, measured: bool) -> str:
    rows = []
    for number in numbers.values():
        row = {"number": number.label, "value": _number(number.value, number.unit)}
        if measured:
            same = number.low == number.high
            ends = [_number(end, number.unit) for end in (number.low, number.high)]
            row[f"{_PERCENT} interval"] = "" if same else " .. ".join(ends)
        rows.append(row | {"unit": number.unit})
    return aligned(rows)


def _spell(number: Planned) -> str:
    """A number with its interval, if it has one."""
    told = _number(number.value, number.unit)
    if number.low == number.high:
        return told
    ends = [_number(end, number.unit) for end in (number.low, number.high)]
    return f"{told} ({ends[0]} .. {ends[1]})"


def _number(value: float, unit: str) -> str:
    if math.isinf(value):
        return {"generation": "never", "share of rows": "none"}.get(unit, "no end")
    if "rows" in unit.split()[:1]:
        return f"{math.ceil(value - 1e-9):d}"  # less would not do
    return f"{value:.0f}" if unit == "generation" else f"{value:.3g}"


def _source(noise: MeasuredNoise) -> str:
    several = "s" * (noise.drifts != 1)
    return {
        "known": "as given",
        "generations": f"from {noise.drifts} measured generations",
        "run": f"from a run of {noise.drifts} generation{several}",
    }[noise.source]


def _law(given: Situation) -> str:
    """What the interval of the noise rests on."""
    d = given.dimension
    if given.noise.source == "generations":
        return (
            "the drifts of single generations are independent, and their sum has the "
            f"law of chi-square with {d * given.noise.drifts:g} degrees of freedom"
        )
    return (
        "the run begins at drift 0 with the present share, and each squared drift is "
        f"non-central chi-square with {d:g} degree{'s' * (d != 1)} of freedom, given "
        "the one before"
    )
