"""The rooms of the package, read from its imports.

Imports point strictly down the list `LEVELS`, and so do modules that are named in text
and loaded late. Within a room modules may know each other as long as there is no
circle. The few imports that point elsewhere are named with their reason in
`EXCEPTIONS`.
"""

import ast
import graphlib
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "collapse"

# From the bottom up. Rooms of one level do not know each other.
LEVELS = [
    {"numerics", "theory"},
    {"core", "data"},
    {"models", "measures"},
    {"experiment"},
    {"figures"},
    {"lab"},
    {"sims"},
]
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}
PURE = {"numerics", "theory", "core", "models", "measures"}  # compute, nothing else

# (module, module it imports from a room that is not below its own) -> why
EXCEPTIONS = {
    ("experiment.registry", "sims"): "it lists the folders of this room, none by name",
}
NAMED = re.compile(r"(collapse(?:\.\w+)+)(?::\w+)?")  # a module in text, to be loaded

FORBIDDEN_IN_PURE = set(
    "argparse datetime h5netcdf logging matplotlib os pathlib rich shutil subprocess "
    "sys tempfile time tqdm tyro xarray".split()
)
ALLOWED_IN_PURE = {"core.devices": {"os"}}  # it asks the machine for its cores
FORBIDDEN_CALLS = {"print", "open", "input", "breakpoint"}
FRONT_DOORS = {"", "__main__", "plotting"}  # the public face, and commands at the root


def sources():
    """Dotted name inside the package -> source; a package goes by its own name."""
    names = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        names[".".join(parts)] = path.read_text()
    return names


def room(module):
    return module.split(".")[0]


def imports(source, modules, late=True):
    """(modules of ours, everything else) that a source imports, anywhere in it.

    With `late` also those that it names in text.
    """
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
        elif late and isinstance(node, ast.Constant) and isinstance(node.value, str):
            match = NAMED.fullmatch(node.value)
            found = [match[1]] if match else []
        else:
            continue
        for name in found:
            if name == "collapse" or name.startswith("collapse."):
                ours.add(name.removeprefix("collapse").removeprefix("."))
            else:
                others.add(name)
    return ours, others


def violations(modules):
    """Sentences, one for each import or call that breaks a rule."""
    found = []
    for module, source in modules.items():
        if module in FRONT_DOORS:
            continue
        if room(module) not in LEVEL:
            found.append(f"{module} belongs to no room: add it to LEVELS")
            continue
        ours, others = imports(source, modules)
        found += [
            f"{module} imports {other or 'collapse'}"
            for other in sorted(ours)
            if not may_import(module, other, modules)
        ]
        if room(module) in PURE:
            found += impurities(module, source, others)
        if room(module) == "theory":  # the independent oracle
            found += [f"theory imports {name}" for name in others if is_jax(name)]
    return found


def may_import(module, other, modules):
    if other in FRONT_DOORS:
        return LEVEL[room(module)] > LEVEL["core"]
    if (module, other) in EXCEPTIONS:
        return True
    if other not in modules or room(other) not in LEVEL:
        return False
    if room(other) == room(module):
        return not is_rival(module, other)
    return LEVEL[room(other)] < LEVEL[room(module)]


def is_rival(module, other):
    """A model knows no other model, and a family no other family."""
    own, its = module.split("."), other.split(".")
    apart = room(module) in ("models", "sims") and len(own) > 1 and len(its) > 1
    return apart and own[1] != its[1]


def circles(modules):
    """Modules that import each other in a circle; empty if there is none."""
    graph = {
        module: {o for o in imports(source, modules, False)[0] if o in modules and o}
        for module, source in modules.items()
        if module not in FRONT_DOORS
    }
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def is_jax(name):
    return name.split(".")[0] == "jax"


def impurities(module, source, others):
    """Input, output, clocks and paths in a room that should only compute."""
    allowed = ALLOWED_IN_PURE.get(module, set())
    found = [
        f"{module} imports {name}"
        for name in sorted(others)
        if name.split(".")[0] in FORBIDDEN_IN_PURE - allowed
    ]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in FORBIDDEN_CALLS:
                found.append(f"{module} calls {node.func.id}")
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "jax.debug":
            found.append(f"{module} uses jax.debug")
    return found


def test_imports_point_down_and_pure_rooms_do_nothing_but_compute():
    assert violations(sources()) == []


def test_no_imports_go_in_a_circle():
    assert circles(sources()) == []


def test_every_exception_has_a_reason_and_is_needed():
    modules = sources()
    for (module, other), reason in EXCEPTIONS.items():
        assert len(reason.split()) > 3
        assert other in imports(modules[module], modules)[0], (module, other)
    assert len(EXCEPTIONS) < 10


def test_every_module_is_read():
    names = sources()
    assert {"", "core.types", "core.streams", "models", "sims", "data"} <= set(names)
    ours, others = imports(names["core.loop"], names)
    assert {"core.store", "core.learning", "core.types"} <= ours and "jax" in others


def fakes():
    """A small package that keeps the rules, for the examples below."""
    model = "from collapse.core.types import Model\ndef model() -> Model: ..."
    names = (
        "numerics.draws numerics.estimators theory theory.checks theory.ridge "
        "data data.designs "
        "core.types core.streams core.store core.loop core.workflows core.devices "
        "measures.metrics models models.gmm models.gmm.em "
        "experiment.base experiment.results figures.draw lab.run sims sims.gaussian"
    ).split()
    return {
        **dict.fromkeys(("", *names), ""),
        **dict.fromkeys(("models.gaussian", "models.gmm.model"), model),
    }


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("core.store", "from collapse.models.gaussian import gaussian"),
        ("core.store", "from collapse import models"),
        ("core.store", "import collapse.models"),
        ("core.store", "def f():\n    from collapse.measures import metrics"),
        ("core.store", "from collapse import run_seeds"),  # by the front door
        ("core.store", "load('collapse.models.gaussian')"),
        ("experiment.base", "find('collapse.lab.run:main')"),
        ("numerics.draws", "from collapse.core import types"),
        ("data.designs", "from collapse.core import types"),  # sideways
        ("measures.metrics", "from collapse.models import gaussian"),
        ("measures.metrics", "from collapse.models.gaussian import log_density"),
        ("core.workflows", "from collapse.models import gaussian"),
        ("models.gmm.model", "from collapse.measures import metrics"),
        ("models.gmm.model", "from collapse.models.gaussian import gaussian"),
        ("models.gaussian", "from collapse.models.gmm import em"),
        ("experiment.results", "from collapse.lab import run"),
        ("experiment.base", "from collapse.figures import draw"),
        ("sims.gmm", "from collapse.sims import gaussian"),
        ("theory", "import jax.numpy as jnp"),
        ("theory", "from collapse.core.types import Key"),
        ("theory.ridge", "import jax"),
        ("core.loop", "import tqdm"),
        ("core.loop", "import time"),
        ("core.loop", "import os"),
        ("core.loop", "from matplotlib import pyplot"),
        ("core.loop", "print('hello')"),
        ("core.loop", "import jax\njax.debug.print('hello')"),
        ("measures.metrics", "import xarray as xr"),
        ("orphan", "import numpy"),
    ],
)
def test_a_broken_rule_is_seen(module, source):
    assert len(violations(fakes() | {module: source})) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("core.devices", "import os"),
        ("measures.metrics", "from collapse.numerics import estimators"),
        ("models.gmm.model", "from collapse.models.gmm.em import fit"),
        ("sims.gmm", "from collapse.lab import run\nfrom pathlib import Path"),
        ("experiment.results", "from collapse import __version__"),
        ("data.text", "from collapse.data import designs\nimport importlib.resources"),
        ("theory", "import numpy as np\nfrom scipy import special"),
        ("theory.ridge", "from collapse.theory.checks import whole"),
        ("figures.draw", "import matplotlib.pyplot as plt\nprint('hello')"),
    ],
)
def test_what_is_allowed_passes(module, source):
    assert violations(fakes() | {module: source}) == []


def test_a_circle_is_seen():
    there = "from collapse.core import store"
    back = "from collapse.core import loop"
    assert circles(fakes() | {"core.loop": there, "core.store": back})
