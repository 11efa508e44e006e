"""The command line: what it leaves behind, what it refuses, how it goes on."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import xarray as xr
from lab_cases import interrupt

from collapse.data.errors import InputError
from collapse.lab import checkpoint, folder, session
from collapse.lab import run as runner
from collapse.lab.schedule import boundaries
from collapse.sims.control import Control
from collapse.sims.gaussian import Gaussian
from collapse.sims.gmm import Gmm
from collapse.sims.mixing import Mixing
from collapse.sims.verification import Verification

SMALL = ["--num-seeds", "3", "--num-generations", "4", "--samples-per-generation", "20"]
ONE = ["--workflows", "replace"]  # the quickest to compile
MEASURE = ["--metrics", "variance_ratio", "mean_error"]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """Run in an empty folder, without touching how jax is set up."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "configured", lambda *_: contextlib.nullcontext())


def run(*arguments, family=Gaussian):
    return runner.main(family, [*SMALL, *arguments])


def test_a_run_leaves_everything_a_reader_needs(tmp_path, capsys):
    metrics = ["tail_mass_1pct", "variance_ratio"]
    arguments = ["--workflows", "replace", "mix", "--metrics", *metrics]
    assert run(*arguments, "--out", "a") == 0
    names = {path.name for path in (tmp_path / "a").iterdir()}
    assert names == {
        "results.nc",
        "summary.csv",
        "crossings.csv",
        "profile.csv",
        "SHA256SUMS",
        "figure.png",
        "figure.svg",
        "experiment.toml",
        "environment.json",
        "states",
    }
    data = xr.open_dataset(tmp_path / "a" / "results.nc", engine="h5netcdf")
    assert dict(data.tail_mass_1pct.sizes) == {
        "workflow": 2,
        "seed": 3,
        "generation": 5,
    }
    assert data.workflow.values.tolist() == ["replace", "mix 0.1 fresh"]
    for name in metrics:
        assert data[name].attrs["long_name"] and data[name].attrs["units"]
    header = (tmp_path / "a" / "summary.csv").read_text().splitlines()[0]
    assert header.startswith("workflow,generation,metric,mean,median,low,high")
    environment = json.loads((tmp_path / "a" / "environment.json").read_text())
    assert environment["precision"] == "float64"
    said = capsys.readouterr().out
    assert "generation 4: mean (standard error) [theory]" in said


def test_axes_become_dimensions_of_the_results(tmp_path):
    axes = ["--dimension", "1", "2", "--samples-per-generation", "5", "6"]
    rest = ["--workflows", "replace", "--rows", "samples", "--out", "a", "--quiet"]
    assert run(*axes, *MEASURE, *rest) == 0
    data = xr.open_dataset(tmp_path / "a" / "results.nc", engine="h5netcdf")
    sizes = {"dimension": 2, "samples_per_generation": 2, "workflow": 1, "seed": 3}
    assert dict(data.mean_error.sizes) == sizes | {"generation": 5}
    theory = data.variance_ratio_theory.sel(dimension=2, samples_per_generation=5)
    np.testing.assert_allclose(theory.values[0], (1 - 1 / 5) ** np.arange(1, 6))


@pytest.mark.parametrize("family", [Gaussian, Gmm])
def test_real_data_run_without_a_sample_size(tmp_path, family):
    arguments = ["--data", "faithful", "--quick", "--workflows", "mix", "--quiet"]
    arguments += ["--metrics", "tail_mass_5pct", "test_error", "--out", "a"]
    assert runner.main(family, arguments) == 0
    data = xr.open_dataset(tmp_path / "a" / "results.nc", engine="h5netcdf")
    assert "held-out rows of faithful" in json.loads(data.attrs["figure"])["caption"]
    assert np.isfinite(data.test_error.values).all()


def test_published_figures_can_be_redrawn(tmp_path):
    from collapse.figures.redraw import redraw

    assert run(*ONE, *MEASURE, "--out", "a", "--publish", "figures", "--quiet") == 0
    drawn = (tmp_path / "figures" / "gaussian.svg").read_bytes()
    (tmp_path / "figures" / "gaussian.svg").unlink()
    redraw(tmp_path / "figures" / "data" / "gaussian.nc")
    assert (tmp_path / "figures" / "gaussian.svg").read_bytes() == drawn


def test_a_figure_over_an_axis_is_run_published_and_redrawn(tmp_path, monkeypatch):
    from collapse.figures.redraw import redraw

    write(
        tmp_path,
        "over.toml",
        "dimension = [2, 1]\nsamples_per_generation = [5, 9]\nddof = [0, 1]\n"
        "num_generations = 50\n[figure]\nx = 'samples_per_generation'\n"
        "hue = 'generation'\ngenerations = [0, 1, 50]\n",
    )
    monkeypatch.setattr(
        Gaussian,
        "note",
        lambda _, cell: "few" * (cell["samples_per_generation"] == 5),
    )
    arguments = ["over.toml", *ONE, *MEASURE, "--quick", "--quiet", "--out", "a"]
    assert runner.main(Gaussian, [*arguments, "--publish", "figures"]) == 0
    data = xr.open_dataset(tmp_path / "figures/data/over.nc", engine="h5netcdf")
    assert data.generation.values.tolist() == [0, 6]  # all that a quick run has
    assert data.note.dims == ("dimension", "samples_per_generation", "ddof")
    assert data.note.sel(ddof=1).values.tolist() == [["few", ""]] * 2
    figure = json.loads(data.attrs["figure"])
    assert (figure["columns"], figure["rows"]) == ("dimension", "ddof")
    drawn = (tmp_path / "figures" / "over.svg").read_bytes()
    redraw(tmp_path / "figures" / "data" / "over.nc", tmp_path)
    assert (tmp_path / "over.svg").read_bytes() == drawn


def write(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    return name


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--workflows", "replaced"], "workflows: unknown 'replaced'"),
        (["--samples-per-generation", "0"], "samples_per_generation: 0; give"),
        (["--rows", "law", "--dimension", "20"], "rows: fixed_budget"),
        (
            ["--rows", "law", "--dimension", "20", "--workflows", "replace"],
            "samples_per_generation: rows = law",
        ),
        (["--rows", "statistics"], "rows: fixed_budget picks single samples"),
        (["--workflows", "mix", "--real-fraction", "1.5"], "real_fraction: 1.5"),
        (["--num-seeds", "many"], "num_seeds: 'many' is not a whole number"),
        (
            ["--num-sedes", "3"],
            "--num-sedes 3: no such option; did you mean --num-seeds",
        ),
        (["--data", "none.csv"], "none.csv: no such file"),
        (["--data", "empty.csv"], "empty.csv: the file is empty"),
        (["--data", "words.csv"], "'b' is not a number"),
        (["--data", "holes.csv"], "line 4, column 'y' is missing, and 3 more"),
        (["--data", "short.csv"], "20 rows are needed but short.csv has 9"),
        (["--out", "words.csv"], "out: words.csv is a file"),
        (["--out", "."], "out: . is not empty"),
        (["--resume", "--out", "new"], "resume: new holds nothing to continue"),
        (["--publish", "words.csv"], "publish: words.csv cannot be written"),
        (["--workflows", "mix", "--real-fraction"], "real_fraction: empty"),
        (["--seed", "9" * 30], "seed: 99999"),
        (
            ["--samples-per-generation", "9" * 9, "--dimension", "99"],
            "GB for each seed",
        ),
        (
            ["--snapshot-seeds", "2"],
            "snapshots: none, but snapshot_seeds is 2; name the generations, such as "
            "--snapshots 0 ",
        ),
        (["b.toml", "--quiet"], "columns: unknown 'generation'"),
    ],
)
def test_bad_input_ends_in_one_line_and_leaves_nothing(
    tmp_path, capsys, arguments, said
):
    write(tmp_path, "empty.csv", "")
    write(tmp_path, "words.csv", "1,2\n3,b\n" * 5)
    write(tmp_path, "holes.csv", "x,y\n" + "1,2\n3,4\n5,nan\n" * 4)
    write(tmp_path, "short.csv", "1\n2\n3\n" * 4)
    write(tmp_path, "b.toml", '[figure]\ncolumns = "generation"\n')
    before = sorted(tmp_path.iterdir())
    first = [] if arguments[0].startswith("-") else [arguments.pop(0)]
    assert runner.main(Gaussian, [*first, *SMALL, *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error and error.startswith("error: ") and error.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_an_unknown_key_of_a_toml_file_is_refused(tmp_path, capsys):
    write(tmp_path, "a.toml", "num_seed = 3\n")
    assert runner.main(Gaussian, ["a.toml"]) == 2
    assert "unknown key num_seed" in capsys.readouterr().err


def test_another_experiments_folder_is_left_alone(tmp_path, capsys):
    assert run(*ONE, *MEASURE, "--out", "a", "--quiet") == 0
    kept = (tmp_path / "a" / "results.nc").read_bytes()
    assert run(*ONE, *MEASURE, "--seed", "1", "--out", "a", "--quiet") == 2
    assert "holds the results of another experiment" in capsys.readouterr().err
    assert (tmp_path / "a" / "results.nc").read_bytes() == kept


def test_measurements_that_are_not_finite_are_counted(capsys, monkeypatch):
    monkeypatch.setattr(Gaussian, "known_metrics", lambda _: tuple(_.catalogue))
    arguments = ["--samples-per-generation", "1", "--rows", "samples"]
    arguments += ["--workflows", "replace", "--metrics", "log_det_ratio"]
    assert run(*arguments, "--out", "a", "--quiet") == 1
    said = capsys.readouterr().err
    assert "15 measurements in 3 runs are not finite" in said
    assert "generation 0" in said and "log_det_ratio" in said


def test_densities_are_not_measured_where_samples_do_not_span_the_space(capsys):
    few = ["--samples-per-generation", "4", "--dimension", "4", *ONE]
    assert run(*few, "--metrics", "entropy") == 2
    assert "metrics: entropy needs a density" in capsys.readouterr().err
    known = Gaussian(dimension=(4,), samples_per_generation=(4, 9))
    assert not {"entropy", "test_error", "log_det_ratio"} & {*known.measured()}


@pytest.mark.parametrize("saves", [pytest.param(2, marks=pytest.mark.slow), 12])
def test_a_resumed_run_is_bitwise_an_uninterrupted_one(tmp_path, monkeypatch, saves):
    workflows = ["--workflows", "replace", "fixed_budget"]
    arguments = ["--num-generations", "8", *workflows, *MEASURE, "--quiet", "--out"]
    assert run(*arguments, "whole") == 0
    with monkeypatch.context() as patch:
        interrupt(patch, saves)
        assert run(*arguments, "part") == 130
    assert not (tmp_path / "part" / "results.nc").exists()
    assert run(*arguments, "part") == 2  # not without being asked to
    assert run(*arguments, "part", "--resume") == 0
    whole, part = (
        xr.open_dataset(tmp_path / name / "results.nc", engine="h5netcdf")
        for name in ("whole", "part")
    )
    assert whole.drop_attrs().identical(part.drop_attrs())
    assert not (tmp_path / "part" / "checkpoints").exists()


def test_a_truncated_checkpoint_is_refused_by_name(tmp_path, monkeypatch, capsys):
    arguments = ["--num-generations", "8", *ONE, *MEASURE, "--quiet", "--out", "a"]
    with monkeypatch.context() as patch:
        interrupt(patch, 1)
        assert run(*arguments) == 130
    (path,) = (tmp_path / "a" / "checkpoints").iterdir()
    path.write_bytes(path.read_bytes()[:-100])
    capsys.readouterr()
    assert run(*arguments, "--resume") == 2
    said = capsys.readouterr().err
    assert "resume: checkpoint" in said and "is damaged" in said
    assert said.count("\n") == 1


def test_ctrl_c_saves_what_is_done(tmp_path):
    command = [sys.executable, "-m", "collapse.sims.gaussian", "--num-seeds", "4"]
    command += ["--num-generations", "100000", "--workflows", "replace", *MEASURE]
    process = subprocess.Popen(
        [*command, "--out", "a"],
        stderr=subprocess.PIPE,
        env=os.environ | {"COLUMNS": "80"},
    )
    while not (tmp_path / "a" / "checkpoints").is_dir():
        assert process.poll() is None
        time.sleep(0.1)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 130
    assert "continue with the same command and --resume" in said
    assert "Traceback" not in said
    assert list((tmp_path / "a" / "checkpoints").iterdir())


def test_chunks_end_at_every_snapshot_and_at_the_end():
    ends = boundaries(2000, (0, 50, 350, 2000))
    assert {0, 50, 350, 2000} <= set(ends) and ends[-1] == 2000
    assert len(set(np.diff([-1, *ends]))) <= 2  # each length is compiled
    assert boundaries(9, (0, 4)) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert boundaries(100, (100,))[-2:] == [95, 100]
    assert boundaries(99, ()) == [9, 19, 29, 39, 49, 59, 69, 79, 89, 99]
    assert boundaries(1, ()) == [0, 1]


def refused(study, model):
    """Fields of the model that a study lists, but takes no value of."""
    asked = study(model=model)
    (_, _), (learner, names) = asked.parts()
    return {name for name in learner.own_fields() if name not in names}


def test_a_study_does_not_offer_what_it_refuses_whatever_the_value(capsys):
    """In a file it is refused with the reason, as before."""
    of_tables = {"data", "columns", "drop", "separator", "decimal", "header", "missing"}
    learner = {"learner_samples", "learner_noise_variance", "learner_ridge"}
    of_lines = {*of_tables, "target", "design", *learner}
    for model in ("gaussian", "gmm"):
        assert refused(Verification, model) == of_tables
        assert refused(Control, model) == refused(Mixing, model) == set()
    assert refused(Verification, "kde") == {*of_tables, "shape"}
    assert refused(Control, "kde") == {"shape"} and refused(Mixing, "kde") == set()
    assert refused(Verification, "linear") == of_lines
    for study in (Control, Mixing):
        assert refused(study, "linear") == {*of_lines, "synthetic_bias"}
    for study in (Verification, Control, Mixing):
        assert refused(study, "discrete") == set()
    assert runner.main(Verification, ["--data", "faithful"]) == 2
    assert "error: --data faithful: no such option" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        runner.main(Verification, ["--model", "kde", "--help"])
    said = capsys.readouterr().out
    assert "--bandwidth" in said and "--data" not in said and "--shape" not in said


def test_help_answers_before_jax_is_imported():
    code = (
        "import sys; sys.argv = ['gmm', '--help']\n"
        "from collapse.lab.run import main\n"
        "from collapse.sims.gmm import FAMILY\n"
        "try: main(FAMILY)\n"
        "except SystemExit: pass\n"
        "assert 'jax' not in sys.modules and 'matplotlib' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--num-generations" in done.stdout


def test_a_run_is_continued_by_the_versions_that_began_it(
    tmp_path, monkeypatch, capsys
):
    arguments = ["--num-generations", "8", *ONE, *MEASURE, "--quiet", "--out", "a"]
    with monkeypatch.context() as patch:
        interrupt(patch, 1)
        assert run(*arguments) == 130
    with monkeypatch.context() as patch:
        patch.setattr(folder, "versions", lambda: "jax 9")
        assert run(*arguments, "--resume") == 2
    said = capsys.readouterr().err
    assert "resume: a was begun with" in said and "this is jax 9" in said
    assert run(*arguments, "--resume") == 0
    assert run(*arguments[:-3], "--resume", "--out", "a") == 0
    assert "a/ is complete; --force repeats" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--num-components", "40"], "num_components: 40 are too many"),
        (["--reg-covar", "0.01"], "reg_covar: 0.01 would hide a column"),
    ],
)
def test_what_real_data_do_not_bear_is_refused(tmp_path, capsys, arguments, said):
    data = ["--data", "faithful", "--samples-per-generation", "60"]
    assert run(*data, *arguments, family=Gmm) == 2
    assert said in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_snapshots_hold_samples_of_the_first_seed(tmp_path):
    arguments = ["--snapshots", "3", "0", *ONE, "--quiet"]
    assert run(*arguments, *MEASURE, "--out", "a") == 0
    data = xr.open_dataset(tmp_path / "a" / "results.nc", engine="h5netcdf")
    assert dict(data.samples.sizes) == {
        "workflow": 1,
        "snapshot": 2,
        "row": 20,
        "dimension": 1,
    }
    assert data.snapshot.values.tolist() == [0, 3]


def test_checkpoints_of_another_shape_are_refused(tmp_path):
    state = {"a": np.zeros(3)}
    checkpoint.save(tmp_path / "x.npz", checkpoint.Progress(2, {}, [], state))
    back = checkpoint.load(tmp_path / "x.npz", state)
    assert back.done == 2 and (back.state["a"] == 0).all()
    with pytest.raises(InputError, match="damaged"):
        checkpoint.load(tmp_path / "x.npz", {"a": np.zeros(4)})
