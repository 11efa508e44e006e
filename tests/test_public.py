"""The public face: what `import collapse` offers, and the command of the same name."""

import subprocess
import sys
import typing

import numpy as np
import pytest

import collapse
from collapse.experiment import registry
from collapse.lab import commands, completion

OWN = '''
import dataclasses
import sys
from typing import Annotated

import jax.numpy as jnp

import collapse
from collapse import Bounds, Model, Problem, Quantity, Task, draws


def model():
    def init(key, rows, weights):
        return jnp.ones((), rows.dtype)

    def fit(key, scale, rows, weights):
        return weights @ rows / weights.sum(), {}

    def sample(key, scale, num):
        return -scale * jnp.log1p(-draws.uniform(key, (num,), scale.dtype))

    return Model(init, fit, sample)


@dataclasses.dataclass(frozen=True)
class Exponential(collapse.Family):
    """The fields of every family and that of the exponential distribution."""

    name = "exponential"
    description = "An exponential distribution trained on its own samples."
    panels = table = ("scale_ratio",)
    catalogue = {"scale_ratio": Quantity("scale", "ratio to truth", 1.0)}

    scale: Annotated[float, Bounds(0, above=True)] = 1.0
    """Scale of the data distribution."""

    def task(self, condition, data):
        own = model()
        truth = jnp.asarray(self.scale)
        metrics = {"scale_ratio": lambda key, scale: scale / truth}
        problem = Problem(lambda key, num: own.sample(key, truth, num), own, metrics)
        return Task(lambda root: problem)


if __name__ == "__main__":
    sys.exit(collapse.main(Exponential))
'''


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    return tmp_path / "own.py"


def test_every_public_name_is_there_with_words_about_it():
    for name in collapse.__all__:
        value = getattr(collapse, name)
        assert name in dir(collapse)
        aliases = typing.get_origin(value) is not None
        assert aliases or isinstance(value, str) or value.__doc__
    assert collapse.workflows.replace().num_slots == 1


def test_an_unknown_name_is_refused_by_name():
    with pytest.raises(AttributeError, match="no attribute 'modle'"):
        collapse.modle  # noqa: B018


def test_families_and_studies_are_told_apart():
    assert {"gaussian", "gmm", "linear", "charlm"} <= set(collapse.families())
    assert "mixing" in collapse.studies()
    assert not set(collapse.families()) & set(collapse.studies())


def test_a_run_by_name_has_a_table_data_and_a_figure():
    run = collapse.run(
        "gaussian", workflows="replace", num_seeds=3, num_generations=2, quick=True
    )
    assert run.table().startswith("generation 2: mean")
    assert run.dataset.variance_ratio.shape == (1, 3, 3)
    assert run.draw(metrics="variance_ratio").axes
    assert "collapse" not in repr(run) and repr(run).startswith("gaussian: ")
    with pytest.raises(collapse.InputError, match="not an experiment"):
        collapse.run(run.experiment, num_seeds=3)


def test_the_command_lists_what_there_is(capsys):
    assert commands.main([]) == 0
    said = capsys.readouterr().out
    for name, kind in registry.experiments().items():
        assert f"  {name} " in said and kind.description in said
    assert commands.main(["--version"]) == 0
    assert capsys.readouterr().out == f"collapse {collapse.__version__}\n"


def test_the_command_is_the_module(capsys):
    for arguments in (["--help"], ["--num-seeds", "0"]):
        for argv in (["-m", "collapse", "gmm"], ["-m", "collapse.sims.gmm"]):
            command = [sys.executable, *argv, *arguments]
            done = subprocess.run(command, capture_output=True, text=True)
            capsys.readouterr()
            assert done.returncode == (2 if "0" in arguments else 0)
            assert ("num_seeds: 0; give" in done.stderr) == ("0" in arguments)


def test_a_command_that_is_none_is_told_its_neighbour(capsys):
    assert commands.main(["gmn"]) == 2
    assert capsys.readouterr().err == "error: gmn: no such command; did you mean gmm?\n"
    assert commands.main(["none.py"]) == 2
    assert "no such file" in capsys.readouterr().err
    assert commands.main(["completion", "csh"]) == 2
    assert "known are bash, zsh, fish" in capsys.readouterr().err


def test_bash_completes_commands_flags_and_choices(tmp_path):
    file = tmp_path / "completion.bash"
    file.write_text(completion.script("bash"))

    def complete(*words):
        line = " ".join(f"'{word}'" for word in words)
        code = f"source {file}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; "
        code += "_collapse; echo ${COMPREPLY[@]}"
        done = subprocess.run(["bash", "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    assert complete("collapse", "g") == ["gaussian", "gmm", "grammar"]
    assert complete("collapse", "gmm", "--num-c") == ["--num-components"]
    assert complete("collapse", "gmm", "--truth", "") == ["rare", "blob"]
    assert "complete -c collapse" in completion.script("fish")


def test_a_family_in_a_file_has_the_whole_command_line(own):
    small = ["--workflows", "replace", "window 2", "--num-seeds", "3", "--quiet"]
    command = [sys.executable, own, *small, "--num-generations", "3", "--out", "a"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (own.parent / "a" / "figure.svg").exists()
    helped = subprocess.run(
        [sys.executable, own, "--help"], capture_output=True, text=True
    )
    assert "Scale of the data distribution." in helped.stdout
    assert "exponential options" in helped.stdout
    bad = subprocess.run(
        [sys.executable, own, "--scale", "0"], capture_output=True, text=True
    )
    assert bad.returncode == 2
    assert bad.stderr == "error: scale: 0; give a number above 0\n"


def test_a_family_in_a_file_runs_by_name_and_from_python(own):
    run = collapse.run(str(own), workflows="replace", num_seeds=2, num_generations=1)
    assert run.dataset.scale_ratio.attrs["units"] == "ratio to truth"
    again = collapse.run(
        type(run.experiment), workflows="replace", num_seeds=2, num_generations=1
    )
    np.testing.assert_array_equal(run.dataset.scale_ratio, again.dataset.scale_ratio)


def test_a_workflow_of_one_s_own_is_named_like_the_others():
    from collapse.core.workflows import window
    from collapse.experiment.workflows import standard

    kind = collapse.WorkflowKind(
        "newest",
        lambda num_generations, size: window(size),
        (collapse.Parameter("size", int, collapse.Bounds(1)),),
        colour="#123456",
        moments=lambda n, num_generations, ddof, size: collapse_theory().window(
            n, size, num_generations, ddof
        ),
    )
    collapse.register(kind)
    try:
        fields = {"num_seeds": 4, "num_generations": 3, "samples_per_generation": 9}
        names = ["window 2", "newest 2"]
        run = collapse.run("gaussian", workflows=names, **fields)
        one, other = (run.dataset.sel(workflow=name) for name in names)
        np.testing.assert_array_equal(one.variance_ratio, other.variance_ratio)
        np.testing.assert_array_equal(
            one.variance_ratio_theory, other.variance_ratio_theory
        )
        assert standard.colour_of("newest 2") == "#123456"
        for text in ("newest", "newest 0", "newest x", "newest 2 3"):
            with pytest.raises(collapse.InputError, match="^workflows: "):
                collapse.run("gaussian", workflows=text, **fields)
        with pytest.raises(collapse.InputError, match="'replace' is taken"):
            collapse.register(collapse.WorkflowKind("replace", "a:b"))
    finally:
        del standard._KINDS["newest"]


def collapse_theory():
    from collapse import theory

    return theory


def test_a_user_s_command_tells_its_own_usage(own):
    """A family, and a file that registers a workflow; by name, and as a module."""
    (own.parent / "flow.py").write_text(
        "import sys\nimport collapse\nsys.exit(collapse.main())\n"
    )

    def usage(*arguments):
        command = [sys.executable, *arguments, "--help"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()[0].removeprefix("usage: ")

    tail = " [FILE.toml] [-h] [OPTIONS]"
    assert usage("own.py") == f"python own.py{tail}"
    assert usage("-m", "own") == f"python -m own{tail}"
    assert usage("flow.py", "gaussian") == f"python flow.py gaussian{tail}"
    assert usage("flow.py") == "python flow.py COMMAND [FILE.toml] [OPTIONS]"
    assert usage("-m", "collapse", "own.py") == f"collapse own.py{tail}"
    in_a_notebook = (
        "import sys, collapse, own; del sys.modules['__main__'].__spec__\n"
        "collapse.main(own.Exponential, ['--help'])"
    )
    assert usage("-c", in_a_notebook) == f"exponential{tail}"
