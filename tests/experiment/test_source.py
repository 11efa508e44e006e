"""The digest of an experiment depends on a user's own source, wherever it stands."""

import functools
import importlib
import sys

import pytest

from collapse.core.workflows import replace
from collapse.experiment.source import source_digest
from collapse.sims.gaussian import Gaussian

FILES = {
    "own/__init__.py": "",
    "own/families/__init__.py": "",
    "own/families/one.py": """
import functools
import helper
from own.models.scale import SCALE
from elsewhere_own import Base

class One(Base):
    size = 1

def make(num_generations):
    return SCALE

class Maker:
    def __call__(self, num_generations):
        return helper.SIZE
""",
    "own/models/__init__.py": "",
    "own/models/scale.py": "SCALE = 1\n",
    "helper.py": "SIZE = 1\n",
    "other/elsewhere_own.py": "class Base:\n    kind = 1\n",
    "flat_own.py": "import helper\n\ndef make(num):\n    return helper.SIZE\n",
}
MODULES = ("own.families.one", "flat_own")


@pytest.fixture
def digests(tmp_path, monkeypatch):
    """A function: changed files -> digest of each thing of the user's."""
    monkeypatch.syspath_prepend(str(tmp_path / "project"))
    monkeypatch.syspath_prepend(str(tmp_path / "other"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = {*sys.modules}

    def forget():
        for name in {*sys.modules} - before:
            if name.split(".")[0] in ("own", "helper", "elsewhere_own", "flat_own"):
                del sys.modules[name]
        importlib.invalidate_caches()

    def found(**changed):
        forget()
        for name, text in FILES.items():
            home = "" if name.startswith("other") else "project"
            path = tmp_path / home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + changed.get(path.stem, ""))
        one, flat = map(importlib.import_module, MODULES)
        return {
            "class": source_digest(one.One),
            "function": source_digest(one.make),
            "partial": source_digest(functools.partial(one.make, 3)),
            "text": source_digest("own.families.one:make"),
            "object": source_digest(one.Maker()),
            "flat": source_digest(flat.make),
        }

    yield found
    forget()


def test_other_source_is_another_experiment(digests, tmp_path):
    usual = digests()
    assert all(usual.values()) and usual == digests()
    changed = {
        "one": {"class", "function", "partial", "text", "object"},  # the file itself
        "scale": {"class", "function", "partial", "text", "object"},  # of its package
        "elsewhere_own": {"class"},  # what the class inherits from
        "flat_own": {"flat"},
        "helper": {"flat"},  # in the same folder
    }
    for stem, names in changed.items():
        now = digests(**{stem: "\n# changed\n"})
        differ = {name for name in usual if usual[name] != now[name]}
        assert names <= differ, stem
        assert stem != "elsewhere_own" or differ == {"class"}
    (tmp_path / "project" / "notes.py").write_text("never = 'imported'")
    assert usual == digests()


def test_what_is_the_lab_s_has_none():
    assert source_digest(Gaussian, replace, "collapse.core.workflows:replace") == ""
    assert source_digest(None) == ""


def test_a_class_without_a_file_counts_by_its_text(monkeypatch):
    made = {"__name__": "nowhere"}
    exec("class One:\n    size = 1", made)
    assert source_digest(made["One"]) == ""  # a shell does not keep it
    monkeypatch.setattr("inspect.getsource", lambda made: "class One: ...")
    assert len(source_digest(made["One"])) == 64
