"""The command for pretrained models, as far as it goes without torch or a model."""

import subprocess
import sys

import pytest

from collapse.data.errors import InputError
from collapse.experiment import registry
from collapse.figures.check import check as check_figure
from collapse.figures.declaration import read_declaration
from collapse.lab import commands, declarations
from collapse.lab import run as runner
from collapse.lab.reproduce.entries import chosen, entries
from collapse.measures import catalogue
from collapse.sims.hf import Hf, extra
from collapse.sims.hf.checks import check_positions

PUBLISHED = {path.stem: path for path in declarations.needing()}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of a model, as far as names go."""
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "model"
    place.mkdir()
    (place / "config.json").write_text("{}")
    (place / "model.safetensors").write_bytes(b"weights")
    return place


def test_help_imports_no_torch():
    """Nor anything else of the extra."""
    code = (
        "import sys; from collapse.lab.commands import main\n"
        "try: main(['hf', '--help'])\n"
        "except SystemExit: pass\n"
        "print({'torch', 'transformers', 'peft', 'jax'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "--lora-rank" in done.stdout and done.stdout.endswith("\nset()\n")


@pytest.mark.parametrize(
    ("there", "arguments", "said"),
    [
        ((), (), "torch and transformers are not installed"),
        (("torch",), (), "transformers is not installed"),
        (("torch", "transformers"), ("--lora-rank", "2"), "peft is not installed"),
        (("torch", "transformers"), ("--device", "split"), "accelerate is not inst"),
    ],
)
def test_missing_packages_are_named(
    folder, monkeypatch, capsys, there, arguments, said
):
    monkeypatch.setattr(extra, "exists", lambda name: name in there)
    before = sorted(folder.parent.rglob("*"))
    assert runner.main(Hf, ["--model", str(folder), *arguments]) == 2
    printed = capsys.readouterr().err
    assert f"error: hf: {said}" in printed and printed.count("\n") == 1
    assert printed.endswith("; run pip install 'model-collapse-lab[hf]'\n")
    assert sorted(folder.parent.rglob("*")) == before


def test_folders_without_a_model_are_refused(folder, capsys):
    def said(*arguments):
        assert runner.main(Hf, arguments) == 2
        printed = capsys.readouterr().err
        assert printed.startswith("error: model: ") and printed.count("\n") == 1
        return printed

    assert "none given; name a folder" in said()
    assert "is a file; give the folder" in said("--model", "model/config.json")
    assert "./models: no such folder" in said("--model", "./models")
    (folder / "model.safetensors").unlink()
    assert "model has no weights (*.safetensors" in said("--model", "model")
    (folder / "config.json").unlink()
    assert "model has no config.json" in said("--model", "model")


def test_other_files_are_another_model(folder):
    first = extra.fingerprint("model")
    assert first == extra.fingerprint(str(folder)) != extra.fingerprint("other")
    (folder / "model.safetensors").write_bytes(b"weighed")
    second = extra.fingerprint("model")
    (folder / "README.md").write_text("no part of it")
    assert len({first, second}) == 2 and second == extra.fingerprint("model")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"beams": 2, "top_k": 3}, "beams: beam search takes the most likely text"),
        ({"beams": 2, "workflows": ("replace_multiple",)}, "workflows: replace_multip"),
        ({"temperature": (0.0,), "workflows": ("replace_growing 2",)}, "the same rows"),
        ({"epochs": 0.0}, "epochs: 0 trains nothing"),
        ({"precision": "float64"}, "precision: the lab's part runs in float32"),
        ({"snapshots": (0,)}, "snapshots: texts of all generations are kept"),
        ({"block": 2}, "block: 2; give a number from 4"),
    ],
)
def test_fields_that_contradict_are_refused(fields, said):
    with pytest.raises(InputError, match=said):
        Hf(model="model", **fields).resolved(100, 64).check()


def test_rows_have_to_fit_a_model_s_context():
    text, responses = Hf(block=64), Hf(learn="responses", length=512)
    check_positions(text, None)
    check_positions(text, 128)
    check_positions(responses, 512)
    with pytest.raises(InputError, match="^block: .* give at most 63$"):
        check_positions(text, 127)
    with pytest.raises(InputError, match="^length: 512 tokens, but .* takes 511"):
        check_positions(responses, 511)


def test_no_study_takes_it_and_it_is_listed(capsys):
    assert "hf" in registry.experiments() and "hf" in registry.alone()
    assert "hf" not in {*registry.families(), *registry.studies()}
    assert commands.main(["mixing", "--model", "hf"]) == 2
    assert "model: hf is no family that a study can take" in capsys.readouterr().err


def test_its_metrics_are_known_and_speak_for_aspects_of_collapse():
    known = Hf().known_metrics()
    assert set(known) <= set(catalogue.EVERY)
    told = {name: Hf().quantity(name) for name in known}
    leading = {"error": "test_loss", "tails": "tail_mass_10pct"}
    leading |= {"support": "word_survival", "hallucination": "hallucinated_share"}
    for aspect, name in leading.items():
        assert catalogue.leading(aspect, told) == name


def test_published_settings_can_be_read_and_say_what_they_need(monkeypatch):
    """They are no part of `reproduce --all`."""
    monkeypatch.setattr(Hf, "measured", Hf.known_metrics)  # else it looks at the text
    assert set(PUBLISHED) == {"instruction_tuning", "beams", "beams_kept"}
    every = entries()
    assert not {entry.stem for entry in every} & set(PUBLISHED)
    for stem, path in PUBLISHED.items():
        experiment, figures = read_declaration(path, Hf)
        experiment.resolved(10**6, experiment.block).check()
        for figure in figures:
            check_figure(experiment, figure)
            assert figure.cites and figure.title and figure.caption
        assert declarations.found(stem, Hf) == path
        with pytest.raises(
            InputError, match=f"{stem} needs a GPU.* collapse hf {stem}"
        ):
            chosen([stem], every)
    kazdan = read_declaration(PUBLISHED["instruction_tuning"], Hf)[0]
    assert kazdan.batch_size * kazdan.accumulation == 128
    assert (kazdan.learning_rate, kazdan.length, kazdan.num_generations) == (
        *(8e-6, 512, 19),
    )


def test_what_a_declaration_needs_is_text(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text("needs = 3\n")
    with pytest.raises(InputError, match="needs must be text in quotes"):
        read_declaration(path, Hf)
