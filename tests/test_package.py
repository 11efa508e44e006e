"""What every file of the package promises: typed, documented, short, one version."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import collapse

ROOT = Path(__file__).parent.parent
PACKAGE = Path(collapse.__file__).parent
MAX_LINES = 320
MAX_FUNCTION_LINES = 60  # with signature and docstring: what a screen shows


def undocumented(tree, prefix=""):
    """Public classes, functions and methods without a docstring."""
    for node in getattr(tree, "body", []):
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        if node.name.startswith("_"):
            continue
        if not ast.get_docstring(node):
            yield prefix + node.name
        if isinstance(node, ast.ClassDef):
            yield from undocumented(node, f"{prefix}{node.name}.")


def test_everything_public_has_a_docstring():
    missing = []
    for path in PACKAGE.rglob("*.py"):
        tree, name = ast.parse(path.read_text()), path.relative_to(PACKAGE)
        missing += [f"{name}: {what}" for what in undocumented(tree)]
        missing += [] if ast.get_docstring(tree) else [f"{name}: the module"]
    assert missing == []


def test_a_missing_docstring_would_be_seen():
    source = "def f(): ...\ndef _g(): ...\nclass A:\n  'd'\n  def h(self): ..."
    assert list(undocumented(ast.parse(source))) == ["f", "A.h"]


def test_no_file_holds_two_concepts():
    files = [*PACKAGE.rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    assert len(files) > 10
    lengths = {str(p.relative_to(ROOT)): p.read_text().count("\n") for p in files}
    assert {name: n for name, n in lengths.items() if n > MAX_LINES} == {}


def long_functions(source):
    """Names of functions and methods that do not fit a screen, with their lengths."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            length = node.end_lineno - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                yield f"{node.name}: {length}"


def test_functions_fit_a_screen():
    long = {
        str(path.relative_to(ROOT)): found
        for path in PACKAGE.rglob("*.py")
        if (found := list(long_functions(path.read_text())))
    }
    assert long == {}


def test_a_long_function_would_be_seen():
    body = "    x = 1\n" * (MAX_FUNCTION_LINES - 1)
    assert list(long_functions(f"def f():\n{body}")) == []
    inside = f"class A:\n  def g(self):\n{body}    x = 1\n"
    assert list(long_functions(inside)) == ["g: 61"]


def test_the_package_says_that_it_is_typed():
    assert (PACKAGE / "py.typed").exists()


def test_one_version_everywhere():
    changelog = (ROOT / "CHANGELOG.md").read_text()
    citation = (ROOT / "CITATION.cff").read_text()
    assert re.findall(r"^## \[(\d.*?)\]", changelog, re.M)[0] == collapse.__version__
    assert re.findall(r"^version: (.+)$", citation, re.M) == [collapse.__version__]


def test_importing_the_package_is_instant():
    heavy = "{'jax', 'numpy', 'scipy', 'matplotlib', 'xarray'} & set(sys.modules)"
    code = f"import collapse, sys; print(sorted({heavy}))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.stdout.strip() == "[]", ran.stderr
