"""Mistakes in a file of a user's own: one line that names them, and nothing left."""

import contextlib
import importlib.util
import re
from pathlib import Path

import pytest

import collapse
from collapse.data.errors import InputError
from collapse.experiment.workflows import standard
from collapse.lab import commands, session
from collapse.lab import run as runner
from collapse.sims.gaussian import Gaussian

TEXT = (Path(__file__).parents[2] / "docs/howto/own_family.md").read_text()
FAMILY, WORKFLOW = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)[:2]
SMALL = "--num-seeds 2 --num-generations 5 --workflows replace --quiet".split()
FIT = "return weights @ batch / jnp.sum(weights), {}"
LINE = FAMILY[: FAMILY.index(FIT)].count("\n") + 1
MEASURED = "{name: every[name] for name in condition.experiment.measured()}"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """Run in an empty folder, without touching how jax is set up."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "configured", lambda *_: contextlib.nullcontext())


def complaint(capsys, *arguments):
    assert commands.main([*arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1
    return said.removeprefix("error: ")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            FIT,
            "return jnp.tile(weights @ batch / jnp.sum(weights), 2), {}",
            "fit: of 100 rows gives params [2], of which sample makes [100, 2], but "
            "real rows are [100, 1]",
        ),
        (FIT, FIT.replace(", {}", ""), "fit: gives an array; it must return (params, "),
        (
            FIT,
            "return (weights @ batch, 2.0), {}",
            "fit: params[1] is a float, 2.0; give arrays: jnp.asarray(",
        ),
        (
            FIT,
            "return 2.0, {}",
            "fit: params is a float, 2.0; give arrays: jnp.asarray(",
        ),
        (FIT, FIT.replace("batch", "batch.T"), f"see own.py line {LINE}"),
        (
            '        "scale_error": coll',
            '        "median": collapse.Quantity("median", "", 1.0),\n'
            '        "scale_error": coll',
            "task: no metric median, which the catalogue names; add it",
        ),
        (
            MEASURED,
            '{"scale_ratio": every["scale_ratio"]}',
            "task: no metric scale_error, which the catalogue names; add it",
        ),
        (
            "jnp.mean(params / truth),",
            "params / truth,",
            "task: metric scale_ratio has shape (1,); give one number",
        ),
        (
            "np.ones(len(fits))",
            "np.ones(3)",
            "theory: scale_ratio has 3 values; give one a generation, G + 1 = 6",
        ),
        ('found = {"scale', 'found = {"scal', "theory: unknown metric 'scal_ratio'"),
        (
            '    name: ClassVar[str] = "exponential"\n',
            "",
            'name: Exponential has none; write name: ClassVar[str] = "exponential"',
        ),
        ('"exponential"', '"gmm"', "name: 'gmm' is a command of the lab; name Expon"),
        ('("scale_ratio", ', '("scale", ', "panels: unknown metric 'scale'; known are"),
        (
            "@dataclasses.dataclass(frozen=True)\n",
            "",
            "Exponential: is not a dataclass; write @dataclasses.dataclass(frozen=",
        ),
        (
            "collapse.Bounds(0, above=True)]",
            'collapse.Only("dat", ("",))]',
            "scale: Exponential has no field 'dat', which scale depends on",
        ),
        (
            "import dataclasses\n",
            "import sys\nsys.exit(3)\n",
            "own.py ends python when it is imported (own.py line 4); write if __name",
        ),
        (
            "import dataclasses\n",
            "x = 1 / 0\n",
            "own.py cannot be imported (division by zero); see own.py line 3",
        ),
    ],
)
def test_a_mistake_is_told_in_one_line_and_leaves_nothing(
    tmp_path, capsys, before, after, said
):
    assert before in FAMILY
    (tmp_path / "own.py").write_text(FAMILY.replace(before, after, 1))
    assert said in complaint(capsys, "own.py", *SMALL, "--publish", "figures")
    assert {path.name for path in tmp_path.iterdir()} <= {"own.py", "__pycache__"}


WEIGHED = "jnp.where(origin >= 0, rate**age, 0).reshape(-1)"


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ("(rate**age).reshape(-1)", "gives an empty position (origin -1) the weight"),
        (f"-{WEIGHED}", "gives the weight -1 in generation 0; give finite weights"),
        (f"0 * {WEIGHED}", "gives all rows weight 0 in generation 0; give some"),
        (f"{WEIGHED}[:3]", "gives weights [3] for [6"),
        ("1 / 0", "ZeroDivisionError: division by zero; see fade.py line "),
    ],
)
@pytest.mark.parametrize("learner", ["discrete", "own.py"])
def test_weights_that_cannot_be_are_refused(
    tmp_path, capsys, monkeypatch, after, said, learner
):
    """By every command, as by compare, before a folder is made."""
    monkeypatch.setattr(standard, "_KINDS", {**standard._KINDS})
    (tmp_path / "own.py").write_text(FAMILY)
    (tmp_path / "fade.py").write_text(WORKFLOW.replace(WEIGHED, after, 1))
    spec = importlib.util.spec_from_file_location("_fade", tmp_path / "fade.py")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    asked = ["--workflows", "fade 0.5", "--samples-per-generation", "100"]
    found = complaint(capsys, learner, *SMALL[:4], "--quiet", *asked)
    assert found.startswith("workflows: fade 0.5: weigh") and said in found
    assert not (tmp_path / "results").exists()


def test_a_mistake_in_the_model_of_a_study_is_told_as_well(tmp_path, capsys):
    (tmp_path / "own.py").write_text(FAMILY.replace(FIT, FIT.replace(", {}", "")))
    said = complaint(capsys, "mixing", "--model", "own.py", *SMALL[:4])
    assert said.startswith("fit: gives an array; it must return (params, dict)")
    assert not (tmp_path / "results").exists()


@pytest.mark.filterwarnings("ignore:draw. gives the same rows")
def test_a_fit_that_ignores_weights_is_warned_of(tmp_path, capsys):
    """By the command, unless it is to be quiet, and from Python; and a key ignored."""
    careless = FAMILY.replace(FIT, "return jnp.mean(batch, axis=0), {}", 1)
    (tmp_path / "own.py").write_text(careless)
    said = "fit: rows of weight 0 have an influence: params[0] is "
    assert commands.main(["own.py", *SMALL[:-1], "--out", "a"]) == 0
    assert f"warning: {said}" in capsys.readouterr().err
    assert commands.main(["own.py", *SMALL, "--out", "b"]) == 0
    assert said not in capsys.readouterr().err
    keyless = FAMILY.replace("draws.uniform(key,", "draws.uniform(KEY,", 1)
    keyless = keyless.replace(
        "def fit(", "import jax\nKEY = jax.random.key(0)\n\ndef fit("
    )
    (tmp_path / "own.py").write_text(keyless)
    fields = {"num_seeds": 2, "num_generations": 2, "workflows": "replace"}
    with pytest.warns(
        RuntimeWarning, match="sample: gives the same rows for every key"
    ):
        collapse.run("own.py", **fields)


@pytest.mark.parametrize("name", ["late", "bias", "price"])
def test_a_field_that_a_study_has_too_is_refused(tmp_path, capsys, name):
    """Else the option of the command would set one of the two, silently."""
    text = FAMILY.replace("scale: Annotated", f"{name}: Annotated")
    (tmp_path / "own.py").write_text(text.replace("self.scale", f"self.{name}"))
    (tmp_path / "own.toml").write_text(f'[model]\nname = "own.py"\n{name} = 2.0\n')
    said = (
        f"model: own.py has a field {name}, as mixing has; rename that of the model\n"
    )
    for arguments in (["--model", "own.py"], ["--model=own.py"], ["own.toml"]):
        assert complaint(capsys, "mixing", *arguments) == said
    with pytest.raises(InputError, match=f"has a field {name}"):
        collapse.run("mixing", model="own.py")
    assert {path.suffix for path in tmp_path.iterdir()} <= {".py", ".toml", ""}
    assert commands.main(["own.py", f"--{name}", "2", "--publish", "a", *SMALL]) == 0


def test_a_field_that_every_command_has_is_refused(tmp_path, capsys):
    text = FAMILY.replace("scale: Annotated", "out: Annotated")
    (tmp_path / "own.py").write_text(text.replace("self.scale", "self.out"))
    for arguments in (["own.py"], ["mixing", "--model", "own.py"]):
        said = complaint(capsys, *arguments, "--out", "2")
        assert said.startswith("out: a field of exponential, and an option of every")


def test_a_file_without_a_family_is_told_what_it_may_be(tmp_path, capsys):
    (tmp_path / "fade.py").write_text("import collapse\n")
    said = complaint(capsys, "fade.py", "gaussian")
    assert said.startswith("fade.py defines no family; ")
    assert "python fade.py gaussian ..." in said
    said = complaint(capsys, "mixing", "--model", "fade.py")
    assert said.startswith("model: fade.py defines no family; ")


def failing(error):
    def fail(*_):
        raise error

    return fail


def test_what_fails_before_the_first_save_leaves_no_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(Gaussian, "task", failing(ZeroDivisionError("mine")))
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            runner.main(Gaussian, SMALL)
        assert not any(tmp_path.iterdir())


def test_no_memory_is_told_in_one_line(tmp_path, monkeypatch, capsys):
    from jax.errors import JaxRuntimeError

    said = "RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes.\nmore"
    for error in (JaxRuntimeError(said), MemoryError()):
        monkeypatch.setattr(Gaussian, "task", failing(error))
        complained = complaint(capsys, "gaussian", *SMALL)
        size = "Out of memory allocating 9 bytes"
        what = "no room for an array" if isinstance(error, MemoryError) else size
        assert complained.startswith(f"out of memory: {what}; give fewer samples")
        assert not any(tmp_path.iterdir())
    monkeypatch.setattr(Gaussian, "task", failing(JaxRuntimeError("INTERNAL: x")))
    with pytest.raises(JaxRuntimeError):
        runner.main(Gaussian, SMALL)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "family: None; give a name"),
        (3, "family: 3; give a name"),
        (int, "family: <class 'int'>; give a name"),
        ("none", "family: unknown 'none'; known are"),
    ],
)
def test_what_is_no_family_is_refused_from_python(given, said):
    with pytest.raises(InputError, match=re.escape(said)):
        collapse.run(given)
    with pytest.raises(InputError, match="family: Family is what families derive"):
        collapse.run(collapse.Family)
    with pytest.raises(InputError, match="quick: 'yes'; give True or False"):
        collapse.run("gaussian", quick="yes")
