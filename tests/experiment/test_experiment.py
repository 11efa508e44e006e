"""Experiments: read, checked, spelled out, and told apart."""

import dataclasses
import json
from pathlib import Path

import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from collapse.experiment.spec import WORKFLOWS, Figure, InputError
from collapse.experiment.toml import read_toml, to_toml
from collapse.lab import run as runner
from collapse.sims.charlm import family as charlm
from collapse.sims.charlm.experiment import HISTOGRAM, CharlmExperiment
from collapse.sims.gaussian import family as gaussian
from collapse.sims.gaussian.family import GaussianExperiment
from collapse.sims.gmm import family as gmm
from collapse.sims.gmm.family import GmmExperiment
from collapse.sims.linear import family as linear
from collapse.sims.mixing import study as mixing

PRESETS = sorted((Path(__file__).parents[2] / "sims").glob("*/*.toml"))
FAMILIES = {f.FAMILY.module: f.FAMILY for f in (gaussian, gmm, linear, charlm, mixing)}

words = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
experiments = st.builds(
    GaussianExperiment,
    workflows=st.lists(st.sampled_from(WORKFLOWS), unique=True).map(tuple),
    num_generations=st.integers(1, 10**6),
    samples_per_generation=st.lists(st.integers(1, 9), unique=True).map(tuple),
    real_fraction=st.lists(st.floats(0, 1), unique=True).map(tuple),
    anchor=st.sampled_from(["fresh", "fixed"]),
    data=words,
    ddof=st.sampled_from([(0,), (0, 1)]),
)


@given(experiment=experiments, title=words)
def test_toml_to_experiment_to_toml_is_the_identity(
    tmp_path_factory, experiment, title
):
    path = tmp_path_factory.getbasetemp() / "experiment.toml"
    figure = Figure(title=title, generations=(0, 7), levels=(1.0, 2.5))
    figures = (figure,)
    for again in (figures, (*figures, Figure(name="other"))):
        path.write_text(to_toml(experiment, again), encoding="utf-8")
        assert read_toml(path, GaussianExperiment) == (experiment, again)


def test_a_single_value_stands_for_a_list_of_one(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text("samples_per_generation = 7\nreal_fraction = 1\n")
    experiment, _ = read_toml(path, GmmExperiment)
    assert experiment.samples_per_generation == (7,)
    assert experiment.real_fraction == (1.0,)


def test_levels_may_be_whole_numbers_and_generations_only_be(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text("[figure]\nlevels = [1, 1.5]\ngenerations = 3")
    _, (figure,) = read_toml(path, GaussianExperiment)
    assert (figure.levels, figure.generations) == ((1.0, 1.5), (3,))
    path.write_text("[figure]\ngenerations = [0.5]")
    with pytest.raises(InputError, match="generations must be a whole number"):
        read_toml(path, GaussianExperiment)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("num_seed = 3", "unknown key num_seed"),
        ("quick_generations = 3", "unknown key quick_generations"),
        ("[figure]\nhues = 'x'", "unknown key hues"),
        ("figure = 3", "figure must be a table"),
        ("figure = []", "figure must be a table"),
        ("[figure]\nname = '../a'", "name: '../a' is to be part of a file's name"),
        ("[[figure]]\nx = 'a'\n[[figure]]", "name: '' is given to two figures"),
        ("num_seeds = 'many'", "num_seeds must be a whole number"),
        ("num_seeds = 1.5", "num_seeds must be a whole number"),
        ("num_seeds = true", "num_seeds must be a whole number"),
        ("anchor = 'loose'", "anchor: unknown 'loose'"),
        ("num_seeds = ", "not a TOML file"),
    ],
)
def test_what_a_toml_file_may_not_say(tmp_path, text, complaint):
    path = tmp_path / "a.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=complaint) as caught:
        read_toml(path, GaussianExperiment)
    assert "\n" not in str(caught.value)


def test_a_missing_toml_file_is_said_so(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_toml(tmp_path / "none.toml", GaussianExperiment)


def bad(kind=GaussianExperiment, **fields):
    return kind(**fields).resolved(0, 0)


@pytest.mark.parametrize(
    ("experiment", "field"),
    [
        (bad(workflows=("replaced",)), "workflows"),
        (bad(workflows=()), "workflows"),
        (bad(workflows=("replace", "replace")), "workflows"),
        (bad(samples_per_generation=(0,)), "samples_per_generation"),
        (bad(num_generations=0), "num_generations"),
        (bad(num_seeds=0), "num_seeds"),
        (bad(seed=-1), "seed"),
        (bad(real_fraction=(1.5,)), "real_fraction"),
        (bad(real_fraction=(-0.1,)), "real_fraction"),
        (bad(real_fraction=(float("nan"),)), "real_fraction"),
        (bad(window=(0,)), "window"),
        (bad(snapshots=(51,)), "snapshots"),
        (bad(metrics=("variances",)), "metrics"),
        (bad(dimension=(0,)), "dimension"),
        (bad(ddof=(2,)), "ddof"),
        (bad(ddof=(1,), samples_per_generation=(1,)), "samples_per_generation"),
        (bad(rows="statistics"), "rows"),
        (
            bad(rows="law", workflows=("replace",), dimension=(100,)),
            "samples_per_generation",
        ),
        (bad(GmmExperiment, num_components=0), "num_components"),
        (bad(GmmExperiment, tol=float("nan")), "tol"),
        (bad(GmmExperiment, max_iter=0), "max_iter"),
        (bad(GmmExperiment, samples_per_generation=(2,)), "samples_per_generation"),
    ],
)
def test_what_cannot_be_run_is_refused_by_the_name_of_its_field(experiment, field):
    with pytest.raises(InputError, match=f"^{field}: ") as caught:
        experiment.check()
    assert "\n" not in str(caught.value)


def test_labels_spell_out_the_parameters_of_workflows():
    experiment = GaussianExperiment(
        workflows=("replace", "window", "mix"), window=(2, 3), real_fraction=(0.1, 0.5)
    )
    assert experiment.labels() == (
        "replace",
        "window 2",
        "window 3",
        "mix 0.1 fresh",
        "mix 0.5 fresh",
    )


def test_digests_tell_experiments_and_data_apart():
    one, other = GaussianExperiment(), GaussianExperiment(seed=1)
    digests = {
        one.digest(),
        other.digest(),
        one.digest("f00d"),
        GmmExperiment().digest(),
    }
    assert len(digests) == 4
    assert one.digest() == GaussianExperiment().digest()


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_every_preset_can_be_run_and_its_quick_version_too(path):
    family = FAMILIES[path.parent.name]
    experiment, figures = read_toml(path, type(family.default))
    quick, _ = runner.prepare(experiment, quick=True, load=family.load)
    experiment, _ = runner.prepare(experiment, load=family.load)
    assert quick.num_generations <= 6 and quick.num_seeds <= 8
    assert max(quick.samples_per_generation) <= 100
    for figure in figures:
        experiment.check_figure(figure)
        assert figure.title and figure.caption


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_what_is_published_is_what_the_preset_says(path):
    """Whoever changes a preset has to run it again."""
    family = FAMILIES[path.parent.name]
    experiment, figures = read_toml(path, type(family.default))
    experiment, _ = runner.prepare(experiment, load=family.load)
    for figure in figures:
        _is_published(path, experiment, figure)


def _is_published(path, experiment, figure):
    folder, stem = path.parents[2] / "figures", figure.stem(path.stem)
    for kind in ("png", "svg"):
        assert (folder / f"{stem}.{kind}").is_file()
    data = xr.open_dataset(folder / "data" / f"{stem}.nc", engine="h5netcdf")
    assert data.attrs["experiment"] == to_toml(experiment)
    fields = json.loads(data.attrs["figure"])
    assert fields.keys() <= dataclasses.asdict(figure).keys()
    drawn = json.loads(json.dumps(dataclasses.asdict(Figure()))) | fields
    left_open = {"metrics", "columns", "rows", "title", "caption"}
    for name, value in dataclasses.asdict(figure).items():
        if value or name not in left_open:
            assert json.loads(json.dumps(value)) == drawn[name]


@pytest.mark.parametrize(
    ("figure", "field"),
    [
        (Figure(hue="workflows"), "hue"),
        (Figure(columns="n"), "columns"),
        (Figure(rows="ddof", columns="ddof"), "rows"),
        (Figure(metrics=("entropy",)), "metrics"),
        (Figure(metrics=("fit_steps", "survival_1")), "metrics"),
        (Figure(kind="samples"), "snapshots"),
        (Figure(hue="ddof", rows="dimension", columns="workflow"), "figure"),
        (Figure(x="ridge"), "x"),
        (Figure(x="workflow"), "x"),
        (Figure(x=""), "x"),
        (Figure(x="dimension", columns="dimension"), "columns"),
        (Figure(x="dimension", hue="dimension"), "hue"),
        (Figure(hue="generation"), "hue"),
        (Figure(x="dimension", rows="generation"), "rows"),
        (Figure(x="dimension", hue="generation", generations=(0, 51)), "generations"),
        (Figure(x="dimension", generations=(-1,)), "generations"),
        (Figure(x="dimension", generations=(0, 1)), "generations"),
        (
            Figure(x="dimension", hue="generation", generations=(1, 1)),
            "generations",
        ),
        (Figure(generations=(1,)), "generations"),
        (Figure(x="ddof", x_scale="log"), "x_scale"),
    ],
)
def test_a_figure_that_could_not_be_drawn_is_refused_before_the_run(figure, field):
    several = {"ddof": (0, 1), "samples_per_generation": (9, 99), "dimension": (1, 2)}
    experiment = bad(metrics=("mean_error",), **several)
    with pytest.raises(InputError, match=f"^{field}: ") as caught:
        experiment.check_figure(figure)
    assert "\n" not in str(caught.value)


def test_x_is_a_place_for_an_axis_and_asks_for_a_number():
    axes = {"ddof": (0, 1), "samples_per_generation": (9, 99), "dimension": (1, 2)}
    experiment = bad(**axes)
    figure = Figure(x="dimension", hue="generation", generations=(0, 50), rows="ddof")
    with pytest.raises(InputError, match="^figure: workflow has several values"):
        experiment.check_figure(figure)
    experiment = dataclasses.replace(experiment, workflows=("replace",))
    experiment.check_figure(figure)
    experiment.check_figure(dataclasses.replace(figure, x_scale="log"))
    with pytest.raises(InputError, match="^x: anchors has no numbers"):
        Figure(x="anchors").check({"anchors": ["fresh", "fixed"]})


def test_an_x_of_one_value_leaves_room_for_generations_only():
    experiment = bad(ddof=(0, 1), samples_per_generation=(9, 99))
    figure = Figure(x="dimension", hue="generation", columns="ddof")
    experiment.check_figure(figure)  # the hue is that of the workflows then
    experiment = dataclasses.replace(experiment, dimension=(1, 2))
    with pytest.raises(InputError, match="^figure: workflow has several values"):
        experiment.check_figure(figure)


def test_a_histogram_is_drawn_over_its_bins_and_nothing_else_is():
    experiment = CharlmExperiment(workflows=("replace",))
    figure = Figure(metrics=(HISTOGRAM,), x="row_perplexity", hue="generation")
    figure = dataclasses.replace(figure, generations=(0, 5), x_scale="log")
    experiment.check_figure(figure)
    both = dataclasses.replace(figure, metrics=(HISTOGRAM, "perplexity"))
    with pytest.raises(InputError, match="^metrics: perplexity is not counted by"):
        experiment.check_figure(both)
    with pytest.raises(InputError, match="^x: first_histogram is counted by row_perp"):
        experiment.check_figure(Figure(metrics=(HISTOGRAM,)))
    with pytest.raises(InputError, match="^metrics: the figure shows fit_speed"):
        experiment.check_figure(Figure(metrics=("fit_speed",)))
    experiment.check_figure(Figure(metrics=("fit_loss",)))
    with pytest.raises(InputError, match="^x: unknown 'row_perplexity'"):
        experiment.check_figure(dataclasses.replace(figure, metrics=("perplexity",)))


def test_names_of_published_figures_are_unique():
    stems = []
    for path in PRESETS:
        kind = type(FAMILIES[path.parent.name].default)
        stems += [figure.stem(path.stem) for figure in read_toml(path, kind)[1]]
    assert len(set(stems)) == len(stems)
