"""Notebooks: they run from nothing, show what they print, and hold no logic."""

import ast
import json
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LOGIC = (ast.For, ast.While, ast.If, ast.Try, ast.ClassDef, ast.FunctionDef, ast.Lambda)
OWN_MODEL = "04_your_own_model.ipynb"

named = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem[:2])


def cells(path, kind="code"):
    return [c for c in json.loads(path.read_text())["cells"] if c["cell_type"] == kind]


def source(cell):
    lines = "".join(cell["source"]).splitlines()
    return "\n".join(line for line in lines if not line.startswith("%"))


def test_all_five_are_there():
    assert len(NOTEBOOKS) == 5


@named
def test_it_is_executed_and_small(path):
    assert [c["execution_count"] for c in cells(path)] == list(
        range(1, len(cells(path)) + 1)
    )
    kinds = {
        (o["output_type"], o.get("name")) for c in cells(path) for o in c["outputs"]
    }
    assert kinds <= {
        ("execute_result", None),
        ("display_data", None),
        ("stream", "stdout"),
    }
    assert path.stat().st_size < 600_000
    assert not re.search(r"/home/|/root/|/tmp/|/Users/", path.read_text())


@named
def test_it_holds_no_logic(path):
    nodes = [n for c in cells(path) for n in ast.walk(ast.parse(source(c)))]
    found = [n for n in nodes if isinstance(n, LOGIC)]
    if path.name != OWN_MODEL:
        assert not found
        return
    functions = [n for n in found if not isinstance(n, ast.ClassDef)]
    assert all(isinstance(n, ast.FunctionDef | ast.Lambda) for n in functions)
    assert max(n.end_lineno - n.lineno + 1 for n in functions) <= 15


def test_a_model_of_one_s_own_takes_less_than_thirty_lines():
    (cell,) = [c for c in cells(FOLDER / OWN_MODEL) if "def fit" in source(c)]
    assert len([line for line in source(cell).splitlines() if line.strip()]) < 30


@named
def test_its_links_lead_somewhere(path):
    text = "\n".join(source(c) for c in cells(path, "markdown"))
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert target.startswith("https://") or (FOLDER / target).exists(), target


@pytest.mark.parametrize(
    "path",
    # what 03 and 05 show is what other tests assert
    [
        pytest.param(p, marks=[pytest.mark.slow] * (p.name[:2] in ("02", "03", "05")))
        for p in NOTEBOOKS
    ],
    ids=lambda path: path.stem[:2],
)
def test_it_runs(path, tmp_path):
    """In a kernel of its own and an empty folder, as a reader runs it."""
    pytest.importorskip("ipykernel")
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    book = nbformat.read(path, 4)
    shown = [[o.output_type for o in c.get("outputs", [])] for c in book.cells]
    where = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(
        book, timeout=300, kernel_name="python3", resources=where
    ).execute()
    assert [[o.output_type for o in c.get("outputs", [])] for c in book.cells] == shown
    assert not list(tmp_path.iterdir())
