"""The documents: links lead somewhere, commands exist, the examples run as they say."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from calibrated import assert_mean, assert_tells_apart, detectable
from conftest import SEED, X64

import collapse
from collapse import theory
from collapse.experiment.workflows import read, standard
from collapse.lab.conformance.check import RULES

# programs and texts of this file are made once, by one worker
pytestmark = pytest.mark.xdist_group("documents")

ROOT = Path(__file__).parent.parent
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/R*.md")]
DOCUMENTS = sorted(set(DOCUMENTS))
named = pytest.mark.parametrize(
    "path", DOCUMENTS, ids=lambda path: "-".join(path.relative_to(ROOT).parts)[:-3]
)
N, GENERATIONS = 20, 5
PRECISION = "float64" if X64 else "float32"


def broken(path, text=None):
    """Targets of the links and figures of a document that are not there."""
    found = []
    text = path.read_text() if text is None else text
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`+[^`]*`+", "", text)):
        name, _, anchor = target.partition("#")
        file = path.parent / name if name else path
        if re.match(r"[a-z]+:", target):
            continue
        if not file.exists() or (anchor and anchor not in anchors(file)):
            found.append(target)
    return found


def anchors(file):
    """What a link into a document may name: its headings, in small letters."""
    text = re.sub(r"^```.*?^```", "", file.read_text(), flags=re.M | re.S)
    titles = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles}


@named
def test_every_link_leads_somewhere(path):
    assert broken(path) == []


def test_a_broken_link_would_be_seen():
    text = "[a](README.md) [b](nowhere.md) [c](https://example.org) `[d](x)`"
    text += " [e](README.md#install-and-run) [f](README.md#install) [g](#no)"
    wrong = ["nowhere.md", "README.md#install", "#no"]
    assert broken(ROOT / "CONTRIBUTING.md", text) == wrong


@named
def test_every_module_and_declaration_that_is_named_exists(path):
    text = path.read_text()
    for module in re.findall(r"python -m (collapse[\w.]*\w)(?![\w<])", text):
        if module != "collapse.sims":  # followed by <module>
            assert importlib.util.find_spec(module), module
    for file in re.findall(r"sims/\w+/\w+\.toml", text):
        assert (ROOT / file).is_file(), file


def test_the_front_page_is_short_and_keeps_its_two_commands():
    text = (ROOT / "README.md").read_text()
    assert text.count("\n") < 150
    for command in (
        "pip install -e . && python -m collapse.sims.gmm",
        'pip install -e ".[test]" && pytest',
    ):
        assert f"```bash\n{command}\n```" in text


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The examples of docs/howto/own_family.md as files, the workflow registered."""
    text = (ROOT / "docs/howto/own_family.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.S)
    folder = tmp_path_factory.mktemp("own")
    found = {}
    for name, block in zip(("my_family", "fade"), blocks, strict=True):
        found[name] = folder / f"{name}.py"
        found[name].write_text(block)
    spec = importlib.util.spec_from_file_location("_fade", found["fade"])
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    yield found
    del standard._KINDS["fade"]
    sys.modules.pop("_collapse_my_family", None)


def test_the_family_of_the_document_agrees_with_its_theory(files):
    run = collapse.run(
        str(files["my_family"]),
        num_seeds=20_000,
        num_generations=GENERATIONS,
        seed=SEED,
        samples_per_generation=N,
        workflows=["replace", "fixed_budget", "mix 0.2 fixed", "fade 0.5"],
    )
    last = run.dataset.isel(generation=-1)
    assert run.dataset.finite.all()
    for label in run.experiment.labels():
        scale = last.scale_ratio.sel(workflow=label).values
        right = last.scale_ratio_theory.sel(workflow=label).item()
        assert_tells_apart(scale, right, wrong=N / (N - 1))  # the wrong divisor, once
    # after two fits, where squares are not yet skewed; the control is that of one
    second = run.dataset.sel(workflow="replace", generation=1)
    right = second.scale_error_theory.item()
    assert_tells_apart(second.scale_error.values, right, wrong=1 / N)


def test_the_family_of_the_document_is_a_model_of_mixing(files):
    run = collapse.run("mixing", quick=True, model=str(files["my_family"]))
    assert run.dataset.finite.all() and {"best", "late_scale_error"} <= {*run.dataset}


def test_the_workflow_of_the_document_lies_between_two_standard_ones(files):
    for text, limit in (("fade 0", theory.replace), ("fade 1", theory.accumulate)):
        own = read(text).moments(N, GENERATIONS)
        np.testing.assert_allclose(own, limit(N, GENERATIONS, 0), rtol=1e-12)
    assert read("fade 0.5").moments(N, GENERATIONS, ddof=1) is None


def test_the_workflow_of_the_document_agrees_with_its_theory(files):
    run = collapse.run(
        "gaussian",
        num_seeds=2000,
        num_generations=GENERATIONS,
        seed=SEED,
        dimension=4,
        samples_per_generation=N,
        workflows=["fade 0.5"],
        metrics="mean_error",
    )
    last = run.dataset.isel(generation=-1, workflow=0)
    wrong = theory.replace(N, GENERATIONS, 0).mean_error[-1]
    right = last.mean_error_theory.item()
    assert_tells_apart(last.mean_error.values, right, wrong)


@pytest.fixture(scope="module")
def examples():
    """What docs/howto/python.md defines, from its model of one's own on."""
    text = (ROOT / "docs/howto/python.md").read_text()
    names = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.S)[1:]:
        exec(block, names)
    return names


def test_the_controller_of_the_document_agrees_with_what_it_says(examples):
    """It keeps the scale, which the workflow that it starts from loses."""
    scale, share = examples["scale"], examples["share"]
    assert scale.shape == share.shape == (200, 51)
    assert ((share >= 0) & (share <= 1)).all()
    drift = abs(np.log(np.asarray(scale, float)))
    np.testing.assert_allclose(  # a share follows from the one before and the scale
        share[:, 1:],
        np.clip(share[:, :-1] + 0.5 * (drift[:, 1:] - 0.05), 0, 1),
        atol=1e-6,
    )
    lost = abs(np.log(examples["measured"].scale.sel(workflow="replace").values))
    gain = lost[:, -1] - drift[:, -1]
    assert detectable(gain) < gain.mean()  # so that no gain is ruled out
    with pytest.raises(AssertionError):
        assert_mean(gain, 0)
    lines = (ROOT / "docs/howto/python.md").read_text().split("def held(root):")[1]
    body = lines.split("```")[0].strip().splitlines()
    assert len([line for line in body if line.strip()]) <= 12


def test_the_curator_of_the_document_agrees_with_what_it_says(examples):
    """The smaller half of 2 n exponential rows has a mean of c times their scale."""
    selected, control = (
        np.asarray(examples[name].metrics["scale"], float)
        for name in ("selected", "unselected")
    )
    assert selected.shape == control.shape == (200, 21)
    assert_tells_apart(control[:, -1], 1.0, 0.8)
    # the i-th smallest of 100 has the mean of 1/100 + ... + 1/(101 - i)
    c = np.cumsum(1 / np.arange(100, 50, -1)).mean()
    steps = np.arange(1, 21)
    right = np.prod((steps + c) / (steps + 1))
    assert_tells_apart(selected[:, -1], right, 1.2 * right)
    assert round(right, 2) == 0.14
    told = examples["selected"].info
    np.testing.assert_allclose(np.asarray(told["kept_share"])[:, 1:], 0.5)
    assert (np.asarray(told["effective_share"]) == 1).all()


def test_the_fit_by_scipy_of_the_document_agrees_with_itself(examples):
    """Its callback runs in every seed and workflow, which begin alike."""
    data = examples["by_scipy"].scale
    assert data.shape == (2, 8, 4) and np.isfinite(data).all()
    first = data.isel(generation=0)
    np.testing.assert_allclose(*first, rtol=1e-6)
    assert len(np.unique(first)) >= 8
    report = collapse.check_model(
        examples["gumbel"].model, examples["gumbel"].draw, tolerance=1e-6
    )
    assert not report.skipped


def test_every_rule_of_check_model_is_in_the_document():
    text = (ROOT / "docs/howto/python.md").read_text()
    assert re.findall(r"^\| ([a-z0-9 ]+) \|", text, re.M)[1:][: len(RULES)] == [*RULES]


def test_each_model_of_the_documents_agrees_with_every_rule(examples, files):
    """Those of python.md and own_family.md, of CONTRIBUTING.md and of notebook 04."""
    contributed, family, laplace = {}, {"__name__": "_own"}, {}
    text = (ROOT / "CONTRIBUTING.md").read_text()
    exec(re.findall(r"```python\n(.*?)```", text, re.S)[0], contributed)
    exec(files["my_family"].read_text(), family)
    book = json.loads((ROOT / "notebooks/04_your_own_model.ipynb").read_text())
    code = ["".join(c["source"]) for c in book["cells"] if c["cell_type"] == "code"]
    exec("\n".join(code[:3]).replace("%matplotlib inline", ""), laplace)
    exponential, real = contributed["exponential"](), family["sample"]
    dtype = np.float64 if X64 else np.float32
    models = [
        (examples["model"], examples["problem"].draw),
        (exponential, lambda key, num: exponential.sample(key, dtype(1), num)),
        (family["MODEL"], lambda key, num: real(key, np.ones(1, dtype), num)),
        (laplace["model"], laplace["make_problem"](None).draw),
    ]
    with jax.numpy_dtype_promotion("standard"):
        for model, draw in models:
            report = collapse.check_model(model, draw, precision=PRECISION)
            assert report.ok and not report.skipped
