"""Finished runs from their folders alone: listed, shown, compared, and refused."""

import numpy as np
import pandas as pd
import pytest
from calibrated import Z, count
from look_cases import leave, relabelled, run

from collapse.data.errors import InputError
from collapse.experiment import results
from collapse.figures.check import check
from collapse.figures.draw import draw
from collapse.figures.drawable import drawable
from collapse.figures.spec import Figure
from collapse.lab import folder, lock, report
from collapse.lab.look import labels
from collapse.lab.look.opened import opened
from collapse.lab.look.side_by_side import _welch, side_by_side
from collapse.sims.kde import FAMILY as KDE
from collapse.sims.mixing import FAMILY as MIXING


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_runs_are_listed_with_what_is_not_the_default(capsys):
    leave("results/a")
    leave("results/b", num_seeds=7, ddof=(1,), metrics=(), num_generations=50)
    leave("results/c", MIXING, model="gaussian", real_fraction=(0.5, 1.0))
    leave("results/d", complete=False)
    leave("results/e")
    folder.Path("results/e/results.nc").write_bytes(b"no NetCDF")
    folder.Path("results/other").mkdir()
    assert run("runs") == 0
    lines = capsys.readouterr().out.splitlines()
    assert (
        lines[0].split() == "folder command state time differs from the default".split()
    )
    words = {line.split()[0]: line for line in lines[1:]}
    assert list(words) == [f"results/{x}" for x in "abcde"]
    assert words["results/b"].split(maxsplit=5)[1:] == [
        *("gaussian", "complete", "12.5", "s", "num_seeds 7, ddof 1"),
    ]
    changed = "num_generations 3, num_seeds 20, metrics test_error variance_ratio"
    assert words["results/a"].endswith(changed)
    assert "real_fraction 0.5 1.0" in words["results/c"]
    assert "dimension" not in words["results/c"]
    assert [words[f"results/{x}"].split()[2] for x in "de"] == ["unfinished", "damaged"]
    with lock.held(folder.Path("results/a")):
        assert labels.read(folder.Path("results/a")).state == "running"
    assert run("runs", "results/b") == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_folder_without_runs_is_no_error_but_one_that_is_not_there_is(capsys):
    assert run("runs") == 0
    assert capsys.readouterr().out == "no runs in results/\n"
    assert run("runs", "nowhere") == 2
    assert (
        capsys.readouterr().err
        == "error: nowhere: no such folder; give one with runs in it\n"
    )


def test_a_run_is_shown_with_its_table_and_its_profile(capsys):
    leave("a")
    assert run("show", "a") == 0
    said = capsys.readouterr().out
    assert said.startswith("a: gaussian, 3 x 20 seeds x 4 generations, 12.5 s\ndiffers")
    for words in ("generation 3: mean", "growth of test error", "not defined here"):
        assert words in said
    assert "worse by more than 10%" in said
    assert run("show", "a", "--margin", "0.5") == 0
    assert "worse by more than 50%" in capsys.readouterr().out


def test_a_study_is_shown_with_its_own_closing_text(capsys):
    leave(
        "m", MIXING, model="gaussian", real_fraction=(0.5, 1.0), metrics=("test_error",)
    )
    place = folder.Path("m/results.nc")
    run_of = opened(folder.Path("m"))
    whole = run_of.experiment.derive(run_of.dataset)
    results.write_dataset(whole, place)
    assert run("show", "m") == 0
    said = capsys.readouterr().out
    assert "best real_fraction" in said and "worse than real-only training" in said


def test_a_family_in_a_file_of_its_own_is_shown_too(capsys):
    leave("a")
    relabelled("a", ("collapse gaussian", "collapse my_own"))
    assert run("show", "a") == 0
    said = capsys.readouterr().out
    assert "my_own" in said and "variance_ratio" in said and "profile: " in said


def test_a_profile_finds_a_place_for_every_axis():
    several = {"samples_per_generation": (50, 100), "ddof": (0, 1)}
    experiment = leave("a", **several)
    data = opened(folder.Path("a")).dataset
    figure = Figure(kind="profile")
    check(experiment, figure)
    whole = report.complete(experiment, figure, data)
    assert (whole.hue, whole.metrics) == ("workflow", ())
    assert (whole.columns, whole.rows) == ("samples_per_generation", "ddof")
    assert "Collapse: worse by more than 10%." in whole.caption
    assert len(draw(drawable(data, [whole]), whole).axes) == 4
    one = leave("b", workflows=("replace",), **several)
    whole = report.complete(one, figure, opened(folder.Path("b")).dataset)
    assert (whole.hue, whole.columns, whole.rows) == (
        *("samples_per_generation", "ddof", ""),
    )
    with pytest.raises(InputError, match="^metrics: a profile"):
        check(experiment, Figure(kind="profile", metrics=("test_error",)))


def damage(place, how):
    path = folder.Path(place) / "results.nc"
    content = path.read_bytes()
    if how == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif how == "other":
        path.write_bytes(b"text")
    elif how == "no axes":
        import xarray as xr

        data = xr.load_dataset(path, engine="h5netcdf")
        del data.attrs["axes"]
        data.to_netcdf(path, engine="h5netcdf")


@pytest.mark.parametrize("how", ["cut", "other", "no axes"])
def test_damaged_results_are_one_line(how, capsys):
    leave("a")
    damage("a", how)
    assert run("show", "a") == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    assert said.err.startswith("error: a/results.nc cannot be read (")


def test_bytes_that_are_overwritten_are_read_or_refused_in_one_line(capfd):
    leave("a")
    path = folder.Path("a/results.nc")
    content, rng, refused = path.read_bytes(), np.random.default_rng(1), 0
    for place in np.linspace(8, 6000, 30).astype(int):
        damaged = bytearray(content)
        damaged[place : place + 50] = rng.bytes(50)
        path.write_bytes(bytes(damaged))
        try:
            results.read_dataset(path)
        except InputError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 10
    assert capfd.readouterr().err == ""  # nor by a file that was opened in part


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show"], "show: the following arguments are required: folder; see"),
        (["show", "nowhere"], "nowhere: no such folder; see collapse runs"),
        (["show", "."], ".: holds no run; see collapse runs"),
        (["show", "d"], "d: its run is unfinished; look at it when it is complete"),
        (["show", "a", "--margin", "-1"], "margin: -1.0; give a number of at least 0"),
        (["show", "a", "--margin", "x"], "show: argument --margin: invalid float"),
        (["compare", "a"], "compare: one folder; give two or more"),
        (["compare", "a", "a"], "compare: a is given twice"),
        (
            ["compare", "a", "k"],
            "compare: a is of gaussian, k of kde; give runs of one",
        ),
        (
            ["compare", "a", "b", "--metrics", "x"],
            "metrics: unknown 'x'; known are test",
        ),
        (["compare", "a", "w"], "workflow: no value in common: a has replace, acc"),
        (["shw", "a"], "shw: no such command; did you mean show?"),
    ],
)
def test_bad_input_is_one_line_that_names_what_to_do(arguments, said, capsys):
    known = {"a": {}, "b": {}, "k": {"kind": KDE}, "d": {"complete": False}}
    known["w"] = {"workflows": ("window 5", "mix 1 fresh")}
    for place in known.keys() & arguments:
        leave(place, **known[place])
    assert run(*arguments) == 2
    found = capsys.readouterr()
    assert found.out == "" and found.err.count("\n") == 1
    assert found.err.startswith(f"error: {said}")


def test_runs_are_compared_seed_by_seed_where_seeds_are_shared(capsys):
    leave("a")
    leave("b", shift=0.5, ddof=(1,), num_generations=5, num_seeds=30)
    leave("c", shift=0.5, seed=1)
    runs = [opened(folder.Path(x)) for x in "abc"]
    table = side_by_side(runs, ["test_error"])
    assert set(table.generation) == {3}, "the last that all have"
    first = table[table.workflow == "replace"].set_index("run")
    assert first.difference["b"] == pytest.approx(0.5)
    ends = first.loc["b", ["difference_low", "difference_high"]].to_numpy(float)
    np.testing.assert_allclose(ends, 0.5)  # what seeds share cancels
    assert first.paired.tolist()[1:] == [True, False]
    assert first.difference_high["c"] - first.difference_low["c"] > 0.2
    assert pd.isna(first.difference["a"]) and first.seeds.tolist() == [20, 30, 20]
    assert run("compare", "a", "b", "c") == 0
    said = capsys.readouterr().out
    assert "b: num_generations 5, num_seeds 30, seed 0, ddof 1" in said
    assert "where marked *" in said and ")*" in said
    assert run("compare", "a", "b", "--metrics", "variance_ratio") == 0
    said = capsys.readouterr().out
    assert (
        "test_error" not in said and "seed by seed, of the 20 seeds that both" in said
    )


def test_conditions_are_matched_by_what_they_are():
    leave("a", samples_per_generation=(50, 100), workflows=("accumulate", "replace"))
    leave("b", samples_per_generation=(100,), workflows=("replace", "window 5"))
    table = side_by_side([opened(folder.Path(x)) for x in "ab"], ["test_error"])
    assert set(table.samples_per_generation) == {100}
    assert set(table.workflow) == {"replace"}
    # made-up numbers: the conditions' places add 3 in a, 0 in b
    assert table.difference.iloc[1] == pytest.approx(-3)
    # the random numbers are those of the size, whatever others there are
    assert table.paired.tolist()[1:] == [True]


def test_the_difference_of_independent_seeds_is_covered():
    rng = np.random.default_rng(9)
    few, many = rng.normal(0, 3, (1000, 5)), rng.normal(1, 1, (1000, 40))
    found = [_welch(a, b) for a, b in zip(few, many, strict=True)]
    rate = np.mean([e.low <= 1 <= e.high for e in found])
    assert abs(rate - 0.95) < Z * np.sqrt(0.95 * 0.05 / 1000)
    count()
    assert np.mean([e.low <= 3 <= e.high for e in found]) < 0.9


def test_two_seeds_are_needed_for_an_interval():
    assert np.isnan(_welch(np.zeros(1), np.ones(5))[1:]).all()
    assert _welch(np.zeros(3), np.ones(5)) == (1, 1, 1)


def test_a_label_without_a_run_is_refused():
    with pytest.raises(InputError, match="holds no run"):
        labels.read(folder.Path())


def test_results_say_what_every_number_is():
    experiment = leave("a", samples_per_generation=(50, 100), metrics=())
    data = opened(folder.Path("a")).dataset
    for name, variable in {**data.data_vars, **data.coords}.items():
        assert variable.attrs["long_name"], name
        if name in experiment.measured():
            known = experiment.catalogue[name]
            assert variable.attrs["units"] == known.unit, name
            assert variable.attrs.get("aspect", "") == known.aspect, name
    assert data.samples_per_generation.attrs["long_name"].startswith("Samples n that")
    assert data.mean_error_theory.attrs["long_name"].endswith("exact expectation")
    assert data.mean_error_theory.attrs["units"] == "ratio to truth's trace"
    assert data.variance_ratio.attrs["reference"] == 1
    frame = data[["test_error"]].to_dataframe()
    assert frame.index.names == [
        *("samples_per_generation", "workflow", "seed", "generation"),
    ]
