"""The layers of the package, read from its imports.

Imports point strictly down. Within a layer a module knows no other, but for the
exceptions of `ALLOWED_SIDEWAYS` and `is_shared`.
"""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "collapse"

LAYERS = [
    ["types", "threefry", "streams", "inverse_error", "draws", "theory", "devices"]
    + ["text_copies"],
    ["store", "seeds", "estimators", "comparison", "least_squares", "data"]
    + ["vocabulary", "text_measures"],
    ["workflows", "models", "metrics", "regression"],
    ["loop"],
    ["experiment", "toml", "tables", "texts", "results"]
    + ["layout", "scales", "annotations", "panels", "curves", "maps", "plotting"],
    ["sims"],
]
LEVEL = {unit: level for level, units in enumerate(LAYERS) for unit in units}
PURE = 3  # the highest layer that computes and does nothing else

# module -> those of its own layer that may know it
ALLOWED_SIDEWAYS = {
    "types": {"threefry", "streams", "draws"},  # the vocabulary of all
    "threefry": {"streams", "draws"},  # the generator below both
    "inverse_error": {"draws"},  # what makes normals of uniforms
    "layout": {"experiment", "toml", "results", "scales", "annotations"}
    | {"panels", "curves", "maps", "plotting"},  # what a figure shows
    "experiment": {"toml", "results"},  # what was asked for
    "toml": {"results"},  # the experiment in words
    "tables": {"experiment", "texts"},  # the data it may ask for, and their errors
    "results": {"maps", "plotting"},  # what is drawn
    "scales": {"annotations", "panels", "curves", "maps"},  # the axes of a panel
    "annotations": {"panels", "curves", "plotting"},  # the words around it
    "panels": {"curves", "maps"},  # what both arrange
    "curves": {"plotting"},  # the panels of a figure
    "maps": {"plotting"},
}

FORBIDDEN_BELOW = set(
    "argparse datetime h5netcdf logging matplotlib os pathlib rich shutil subprocess "
    "sys tempfile time tqdm tyro xarray".split()
)
ALLOWED_BELOW = {"devices": {"os"}}  # it asks the machine for its cores
FORBIDDEN_CALLS = {"print", "open", "input", "breakpoint"}


def sources():
    """Dotted name inside the package -> source; a package goes by its own name."""
    names = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        names[".".join(parts)] = path.read_text()
    return names


def unit(module):
    return module.split(".")[0]


def imports(source, modules):
    """(modules of ours, everything else) that a source imports, anywhere in it."""
    ours, others = set(), set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            # `from a import b` imports the module a.b if there is one, else a
            found = [
                name if name.removeprefix("collapse.") in modules else node.module
                for name in full
            ]
        else:
            continue
        for name in found:
            if name == "collapse" or name.startswith("collapse."):
                ours.add(name.removeprefix("collapse").removeprefix("."))
            else:
                others.add(name)
    return ours, others


def is_shared(other, modules):
    """Whether modules of the same package may know `other`.

    All of data/ and theory/; in models/ a part that makes no Model itself; in sims/
    what cannot be run. So a model never knows a model, nor a simulation a simulation.
    """
    source = modules[other]
    if unit(other) == "models":
        names = {node.id for node in ast.walk(ast.parse(source)) if is_name(node)}
        return "." in other and "Model" not in names
    if unit(other) == "sims":
        return "." in other and "__main__" not in source
    return unit(other) in ("data", "theory")


def is_name(node):
    return isinstance(node, ast.Name)


def is_jax(name):
    return name.split(".")[0] == "jax"


def violations(modules):
    """Sentences, one for each import or call that breaks a rule."""
    found = []
    for module, source in modules.items():
        if not module:  # collapse/__init__.py, the lazy front door
            continue
        if unit(module) not in LEVEL:
            found.append(f"{module} belongs to no layer: give it one in LAYERS")
            continue
        ours, others = imports(source, modules)
        found += [
            f"{module} imports {other or 'collapse'}"
            for other in sorted(ours)
            if not may_import(module, other, modules)
        ]
        if LEVEL[unit(module)] <= PURE:
            found += impurities(module, source, others)
        if unit(module) == "theory":  # the independent oracle
            found += [f"theory imports {name}" for name in others if is_jax(name)]
    return found


def may_import(module, other, modules):
    if not other:  # the front door reaches up to the loop
        return LEVEL[unit(module)] > LEVEL["loop"]
    if other not in modules:
        return False
    if LEVEL[unit(other)] != LEVEL[unit(module)]:
        return LEVEL[unit(other)] < LEVEL[unit(module)]
    if unit(other) == unit(module):
        return is_shared(other, modules)
    return module in ALLOWED_SIDEWAYS.get(other, ())


def impurities(module, source, others):
    """Input, output, clocks and paths in a layer that should only compute."""
    forbidden = FORBIDDEN_BELOW - ALLOWED_BELOW.get(module, set())
    found = [
        f"{module} imports {name}"
        for name in sorted(others)
        if name.split(".")[0] in forbidden or name.startswith("jax.debug")
    ]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and is_name(node.func):
            if node.func.id in FORBIDDEN_CALLS:
                found.append(f"{module} calls {node.func.id}")
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "jax.debug":
            found.append(f"{module} uses jax.debug")
    return found


def test_imports_point_down_and_the_core_does_nothing_but_compute():
    assert violations(sources()) == []


def test_every_module_is_read():
    names = sources()
    assert {"", "types", "streams", "models", "sims", "data"} <= set(names)
    ours, others = imports(names["loop"], names)
    assert {"store", "streams", "types"} <= ours and "jax" in others


def fakes():
    """A small package that keeps the rules, for the examples below."""
    model = "from collapse.types import Model\ndef model() -> Model: ..."
    return {
        **dict.fromkeys(("", "types", "streams", "draws", "theory", "devices"), ""),
        **dict.fromkeys(("threefry", "theory.checks", "theory.ridge"), ""),
        **dict.fromkeys(("store", "estimators", "data", "data.designs"), ""),
        **dict.fromkeys(("workflows", "metrics", "models", "models.gmm_em"), ""),
        **dict.fromkeys(("models.gaussian", "models.gmm"), model),
        **dict.fromkeys(("loop", "experiment", "results", "plotting"), ""),
        **dict.fromkeys(("sims", "sims.runner"), ""),
        "sims.gaussian": "if __name__ == '__main__': ...",
    }


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("store", "from collapse.loop import run"),
        ("store", "from collapse import loop"),
        ("store", "import collapse.loop"),
        ("store", "def f():\n    from collapse import loop"),  # lazily
        ("store", "from collapse import run_seeds"),  # by the front door
        ("store", "from collapse import estimators"),  # sideways
        ("metrics", "from collapse.models import gaussian"),
        ("metrics", "from collapse.models.gaussian import log_density"),
        ("workflows", "from collapse.models import gaussian"),
        ("models.gmm", "from collapse import workflows"),
        ("models.gmm", "from collapse.models.gaussian import gaussian"),  # a model
        ("models.gmm", "from collapse import models"),
        ("types", "from collapse import streams"),
        ("results", "from collapse.sims import runner"),
        ("experiment", "from collapse import results"),
        ("sims.gmm", "from collapse.sims import gaussian"),
        ("theory", "import jax.numpy as jnp"),
        ("theory", "from collapse.types import Key"),
        ("theory.ridge", "import jax"),
        ("loop", "import tqdm"),
        ("loop", "import time"),
        ("loop", "import os"),
        ("loop", "from matplotlib import pyplot"),
        ("loop", "print('hello')"),
        ("loop", "import jax\njax.debug.print('hello')"),
        ("data.text", "open('train.txt')"),
        ("data.text", "from pathlib import Path"),
        ("metrics", "import xarray as xr"),
        ("orphan", "import numpy"),
    ],
)
def test_a_broken_rule_is_seen(module, source):
    assert len(violations(fakes() | {module: source})) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("devices", "import os"),
        ("metrics", "from collapse import estimators, draws\nimport numpy as np"),
        ("models.gmm", "from collapse.models.gmm_em import fit"),  # its helper
        ("sims.gmm", "from collapse.sims import runner\nfrom pathlib import Path"),
        ("results", "from collapse import __version__"),
        ("data.text", "from collapse.data import designs\nimport importlib.resources"),
        ("theory", "import numpy as np\nfrom scipy import special"),
        ("theory.ridge", "from collapse.theory.checks import whole"),
        ("plotting", "import matplotlib.pyplot as plt\nprint('hello')"),
    ],
)
def test_what_is_allowed_passes(module, source):
    assert violations(fakes() | {module: source}) == []
