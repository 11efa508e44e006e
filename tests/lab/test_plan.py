"""`collapse plan`: numbers, intervals, words, JSON, and what it refuses."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
from calibrated import Z, assert_mean, assert_tells_apart
from conftest import SEED
from hypothesis import given
from hypothesis import strategies as st

from collapse.lab import commands
from collapse.lab.plan import measured
from collapse.lab.plan.measured import known, of_generations, of_run
from collapse.lab.plan.numbers import Situation, plan
from collapse.lab.plan.text import text, to_json, words
from collapse.theory import anchoring, mixing, monitoring, triggers

ROOT = Path(__file__).parents[2]
LEAST = "--drift 0.01 --tolerance 0.1"
FULL = "--drift 0.011 0.008 0.012 --tolerance 0.1 --rows 1000 --dimension 4"
FULL += " --price 1e-5 --generations 50 --share 0.02 --monitor-rows 2000"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def command(capsys):
    """Exit code, stdout and stderr of `collapse plan` with a line of arguments."""

    def run(line):
        code = commands.main(["plan", *line.split()])
        said, told = capsys.readouterr()
        assert max(map(len, said.splitlines()), default=0) <= 100
        return code, " ".join(said.split()), told

    return run


# Numbers


def test_numbers_are_those_of_the_closed_forms():
    given = Situation(known(0.01), 0.1, 4.0, 0.02, 1000, 1e-5, 50, 2000)
    found = {name: number.value for name, number in plan(given).items()}
    h = triggers.threshold(0.1, 0.01, 4, in_steps=True)
    use = triggers.triggered(h, 0.01, 4, in_steps=True).use
    least = 1 - math.sqrt(0.1 / 0.11)
    best = mixing.best_share_at_price(1e-5 * 1000 / 0.01)
    until = anchoring.share_until(0.1, 0.01, 50)
    assert found == pytest.approx(
        {
            "noise": 0.01,
            "tolerance": 0.1,
            "least_share": least,
            "least_share_pooled": 1 - math.sqrt(0.9),
            "least_rows": 1000 * least,
            "share_until": until,
            "rows_until": 1000 * 50 * until,
            "best_share": best,
            "best_rows": 1000 * best,
            "best_drift": 0.01 / (best * (2 - best)),
            "period": 21,
            "threshold": h,
            "wait": 1 / use,
            "saving": least / use,
            "saving_limit": 1.5,
            "trigger_rows": 1000 * use,
            "passes": 14,
            "present_limit": 0.98**2 * 0.01 / (1 - 0.98**2),
            "present_drift": anchoring.curve(0.02, 0.01, 50)[50],
            "monitor_rows": 100,
            "monitor_floor": 0.005,
        }
    )
    # the floor is that of a fit: s is d sigma^2 / n
    sigma2 = 0.01 * 1000 / 4
    assert found["monitor_floor"] == pytest.approx(monitoring.floor(2000, 4, sigma2))
    rows = monitoring.least_reference(0.1, 4, sigma2)
    assert found["monitor_rows"] == pytest.approx(rows)
    costs = [0.01 / (a * (2 - a)) + 1e-5 * 1000 * a for a in (best, best - 0.01)]
    assert costs[0] < costs[1]


def test_what_was_not_given_is_left_out():
    assert {"best_share", "least_rows", "share_until", "monitor_rows"}.isdisjoint(
        plan(Situation(known(0.01), 0.1))
    )
    few = plan(Situation(known(0.2), 0.1))
    assert "saving" not in few and few["least_share_pooled"].value == math.inf
    assert "one generation of synthetic rows already adds more" in "\n".join(
        words(Situation(known(0.2), 0.1), few)
    )


sizes = st.floats(-8, 8).map(lambda e: 10**e)


@given(
    drifts=st.lists(sizes, min_size=1, max_size=3),
    tolerance=sizes,
    dimension=st.floats(1, 300),
    share=st.floats(0, 1),
    rows=st.integers(1, 10**9),
    price=sizes,
    generations=st.integers(1, 10**9),
)
def test_every_plan_has_ordered_intervals_and_can_be_told(
    drifts, tolerance, dimension, share, rows, price, generations
):
    noise = of_generations(drifts, dimension)
    situation = Situation(
        noise, tolerance, dimension, share, rows, price, generations, rows
    )
    found = plan(situation)
    for name, number in found.items():
        assert number.low <= number.value <= number.high, name
    assert "nan" not in text(situation, found)
    again = json.loads(to_json(situation, found))
    assert set(again["numbers"]) == set(found)
    for name, number in found.items():
        if math.isfinite(number.high):
            assert again["numbers"][name]["high"] == number.high
        else:
            assert again["numbers"][name]["high"] is None


def test_intervals_are_those_of_the_noise():
    situation = Situation(of_generations([0.01, 0.02, 0.01], 2.0), 0.1)
    low, high = (
        plan(situation._replace(noise=known(end))) for end in situation.noise[1:3]
    )
    found = plan(situation)
    for name in ("least_share", "noise", "wait", "period", "passes"):
        ends = sorted([low[name].value, high[name].value])
        assert [found[name].low, found[name].high] == pytest.approx(ends), name
        assert found[name].low < found[name].value < found[name].high


def test_an_interval_holds_what_is_least_within_the_noise():
    """A threshold falls with the noise at first, then grows: ends are not enough."""
    noise = measured.MeasuredNoise(0.01, 1e-6, 0.1, "generations", 3)
    found = plan(Situation(noise, 0.1, 4.0))["threshold"]
    every = [
        triggers.threshold(0.1, s, 4, in_steps=True)
        for s in np.geomspace(noise.low, noise.high, 2000)
    ]
    inside = int(np.argmin(every))
    assert every[inside] < 0.98 * min(every[0], every[-1])
    assert found.low == pytest.approx(every[inside], rel=1e-3)
    assert found.high == pytest.approx(max(every))


# The noise


def test_an_interval_of_one_generation_is_that_of_chi_square():
    for d in (1, 3.5, 300):
        run, alone = of_run([0.2], d), of_generations([0.2], d)
        assert run[:3] == pytest.approx(alone[:3], rel=1e-3)
        ends = [0.2 * d / scipy.stats.chi2.isf(p, d) for p in (0.025, 0.975)]
        assert alone[:3] == pytest.approx([0.2, *ends])
    assert known(0.2)[:3] == (0.2, 0.2, 0.2)


def test_a_run_with_real_rows_is_pulled_back():
    """The likelihood of two generations under a share, from SciPy's laws alone."""
    drifts, d, share = (0.3, 0.5), 3.0, 0.2

    def minus_log(u):
        c, kept = math.exp(u) / d, (1 - share) ** 2
        first = scipy.stats.chi2.logpdf(drifts[0] / kept / c, d)
        second = scipy.stats.ncx2.logpdf(drifts[1] / kept / c, d, drifts[0] / c)
        return 2 * u - first - second

    best = scipy.optimize.minimize_scalar(minus_log, bounds=(-4, 4), method="bounded")
    found = of_run(drifts, d, share).value
    assert found == pytest.approx(math.exp(best.x), rel=1e-4)
    assert of_run(drifts, d).value != pytest.approx(found, rel=0.05)


def test_a_trigger_s_interval_ends_where_its_formulas_do():
    wide = Situation(of_generations([0.01, 0.04], 1.0), 0.1)
    assert wide.noise.high > 0.1 > wide.noise.value
    end = plan(wide._replace(noise=known(0.1)))
    assert plan(wide)["wait"].low == pytest.approx(end["wait"].value)
    assert plan(wide)["saving"].low == pytest.approx(end["saving"].value)


@pytest.mark.parametrize("d", [1.0, 2.5, 6.0, 240.0])
def test_the_law_of_a_step_is_non_central_chi_square(d):
    before, after = np.array([[0.0, 0.7, 2.0, 3.0]]), np.array([[0.5, 0.9, 1.0, 9.0]])
    scale = np.array([[0.1], [1.0]])
    found = measured._log_density(after, before, scale, d)
    law = scipy.stats.ncx2.logpdf(after / scale, d, before / scale + 1e-300)
    law = np.where(before == 0, scipy.stats.chi2.logpdf(after / scale, d), law)
    np.testing.assert_allclose(found, law - np.log(scale), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("order", [-0.5, 0.0, 3.2, 49.9, 50.0, 400.0])
def test_bessel_functions_where_they_overflow(order):
    x = np.array([1e-9, 1e-3, 0.3, 5.0, 300.0, 9e5, 1.1e6, 1e12])
    found = measured._log_scaled_bessel(order, x)
    assert np.isfinite(found).all()
    # the recurrence I_{v-1} - I_{v+1} = 2 v / x I_v, in ratios
    up, down = (measured._log_scaled_bessel(order + k, x) for k in (2, 1))
    one = np.exp(up - found) + 2 * (order + 1) / x * np.exp(down - found)
    np.testing.assert_allclose(one, 1, rtol=1e-3)


def walks(d, generations, share, runs):
    """Squared drifts of walks whose generations add 1 in all [runs, generations]."""
    rng = np.random.default_rng(SEED)
    steps = rng.normal(0, d**-0.5, (runs, generations, d))
    place, found = np.zeros((runs, d)), []
    for t in range(generations):
        place = (1 - share) * (place + steps[:, t])
        found.append((place**2).sum(1))
    return np.stack(found, 1)


@pytest.mark.parametrize(
    ("d", "generations", "share"), [(1, 5, 0.0), (3, 8, 0.0), (2, 6, 0.3)]
)
def test_intervals_of_a_run_cover(d, generations, share, monkeypatch):
    """Each side misses in 2.5 % of runs; that of the last generation is wider."""
    monkeypatch.setattr(measured, "_POINTS", 801)
    runs = 400
    drifts = walks(d, generations, share, runs)
    found = [of_run(list(run), d, share) for run in drifts]
    sides = np.array([[n.low > 1, n.high < 1] for n in found], float)
    slack = Z * math.sqrt(0.025 * 0.975 / runs)
    assert (abs(sides.mean(0) - 0.025) < slack).all()
    inside = 1 - sides.sum(1)
    assert_mean(inside, 0.95)
    # control: intervals as if increments of |e|^2 were independent chi-squares
    naive = np.array(
        [of_generations(abs(np.diff(run, prepend=0)), d)[1:3] for run in drifts]
    )
    covered = ((naive[:, 0] <= 1) & (naive[:, 1] >= 1)).mean()
    assert abs(covered - 0.95) > Z * math.sqrt(0.05 * 0.95 / runs)
    if share == 0:
        width = np.median([n.high / n.low for n in found])
        last = scipy.stats.chi2.isf([0.025, 0.975], d)
        assert width < 0.7 * last[0] / last[1]
    else:  # control: the pull is not known of
        other = [of_run(list(run), d) for run in drifts]
        missed = np.mean([n.low > 1 or n.high < 1 for n in other])
        assert missed > 0.05 + Z * math.sqrt(0.05 * 0.95 / runs)


def test_intervals_of_generations_cover_and_carry_over():
    """The least share's interval covers as the noise's does."""
    rng = np.random.default_rng(SEED)
    drifts = rng.chisquare(2, (4000, 3)) / 2
    least = anchoring.least_share(5.0, 1.0)
    inside = []
    for row in drifts:
        noise = of_generations(list(row), 2)
        ends = [anchoring.least_share(5.0, s) for s in noise[1:3]]
        inside.append(float(ends[0] <= least <= ends[1]))
    assert_tells_apart(inside, 0.95, 0.9)


def test_many_generations_tell_the_noise():
    (drifts,) = walks(5, 400, 0.05, 1)
    found = of_run(list(drifts), 5, 0.05)
    assert found.low < 1 < found.high and found.high / found.low < 1.4
    scaled = of_run(list(1e6 * drifts), 5, 0.05)
    assert np.array(scaled[:3]) == pytest.approx(1e6 * np.array(found[:3]))


# The command


def test_words_and_table(command):
    code, said, told = command(FULL)
    assert code == 0 and told == ""
    for part in (
        "a constant share: at least 0.048 (",
        "at the price: a share of 0.6",
        "all rows real every 20 (",
        "times fewer real rows than the constant share",
        "The present mix: with a real share of 0.02 the tolerance is passed in",
        "held-out rows; take",
        "95 % interval",
        "chi-square with 12 degrees of freedom",
        "assumed:",
    ):
        assert part in said, part
    code, said, _ = command(LEAST)
    assert code == 0 and "value unit" in said and "as given" in said
    code, said, _ = command(f"{LEAST} --share 0.06")
    assert "never passed; the drift ends at 0.07" in said
    code, said, _ = command("--measured 0.01 0.03 0.02 --tolerance 0.1 --dimension 40")
    assert code == 0 and "a run of 3 generations" in said
    measures = "--measured 0.01 0.03 0.02 --tolerance 0.1"
    said = command(f"{measures} --share 0.5")[1]
    assert f"adds {of_run([0.01, 0.03, 0.02], 1, 0.5).value:.3g} (" in said
    code, said, _ = command("--drift 0.1 --tolerance 0.1 --dimension 40")
    assert "takes more real rows than the constant share" in said
    code, said, _ = command(f"{LEAST} --rows 1000 --price 1")
    assert "the tolerance asks for more" in said
    code, said, _ = command("--drift 0.01 0.03 --tolerance 0.1 --share 0.1")
    assert "though at the largest noise in generation" in said


def test_json_has_all_numbers_and_replaces_its_own_file_alone(command, tmp_path):
    file = tmp_path / "plan.json"
    code, said, _ = command(f"{FULL} --json {file}")
    assert code == 0 and said.rstrip().endswith(f"written: {file}")
    content = json.loads(file.read_text())
    noise = of_generations([0.011, 0.008, 0.012], 4)
    situation = Situation(noise, 0.1, 4.0, 0.02, 1000, 1e-5, 50, 2000)
    assert content["given"]["noise"] == pytest.approx(noise._asdict())
    assert content["given"]["rows"] == 1000 and content["level"] == 0.95
    for name, number in plan(situation).items():
        found = content["numbers"][name]
        assert {**number._asdict()} == pytest.approx(found), name
        assert found["unit"]
    assert len(content["assumptions"]) > 5
    before = file.read_text()
    assert command(f"{LEAST} --json {file}")[0] == 0  # its own
    assert file.read_text() != before
    passes = json.loads(file.read_text())["numbers"]["present_limit"]
    assert passes["value"] is None  # no end
    other = tmp_path / "other.json"
    other.write_text("{}")
    code, said, told = command(f"{LEAST} --json {other}")
    assert code == 2 and said == "" and "is none that this command wrote" in told
    assert other.read_text() == "{}"
    assert sorted(tmp_path.iterdir()) == [other, file]  # nothing half-written


REFUSED = {
    "": "tolerance: missing; give --tolerance",
    "--tolerance 1": "drift: missing; give --drift",
    "--drift 0 --tolerance 1": "drift: 0; give a number above 0",
    "--drift 1 -2 --tolerance 1": "drift: -2; give a number above 0",
    "--drift nan --tolerance 1": "drift: nan; give a number above 0",
    "--drift inf --tolerance 1": "drift: inf; give a number from",
    "--measured 1 0 --tolerance 1": "measured: 0; give a number above 0",
    "--drift 1 --measured 1 --tolerance 1": "measured: is instead of --drift; drop",
    "--measured 1 --share 1 --tolerance 1": "measured: a run of real rows alone",
    "--drift 1 --tolerance -1": "tolerance: -1; give a number above 0",
    "--drift 1 --tolerance 0": "tolerance: 0; give a number above 0",
    f"{LEAST} --share 1.01": "share: 1.01 is no share; give a number from 0 to 1",
    f"{LEAST} --share -0.1": "share: -0.1 is no share; give a number from 0 to 1",
    f"{LEAST} --dimension 0.5": "dimension: 0.5; give a number from 1 to",
    f"{LEAST} --price 1": "price: needs the rows of a generation; add --rows",
    f"{LEAST} --price 0 --rows 9": "price: 0; give a number above 0",
    f"{LEAST} --rows 0": "rows: 0; give a whole number from 1",
    f"{LEAST} --rows {10**16}": "rows: 10000000000000000; give a whole number from 1",
    f"{LEAST} --generations 0": "generations: 0; give a whole number from 1",
    f"{LEAST} --monitor-rows 9": "monitor-rows: needs the rows of a generation; add",
    f"{LEAST} --rows 100 --monitor-rows 9": (
        "tolerance: 0.1 is below the monitor's floor 0.111 (what 9 held-out rows see "
        "without drift); give more than 10 --monitor-rows, or a larger tolerance"
    ),
    f"{LEAST} --rows 1.5": "argument --rows: invalid int value: '1.5'; see",
    f"{LEAST} --json .": "json: . is a folder; name a file",
    f"{LEAST} --json none/plan.json": "json: none/plan.json cannot be written (No such",
    f"{LEAST} --jsn a": "--jsn: no such option; did you mean --json?",
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_cannot_be_is_refused_in_one_line(command, line, tmp_path):
    code, _, told = command(line)
    assert code == 2 and told.startswith("error: ") and REFUSED[line] in told
    assert told.count("\n") == 1 and list(tmp_path.iterdir()) == []


def test_a_monitor_at_its_floor_is_let_pass(command):
    assert command(f"{LEAST} --rows 100 --monitor-rows 10")[0] == 0
    assert command(f"{LEAST} --rows 100 --monitor-rows 9")[0] == 2


def test_help_tells_every_option_without_jax():
    code = (
        "import sys; from collapse.lab.commands import main\n"
        "try: main(['plan', '--help'])\n"
        "finally: assert 'jax' not in sys.modules"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    assert ran.returncode == 0, ran.stderr
    for option in "drift measured tolerance dimension share rows price json".split():
        assert f"--{option}" in ran.stdout
    assert "plan  " in commands._HELP
