"""Experiments: read, checked, spelled out, and told apart."""

import dataclasses
import importlib
import json
import tomllib

import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from collapse.data.errors import InputError
from collapse.experiment import registry
from collapse.experiment.toml import from_table, to_toml
from collapse.experiment.workflows import WorkflowKind, WorkflowSpec, kinds
from collapse.figures.check import check as check_figure
from collapse.figures.declaration import read_declaration, to_declaration
from collapse.figures.spec import Figure
from collapse.lab import declarations
from collapse.lab.run import prepare
from collapse.sims.charlm import Charlm
from collapse.sims.charlm.fields import HISTOGRAM
from collapse.sims.gaussian import Gaussian
from collapse.sims.gmm import Gmm

PRESETS = declarations.every()

words = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
experiments = st.builds(
    Gaussian,
    workflows=st.lists(st.sampled_from(list(kinds())), unique=True).map(tuple),
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
        path.write_text(to_declaration(experiment, again), encoding="utf-8")
        assert read_declaration(path, Gaussian) == (experiment, again)


def test_a_single_value_stands_for_a_list_of_one(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text("samples_per_generation = 7\nreal_fraction = 1\n")
    experiment, _ = read_declaration(path, Gmm)
    assert experiment.samples_per_generation == (7,)
    assert experiment.real_fraction == (1.0,)


def test_levels_may_be_whole_numbers_and_generations_only_be(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text("[figure]\nlevels = [1, 1.5]\ngenerations = 3")
    _, (figure,) = read_declaration(path, Gaussian)
    assert (figure.levels, figure.generations) == ((1.0, 1.5), (3,))
    path.write_text("[figure]\ngenerations = [0.5]")
    with pytest.raises(InputError, match="generations must be a whole number"):
        read_declaration(path, Gaussian)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("num_seed = 3", "unknown key num_seed"),
        ("quick_generations = 3", "unknown key quick_generations"),
        ("catalogue = 3", "unknown key catalogue"),
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
        read_declaration(path, Gaussian)
    assert "\n" not in str(caught.value)


def test_a_missing_toml_file_is_said_so(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_declaration(tmp_path / "none.toml", Gaussian)


def bad(kind=Gaussian, **fields):
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
        (bad(Gmm, num_components=0), "num_components"),
        (bad(Gmm, tol=float("nan")), "tol"),
        (bad(Gmm, max_iter=0), "max_iter"),
        (bad(Gmm, samples_per_generation=(2,)), "samples_per_generation"),
    ],
)
def test_what_cannot_be_run_is_refused_by_the_name_of_its_field(experiment, field):
    with pytest.raises(InputError, match=f"^{field}: ") as caught:
        experiment.check()
    assert "\n" not in str(caught.value)


def test_labels_spell_out_the_parameters_of_workflows():
    experiment = Gaussian(
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
    one, other = Gaussian(), Gaussian(seed=1)
    digests = {
        one.digest(),
        other.digest(),
        one.digest("f00d"),
        Gmm().digest(),
    }
    assert len(digests) == 4
    assert one.digest() == Gaussian().digest()


def test_a_digest_follows_the_files_of_a_users_workflow(tmp_path, monkeypatch):
    """Also what they import from their own folder: a run is not continued by others."""
    helper = tmp_path / "helper_of_mine.py"
    (tmp_path / "workflow_of_mine.py").write_text(
        "import helper_of_mine\ndef make(num_generations): return None\n"
    )
    helper.write_text("SIZE = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    make = importlib.import_module("workflow_of_mine").make
    spec = WorkflowSpec(WorkflowKind("mine", make))
    plain = Gaussian().digest()
    monkeypatch.setattr(Gaussian, "workflow_specs", lambda self: (spec,))
    first = Gaussian().digest()
    helper.write_text("SIZE = 2\n")
    assert len({plain, first, Gaussian().digest()}) == 3


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_every_preset_can_be_run_and_its_quick_version_too(path):
    kind = registry.experiment(path.parent.name)
    experiment, figures = read_declaration(path, kind)
    quick, _ = prepare(experiment, quick=True)
    experiment, _ = prepare(experiment)
    assert quick.num_generations <= 6 and quick.num_seeds <= 8
    assert max(quick.samples_per_generation) <= 100
    for figure in figures:
        check_figure(experiment, figure)
        assert figure.title and figure.caption


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_what_is_published_is_what_the_preset_says(path):
    """Whoever changes a preset has to run it again."""
    kind = registry.experiment(path.parent.name)
    experiment, figures = read_declaration(path, kind)
    experiment, _ = prepare(experiment)
    for figure in figures:
        _is_published(path, experiment, figure)


def _is_published(path, experiment, figure):
    folder, stem = path.parents[2] / "figures", figure.stem(path.stem)
    for kind in ("png", "svg"):
        assert (folder / f"{stem}.{kind}").is_file()
    data = xr.open_dataset(folder / "data" / f"{stem}.nc", engine="h5netcdf")
    table = tomllib.loads(data.attrs["experiment"])
    again = from_table(table, type(experiment), "attributes")
    assert to_toml(again) == to_toml(experiment)
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
        check_figure(experiment, figure)
    assert "\n" not in str(caught.value)


def test_x_is_a_place_for_an_axis_and_asks_for_a_number():
    axes = {"ddof": (0, 1), "samples_per_generation": (9, 99), "dimension": (1, 2)}
    experiment = bad(**axes)
    figure = Figure(x="dimension", hue="generation", generations=(0, 50), rows="ddof")
    with pytest.raises(InputError, match="^figure: workflow has several values"):
        check_figure(experiment, figure)
    experiment = dataclasses.replace(experiment, workflows=("replace",))
    check_figure(experiment, figure)
    check_figure(experiment, dataclasses.replace(figure, x_scale="log"))
    with pytest.raises(InputError, match="^x: anchors has no numbers"):
        Figure(x="anchors").check({"anchors": ["fresh", 0.5]})


def test_an_x_of_one_value_leaves_room_for_generations_only():
    experiment = bad(ddof=(0, 1), samples_per_generation=(9, 99))
    figure = Figure(x="dimension", hue="generation", columns="ddof")
    check_figure(experiment, figure)  # the hue is that of the workflows then
    experiment = dataclasses.replace(experiment, dimension=(1, 2))
    with pytest.raises(InputError, match="^figure: workflow has several values"):
        check_figure(experiment, figure)


def test_a_histogram_is_drawn_over_its_bins_and_nothing_else_is():
    experiment = Charlm(workflows=("replace",))
    figure = Figure(metrics=(HISTOGRAM,), x="row_perplexity", hue="generation")
    figure = dataclasses.replace(figure, generations=(0, 3), x_scale="log")
    check_figure(experiment, figure)
    both = dataclasses.replace(figure, metrics=(HISTOGRAM, "perplexity"))
    with pytest.raises(InputError, match="^metrics: perplexity is not counted by"):
        check_figure(experiment, both)
    with pytest.raises(InputError, match="^x: first_histogram is counted by row_perp"):
        check_figure(experiment, Figure(metrics=(HISTOGRAM,)))
    with pytest.raises(InputError, match="^metrics: the figure shows fit_speed"):
        check_figure(experiment, Figure(metrics=("fit_speed",)))
    check_figure(experiment, Figure(metrics=("fit_loss",)))
    with pytest.raises(InputError, match="^x: unknown 'row_perplexity'"):
        check_figure(experiment, dataclasses.replace(figure, metrics=("perplexity",)))


def test_names_of_published_figures_are_unique():
    stems = []
    for path in PRESETS:
        kind = registry.experiment(path.parent.name)
        stems += [figure.stem(path.stem) for figure in read_declaration(path, kind)[1]]
    assert len(set(stems)) == len(stems)
